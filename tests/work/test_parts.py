"""What a request uses beside its model: another VAE, learned upscalers, each brought when it is its turn."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from PIL import Image

from studio.errors import StudioError
from studio.messages import Finished, GenerationRequest, HighResolution, Loading, Start, Step, Upscale
from tests.diffusion.painting import request
from tests.tiny import vae
from tests.tiny_parts import tiny_upscaler, upscaler_spec, vae_spec
from tests.work.test_generate import Asked


@pytest.fixture
def asked(tiny_checkpoint: Path, tmp_path: Path) -> Asked:
    torch.manual_seed(5)
    vae().save_pretrained(tmp_path / "vae")
    asked = Asked(tmp_path / "data", tiny_checkpoint)
    large = upscaler_spec(tiny_upscaler(tmp_path / "large.safetensors"))
    asked.specs = {**asked.specs, "soft": vae_spec(tmp_path / "vae"), "large": large}
    return asked


def size_of(asked: Asked, wanted: GenerationRequest) -> tuple[int, int]:
    return asked.picture(wanted).size


def brought(asked: Asked) -> list[str]:
    return [event.model for event in asked.told if isinstance(event, Loading)]


def test_every_entry_is_brought_once_in_its_turn_and_stays(asked: Asked) -> None:
    stages = (*request().stages, Upscale(factor=2, upscaler="large"))
    whole = request(vae="soft", stages=stages)
    assert size_of(asked, whole) == (128, 128)
    assert brought(asked) == ["tiny", "soft", "large"]
    assert [held.model for held in asked.registry.held()] == ["tiny", "soft", "large"]
    assert not any(held.pinned for held in asked.registry.held())
    assert size_of(asked, whole) == (128, 128) and brought(asked) == []


def test_another_vae_gives_another_picture_and_the_next_request_the_models_own(asked: Asked) -> None:
    own, other, again = (asked.picture(request(vae=vae)).tobytes() for vae in ("", "soft", ""))
    assert own == again != other


def test_a_second_pass_can_be_enlarged_by_a_learned_upscaler(asked: Asked) -> None:
    second = HighResolution(factor=1.5, strength=0.5, upscaler="large")
    assert size_of(asked, request(stages=(*request().stages, second))) == (96, 96)
    assert brought(asked) == ["tiny", "large"]
    (upscaler,) = (one for one in asked.registry._models.values() if one.spec.id == "large")
    assert not any(one.is_inference() for one in upscaler.parts["upscaler"].parameters())


def test_a_picture_that_is_only_enlarged_needs_no_model(asked: Asked) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 24), (200, 30, 10)).save(buffer, "PNG")
    start = Start(picture=asked.inputs.keep(buffer.getvalue()).picture)
    asked.specs = {"large": asked.specs["large"]}
    larger = request(model="gone", start=start, stages=(Upscale(factor=3, upscaler="large"),))
    assert size_of(asked, larger) == (120, 72)
    assert brought(asked) == ["large"]
    assert [(one.step, one.steps) for one in asked.told if isinstance(one, Step)] == [(1, 1)]
    assert isinstance(asked.told[-1], Finished)


def test_an_upscaler_that_is_none_is_told_and_the_next_request_paints(asked: Asked, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"some.weight": torch.zeros(3)}, tmp_path / "none.safetensors")
    asked.specs = {**asked.specs, "none": upscaler_spec(tmp_path / "none.safetensors", "none")}
    with pytest.raises(StudioError, match="upscaler_unknown"):
        asked(request(stages=(*request().stages, Upscale(upscaler="none"))))
    assert size_of(asked, request()) == (64, 64)
