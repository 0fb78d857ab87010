"""Larger pictures: of the right size, without seams, stopped between tiles, and as they should look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from studio.diffusion import upscaling
from studio.diffusion.stopping import Stopped
from studio.diffusion.upscaling import enlarge
from studio.errors import StudioError
from studio.messages import UpscalerSpec
from studio.models.devices import Device
from studio.models.registry import Loaded, Registry
from tests.tiny_parts import tiny_upscaler, upscaler_spec

WHOLE = 10_000


def picture(width: int, height: int) -> Image.Image:
    """Smooth colours with some detail, so that a seam would show."""
    across, down = np.meshgrid(np.linspace(0, 9, width), np.linspace(0, 7, height))
    waves = [np.sin(across), np.cos(down), np.sin(across * down / 9)]
    pixels = np.stack([127 + 100 * wave for wave in waves], axis=-1)
    return Image.fromarray(
        (pixels + np.random.default_rng(0).normal(0, 6, pixels.shape)).clip(0, 255).astype("uint8")
    )


def leased(folder: Path, scale: int = 4, dtype: torch.dtype = torch.float32) -> Loaded[UpscalerSpec]:
    spec = upscaler_spec(tiny_upscaler(folder / "x.safetensors", scale))
    with Registry(Device("cpu", dtype, 10**9), folder).lease(spec) as upscaler:
        return upscaler


def silently(given: Image.Image, factor: float, upscaler: Any, side: int = upscaling.SIDE) -> Image.Image:
    return enlarge(given, factor, upscaler, lambda *_: None, lambda: False, side)


def worst(one: Image.Image, other: Image.Image) -> int:
    return int(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).max())


class Doubling(torch.nn.Module):
    """A network whose answer is known: every pixel as a block, with whatever a test wants done to it."""

    scale = 2

    def __init__(self, spoil: Any = lambda found, net: found) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float16), requires_grad=False)
        self.sizes: list[tuple[int, ...]] = []
        self._spoil = spoil

    @property
    def dtype(self) -> torch.dtype:
        return self.weight.dtype

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        assert given.dtype == self.dtype
        self.sizes.append(tuple(given.shape[-2:]))
        return self._spoil(given.repeat_interleave(2, -1).repeat_interleave(2, -2), self)


def known(tmp_path: Path, network: Doubling) -> Loaded[UpscalerSpec]:
    from studio.models.modes import WHOLE as MODE

    return Loaded(upscaler_spec(tmp_path), {"upscaler": network}, {}, MODE, "", tmp_path, "cpu")


def test_without_an_upscaler_it_is_lanczos() -> None:
    given = picture(40, 24)
    enlarged = silently(given, 1.5, None)
    assert enlarged.size == (60, 36)
    assert worst(enlarged, given.resize((60, 36), Image.Resampling.LANCZOS)) == 0


@pytest.mark.parametrize(("scale", "factor"), [(4, 4), (4, 2.5), (2, 4), (2, 3), (2, 8)])
def test_any_factor_gives_its_size(tmp_path: Path, scale: int, factor: float) -> None:
    assert silently(picture(21, 13), factor, leased(tmp_path, scale)).size == (
        round(21 * factor),
        round(13 * factor),
    )


def test_tiles_show_no_seams(tmp_path: Path) -> None:
    upscaler, given = leased(tmp_path), picture(150, 110)
    whole, tiled = (silently(given, 4, upscaler, side) for side in (WHOLE, 4 * 64))
    assert float(np.asarray(whole).std()) > 1  # a picture of one colour would have none either
    assert worst(whole, tiled) <= 2


def test_what_a_network_cannot_know_at_a_tiles_edge_is_not_used(tmp_path: Path) -> None:
    def dark_edges(found: torch.Tensor, net: Doubling) -> torch.Tensor:
        found[..., :8], found[..., -8:], found[..., :8, :], found[..., -8:, :] = 0, 0, 0, 0
        return found

    given = Image.new("RGB", (200, 150), (200, 100, 50))
    tiled = np.asarray(silently(given, 2, known(tmp_path, Doubling(dark_edges)), 2 * 64))
    assert (tiled[8:-8, 8:-8] == (200, 100, 50)).all()


def test_pixels_stay_where_they_are_whatever_the_tiles(tmp_path: Path) -> None:
    given = picture(333, 77)
    tiled = silently(given, 2, known(tmp_path, Doubling()), 2 * 64)
    assert worst(tiled, given.resize((666, 154), Image.Resampling.NEAREST)) <= 1


def test_no_tile_is_larger_than_its_side(tmp_path: Path) -> None:
    network = Doubling()
    silently(picture(500, 90), 2, known(tmp_path, network), 2 * 100)
    assert max(max(size) for size in network.sizes) == 100 and len(network.sizes) > 4


def test_every_tile_is_told_and_the_count_is_known_from_the_start(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    network = Doubling()
    given = picture(100, 70)
    enlarge(given, 4, known(tmp_path, network), lambda *at: told.append(at), lambda: False, 2 * 64)
    total = len(network.sizes)
    assert told == [(number, total) for number in range(1, total + 1)] and total > 8


def test_it_stops_between_two_tiles(tmp_path: Path) -> None:
    network = Doubling()
    with pytest.raises(Stopped) as stopped:
        enlarge(
            picture(200, 200),
            2,
            known(tmp_path, network),
            lambda *_: None,
            lambda: len(network.sizes) == 3,
            2 * 64,
        )
    assert stopped.value.step == 3 and len(network.sizes) == 3


def test_what_overflows_is_done_again_in_full_precision_and_the_network_is_as_it_was(tmp_path: Path) -> None:
    def overflows(found: torch.Tensor, net: Doubling) -> torch.Tensor:
        return found * float("nan") if net.dtype == torch.float16 else found

    network, given = Doubling(overflows), picture(100, 20)
    enlarged = silently(given, 2, known(tmp_path, network), 2 * 64)
    assert worst(enlarged, given.resize((200, 40), Image.Resampling.NEAREST)) <= 1
    assert len(network.sizes) == 4  # of three tiles the first alone was tried twice
    assert network.dtype == torch.float16


def test_a_network_that_changed_its_type_within_a_painting_is_not_bound_to_its_mode(tmp_path: Path) -> None:
    def overflows(found: torch.Tensor, net: Doubling) -> torch.Tensor:
        return found * float("nan") if net.dtype == torch.float16 else found

    network = Doubling(overflows)
    with torch.inference_mode():
        silently(picture(30, 20), 2, known(tmp_path, network))
    assert network.dtype == torch.float16 and not network.weight.is_inference()


def test_a_network_that_gives_no_numbers_at_all_is_told(tmp_path: Path) -> None:
    network = Doubling(lambda found, net: found * float("nan"))
    with pytest.raises(StudioError, match="upscaler_black"):
        silently(picture(30, 20), 2, known(tmp_path, network))
    assert network.dtype == torch.float16


def test_half_precision_gives_nearly_the_same(tmp_path: Path) -> None:
    given = picture(60, 40)
    half, full = (silently(given, 4, leased(tmp_path, dtype=one)) for one in (torch.float16, torch.float32))
    assert worst(half, full) <= 3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_enlarges_in_half_precision_and_gives_nearly_the_same(tmp_path: Path) -> None:
    given, here = picture(150, 110), leased(tmp_path)
    device = Device("cuda:0", torch.float16, 2**40, is_host=False)
    with Registry(device, tmp_path).lease(here.spec) as there:
        assert there.parts["upscaler"].dtype == torch.float16
        tiled = silently(given, 4, there, 4 * 64)
    assert worst(tiled, silently(given, 4, here)) <= 4
