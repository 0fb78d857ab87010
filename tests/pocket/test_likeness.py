"""How much pictures look like drawings: drawings do most, and the more is wrong with them the less."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

torch = pytest.importorskip("torch")

from pocket import likeness  # noqa: E402
from pocket.judge import load_judge  # noqa: E402

JUDGE = Path(__file__).parents[2] / "pocket" / "weights" / "judge.safetensors"
FEW = 24


def smeared(pixels: np.ndarray, much: float) -> np.ndarray:
    """Pictures whose lines have run."""
    return np.stack(
        [np.asarray(Image.fromarray(one).filter(ImageFilter.GaussianBlur(much))) for one in pixels]
    )


def test_drawings_look_most_like_drawings_and_smeared_ones_the_less_the_more_they_are_smeared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(likeness, "DRAWINGS", 60)
    judge, some = load_judge(JUDGE), likeness.drawings(FEW, 1_000)
    clean, little, much = (
        likeness.unlike_drawings(judge, one) for one in (some, smeared(some, 2.0), smeared(some, 5.0))
    )
    assert clean[0] < little[0] / 1.5 < much[0] / 2
    assert clean[1] == little[1] == much[1], "what other drawings reach does not hang on the pictures"
    assert clean[0] < 2 * clean[1]


def test_what_a_few_cells_have_wrong_is_seen() -> None:
    dice = torch.Generator().manual_seed(1)
    a, b = (torch.randn(4_000, 20, generator=dice) for _ in range(2))
    spoilt = torch.where(torch.rand(4_000, 1, generator=dice) < 0.1, b + 3, b)
    assert abs(likeness.apart(a, b)) < 0.005 < likeness.apart(a, spoilt)


def test_every_cell_of_a_picture_is_a_point_wherever_the_picture_is_from() -> None:
    judge, some = load_judge(JUDGE), likeness.drawings(2, 5)
    points = likeness.cells(judge, some)
    assert len(points) == 2 * likeness.CELLS**2
    assert torch.allclose(
        likeness.cells(judge, some[::-1])[: len(points) // 2], points[len(points) // 2 :], atol=1e-4
    )
