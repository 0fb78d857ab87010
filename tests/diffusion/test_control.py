"""Control nets beside the denoiser: as the library has them one by one, and together; gone when the pass is over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import (
    StableDiffusionAdapterPipeline,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLAdapterPipeline,
    StableDiffusionXLControlNetPipeline,
    StableDiffusionXLControlNetUnionPipeline,
    T2IAdapter,
)
from PIL import Image, ImageDraw

from studio.diffusion.canvas import lay_out
from studio.diffusion.control import Reference, steps_of
from studio.diffusion.control_nets import Added
from studio.diffusion.families import painter
from studio.diffusion.passes import OnStep, Pass, denoise
from studio.diffusion.run import Means, paint
from studio.diffusion.samplers import scheduler
from studio.errors import StudioError
from studio.messages import Base, ControlUnit, HighResolution, Loudness, Mask, Size, Start
from studio.models.registry import Loaded
from tests import samples
from tests.diffusion.painting import SILENT, loaded, request
from tests.tiny import unet as tiny_unet
from tests.tiny_controls import adapter, control_net, control_spec, union_net
from tests.tiny_families import tiny_sdxl

SIZE = Size(width=64, height=64)


def drawing(side: int = 64) -> Image.Image:
    picture = Image.new("RGB", (side, side))
    ImageDraw.Draw(picture).ellipse((side // 8, side // 4, side // 2, side - 4), "white", "red", 3)
    return picture


def shown(size: Size) -> Image.Image:
    return drawing().resize((size.width, size.height))


def reference(net: Any, unit: ControlUnit | None = None, **spec: Any) -> Reference:
    return Reference(unit or samples.unit(), control_spec(Path("net"), **spec), net, shown)


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Loaded:
    return loaded(tiny_checkpoint)


@pytest.fixture(scope="module")
def nets(model: Loaded) -> list[Any]:
    return [control_net(model.parts["unet"], seed) for seed in (1, 2)]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return loaded(tiny_sdxl(tmp_path_factory.mktemp("xl")), "sdxl")


def fails(step: int, *_: Any) -> None:
    if step == 2:
        raise KeyError


def passed(
    model: Loaded,
    *references: Reference,
    family: str = "sd1",
    on_step: OnStep = lambda *_: None,
    **changes: Any,
) -> torch.Tensor:
    asked = request(**{"steps": 4, "sampler": "ddim"} | changes)
    pipe = painter(family).pipe(model.parts, scheduler(asked.sampler, model.parts["scheduler"]))
    texts = painter(family).encode(pipe, asked, "cpu")
    with torch.inference_mode():
        return denoise(pipe, texts, asked, Pass(SIZE, asked.steps), "cpu", on_step, references)


def librarys(kind: Any, model: Loaded, net: Any, **given: Any) -> torch.Tensor:
    """The same picture by one of the library's own pipelines for control."""
    asked = request(steps=4, sampler="ddim")
    parts = {**model.parts, "scheduler": scheduler("ddim", model.parts["scheduler"])}
    extra = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    place = "adapter" if isinstance(net, T2IAdapter) else "controlnet"
    settings = {} if "XL" in kind.__name__ else extra
    pipe = kind(**parts, **{place: net}, **settings)
    pipe.set_progress_bar_config(disable=True)
    return pipe(
        asked.prompt, negative_prompt=asked.negative, num_inference_steps=4, guidance_scale=asked.guidance,
        generator=torch.Generator().manual_seed(asked.seed), output_type="latent", **given,
    ).images  # fmt: skip


# -- as the library has it ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ({}, {}),
        ({"weight": 0.6}, {"controlnet_conditioning_scale": 0.6}),
        ({"start": 0.25, "end": 0.75}, {"control_guidance_start": 0.25, "control_guidance_end": 0.75}),
        ({"balance": "reference"}, {"guess_mode": True}),
    ],
    ids=["plain", "weight", "span", "balance"],
)
def test_one_control_net_is_what_the_library_does(
    model: Loaded, nets: list[Any], asked: dict[str, Any], given: dict[str, Any]
) -> None:
    mine = passed(model, reference(nets[0], samples.unit(**asked)))
    theirs = librarys(StableDiffusionControlNetPipeline, model, nets[0], image=drawing(), **given)
    assert torch.allclose(mine, theirs, atol=1e-5)
    assert not torch.allclose(mine, passed(model), atol=0.01)


def test_one_control_net_of_xl_is_what_the_library_does(large: Loaded) -> None:
    net = control_net(large.parts["unet"])
    mine = passed(large, reference(net, family="sdxl"), family="sdxl")
    theirs = librarys(StableDiffusionXLControlNetPipeline, large, net, image=drawing())
    assert torch.allclose(mine, theirs, atol=1e-5)


def test_a_union_is_told_the_kind_as_the_library_tells_it(large: Loaded) -> None:
    net = union_net(large.parts["unet"])
    spec = {
        "family": "sdxl",
        "network": "union",
        "modes": {"canny": 3, "pose": 0},
        "kinds": ("canny", "pose"),
    }
    edges, pose = (
        passed(large, reference(net, samples.unit(kind=kind), **spec), family="sdxl")
        for kind in ("canny", "pose")
    )
    theirs = librarys(
        StableDiffusionXLControlNetUnionPipeline, large, net, control_image=[drawing()], control_mode=[3]
    )
    assert torch.allclose(edges, theirs, atol=1e-5) and not torch.allclose(edges, pose, atol=1e-3)


@pytest.fixture(scope="module")
def reading_first(tiny_checkpoint: Path) -> Loaded:
    """A model whose first block reads the text, as in the family that the small adapters are made for."""
    found = loaded(tiny_checkpoint)
    torch.manual_seed(3)
    found.parts["unet"] = tiny_unet(
        block_out_channels=(8, 16, 16),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    ).eval()
    return found


ADAPTERS = {"full_adapter": (8, 16, 16), "light_adapter": (8, 16)}


@pytest.mark.parametrize("kind", ADAPTERS)
def test_an_adapter_is_what_the_library_does(reading_first: Loaded, kind: str) -> None:
    net = adapter(ADAPTERS[kind], adapter_type=kind)
    mine = passed(reading_first, reference(net, samples.unit(weight=0.8), network="adapter"))
    theirs = librarys(
        StableDiffusionAdapterPipeline, reading_first, net, image=drawing(), adapter_conditioning_scale=0.8
    )
    assert torch.allclose(mine, theirs, atol=1e-5)
    assert not torch.allclose(mine, passed(reading_first), atol=0.01)


def test_an_adapter_of_xl_is_what_the_library_does(large: Loaded) -> None:
    net = adapter((8, 16), adapter_type="full_adapter_xl", downscale_factor=16)
    told = {"family": "sdxl", "network": "adapter"}
    mine = passed(large, reference(net, **told), family="sdxl")
    theirs = librarys(StableDiffusionXLAdapterPipeline, large, net, image=drawing())
    assert torch.allclose(mine, theirs, atol=1e-5)


def test_a_grey_adapter_is_shown_grey(reading_first: Loaded) -> None:
    net = adapter(ADAPTERS["full_adapter"], in_channels=1)
    seen = passed(reading_first, reference(net, network="adapter"))
    assert not torch.allclose(seen, passed(reading_first), atol=0.01)


# -- together -------------------------------------------------------------------------------------


def test_several_nets_and_an_adapter_speak_together(reading_first: Loaded) -> None:
    unet = reading_first.parts["unet"]
    two = [reference(control_net(unet, seed)) for seed in (1, 2)]
    third = reference(adapter(ADAPTERS["full_adapter"]), network="adapter")
    found = [passed(reading_first, *some) for some in ([], two[:1], two, [*two, third], [third])]
    apart = [float((one - other).abs().max()) for n, one in enumerate(found) for other in found[:n]]
    assert min(apart) > 1e-3


def test_one_net_twice_at_a_half_is_the_net_once(model: Loaded, nets: list[Any]) -> None:
    half = reference(nets[0], samples.unit(weight=0.5))
    assert torch.allclose(passed(model, half, half), passed(model, reference(nets[0])), atol=1e-4)


def test_of_two_nets_each_has_its_own_steps(model: Loaded, nets: list[Any]) -> None:
    early, late = samples.unit(end=0.5), samples.unit(start=0.5)
    both = passed(model, reference(nets[0], early), reference(nets[0], late))
    assert torch.allclose(both, passed(model, reference(nets[0])), atol=1e-5)
    alone = [passed(model, reference(nets[0], one)) for one in (early, late)]
    assert all(not torch.allclose(one, both, atol=1e-3) for one in alone)


@pytest.mark.parametrize(
    ("start", "end", "steps", "counted"),
    [
        (0.0, 1.0, 4, [0, 1, 2, 3]),
        (0.25, 0.75, 4, [1, 2]),
        (0.3, 0.9, 4, [2]),
        (0.9, 1.0, 4, [3]),
        (0.4, 0.45, 4, [1]),
        (0.0, 0.8, 1, [0]),
    ],
)
def test_a_reference_counts_in_its_share_of_the_steps_and_in_one_at_least(
    start: float, end: float, steps: int, counted: list[int]
) -> None:
    assert steps_of(samples.unit(start=start, end=end), steps) == counted


def test_every_balance_is_another_picture(model: Loaded, nets: list[Any]) -> None:
    ways = {
        balance: passed(model, reference(nets[0], samples.unit(balance=balance)))
        for balance in ("prompt", "even", "reference")
    }
    far = [float((one - passed(model)).abs().mean()) for one in ways.values()]
    # The ramp leaves less of the reference than an even balance does.
    assert far[0] < far[1]
    assert len({one.numpy().tobytes() for one in ways.values()}) == 3


def test_an_entry_says_how_loud_its_net_is_on_either_side(model: Loaded, nets: list[Any]) -> None:
    def with_sides(**loud: Any) -> torch.Tensor:
        return passed(model, reference(nets[0], balances={"even": Loudness(**loud)}))

    plain = passed(model, reference(nets[0], samples.unit(weight=0.6)))
    assert torch.equal(with_sides(own=0.6, opposite=0.6), plain)
    alone, nearly, both = (with_sides(opposite=there) for there in (0, 1e-6, 0.5))
    assert torch.allclose(alone, nearly, atol=1e-4) and not torch.allclose(alone, both, atol=1e-3)
    assert torch.equal(
        with_sides(softly=True), passed(model, reference(nets[0], samples.unit(balance="prompt")))
    )


def test_what_is_said_of_a_map_alone_is_as_loud_on_either_side_as_it_is_to_be() -> None:
    loud = Loudness(own=0.5, opposite=0.25)
    told = Added(down=[torch.ones(2, 1)], mid=[torch.tensor([[4.0], [8.0]])], within=[torch.ones(1, 1)])
    heard = told.on_both_sides(loud)
    assert [part[0].flatten().tolist() for part in (heard.down, heard.mid, heard.within)] == [
        [0.25, 0.5],
        [1.0, 4.0],
        [0.25, 0.5],
    ]


def test_painted_without_an_opposite_the_reference_leads_as_if_even(model: Loaded, nets: list[Any]) -> None:
    ways = [
        passed(model, reference(nets[0], samples.unit(balance=balance)), guidance=1.0)
        for balance in ("even", "reference", "prompt")
    ]
    assert torch.equal(ways[0], ways[1]) and not torch.allclose(ways[0], ways[2], atol=1e-4)


def test_a_net_without_places_speaks_to_the_prompts_side_alone(model: Loaded) -> None:
    net = control_net(model.parts["unet"], global_pool_conditions=True)
    mine = passed(model, reference(net))
    theirs = librarys(StableDiffusionControlNetPipeline, model, net, image=drawing())
    assert torch.allclose(mine, theirs, atol=1e-5)


# -- every way to paint ---------------------------------------------------------------------------


def ways() -> dict[str, dict[str, Any]]:
    start, mask = Start(picture="b" * 64, strength=0.6), Mask(picture="c" * 64, feather=0)
    second = HighResolution(factor=1.5, strength=0.6)
    return {
        "noise": {},
        "picture": {"start": start},
        "mask": {"start": start, "mask": mask},
        "second pass": {"stages": (Base(), second)},
        "odd size": {"width": 72, "height": 88},
        "tiling": {"tiling": "both"},
        "empty prompt": {"prompt": "", "negative": ""},
        "no guidance": {"guidance": 1.0},
    }


def painted(model: Loaded, asked: dict[str, Any], *references: Reference) -> Image.Image:
    wanted = request(steps=3, **asked)
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    canvas = lay_out(wanted, drawing(), mask if wanted.mask else None) if wanted.start else None
    return paint(model, wanted, "cpu", SILENT, canvas, Means(references=references))


@pytest.mark.parametrize("way", ways())
@pytest.mark.parametrize("network", ["controlnet", "adapter"])
def test_every_way_to_paint_follows_a_reference(reading_first: Loaded, way: str, network: str) -> None:
    unet = reading_first.parts["unet"]
    net = control_net(unet) if network == "controlnet" else adapter(ADAPTERS["full_adapter"])
    asked = ways()[way]
    free = painted(reading_first, asked)
    led = painted(reading_first, asked, reference(net, network=network))
    assert led.size == free.size and led.tobytes() != free.tobytes()
    assert painted(reading_first, asked).tobytes() == free.tobytes()
    if way == "mask":
        assert led.crop((32, 0, 64, 64)).tobytes() == drawing().crop((32, 0, 64, 64)).tobytes()


def test_in_the_second_pass_a_map_has_its_size(model: Loaded, nets: list[Any]) -> None:
    sizes: list[tuple[int, int]] = []

    def noted(size: Size) -> Image.Image:
        sizes.append((size.width, size.height))
        return shown(size)

    one = Reference(samples.unit(), control_spec(Path("net")), nets[0], noted)
    painted(model, ways()["second pass"], one)
    assert sizes == [(64, 64), (96, 96)]


def test_a_denoiser_that_fills_masks_shows_its_noise_alone_to_a_net(tiny_checkpoint: Path) -> None:
    model = loaded(tiny_checkpoint)
    net = control_net(model.parts["unet"])
    model.parts["unet"] = tiny_unet(in_channels=9).eval()
    asked = ways()["mask"]
    assert painted(model, asked, reference(net)).tobytes() != painted(model, asked).tobytes()


# -- and gone -------------------------------------------------------------------------------------


def test_the_denoiser_is_what_it_was_though_painting_failed(model: Loaded, nets: list[Any]) -> None:
    unet = model.parts["unet"]
    weights = {name: weight.clone() for name, weight in unet.state_dict().items()}

    with pytest.raises(KeyError):
        passed(model, reference(nets[1]), on_step=fails)
    assert not unet._forward_pre_hooks and not unet._forward_hooks
    assert all(torch.equal(weight, weights[name]) for name, weight in unet.state_dict().items())


@pytest.mark.parametrize(
    ("spoiled", "network"),
    [
        (lambda: control_net(tiny_unet(cross_attention_dim=48)), "controlnet"),
        (lambda: control_net(tiny_unet(block_out_channels=(8, 24))), "controlnet"),
        (lambda: control_net(tiny_unet(layers_per_block=2)), "controlnet"),
        (lambda: adapter((8, 16)), "adapter"),
        (lambda: adapter((8, 24), adapter_type="full_adapter_xl", downscale_factor=16), "adapter"),
    ],
)
def test_a_net_of_other_sizes_is_refused_in_words(model: Loaded, spoiled: Any, network: str) -> None:
    with pytest.raises(StudioError, match="control_unfit") as told:
        painted(model, {}, reference(spoiled(), network=network))
    assert told.value.params == {"net": "edges", "model": "tiny"}


def test_a_net_of_xl_is_refused_by_a_smaller_model(model: Loaded, large: Loaded) -> None:
    with pytest.raises(StudioError, match="control_unfit"):
        painted(model, {}, reference(control_net(large.parts["unet"])))
