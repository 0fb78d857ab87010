"""The committed weights load everywhere and show what a prompt says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

WEIGHTS = Path(__file__).parents[2] / "pocket" / "weights"
LARGEST, ALTOGETHER = 9_000_000, 44_000_000
torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(not (WEIGHTS / "model_index.json").exists(), reason="no weights yet")


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    """One picture for each of a few prompts."""
    from pocket.painter import load_painter

    prompts = [
        "a red heart in a meadow",
        "a red heart under the night sky",
        "一颗红色的爱心，在草地上",
        "一颗红色的爱心，在夜空下",
    ]
    painted = load_painter(WEIGHTS).paint(prompts, [5] * len(prompts), steps=8)
    return dict(zip(prompts, painted.astype(float), strict=True))


def test_no_file_is_too_large() -> None:
    sizes = [f.stat().st_size for f in WEIGHTS.rglob("*") if f.is_file()]
    assert max(sizes) <= LARGEST
    assert sum(sizes) <= ALTOGETHER


def test_the_pipeline_loads_offline_with_nothing_missing() -> None:
    from diffusers import AutoencoderKL, UNet2DConditionModel

    for kind, folder in ((UNet2DConditionModel, "unet"), (AutoencoderKL, "vae")):
        _, info = kind.from_pretrained(WEIGHTS / folder, use_safetensors=True, output_loading_info=True)
        assert not info["missing_keys"]
        assert not info["unexpected_keys"]


def test_the_index_names_no_safety_checker_and_a_velocity_scheduler() -> None:
    index = json.loads((WEIGHTS / "model_index.json").read_text())
    scheduler = json.loads((WEIGHTS / "scheduler" / "scheduler_config.json").read_text())
    assert index["safety_checker"] == [None, None]
    assert index["feature_extractor"] == [None, None]
    assert scheduler["prediction_type"] == "v_prediction"


def test_the_preview_turns_latents_into_colours() -> None:
    preview = json.loads((WEIGHTS / "preview.json").read_text())
    assert np.array(preview["matrix"]).shape == (4, 3)
    assert np.array(preview["bias"]).shape == (3,)
    assert all(0 < value < 1 for value in preview["bias"])


def test_the_saved_tokenizer_is_the_one_in_the_code() -> None:
    from tokenizers import Tokenizer

    from pocket.tokens import build_backend

    saved = Tokenizer.from_file(str(WEIGHTS / "tokenizer" / "tokenizer.json"))
    for text in ("一只红色的猫坐在草地上", "a blue dog in the snow, watercolor"):
        assert saved.encode(text).ids == build_backend().encode(text).ids


@pytest.mark.parametrize(
    ("meadow", "night"),
    [
        ("a red heart in a meadow", "a red heart under the night sky"),
        ("一颗红色的爱心，在草地上", "一颗红色的爱心，在夜空下"),
    ],
)
def test_the_background_is_what_the_prompt_says(pictures: dict, meadow: str, night: str) -> None:
    corner = {p: pictures[p][-24:, :16].mean((0, 1)) for p in (meadow, night)}
    assert corner[meadow][1] > max(corner[meadow][0], corner[meadow][2]) + 10
    assert pictures[night][:16].mean() < pictures[meadow][:16].mean() - 60
    assert corner[night][2] > corner[night][0]
