"""Passes of a denoiser: from noise, late, and beside what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionImg2ImgPipeline

from studio.diffusion.families import painter
from studio.diffusion.latents import along_the_arc, encode, filled, noise, tensor_of
from studio.diffusion.passes import Kept, Pass, denoise
from studio.diffusion.samplers import scheduler
from studio.diffusion.seamless import seamless
from studio.families import FAMILIES
from studio.messages import GenerationRequest, Size, Variation
from studio.models.registry import Loaded
from tests.diffusion.painting import loaded, request

SIZE = Size(width=64, height=64)
START = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Loaded:
    return loaded(tiny_checkpoint)


def pipe_of(model: Loaded, sampler: str) -> Any:
    return painter("sd1").pipe(model.parts, scheduler(sampler, model.parts["scheduler"]))


def passed(model: Loaded, wanted: Pass, **changes: object) -> torch.Tensor:
    asked: GenerationRequest = request(**changes)
    pipe = pipe_of(model, asked.sampler)
    texts = painter("sd1").encode(pipe, asked, "cpu")
    with torch.inference_mode():
        return denoise(pipe, texts, asked, wanted, "cpu", lambda *_: None)


@pytest.mark.parametrize("sampler", [one.id for one in FAMILIES["sd1"].samplers])
def test_starting_from_a_picture_is_what_the_library_does(model: Loaded, sampler: str) -> None:
    mine = passed(model, Pass(SIZE, 6, 0.5, START), sampler=sampler, negative="")
    parts = {name: part for name, part in model.parts.items() if name != "scheduler"}
    pipe = StableDiffusionImg2ImgPipeline(
        **parts, scheduler=scheduler(sampler, model.parts["scheduler"]), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        request().prompt, START.clone(), strength=0.5, num_inference_steps=6, guidance_scale=4.0,
        negative_prompt="", generator=torch.Generator().manual_seed(request().seed), output_type="latent",
    ).images  # fmt: skip
    assert torch.allclose(mine, theirs, atol=1e-4)


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp_2m_karras", "ddim", "plms", "lcm"])
def test_the_less_strength_the_nearer_to_the_start(model: Loaded, sampler: str) -> None:
    far = [
        float((passed(model, Pass(SIZE, 10, strength, START), sampler=sampler) - START).abs().mean())
        for strength in (0.1, 0.5, 0.9)
    ]
    assert far == sorted(far) and far[0] < 0.8 * far[2]


def test_full_strength_forgets_the_start(model: Loaded) -> None:
    from_noise = passed(model, Pass(SIZE, 4))
    assert torch.allclose(passed(model, Pass(SIZE, 4, 1.0, START)), from_noise, atol=1e-5)


@pytest.mark.parametrize("sampler", [one.id for one in FAMILIES["sd1"].samplers])
def test_what_the_mask_keeps_stays_to_the_last_digit(model: Loaded, sampler: str) -> None:
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4] = 1
    kept = Kept(START, mask)
    found = passed(model, Pass(SIZE, 5, 0.8, START, kept), sampler=sampler)
    assert torch.equal(found[..., 4:], START[..., 4:])
    assert not torch.allclose(found[..., :4], START[..., :4], atol=0.05)


def test_under_a_mask_lies_what_was_asked_for() -> None:
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4] = 1
    assert filled(START, mask, "original", 1) is START
    nothing, drawn = filled(START, mask, "nothing", 1), filled(START, mask, "noise", 1)
    assert nothing[..., :4].abs().max() == 0 and drawn[..., :4].std() > 0.5
    assert torch.equal(nothing[..., 4:], START[..., 4:]) and torch.equal(drawn[..., 4:], START[..., 4:])


# -- noise ----------------------------------------------------------------------------------------


def drawn(**changes: object) -> torch.Tensor:
    asked = request(**changes)
    return noise(asked, (1, 4, 16, 16), torch.Generator().manual_seed(asked.seed))


def test_a_variation_leads_from_one_seed_to_the_other() -> None:
    one, other = drawn(seed=1), drawn(seed=2)
    ways = [drawn(seed=1, variation=Variation(seed=2, weight=weight)) for weight in (0, 0.2, 0.5, 1)]
    assert torch.equal(ways[0], one) and torch.allclose(ways[3], other, atol=1e-5)
    far = [float((way - one).norm()) for way in ways]
    assert far == sorted(far)


def test_mixed_noise_is_as_strong_as_any() -> None:
    one, other = drawn(seed=1), drawn(seed=2)
    assert along_the_arc(one, other, 0.5).std() == pytest.approx(float(one.std()), rel=0.05)
    assert torch.allclose(along_the_arc(one, one, 0.5), one)


# -- seamless -------------------------------------------------------------------------------------


def rolled(model: Loaded, tiling: str, axis: int) -> float:
    """How much a decoded picture changes when its latents are rolled and the picture rolled back."""
    vae = model.parts["vae"]
    with torch.inference_mode(), seamless([vae], tiling):  # type: ignore[arg-type]
        plain = vae.decode(START).sample
        moved = vae.decode(START.roll(4, axis)).sample.roll(-32, axis)
    return float((plain - moved).abs().max())


def test_a_seamless_decoder_knows_no_edge_in_the_chosen_directions(model: Loaded) -> None:
    assert rolled(model, "both", 2) < 1e-4 and rolled(model, "both", 3) < 1e-4
    assert rolled(model, "across", 3) < 1e-4 < rolled(model, "across", 2)
    assert rolled(model, "down", 2) < 1e-4 < rolled(model, "down", 3)
    assert rolled(model, "none", 3) > 1e-4


def test_convolutions_are_left_as_they_were_whatever_happens(model: Loaded) -> None:
    unet = model.parts["unet"]
    with pytest.raises(KeyError), seamless([unet], "both"):
        assert any("_conv_forward" in vars(one) for one in unet.modules())
        raise KeyError
    assert not any("_conv_forward" in vars(one) for one in unet.modules())


# -- latents --------------------------------------------------------------------------------------


def test_encoding_twice_is_the_same(model: Loaded) -> None:
    from PIL import Image

    picture = Image.radial_gradient("L").resize((64, 64)).convert("RGB")
    with torch.inference_mode():
        one, other = (encode(model.parts["vae"], tensor_of(picture, "cpu")) for _ in range(2))
    assert one.shape == (1, 4, 8, 8) and torch.equal(one, other)
