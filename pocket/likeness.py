"""How much painted pictures look like drawings, whatever they show: the judge's features, cell by cell.

The judge reads a smudged face as rightly as a clean one, so its verdicts do not tell how well a picture is painted. Its
features do: each cell of a picture is a point among them, and two sets of pictures are alike where their points are
spread alike. The measure is the squared maximum mean discrepancy with a cubic kernel, as KID has it; two sets of
drawings are not quite at nought either, since they show different things.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pocket.judge import CELLS, SIDE, Judge
from pocket.train.common import to_input
from pocket.world import draw, sample

# So many drawings say what drawings look like, and so many cells of a set are compared at a time, so many times.
DRAWINGS, SOME, TIMES = 300, 3_000, 8
Pixels = NDArray[np.uint8]


@cache
def drawings(count: int, first: int = 0) -> Pixels:
    """Held-out drawings of single things as plain as those of the sheet, drawn once."""
    scenes = [sample(first + k, "held_out", "single", plain=True) for k in range(count)]
    return np.stack([draw(scene).pixels for scene in scenes])


@torch.no_grad()
def cells(judge: Judge, pictures: Pixels) -> Tensor:
    """The judge's features of every cell of square pictures: near colours and edges, shapes, and what is what."""
    x = to_input(pictures, next(judge.parameters()).device)
    x = functional.avg_pool2d(x, x.shape[-1] // SIDE)
    _, early, middle, late = judge.parts(x)
    seen = [early, judge.cells(middle, late)]
    for eye in judge.manner.eyes:
        x = eye(x)
        seen += [x] if x.shape[-1] == CELLS else []
    found = torch.cat([functional.adaptive_avg_pool2d(one, CELLS) for one in seen], 1)
    return found.permute(0, 2, 3, 1).flatten(0, 2).cpu()


def kernel(a: Tensor, b: Tensor) -> Tensor:
    """How near every point of one set is to every point of another."""
    return (a @ b.T / a.shape[1] + 1) ** 3


def within(a: Tensor) -> Tensor:
    """The mean nearness of a set's points to each other, each to all but itself."""
    near = kernel(a, a)
    return (near.sum() - near.diagonal().sum()) / (len(a) * (len(a) - 1))


def apart(a: Tensor, b: Tensor) -> float:
    """How differently two sets of points are spread; some of each at a time, and the mean."""
    dice = torch.Generator().manual_seed(0)
    found = []
    for _ in range(TIMES):
        x, y = (one[torch.randperm(len(one), generator=dice)[:SOME]] for one in (a, b))
        found.append(within(x) + within(y) - 2 * kernel(x, y).mean())
    return float(torch.stack(found).mean())


def unlike_drawings(judge: Judge, pictures: Pixels) -> tuple[float, float]:
    """How little pictures look like drawings, and how little as many other drawings do: the least that can be had."""
    drawn = cells(judge, drawings(DRAWINGS))
    mean, spread = drawn.mean(0), drawn.std(0).clamp(min=1e-3)
    drawn, painted, others = (
        (one - mean) / spread
        for one in (drawn, cells(judge, pictures), cells(judge, drawings(len(pictures), DRAWINGS)))
    )
    return apart(painted, drawn), apart(others, drawn)
