"""What the base is fed with: latents, captions and layouts, and which of them come when."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pocket.data import cells_path
from pocket.growing import Growing
from pocket.train.common import pick_device
from pocket.train.guide import Layout, Said, read_layout
from pocket.train.scenes import learned
from pocket.train.settings import Settings, UnetSettings


@dataclass(frozen=True)
class Batch:
    """Latents, and what was said of them."""

    latents: Tensor
    said: Said


@dataclass(frozen=True)
class Source:
    """Where latents, captions and cells lie on disk, maybe while they are still being made."""

    latents: NDArray[np.float16]
    captions: NDArray[np.int16]
    cells: NDArray[np.uint8]
    grown: Growing


@dataclass
class Feed:
    """Latents with their captions and layouts, where the networks are."""

    latents: Tensor
    captions: Tensor
    layout: Layout
    empty: Tensor
    scale: float
    there: int
    source: Source | None = None

    def __post_init__(self) -> None:
        first, second = (self.layout.subjects[:, k].cpu().numpy() for k in (1, 2))
        # Only of two different things is it said which one is where.
        self.pairs = np.flatnonzero((first > 0) & (second > 0) & (first != second))

    def grow(self) -> None:
        """Take in what has been made since."""
        if self.source is None or (ready := self.source.grown.count()) <= self.there:
            return
        new = slice(self.there, ready)
        for held, made in (
            (self.latents, self.source.latents),
            (self.captions, self.source.captions),
            (self.layout.cells, self.source.cells),
        ):
            held[new] = torch.from_numpy(np.array(made[new])).to(held.device)
        self.there = ready

    def batch(self, s: UnetSettings, rng: np.random.Generator) -> Batch:
        """Some latents and for each one of its captions, or none."""
        rows = rng.integers(0, self.there, s.batch)
        latents, ids = self.read(rows, s.empty, rng)
        return Batch(latents, Said(ids, *self.layout.some(self.here(rows))))

    def said(self, count: int, pairs: float, rng: np.random.Generator) -> Said:
        """Captions without their pictures: a share of them of pairs, the others of anything."""
        anything = rng.integers(0, self.there, count)
        some = self.pairs[: np.searchsorted(self.pairs, self.there)]
        rows = np.where(rng.random(count) < pairs, rng.choice(some, count), anything)
        return Said(self.tokens(rows, rng), *self.layout.some(self.here(rows)))

    def read(self, rows: NDArray[np.int64], empty: float, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """The latents of some pictures, and the tokens of one of their captions or of none."""
        silent = torch.from_numpy(rng.random(len(rows)) < empty).to(self.empty.device)
        ids = torch.where(silent[:, None], self.empty, self.tokens(rows, rng))
        x = self.latents[self.here(rows)].float() * self.scale
        return x.contiguous(memory_format=torch.channels_last), ids

    def tokens(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        """One caption's tokens of each picture."""
        which = rng.integers(0, self.captions.shape[1], len(rows))
        return self.captions[self.here(rows), self.here(which)].long()

    def here(self, rows: NDArray[np.int64]) -> Tensor:
        """Numbers of rows, where the rows are."""
        return torch.from_numpy(rows).to(self.latents.device)


def open_source(settings: Settings) -> Source:
    """What the stages before have made, or are making beside."""
    grown = Growing(settings.latents)
    if settings.beside:
        grown.wait(1)
    elif (there := grown.count()) < settings.pictures:
        raise SystemExit(
            f"{there} of {settings.pictures} latents in {settings.run}: run the stage latents first"
        )
    files = (settings.latents, settings.captions, cells_path(settings.drawings))
    latents, captions, cells = (np.load(path, mmap_mode="r") for path in files)
    return Source(latents, captions, cells, grown)


def open_feed(settings: Settings) -> Feed:
    """The feed of the run folder."""
    source, device = open_source(settings), pick_device()
    scale = json.loads((settings.run / "latents.json").read_text())["scaling_factor"]
    layout = read_layout([learned(k) for k in range(len(source.latents))], device)
    empty = torch.tensor([0, 1] + [1] * 75, device=device)
    latents, captions = (
        torch.zeros(made.shape, dtype=kind, device=device)
        for made, kind in ((source.latents, torch.float16), (source.captions, torch.int16))
    )
    feed = Feed(latents, captions, layout, empty, scale, 0, source)
    feed.grow()
    return feed
