"""Painting one request: what is no matter of the family."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.diffusion.run import tokens_over_window
from studio.errors import StudioError
from studio.models.registry import Loaded
from tests.diffusion.painting import loaded, quietly, request
from tests.tiny import tiny_sd1, unet


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Loaded:
    return loaded(tiny_checkpoint)


def test_tokens_beyond_the_window_are_counted(model: Loaded) -> None:
    assert tokens_over_window(model, "a red cat", 75) == 0
    assert tokens_over_window(model, "cat " * 80, 75) == 5


def test_a_model_that_paints_over_pictures_is_refused_in_words(tmp_path: Path) -> None:
    checkpoint = tiny_sd1(tmp_path)
    unet(in_channels=9).save_pretrained(str(checkpoint / "unet"))
    with pytest.raises(StudioError, match="needs_picture"):
        quietly(loaded(checkpoint), request())


def test_a_model_that_took_guidance_in_is_painted_once_a_step(tmp_path: Path) -> None:
    checkpoint = tiny_sd1(tmp_path)
    distilled = unet(time_cond_proj_dim=8)
    distilled.save_pretrained(str(checkpoint / "unet"))
    model = loaded(checkpoint)
    calls: list[int] = []
    model.parts["unet"].register_forward_pre_hook(
        lambda _, given, named: calls.append(len(given[0])), with_kwargs=True
    )
    pictures = {
        quietly(model, request(sampler="lcm", guidance=guidance, negative=negative)).data
        for guidance in (1.0, 8.0)
        for negative in ("", "low quality")
    }
    # Guidance is a number it reads; there is nothing it is painted against.
    assert len(pictures) == 2 and set(calls) == {1}
