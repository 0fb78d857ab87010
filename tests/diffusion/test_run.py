"""Painting one request."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.diffusion.run import Stopped, Watcher, paint, tokens_over_window
from studio.models.registry import Loaded
from tests.diffusion.painting import loaded, request

SILENT = Watcher(lambda *_: None, lambda: False)


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Loaded:
    return loaded(tiny_checkpoint)


def test_a_picture_has_the_size_asked_for(model: Loaded) -> None:
    media = paint(model, request(width=128, height=64), "cpu", SILENT)
    assert (media.size.width, media.size.height, len(media.data)) == (128, 64, 128 * 64 * 3)


def test_the_same_request_gives_the_same_bytes(model: Loaded) -> None:
    assert paint(model, request(), "cpu", SILENT).sha256 == paint(model, request(), "cpu", SILENT).sha256


@pytest.mark.parametrize(
    "change",
    [{"seed": 8}, {"prompt": "a blue house"}, {"negative": ""}, {"guidance": 7.0}, {"steps": 4}],
    ids=str,
)
def test_every_setting_changes_the_picture(model: Loaded, change: dict[str, object]) -> None:
    assert (
        paint(model, request(), "cpu", SILENT).sha256 != paint(model, request(**change), "cpu", SILENT).sha256
    )


def test_it_equals_the_library_called_by_hand(model: Loaded, tiny_checkpoint: Path) -> None:
    import numpy as np
    import torch
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(str(tiny_checkpoint), local_files_only=True)
    pipe.scheduler = DPMSolverMultistepScheduler.from_config(pipe.scheduler.config, use_karras_sigmas=True)
    asked = request()
    by_hand = pipe(
        asked.prompt,
        negative_prompt=asked.negative,
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.steps,
        guidance_scale=asked.guidance,
        generator=torch.Generator("cpu").manual_seed(asked.seed),
    ).images[0]
    ours = np.frombuffer(paint(model, asked, "cpu", SILENT).data, np.uint8).astype(int)
    assert np.abs(ours - np.asarray(by_hand).astype(int).ravel()).max() <= 1


def test_an_unwanted_picture_stops_at_its_next_step(model: Loaded) -> None:
    seen: list[int] = []
    watcher = Watcher(lambda step, *_: seen.append(step), lambda: len(seen) == 2)
    with pytest.raises(Stopped) as stopped:
        paint(model, request(steps=9), "cpu", watcher)
    assert stopped.value.step == 3 and seen == [1, 2]


def test_the_first_step_comes_with_a_preview(model: Loaded) -> None:
    previews: list[bytes | None] = []
    paint(model, request(), "cpu", Watcher(lambda *told: previews.append(told[2]), lambda: False))
    assert previews[0] and previews[0].startswith(b"\xff\xd8")


def test_tokens_beyond_the_window_are_counted(model: Loaded) -> None:
    assert tokens_over_window(model, "a red cat", 75) == 0
    assert tokens_over_window(model, "cat " * 80, 75) == 5
