"""The judge: a small network that reads a picture, taught only by drawn truth.

It reads densely: every cell of a 16 x 16 grid says how likely a subject's centre lies there, which subject and
which colour. Peaks of the first are the things of the picture, so counting is counting peaks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pocket.manner import MANNERS, Manner, Residual, block, spread
from pocket.world import SUBJECTS
from pocket.world.scene import BACKGROUNDS, COLOURS, DEFECTS

SUBJECT_NAMES, COLOUR_NAMES = tuple(SUBJECTS), tuple(COLOURS)
SIDE, CELLS = 128, 16
# What the judge can be asked about; each heading must be earned on held-out drawings.
HEADINGS = ("subjects", "counts", "colours", "places", "background", "style", "light", "defects")
WHOLE = {"background": BACKGROUNDS, **MANNERS}
# Heads that speak for every cell.
CELLWISE = ("centre", "subject", "colour")
PASS = 0.99
PEAK = 0.4


class Judge(nn.Module):
    """Reads things with their places and colours, background, style, light and defects."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = block(3, 16, 2)
        self.early = nn.Sequential(block(16, 32, 2), Residual(32))
        self.middle = nn.Sequential(block(32, 64, 2), Residual(64), Residual(64))
        self.late = nn.Sequential(block(64, 112, 2), Residual(112), Residual(112))
        self.down = nn.Conv2d(112, 64, 1)
        self.join = block(64, 64)
        self.things = nn.Conv2d(64, 1 + len(SUBJECT_NAMES), 1)
        self.tint = nn.Sequential(nn.Conv2d(64 + 32, 64, 1), nn.ReLU(inplace=True))
        self.colour = nn.Conv2d(64, len(COLOUR_NAMES), 1)
        stats = 2 * (16 + 32 + 64 + 112)
        self.whole = nn.Sequential(
            nn.BatchNorm1d(stats, affine=False), nn.Linear(stats, 128), nn.ReLU(inplace=True)
        )
        self.background = nn.Linear(128, len(BACKGROUNDS))
        self.manner = Manner()
        # Few cells are centres: starting from "no" spares the first steps.
        nn.init.constant_(self.things.bias[:1], -3.0)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The features at four sizes, fine to coarse; x is a batch of 128 pixels between -1 and 1."""
        fine = self.fine(x)
        early = self.early(fine)
        middle = self.middle(early)
        return fine, early, middle, self.late(middle)

    def cells(self, middle: Tensor, late: Tensor) -> Tensor:
        """The features of every cell, with what is coarser about it."""
        return self.join(middle + functional.interpolate(self.down(late), scale_factor=2.0))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Logits of every head."""
        parts = self.parts(x)
        _, early, middle, late = parts
        cells = self.cells(middle, late)
        things = self.things(cells)
        tints = self.tint(torch.cat([cells, functional.avg_pool2d(early, 2)], 1))
        around = self.background(self.whole(torch.cat([spread(part) for part in parts], 1)))
        cellwise = {"centre": things[:, 0], "subject": things[:, 1:], "colour": self.colour(tints)}
        return {**cellwise, "background": around, **self.manner(x)}


@dataclass(frozen=True)
class Seen:
    """One thing in a picture; x and y are shares of its side, sure is between 0 and 1."""

    subject: str
    colour: str
    x: float
    y: float
    sure: float = 1.0


@dataclass(frozen=True)
class Found:
    """All things of one subject: how many, the colour of the surest, the middle of their places."""

    count: int
    colour: str
    x: float
    y: float


@dataclass(frozen=True)
class Verdict:
    """What the judge read from one picture."""

    things: tuple[Seen, ...]
    background: str
    style: str
    light: str
    defects: tuple[str, ...]

    @property
    def subjects(self) -> dict[str, Found]:
        """The things by their subject."""
        names = dict.fromkeys(thing.subject for thing in self.things)
        return {name: gather([t for t in self.things if t.subject == name]) for name in names}


def gather(things: list[Seen]) -> Found:
    """Things of one subject as one."""
    surest = max(things, key=lambda thing: thing.sure)
    x, y = (sum(getattr(t, axis) for t in things) / len(things) for axis in "xy")
    return Found(len(things), surest.colour, x, y)


@dataclass(frozen=True)
class Licence:
    """What the judge scored on held-out drawings, heading by heading."""

    scores: dict[str, float]

    def may_judge(self, headings: Iterable[str]) -> bool:
        """Whether every one of the headings was earned."""
        return all(self.scores.get(heading, 0.0) >= PASS for heading in headings)


def load_licence(folder: Path) -> Licence:
    """The scores that ship beside the judge's weights."""
    return Licence(json.loads((folder / "judge.json").read_text())["scores"])


def load_judge(path: Path) -> Judge:
    """The judge from its file, ready to read."""
    from safetensors.torch import load_file

    judge = Judge()
    judge.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()})
    return judge.eval()


@torch.no_grad()
def look(judge: Judge, pictures: NDArray[np.uint8], batch: int = 64) -> list[Verdict]:
    """Read square pictures (n, side, side, 3) of 128 pixels, or of a multiple of them."""
    out: list[Verdict] = []
    for i in range(0, len(pictures), batch):
        x = torch.from_numpy(np.array(pictures[i : i + batch])).permute(0, 3, 1, 2).float() / 127.5 - 1
        small = functional.avg_pool2d(x, x.shape[-1] // SIDE)
        out += read(both_ways(judge, small.to(next(judge.parameters()).device)))
    return out


def both_ways(judge: Judge, x: Tensor) -> dict[str, Tensor]:
    """The heads' mean over a picture and its mirror image: two looks err less than one."""
    seen, mirrored = judge(x), judge(x.flip(-1))
    return {k: (v + (mirrored[k].flip(-1) if k in CELLWISE else mirrored[k])) / 2 for k, v in seen.items()}


def read(heads: dict[str, Tensor]) -> list[Verdict]:
    """The heads of a batch in words."""
    heads = {name: head.float().cpu() for name, head in heads.items()}
    sure = heads["centre"].sigmoid()
    top = functional.max_pool2d(sure[:, None], 5, 1, 2)[:, 0]
    peaks = (sure == top) & (sure > PEAK)
    near = {
        name: functional.avg_pool2d(heads[name], 3, 1, 1, count_include_pad=False)
        for name in ("subject", "colour")
    }
    return [verdict(heads, near, sure[k], peaks[k], k) for k in range(len(sure))]


def verdict(
    heads: dict[str, Tensor], near: dict[str, Tensor], sure: Tensor, peaks: Tensor, k: int
) -> Verdict:
    """What picture k of a batch shows."""
    things = tuple(
        Seen(
            SUBJECT_NAMES[int(near["subject"][k, :, row, column].argmax())],
            COLOUR_NAMES[int(near["colour"][k, :, row, column].argmax())],
            *balance(sure, row, column),
            float(sure[row, column]),
        )
        for row, column in peaks.nonzero().tolist()
    )
    defects = tuple(d for d, v in zip(DEFECTS, heads["defects"][k].tolist(), strict=True) if v > 0)
    background, style, light = (
        WHOLE[name][int(heads[name][k].argmax())] for name in ("background", "style", "light")
    )
    return Verdict(things, background, style, light, defects)


def balance(sure: Tensor, row: int, column: int) -> tuple[float, float]:
    """The centre of a peak as (x, y), finer than its cell."""
    rows = slice(max(0, row - 1), row + 2)
    columns = slice(max(0, column - 1), column + 2)
    weights = sure[rows, columns]
    axis = (torch.arange(len(sure)) + 0.5) / len(sure)
    x, y = (weights.sum(0) * axis[columns]).sum(), (weights.sum(1) * axis[rows]).sum()
    return float(x / weights.sum()), float(y / weights.sum())
