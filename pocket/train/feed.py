"""What the base is fed with: latents, captions and layouts, and which of them come when."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pocket.data import cells_path
from pocket.models import NATIVE
from pocket.train.guide import Layout, Said, read_layout
from pocket.train.scenes import learned, settled
from pocket.train.settings import Settings, UnetSettings


def falling(start: float, later: float, share: float) -> float:
    """A number that falls, or rises, evenly until the middle of the training."""
    return later + (start - later) * max(0.0, 1 - 2 * share)


@dataclass(frozen=True)
class Batch:
    """Latents, and what was said of them."""

    latents: Tensor
    said: Said


@dataclass
class Feed:
    """Latents with their captions and layouts, in memory; the first `settled` of them are the plainest."""

    latents: NDArray[np.float16]
    captions: NDArray[np.int16]
    layout: Layout
    empty: NDArray[np.int16]
    scale: float
    settled: int

    def __post_init__(self) -> None:
        first, second = self.layout.subjects[:, 1], self.layout.subjects[:, 2]
        # Only of two different things is it said which one is where.
        self.pairs = np.flatnonzero((first > 0) & (second > 0) & (first != second))

    def rows(self, s: UnetSettings, share: float, rng: np.random.Generator) -> NDArray[np.int64]:
        """Which pictures come next: many plain ones at first, few from the middle of the training on."""
        plain = falling(s.settled_share, s.settled_later, share)
        early = rng.integers(0, self.settled, s.batch)
        late = rng.integers(self.settled, len(self.latents), s.batch)
        return np.where(rng.random(s.batch) < plain, early, late)

    def batch(self, s: UnetSettings, share: float, rng: np.random.Generator, device: torch.device) -> Batch:
        """Some latents and for each one of its captions, or none."""
        rows = self.rows(s, share, rng)
        latents, ids = self.read(rows, s.empty, rng, device)
        return Batch(latents, Said(ids, *self.layout.some(rows, device)))

    def pieces(
        self, s: UnetSettings, rng: np.random.Generator, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Square pieces of pictures, around what they show, and the tokens of the whole."""
        rows = rng.integers(0, len(self.latents), s.batch * s.pieces)
        latents, ids = self.read(rows, s.empty, rng, device)
        side = latents.shape[-1] // 2
        corners = [self.corner(row, side, rng) for row in rows]
        cut = [x[:, y : y + side, z : z + side] for x, (y, z) in zip(latents, corners, strict=True)]
        return torch.stack(cut).contiguous(memory_format=torch.channels_last), ids

    def corner(self, row: np.int64, side: int, rng: np.random.Generator) -> tuple[int, int]:
        """Where a piece begins that has some place of a thing in its middle, as far as the picture's edge allows."""
        cells = np.argwhere(self.layout.cells[row] > 0)
        whole, grid = self.latents.shape[-1], self.layout.cells.shape[-1]
        middle = rng.choice(cells) if len(cells) else rng.integers(0, grid, 2)
        y, x = (int(np.clip((k + 0.5) * whole / grid - side / 2, 0, whole - side)) for k in middle)
        return y, x

    def said(self, count: int, pairs: float, rng: np.random.Generator, device: torch.device) -> Said:
        """Captions without their pictures: a share of them of pairs, the others of anything."""
        anything = rng.integers(0, len(self.captions), count)
        rows = np.where(rng.random(count) < pairs, rng.choice(self.pairs, count), anything)
        ids = self.captions[rows, rng.integers(0, self.captions.shape[1], count)].astype(np.int64)
        return Said(torch.from_numpy(ids).to(device), *self.layout.some(rows, device))

    def read(
        self, rows: NDArray[np.int64], empty: float, rng: np.random.Generator, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """The latents of some pictures, and the tokens of one of their captions or of none."""
        ids = self.captions[rows, rng.integers(0, self.captions.shape[1], len(rows))].copy()
        ids[rng.random(len(rows)) < empty] = self.empty
        x = torch.from_numpy(self.latents[rows].astype(np.float32) * self.scale)
        return (
            x.to(device).contiguous(memory_format=torch.channels_last),
            torch.from_numpy(ids.astype(np.int64)).to(device),
        )


def open_feed(settings: Settings) -> Feed:
    """The feed of the run folder."""
    run = settings.run
    scale = json.loads((run / "latents.json").read_text())["scaling_factor"]
    latents, captions = np.load(run / "latents.npy"), np.load(run / "captions.npy")
    cells = np.load(cells_path(settings.data / f"learned-{NATIVE}.npy"))
    layout = read_layout([learned(k) for k in range(len(latents))], cells)
    empty = np.array([0, 1] + [1] * 75, np.int16)
    return Feed(latents, captions, layout, empty, scale, len(settled()))
