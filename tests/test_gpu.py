"""What only a GPU can show: `make gpu` runs these."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from studio.diffusion.canvas import lay_out
from studio.messages import (
    Answered,
    AnyEvent,
    Base,
    Finished,
    HighResolution,
    Mask,
    Media,
    Notice,
    Sampled,
    Start,
    Step,
    Variation,
)
from studio.models.devices import Device, open_device
from studio.models.peaks import Peaks
from studio.models.registry import Registry
from studio.wire import Setup
from studio.work import Bench, generate
from studio.work.train import train
from tests.diffusion.painting import quietly, request, spec
from tests.training.bringing import training

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]
GPU, PLENTY = "cuda:0", 2**40


def registry(data: Path, name: str, mode: str = "device", budget: int = PLENTY) -> Registry:
    on_host = name == "cpu"
    device = Device(name, torch.float32, budget, mode, host_budget=0 if on_host else PLENTY, is_host=on_host)
    return Registry(device, data)


def painted(kept: Registry, checkpoint: Path, id: str = "tiny") -> Media:
    with kept.lease(spec(checkpoint, id)) as model:
        return quietly(model, request(), kept.device.name)


def difference(one: Media, other: Media) -> int:
    pixels = [np.frombuffer(media.data, np.uint8).astype(int) for media in (one, other)]
    return int(np.abs(pixels[0] - pixels[1]).max())


def test_a_seed_means_the_same_picture_on_the_gpu_as_on_the_cpu(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    here = painted(registry(tmp_path, "cpu"), tiny_checkpoint)
    assert difference(here, painted(registry(tmp_path, GPU), tiny_checkpoint)) <= 8


@pytest.mark.parametrize("mode", ["offload", "group"])
def test_a_memory_mode_paints_what_the_whole_model_paints(
    tiny_checkpoint: Path, tmp_path: Path, mode: str
) -> None:
    whole = painted(registry(tmp_path, GPU), tiny_checkpoint)
    kept = registry(tmp_path, GPU, mode)
    assert [difference(painted(kept, tiny_checkpoint), whole) for _ in range(2)] == [0, 0]


def test_what_leaves_the_gpu_gives_its_memory_back(tiny_checkpoint: Path, tmp_path: Path) -> None:
    kept = registry(tmp_path, GPU)
    painted(kept, tiny_checkpoint)
    kept.unload()
    gc.collect()
    before = torch.cuda.memory_allocated()
    for _ in range(5):
        painted(kept, tiny_checkpoint)
        kept.unload()
    gc.collect()
    assert torch.cuda.memory_allocated() <= before


def test_what_painting_takes_beside_the_weights_is_learned(tiny_checkpoint: Path, tmp_path: Path) -> None:
    painted(registry(tmp_path, GPU), tiny_checkpoint)
    assert Peaks(tmp_path).of("tiny", "device") > 0


def test_a_worker_finds_the_gpu_by_itself(tmp_path: Path) -> None:
    device = open_device(Setup(device="auto", data=str(tmp_path)))
    assert (device.name, device.dtype, device.is_host) == (GPU, torch.float16, False)
    assert 0 < device.budget < device.state().total


# -- ways to start --------------------------------------------------------------------------------

START = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
LEFT = Image.new("L", (64, 64), 0)
LEFT.paste(255, (0, 0, 32, 64))
WAYS: dict[str, dict[str, Any]] = {
    "redraw": {"start": Start(picture="a" * 64, strength=0.5)},
    "inpaint": {"start": Start(picture="a" * 64, strength=0.8), "mask": Mask(picture="b" * 64, feather=4)},
    "second pass": {"stages": (Base(), HighResolution(factor=2, strength=0.5))},
    "variation": {"variation": Variation(seed=3, weight=0.4)},
    "tiling": {"tiling": "both"},
    "clip skip": {"clip_skip": 2},
    "measured negative": {"negative": "low quality", "negative_counts": "needed"},
    "weights": {"prompt": "a (red:1.3) cat BREAK in a meadow"},
}


def started(data: Path, name: str, checkpoint: Path, way: dict[str, Any]) -> Media:
    wanted = request(**way)
    mask = LEFT if wanted.mask else None
    canvas = lay_out(wanted, START, mask) if wanted.start else None
    with registry(data, name).lease(spec(checkpoint)) as model:
        return quietly(model, wanted, name, canvas=canvas)


@pytest.mark.parametrize("way", list(WAYS))
def test_every_way_to_start_gives_the_same_picture_on_the_gpu_as_on_the_cpu(
    tiny_checkpoint: Path, tmp_path: Path, way: str
) -> None:
    here, there = (started(tmp_path, name, tiny_checkpoint, WAYS[way]) for name in ("cpu", GPU))
    assert here.size == there.size and difference(here, there) <= 8


def test_a_gpu_that_runs_out_of_memory_paints_in_a_smaller_mode_instead(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[AnyEvent] = []
    kept, paint = registry(tmp_path, GPU, mode="auto"), generate.paint

    def filling(*given: Any) -> Image.Image:
        if not any(isinstance(event, Notice) for event in told):
            torch.empty(2**45, dtype=torch.uint8, device=GPU)  # more than any device has
        return paint(*given)

    monkeypatch.setattr(generate, "paint", filling)
    bench = Bench(kept, told.append, lambda id: False)
    for _ in generate.generate((request(),), {"tiny": spec(tiny_checkpoint)}, bench):
        pass
    assert isinstance(told[-1], Finished) and told[-1].mode.endswith("offload")


# -- learning -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["device", "offload"])
def test_a_training_learns_on_after_a_sample_however_the_model_lies_in_memory(
    tiny_checkpoint: Path, tmp_path: Path, mode: str
) -> None:
    told: list[AnyEvent] = []
    wanted, kept = spec(tiny_checkpoint), registry(tmp_path, GPU, mode)
    asked = training(tmp_path, wanted, steps=4, sample_every=2, text_encoder=True)
    for _ in train((asked,), {"tiny": wanted}, Bench(kept, told.append, lambda id: False)):
        pass
    steps = [event.step for event in told if isinstance(event, Step) and event.stage == "train"]
    assert steps[-1] == 4 and sum(isinstance(event, Sampled) for event in told) == 2
    assert isinstance(told[-1], Answered)
    with kept.lease(wanted) as model:
        assert not any(one.is_inference() for one in model.parts["unet"].parameters())
