"""Memory modes: where weights lie changes, what is painted does not, and nothing stays attached."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from studio.diffusion.run import Stopped, Watcher, paint
from studio.messages import AnyEvent, Step
from studio.models.devices import Device, open_device
from studio.models.modes import MODES
from studio.models.registry import Registry
from studio.wire import Setup
from studio.work import Bench
from studio.work.train import train
from tests.diffusion.painting import request, spec
from tests.training.bringing import training

SILENT = Watcher(lambda *_: None, lambda: False)
PLENTY = 10**9


def registry(data: Path, mode: str) -> Registry:
    # The CPU stands in for a device apart from the host: every hook runs, only the moves cost nothing.
    device = Device("cpu", torch.float32, PLENTY, memory_mode=mode, host_budget=PLENTY, is_host=False)
    return Registry(device, data)


def painted(kept: Registry, checkpoint: Path, watcher: Watcher = SILENT) -> str:
    with kept.lease(spec(checkpoint)) as model:
        assert model.mode.name == kept.device.memory_mode
        return hashlib.sha256(paint(model, request(), "cpu", watcher).tobytes()).hexdigest()


def hooked(kept: Registry, checkpoint: Path) -> list[str]:
    with kept.lease(spec(checkpoint)) as model:
        modules = [model.parts[name] for name in ("unet", "vae", "text_encoder")]
        inner = [one for module in modules for one in module.modules()]
    return [
        type(one).__name__
        for one in inner
        if hasattr(one, "_hf_hook") or getattr(getattr(one, "_diffusers_hook", None), "hooks", None)
    ]


@pytest.mark.parametrize("mode", ["offload", "group"])
def test_a_mode_paints_the_same_picture_twice_and_leaves_no_hook(
    tiny_checkpoint: Path, tmp_path: Path, mode: str
) -> None:
    whole = painted(registry(tmp_path, "device"), tiny_checkpoint)
    kept = registry(tmp_path, mode)
    assert [painted(kept, tiny_checkpoint) for _ in range(2)] == [whole, whole]
    assert hooked(kept, tiny_checkpoint) == []


@pytest.mark.parametrize("mode", ["offload", "group"])
def test_a_stop_in_a_mode_leaves_no_hook_and_the_next_picture_is_right(
    tiny_checkpoint: Path, tmp_path: Path, mode: str
) -> None:
    whole = painted(registry(tmp_path, "device"), tiny_checkpoint)
    kept = registry(tmp_path, mode)
    with pytest.raises(Stopped):
        painted(kept, tiny_checkpoint, Watcher(lambda *_: None, lambda: True))
    assert hooked(kept, tiny_checkpoint) == []
    assert painted(kept, tiny_checkpoint) == whole


def test_small_floats_halve_the_denoiser_and_still_paint(tiny_checkpoint: Path, tmp_path: Path) -> None:
    small, whole = (registry(tmp_path, mode) for mode in ("fp8", "device"))
    painted(small, tiny_checkpoint)
    painted(whole, tiny_checkpoint)
    assert small.held()[0].bytes < whole.held()[0].bytes
    assert set(small.held()[0].parts) & set(whole.held()[0].parts)  # the VAE is the same part in both


@pytest.fixture
def moves_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moves copy, as those between two devices do, though here both are the CPU."""
    plain = torch.nn.Module.to
    monkeypatch.setattr(torch.nn.Module, "to", lambda part, *to, **how: plain(part, *to, **how)._apply(_copy))


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.clone()


@pytest.mark.parametrize("mode", sorted(set(MODES) - {"device"}))
def test_what_a_mode_moves_while_it_paints_can_still_be_learned_on(
    tiny_checkpoint: Path, tmp_path: Path, moves_copy: None, mode: str
) -> None:
    kept = registry(tmp_path, mode)
    with kept.lease(spec(tiny_checkpoint)) as model:
        parts = [model.parts[name] for name in ("unet", "vae", "text_encoder")]
        before = [id(one) for part in parts for one in part.parameters()]
        paint(model, request(), "cpu", SILENT)
        after = [one for part in parts for one in part.parameters()]
    assert not any(one.is_inference() for one in after)
    assert [id(one) for one in after] == before  # an optimizer holds on to them


def test_a_model_that_takes_its_parts_in_turn_learns_on_after_a_sample(
    tiny_checkpoint: Path, tmp_path: Path, moves_copy: None
) -> None:
    told: list[AnyEvent] = []
    wanted, bench = spec(tiny_checkpoint), Bench(registry(tmp_path, "offload"), told.append, lambda id: False)
    asked = training(tmp_path, wanted, steps=4, sample_every=2, text_encoder=True)
    for _ in train((asked,), {"tiny": wanted}, bench):
        pass
    kinds = [event.kind for event in told if not isinstance(event, Step)]
    assert kinds == ["loading", "sampled", "sampled", "answered"]


@pytest.mark.parametrize("mode", sorted(set(MODES) - {"device"}))
def test_a_mode_that_a_device_cannot_do_is_refused_at_the_start(tmp_path: Path, mode: str) -> None:
    from studio.errors import StudioError

    with pytest.raises(StudioError, match="mode_unusable"):
        open_device(Setup(device="cpu", data=str(tmp_path), memory_mode=mode))
