"""What only a GPU can show: `make gpu` runs these."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
import torch

from studio.messages import Media
from studio.models.devices import Device, open_device
from studio.models.peaks import Peaks
from studio.models.registry import Registry
from studio.wire import Setup
from tests.diffusion.painting import quietly, request, spec

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
