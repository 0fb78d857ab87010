"""Makes pictures larger: by Lanczos, or by a learned upscaler, tile by tile so that any size fits."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from studio.diffusion.stopping import Stopped
from studio.errors import StudioError
from studio.messages import UpscalerSpec
from studio.models.registry import Loaded
from studio.models.upscalers import Upscaler

SIDE = 1024
"""Pixels of a tile's sides once it is enlarged: they bound the memory, whatever the picture's size."""
OVERLAP = 32
"""Pixels of the picture that neighbouring tiles share at least."""
EDGE = OVERLAP // 4
"""Pixels at a tile's inner edges that are not used: what lies beyond them was missing to the network."""


Cuts = list[tuple[int, int]]
"""Where tiles begin along a side, and how many pixels each shares with the one before."""


@dataclass(frozen=True)
class _Grid:
    """The tiles of one pass: rows of columns."""

    across: Cuts
    down: Cuts
    width: int
    height: int

    @property
    def count(self) -> int:
        return len(self.across) * len(self.down)


def enlarge(
    picture: Image.Image,
    factor: float,
    upscaler: Loaded[UpscalerSpec] | None,
    on_tile: Callable[[int, int], None],
    unwanted: Callable[[], bool],
    side: int = SIDE,
) -> Image.Image:
    """The picture so many times larger; without an upscaler by Lanczos."""
    if upscaler is not None:
        network: Upscaler = upscaler.parts["upscaler"]
        plan = _plan(picture.size, factor, network.scale, side)
        work = _Work(network, upscaler, on_tile, unwanted, total=sum(grid.count for grid in plan))
        with _as_it_was(network):
            enlarged = picture
            for grid in plan:
                enlarged = work.enlarged(enlarged, grid)
    else:
        enlarged = picture
    wanted = (round(picture.width * factor), round(picture.height * factor))
    return enlarged if enlarged.size == wanted else enlarged.resize(wanted, Image.Resampling.LANCZOS)


# -- where the tiles lie --------------------------------------------------------------------------


def _plan(size: tuple[int, int], factor: float, scale: int, side: int) -> list[_Grid]:
    """The tiles of every pass: an upscaler knows one scale, so it works more than once for a larger factor."""
    passes = max(1, math.ceil(round(math.log(factor, scale), 6)))
    sizes = [(size[0] * scale**number, size[1] * scale**number) for number in range(passes)]
    return [_grid(width, height, max(side // scale, 2 * OVERLAP)) for width, height in sizes]


def _grid(width: int, height: int, side: int) -> _Grid:
    return _Grid(_cuts(width, side), _cuts(height, side), min(side, width), min(side, height))


def _cuts(length: int, side: int) -> Cuts:
    count = max(1, math.ceil((length - OVERLAP) / (side - OVERLAP)))
    starts = [round(number * (length - side) / (count - 1)) for number in range(count)] if count > 1 else [0]
    ends = [0, *(start + side for start in starts)]
    return [(start, end - start) for start, end in zip(starts, ends, strict=False)]


# -- the work -------------------------------------------------------------------------------------


@contextlib.contextmanager
def _as_it_was(network: Upscaler) -> Iterator[None]:
    """Whatever type the network works in meanwhile, it goes back to its own; its weights are then the same."""
    dtype = network.dtype
    # Painting may ask for it in a mode of its own, which a changed weight would be bound to for good.
    with torch.inference_mode(False):
        try:
            yield
        finally:
            network.to(dtype)


class _Work:
    """One picture being enlarged."""

    def __init__(
        self,
        network: Upscaler,
        upscaler: Loaded[UpscalerSpec],
        on_tile: Callable[[int, int], None],
        unwanted: Callable[[], bool],
        total: int,
    ) -> None:
        self._network, self._upscaler = network, upscaler
        self._on_tile, self._unwanted = on_tile, unwanted
        self._done, self._total = 0, total

    def enlarged(self, picture: Image.Image, grid: _Grid) -> Image.Image:
        """One pass: the picture larger by the upscaler's own scale."""
        scale = self._network.scale
        canvas = Image.new("RGB", (picture.width * scale, picture.height * scale))
        # Rows are put together first: a corner where four tiles meet would show the edges of two of them.
        for top, shared in grid.down:
            row = self._row(picture.crop((0, top, picture.width, top + grid.height)), grid)
            fades = np.broadcast_to(_ramp(row.height, shared, scale)[:, None], (row.height, row.width))
            canvas.paste(row, (0, top * scale), _mask(fades))
        return canvas

    def _row(self, strip: Image.Image, grid: _Grid) -> Image.Image:
        scale = self._network.scale
        row = Image.new("RGB", (strip.width * scale, strip.height * scale))
        for left, shared in grid.across:
            if self._unwanted():
                raise Stopped(self._done)
            tile = self._larger(strip.crop((left, 0, left + grid.width, strip.height)))
            fades = np.broadcast_to(_ramp(tile.width, shared, scale)[None, :], (tile.height, tile.width))
            row.paste(tile, (left * scale, 0), _mask(fades))
            self._done += 1
            self._on_tile(self._done, self._total)
        return row

    @torch.no_grad()
    def _larger(self, tile: Image.Image) -> Image.Image:
        given = torch.from_numpy(np.array(tile.convert("RGB"))).permute(2, 0, 1)[None].float() / 255
        found = self._network(given.to(self._upscaler.device, self._network.dtype))
        if not torch.isfinite(found).all() and self._network.dtype != torch.float32:
            # It overflowed; the other tiles would too, so it stays in full precision for this picture.
            self._network.to(torch.float32)
            found = self._network(given.to(self._upscaler.device))
        if not torch.isfinite(found).all():
            raise StudioError("upscaler_black", upscaler=self._upscaler.spec.title.en)
        return _picture(found[0])


def _picture(found: Tensor) -> Image.Image:
    pixels = found.float().clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0)
    return Image.fromarray(pixels.cpu().contiguous().numpy(), "RGB")


def _mask(fades: np.ndarray) -> Image.Image:
    return Image.fromarray((255 * fades).round().astype(np.uint8), "L")


def _ramp(length: int, shared: int, scale: int) -> np.ndarray:
    """How much a tile shows along a side: not at its inner edge, then more and more over what lies there."""
    if not shared:
        return np.ones(length)
    begun = np.arange(length) + 0.5 - EDGE * scale
    return np.clip(begun / (shared * scale - 2 * EDGE * scale), 0, 1)
