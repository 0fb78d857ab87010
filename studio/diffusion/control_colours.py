"""Colours held in what a denoiser foresees, in their places or wherever they like: for this no net has to be trained.

Each of a denoiser's guesses amounts to a picture that it expects in the end. The colours of that picture are moved
toward those of the map, cell by cell and smoothly from one to the next, and the guess becomes that of the moved
picture; what is finer than a cell stays its own affair. What moves is the picture that guidance makes of both guesses,
so that it drives nothing beyond the map. Written by hand, since the library has nothing like it. To replace what is
coarse in a picture on its way is ILVR's idea (Choi and others, 2021), which does it in the noise; to bring colours into
other shares by turning their space is that of Pitié and others (2007).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from studio.controls import CONTROLS, DETECTORS
from studio.diffusion.latents import encode, tensor_of
from studio.messages import Balance, Size

if TYPE_CHECKING:
    from studio.diffusion.control import Reference


@dataclass(frozen=True)
class Holding:
    """How colours are held."""

    cells: int
    """Along the shorter side, where the person does not say how many."""
    pull: Mapping[Balance, float]
    """How much of the way to the map's colours every step goes at a weight of 1, by who leads."""


# Measured on Pocket: pulled harder, or over larger cells, a palette takes the prompt's things apart.
HOLDINGS = {
    "places": Holding(
        round(DETECTORS["grid"].settings[0].default), {"prompt": 0.1, "even": 0.5, "reference": 1.0}
    ),
    "shares": Holding(16, {"prompt": 0.1, "even": 0.28, "reference": 0.5}),
}
PATCH, LARGEST = 32, 512
"""Pixels of a cell as the encoder is shown it, and of the map's shorter side at most: colours need no more."""
ALL_THERE = 0.98
"""Of -1 to 1: a cell that a map covers but for an edge."""
STRIPES = Size(width=512, height=32)
TURNS = 6
"""How often the space of colours is turned: after so many, every colour has its share."""


@dataclass(frozen=True)
class Grid:
    """So many cells over a picture."""

    rows: int
    columns: int

    def cells(self, latents: Tensor) -> Tensor:
        """Their means; each latent for itself where there are fewer of those."""
        return functional.adaptive_avg_pool2d(
            latents, (min(self.rows, latents.shape[-2]), min(self.columns, latents.shape[-1]))
        )


@dataclass(frozen=True)
class Held:
    """The colours of a reference, held in one pass."""

    grid: Grid
    aim: Callable[[Tensor], Tensor]
    """From the cells of pictures as they are to those that they should be."""
    scheduler: Any
    pull: float

    def hold(self, guess: Tensor, noisy: Tensor, time: Tensor, guidance: float | None = None) -> Tensor:
        """The guess with its colours moved; guided, both sides are moved by what their picture lacks."""
        noise_share = _noise_share(self.scheduler, time).to(guess.device)
        how = self.scheduler.config.prediction_type
        foreseen = foresee(guess.float(), noisy[:, : guess.shape[1]].float(), noise_share, how)
        lacks = self.lacks(foreseen if guidance is None else guided(foreseen, guidance))
        moved = by_guess(self.pull * lacks, noise_share, how)
        return (guess.float() + moved.repeat(len(guess) // len(moved), 1, 1, 1)).to(guess)

    def lacks(self, pictures: Tensor) -> Tensor:
        """What pictures lack of the colours, smoothly from cell to cell."""
        cells = self.grid.cells(pictures)
        return functional.interpolate(self.aim(cells) - cells, pictures.shape[-2:], mode="bilinear")


def held(reference: Reference, pipe: Any, size: Size, device: str) -> Held:
    """A reference as a pass holds it."""
    unit, how = reference.unit, CONTROLS[reference.unit.kind].held
    grid = grid_of(size, unit.settings.get("cells", HOLDINGS[how].cells))
    aim = in_places if how == "places" else in_shares
    pull = min(1.0, HOLDINGS[how].pull[unit.balance] * unit.weight)
    return Held(grid, aim(pipe.vae, reference, grid, device), pipe.scheduler, pull)


def grid_of(size: Size, asked: float) -> Grid:
    """Square cells, so many along the shorter side."""
    cell = min(size.width, size.height) / asked
    return Grid(*(max(1, round(side / cell)) for side in (size.height, size.width)))


# -- where the colours are to be ------------------------------------------------------------------


def in_places(vae: Any, reference: Reference, grid: Grid, device: str) -> Callable[[Tensor], Tensor]:
    """Every cell becomes what the map is there."""
    patch = max(1, min(PATCH, LARGEST // min(grid.columns, grid.rows)))
    shown = reference.picture(Size(width=_whole(grid.columns * patch), height=_whole(grid.rows * patch)))
    there = grid.cells(tensor_of(shown.convert("RGBA").getchannel("A").convert("RGB"), device)[:, :1])
    return placed(grid.cells(encode(vae, tensor_of(shown.convert("RGB"), device))), there > ALL_THERE)


def placed(wanted: Tensor, there: Tensor | None = None) -> Callable[[Tensor], Tensor]:
    """Every cell becomes the wanted one in its place, where there is one for it."""

    def aim(cells: Tensor) -> Tensor:
        held = functional.adaptive_avg_pool2d(wanted, cells.shape[-2:]).expand_as(cells)
        if there is None:
            return held
        return torch.where(functional.adaptive_avg_pool2d(there.float(), cells.shape[-2:]) > 0.5, held, cells)

    return aim


def in_shares(vae: Any, reference: Reference, grid: Grid, device: str) -> Callable[[Tensor], Tensor]:
    """As many cells become one of the map's colours as its stripe is wide, those that are most like it."""
    shown = reference.picture(STRIPES)
    return shares(encode(vae, tensor_of(shown.convert("RGB"), device)))


def shares(stripes: Tensor) -> Callable[[Tensor], Tensor]:
    """Cells get the shares of the stripes: each picture those of its own, or all those of the only ones."""
    colours = [one.mean(1).T for one in stripes]
    return lambda cells: torch.stack([shared(one, colours[n % len(colours)]) for n, one in enumerate(cells)])


def shared(cells: Tensor, colours: Tensor) -> Tensor:
    """Cells (channels first) brought into the shares of colours (rows): along every axis of a space that is turned
    a few times, the lowest becomes the lowest, the middle the middle and the highest the highest."""
    now = cells.flatten(1).T
    at = (torch.arange(len(now), device=now.device) + 0.5) / len(now) * len(colours)
    for turn in _turns(now.shape[1]):
        turn = turn.to(now)
        axes, wanted = now @ turn, (colours @ turn).sort(0).values[at.long()]
        now = torch.empty_like(axes).scatter(0, axes.argsort(0), wanted) @ turn.T
    return now.T.reshape(cells.shape)


@cache
def _turns(channels: int) -> list[Tensor]:
    """Always the same ones, so that a seed's picture is."""
    dice = torch.Generator().manual_seed(0)
    return [torch.linalg.qr(torch.randn(channels, channels, generator=dice)).Q for _ in range(TURNS)]


def _whole(side: int, of: int = 8) -> int:
    """A side that every encoder takes."""
    return max(of, round(side / of) * of)


# -- guesses and their pictures -------------------------------------------------------------------


def guided(pictures: Tensor, guidance: float) -> Tensor:
    """What guidance makes of the opposite's pictures and, behind them, the prompt's."""
    opposite, own = pictures.chunk(2)
    return opposite + guidance * (own - opposite)


def foresee(guess: Tensor, noisy: Tensor, noise_share: Tensor, how: str) -> Tensor:
    """The picture that a guess amounts to."""
    if how == "sample":
        return guess
    seen, hidden = (1 - noise_share).sqrt(), noise_share.sqrt()
    return seen * noisy - hidden * guess if how == "v_prediction" else (noisy - hidden * guess) / seen


def by_guess(moved: Tensor, noise_share: Tensor, how: str) -> Tensor:
    """By how much a guess changes where its picture is moved."""
    if how == "sample":
        return moved
    by = noise_share.sqrt() if how == "v_prediction" else (noise_share / (1 - noise_share)).sqrt()
    return -moved / by


def _noise_share(scheduler: Any, time: Tensor) -> Tensor:
    """How much of the power of what a denoiser is shown is noise, also between two of its moments."""
    kept = scheduler.alphas_cumprod.double()
    at = time.detach().flatten()[0].cpu().double().clamp(0, len(kept) - 1)
    early, late = int(at.floor()), int(at.ceil())
    return (1 - torch.lerp(kept[early], kept[late], at - early)).float()
