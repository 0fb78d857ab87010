"""One small network that reads three maps at once from a drawing: soft edges, depth, and where people's joints are.

It looks at a picture of which every side is a multiple of 32 and answers, on maps twice as large, how bright each
pixel is in the map of soft edges and how near it is. On cells of four pixels it says how likely each of OpenPose's
18 joints lies there and, where a neck is, how far away the other joints of the same person are.
"""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

JOINTS = 18
CELL = 4
"""Pixels of a side of the cells in which joints are told."""
FINER = 2
"""How many times as large as the picture its maps are."""
WIDTHS = (16, 24, 48, 64, 64)


def _block(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )


class _Deeper(nn.Module):
    """Half as large and wider, then two convolutions beside a straight path."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.smaller = _block(inside, outside, 2)
        self.first = _block(outside, outside)
        self.second = nn.Sequential(nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x: Tensor) -> Tensor:
        x = self.smaller(x)
        return functional.relu(x + self.second(self.first(x)))


class _Finer(nn.Module):
    """What was seen at half the size, laid over what is seen here."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.fewer, self.join = nn.Conv2d(coarse, fine, 1), _block(fine, fine)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        larger = functional.interpolate(self.fewer(coarse), scale_factor=2.0, mode="nearest")
        return self.join(fine + larger)


class SmallReader(nn.Module):
    """Reads a batch of pictures between -1 and 1."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _block(4, WIDTHS[0], 2)
        self.down = nn.ModuleList(_Deeper(a, b) for a, b in itertools.pairwise(WIDTHS))
        self.up = nn.ModuleList(_Finer(b, a) for a, b in itertools.pairwise(WIDTHS))
        # For every place of the finest level, which is half as large as the picture, its pixels in both maps.
        self.levels = nn.Conv2d(WIDTHS[0], 2 * (2 * FINER) ** 2, 3, 1, 1)
        self.people = _block(WIDTHS[1], 40)
        self.joints = nn.Conv2d(40, JOINTS, 1)
        self.away = nn.Conv2d(40, 2 * JOINTS, 1)
        # Few cells hold a joint: starting from "no" spares the first steps.
        nn.init.constant_(self.joints.bias, -4.0)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Logits of `edges`, `depth` (n, 2 h, 2 w) and `joints`; `away` in shares of the shorter side."""
        seen = [self.stem(torch.cat([x, _height(x)], 1))]
        for down in self.down:
            seen.append(down(seen[-1]))
        whole = seen.pop()
        for up in reversed(self.up):
            whole = up(whole, seen.pop())
            if whole.shape[1] == WIDTHS[1]:
                people = self.people(whole)
        edges, depth = functional.pixel_shuffle(self.levels(whole), 2 * FINER).unbind(1)
        return {"edges": edges, "depth": depth, "joints": self.joints(people), "away": self.away(people)}


def _height(x: Any) -> Tensor:
    """How far down each pixel lies, from -1 to 1: the ground comes nearer downwards."""
    rows = torch.linspace(-1, 1, x.shape[-2], dtype=x.dtype, device=x.device)
    return rows[None, None, :, None].expand(len(x), 1, -1, x.shape[-1])
