"""IP-Adapters: what the library's own pipelines do with them, and a denoiser that is what it was afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from PIL import Image
from transformers import CLIPImageProcessor

from studio.diffusion.control import Reference
from studio.diffusion.control_style import Seen, see
from studio.diffusion.run import Means, paint
from studio.diffusion.samplers import scheduler
from studio.errors import StudioError
from studio.messages import ControlUnit, Size
from studio.models.registry import Loaded
from studio.models.styles import load_style
from tests import samples
from tests.diffusion.painting import SILENT, loaded, request
from tests.diffusion.test_control import drawing, fails, passed, reference
from tests.tiny import unet as tiny_unet
from tests.tiny_controls import SIDE, control_net, control_spec, encoder, single_file, style_weights
from tests.tiny_families import tiny_sdxl

SIZE = Size(width=64, height=64)


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Loaded:
    return loaded(tiny_checkpoint)


@pytest.fixture(scope="module")
def seen() -> Seen:
    return see(encoder(), lambda size: drawing(size.width), "cpu")


def style(
    model: Loaded,
    folder: Path,
    seen: Seen,
    unit: ControlUnit | None = None,
    plus: bool = False,
    seed: int = 0,
) -> Reference:
    file = single_file(
        style_weights(model.parts["unet"], seed, plus), folder / f"style{plus}{seed}.safetensors"
    )
    spec = control_spec(file, kinds=("style",), network="ip_adapter", encoder="eyes")
    asked = unit or samples.unit(kind="style")
    return Reference(asked, spec, load_style(file, torch.float32), lambda size: drawing(), seen)


@pytest.mark.parametrize("plus", [False, True], ids=["whole", "places"])
@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_a_style_is_what_the_library_does(
    tiny_checkpoint: Path, tmp_path: Path, seen: Seen, family: str, plus: bool
) -> None:
    model = loaded(tiny_checkpoint) if family == "sd1" else loaded(tiny_sdxl(tmp_path / "xl"), "sdxl")
    mine = passed(
        model, style(model, tmp_path, seen, samples.unit(kind="style", weight=0.7), plus), family=family
    )
    free = passed(model, family=family)
    kind, extra = (StableDiffusionPipeline, {"safety_checker": None, "requires_safety_checker": False})
    if family == "sdxl":
        kind, extra = StableDiffusionXLPipeline, {"add_watermarker": False}
    parts = {**model.parts, "scheduler": scheduler("ddim", model.parts["scheduler"])}
    size = {"size": SIDE, "crop_size": SIDE}
    pipe = kind(**parts, **extra, image_encoder=encoder(), feature_extractor=CLIPImageProcessor(**size))
    pipe.set_progress_bar_config(disable=True)
    asked = request(steps=4)
    pipe.load_ip_adapter(str(tmp_path), subfolder="", weight_name=f"style{plus}0.safetensors")
    pipe.set_ip_adapter_scale(0.7)
    theirs = pipe(
        asked.prompt, negative_prompt=asked.negative, num_inference_steps=4, guidance_scale=asked.guidance,
        ip_adapter_image=drawing(SIDE), generator=torch.Generator().manual_seed(asked.seed),
        height=64, width=64, output_type="latent",
    ).images  # fmt: skip
    assert torch.allclose(mine, theirs, atol=1e-4)
    assert not torch.allclose(mine, free, atol=0.01)


def test_the_denoiser_is_what_it_was_to_the_byte(model: Loaded, tmp_path: Path, seen: Seen) -> None:
    unet = model.parts["unet"]
    weights = {name: weight.clone() for name, weight in unet.state_dict().items()}
    processors, plain = dict(unet.attn_processors), passed(model)
    one = style(model, tmp_path, seen)
    passed(model, one)
    with pytest.raises(KeyError):
        passed(model, one, on_step=fails)
    after = unet.state_dict()
    assert after.keys() == weights.keys() and all(torch.equal(after[name], weights[name]) for name in weights)
    assert unet.attn_processors == processors and not unet._forward_pre_hooks
    assert unet.encoder_hid_proj is None and torch.equal(passed(model), plain)


def test_styles_mix_with_each_other_and_with_a_net(model: Loaded, tmp_path: Path, seen: Seen) -> None:
    styles = [style(model, tmp_path, seen, seed=seed) for seed in (1, 2)]
    net = reference(control_net(model.parts["unet"]))
    found = [passed(model, *some) for some in ([], styles[:1], styles, [*styles, net], [net])]
    apart = [float((one - other).abs().max()) for n, one in enumerate(found) for other in found[:n]]
    assert min(apart) > 1e-3


def test_a_style_has_its_steps_and_its_balance(model: Loaded, tmp_path: Path, seen: Seen) -> None:
    def led(**asked: Any) -> torch.Tensor:
        return passed(model, style(model, tmp_path / str(asked), seen, samples.unit(kind="style", **asked)))

    found = [
        led(),
        led(end=0.4),
        led(start=0.6),
        led(balance="prompt"),
        led(balance="reference"),
        passed(model),
    ]
    apart = [float((one - other).abs().max()) for n, one in enumerate(found) for other in found[:n]]
    assert min(apart) > 1e-4


def test_an_empty_prompt_follows_a_style(model: Loaded, tmp_path: Path, seen: Seen) -> None:
    empty = {"prompt": "", "negative": ""}
    led = passed(model, style(model, tmp_path, seen), **empty)
    assert not torch.allclose(led, passed(model, **empty), atol=0.01)


def test_a_style_for_another_denoiser_is_refused_in_words(model: Loaded, tmp_path: Path, seen: Seen) -> None:
    other = Loaded(**{**vars(model), "parts": {**model.parts, "unet": tiny_unet(cross_attention_dim=48)}})
    wrong = style(other, tmp_path, seen)
    with pytest.raises(StudioError, match="control_unfit"):
        paint(model, request(), "cpu", SILENT, None, Means(references=(wrong,)))


def test_another_encoder_is_refused_in_words(model: Loaded, tmp_path: Path, seen: Seen) -> None:
    narrow = Seen(torch.zeros(1, 8), torch.zeros(1, 17, 8), torch.zeros(1, 17, 8))
    for plus in (False, True):
        with pytest.raises(StudioError, match="control_encoder"):
            passed(model, style(model, tmp_path, narrow, plus=plus))
    assert not model.parts["unet"]._forward_pre_hooks


def test_an_encoder_sees_what_is_there(tmp_path: Path) -> None:
    network = encoder()
    one, other = (see(network, lambda size, c=c: Image.new("RGB", (size.width, size.height), c), "cpu")
                  for c in ("red", "blue"))  # fmt: skip
    assert one.whole.shape == (1, 16) and one.places.shape == (1, 17, 32)
    assert not torch.allclose(one.whole, other.whole) and torch.equal(one.nothing, other.nothing)
