"""Colours held in what a denoiser foresees: in the end they are the map's, with every sampler."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from studio.control.maps import fitted
from studio.diffusion.control import Reference
from studio.diffusion.control_colours import (
    HOLDINGS,
    Grid,
    Held,
    by_guess,
    foresee,
    grid_of,
    guided,
    in_places,
    in_shares,
    placed,
    shared,
)
from studio.diffusion.samplers import SAMPLERS
from studio.messages import ControlUnit, Size
from studio.models.registry import Loaded
from tests import samples
from tests.diffusion.painting import loaded
from tests.diffusion.test_control import passed
from tests.tiny_controls import control_net, control_spec
from tests.tiny_families import tiny_sd2, tiny_sd2_zero, tiny_sdxl

SEEDED = torch.Generator().manual_seed(0)


def mosaic(size: Size) -> Image.Image:
    """Four colours in four corners."""
    four = Image.new("RGB", (2, 2))
    for at, colour in zip(((0, 0), (1, 0), (0, 1), (1, 1)), ("red", "white", "navy", "yellow"), strict=True):
        four.putpixel(at, Image.new("RGB", (1, 1), colour).getpixel((0, 0)))
    return four.resize((size.width, size.height), Image.Resampling.NEAREST)


def colours(**asked: Any) -> Reference:
    """A reference of colours that no net follows."""
    unit: ControlUnit = samples.unit(kind="colour", settings={"cells": 2.0}, **asked)
    return Reference(unit, None, None, mosaic)


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Any) -> Loaded:
    return loaded(tiny_checkpoint)


def palette(**asked: Any) -> Reference:
    """A reference of the same colours, wherever they are."""
    unit: ControlUnit = samples.unit(kind="palette", settings={"cells": 4.0}, **asked)
    return Reference(unit, None, None, mosaic)


FOUR = Grid(2, 2)


def off(model: Loaded, latents: torch.Tensor) -> float:
    """How far the means of four cells are from the mosaic's."""
    aim = in_places(model.parts["vae"], colours(), FOUR, "cpu")
    cells = FOUR.cells(latents)
    return float((cells - aim(cells)).abs().mean())


def off_shares(model: Loaded, latents: torch.Tensor) -> float:
    """How far the shares of the mosaic's colours are from being right, along the latents' own axes."""
    vae, cells = model.parts["vae"], Grid(4, 4).cells(latents)
    aim = in_shares(vae, palette(), Grid(4, 4), "cpu")(cells)
    now, wanted = (one.flatten(2).sort(dim=2).values for one in (cells, aim))
    return float((now - wanted).abs().mean())


@pytest.mark.parametrize("how", ["epsilon", "v_prediction", "sample"])
def test_a_guess_and_its_picture_tell_of_each_other(how: str) -> None:
    picture, noise = (torch.randn(2, 4, 8, 8, generator=SEEDED) for _ in range(2))
    share = torch.tensor(0.3)
    seen, hidden = (1 - share).sqrt(), share.sqrt()
    guess = {"epsilon": noise, "v_prediction": seen * noise - hidden * picture, "sample": picture}[how]
    noisy = seen * picture + hidden * noise
    assert torch.allclose(foresee(guess, noisy, share, how), picture, atol=1e-5)
    moved = guess + by_guess(torch.ones(1, 4, 1, 1), share, how)
    assert torch.allclose(foresee(moved, noisy, share, how), picture + 1, atol=1e-5)


@pytest.mark.parametrize("guidance", [None, 1.5, 7.0])
def test_what_guidance_makes_of_both_guesses_has_the_colours(guidance: float | None) -> None:
    wanted, time = torch.randn(1, 4, 2, 2, generator=SEEDED), torch.tensor(400)
    held = Held(FOUR, placed(wanted), noise_schedule(), 1.0)
    guess, noisy = (torch.randn(2, 4, 8, 8, generator=SEEDED) for _ in range(2))
    told = held.hold(guess, noisy, time, guidance)
    share = 1 - noise_schedule().alphas_cumprod[400]
    before, after = (foresee(one, noisy, share, "epsilon") for one in (guess, told))
    if guidance is not None:
        before, after = guided(before, guidance), guided(after, guidance)
    # Not all the way in one step: the cells go over into each other.
    far = [float((FOUR.cells(one) - wanted).abs().mean()) for one in (before, after)]
    assert far[1] < far[0] / 3


def test_only_what_is_coarser_than_a_cell_is_missed() -> None:
    fine = torch.tensor([1.0, -1.0]).repeat(8, 4)[None, None]
    assert not Held(FOUR, placed(torch.zeros(1, 1, 2, 2)), None, 1.0).lacks(fine).any()
    lacks = Held(Grid(1, 2), placed(torch.tensor([[[[0.0, 1.0]]]])), None, 1.0).lacks(torch.zeros(1, 1, 8, 8))
    assert torch.all(lacks.diff(dim=3) >= 0) and lacks[..., 0].max() == 0 and lacks[..., -1].min() == 1


def test_each_colour_gets_its_share_and_the_order_of_the_cells_stays() -> None:
    colours = torch.tensor([[0.0] * 4] * 3 + [[1.0] * 4])
    cells = torch.linspace(5, 9, 16).repeat(4, 1).reshape(4, 4, 4)
    told = shared(cells, colours)
    assert torch.allclose(told.flatten(), torch.tensor(([0.0] * 12 + [1.0] * 4) * 4), atol=0.05)
    assert torch.allclose(shared(told, colours), told, atol=0.05), "what has its shares stays"
    assert torch.equal(shared(cells, colours), told), "the same every time"


KINDS = [name for name, sampler in SAMPLERS.items() if not name.startswith("flow")]


@pytest.mark.parametrize("sampler", KINDS)
def test_with_every_sampler_the_colours_in_the_end_are_the_maps(model: Loaded, sampler: str) -> None:
    free, even, led = (
        off(model, passed(model, *given, sampler=sampler, steps=8))
        for given in ([], [colours()], [colours(balance="reference")])
    )
    assert led < even < free and led < free / 3


@pytest.mark.parametrize(("made", "family"), [(tiny_sd2, "sd2"), (tiny_sd2_zero, "sd2"), (tiny_sdxl, "sdxl")])
@pytest.mark.parametrize("sampler", ["ddim", "euler"])
def test_every_family_is_held_whatever_its_denoiser_guesses(
    made: Callable[[Path], Path], family: str, sampler: str, tmp_path: Path
) -> None:
    model = loaded(made(tmp_path), family)
    free, led = (
        off(model, passed(model, *given, family=family, sampler=sampler))
        for given in ([], [colours(balance="reference")])
    )
    assert led < free / 3


@pytest.mark.parametrize("sampler", ["dpmpp_2m_karras", "euler_a", "lcm"])
def test_a_palette_is_there_in_its_shares(model: Loaded, sampler: str) -> None:
    free, even, led = (
        off_shares(model, passed(model, *given, sampler=sampler, steps=8))
        for given in ([], [palette()], [palette(balance="reference")])
    )
    assert led < even < free and led < free / 2


@pytest.mark.parametrize("guidance", [1.0, 7.0])
def test_a_weight_of_a_half_goes_half_the_way(model: Loaded, guidance: float) -> None:
    far = [
        off(model, passed(model, colours(weight=weight, balance="reference"), guidance=guidance))
        for weight in (0.1, 0.5, 1.0)
    ]
    assert far[2] < far[1] < far[0]


def test_who_leads_says_how_far_a_step_goes(model: Loaded) -> None:
    far = [off(model, passed(model, colours(balance=balance))) for balance in ("reference", "even", "prompt")]
    assert far == sorted(far) and HOLDINGS["places"].pull["reference"] == 1


def test_colours_count_in_their_share_of_the_steps(model: Loaded) -> None:
    whole, early, none = (passed(model, *given) for given in ([colours()], [colours(start=0.0, end=0.5)], []))
    assert off(model, whole) < off(model, early) < off(model, none)


def test_a_net_that_is_named_speaks_and_nothing_is_held(model: Loaded) -> None:
    net = control_net(model.parts["unet"])
    asked = {"unit": samples.unit(kind="colour"), "net": net, "picture": mosaic}
    told = passed(model, Reference(spec=control_spec(Path("net"), kinds=("colour",)), **asked))
    edges = passed(model, Reference(spec=control_spec(Path("net")), **asked | {"unit": samples.unit()}))
    assert torch.equal(told, edges)


def test_edges_of_a_net_and_colours_that_are_held_are_followed_together(model: Loaded) -> None:
    net = control_net(model.parts["unet"])
    edges = Reference(samples.unit(), control_spec(Path("net")), net, mosaic)
    free, led, both = (
        passed(model, *given) for given in ([], [edges], [edges, colours(balance="reference")])
    )
    assert off(model, both) < off(model, led) / 3
    assert not torch.allclose(both, passed(model, colours(balance="reference")), atol=0.01)
    assert not torch.allclose(led, free, atol=0.01)


def test_what_was_held_is_let_go(model: Loaded) -> None:
    before = passed(model)
    assert not torch.equal(passed(model, colours(), palette()), before)
    assert torch.equal(passed(model), before) and not model.parts["unet"]._forward_hooks


def test_half_precision_comes_back_as_it_came() -> None:
    held = Held(FOUR, placed(torch.zeros(1, 4, 2, 2)), noise_schedule(), 0.5)
    guess = torch.randn(2, 4, 8, 8, generator=SEEDED).half()
    told = held.hold(guess, torch.randn(2, 9, 8, 8, generator=SEEDED).half(), torch.tensor(0.5), 7.0)
    assert told.dtype is torch.float16 and torch.isfinite(told).all()


def noise_schedule() -> Any:
    """As the first family's."""
    from diffusers import DDIMScheduler

    return DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")


@pytest.mark.parametrize(
    ("size", "grid"), [((64, 64), Grid(4, 4)), ((96, 40), Grid(4, 10)), ((40, 96), Grid(10, 4))]
)
def test_cells_are_square_and_as_many_along_the_shorter_side_as_was_asked(
    size: tuple[int, int], grid: Grid
) -> None:
    assert grid_of(Size(width=size[0], height=size[1]), 4) == grid


def test_where_a_map_shows_nothing_colours_are_free(model: Loaded) -> None:
    def half(size: Size) -> Image.Image:
        return fitted(
            mosaic(Size(width=32, height=64)).convert("RGBA"), (size.width, size.height), "fill", flat=True
        )

    aim = in_places(model.parts["vae"], Reference(colours().unit, None, None, half), Grid(4, 4), "cpu")
    cells = torch.full((1, 4, 4, 4), 9.0)
    free = (aim(cells) == 9).all(dim=1)[0]
    assert free.tolist() == [[True, False, False, True]] * 4


def test_where_there_are_fewer_latents_than_cells_each_is_held(model: Loaded) -> None:
    assert Grid(64, 64).cells(torch.zeros(1, 4, 8, 6)).shape[-2:] == (8, 6)
    aim = in_places(model.parts["vae"], colours(), Grid(64, 64), "cpu")
    held = Held(Grid(64, 64), aim, noise_schedule(), 1.0)
    assert held.lacks(torch.zeros(2, 4, 8, 6)).shape == (2, 4, 8, 6)
