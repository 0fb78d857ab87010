"""In which numbers a LoRA learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from studio.diffusion.training import trainer as module
from studio.diffusion.training.precision import Precision, precision
from tests.diffusion.training.learning import School


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_processor_learns_in_what_it_paints_in(dtype: torch.dtype) -> None:
    found = precision("cpu", dtype)
    assert (found.given, found.cast, found.scaled) == (dtype, None, False)


@pytest.mark.parametrize(
    ("capability", "cast", "scaled"), [((9, 0), torch.bfloat16, False), ((7, 5), torch.float16, True)]
)
def test_a_gpu_learns_in_bfloat16_where_it_is_fast_at_that(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], cast: torch.dtype, scaled: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    found = precision("cuda:0", torch.float16)
    assert (found.given, found.cast, found.scaled) == (torch.float32, cast, scaled)


def _wide(norm: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def wide(*given: Any) -> torch.Tensor:
        return norm(*(one.float() if isinstance(one, torch.Tensor) else one for one in given))

    return wide


@pytest.mark.parametrize("cast", [torch.bfloat16, torch.float16])
def test_weights_of_half_width_are_cast_on_their_way_and_stay_what_they_are(
    sd1: School, monkeypatch: pytest.MonkeyPatch, cast: torch.dtype
) -> None:
    """As on a GPU; the processor stands in for one, which casts all but what norms are given."""
    for name in ("group_norm", "layer_norm"):
        monkeypatch.setattr(torch.nn.functional, name, _wide(getattr(torch.nn.functional, name)))
    wide = sd1.trainer()
    losses = sd1.learn(wide, 2)
    sd1.model.parts["unet"].to(torch.float16)
    before = sd1.weights()
    monkeypatch.setattr(module, "precision", lambda *_: Precision(torch.float32, cast, "cpu"))
    narrow = sd1.trainer()
    assert sd1.learn(narrow, 2) == pytest.approx(losses, rel=0.05)
    assert sd1.weights() == before
    assert {matrix.dtype for _, matrix in narrow.adapter.named()} == {torch.float32}
    words = narrow.state()[1]
    assert ("scale" in words) == (cast == torch.float16)
    again = sd1.trainer()
    again.restore(*narrow.state())
    assert again.state()[1] == words
