"""Soft edges, depth and poses by one small network that learned them from drawings alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from studio.control.looking import Seen, grey, network_sized, numbers
from studio.models.small_reader import CELL
from studio.skeletons import JOINTS, Joints, figure_of, skeleton

NECK = JOINTS.index("neck")
SURE, SEEN = 0.55, 0.12
"""How likely a neck must be to be somebody's, and another joint, where the neck says it is, to be seen."""
APART, REACH, SWING = 7, 3, 6
"""Cells: necks stand apart, a joint is looked for around its place, and one that swings in a wider circle."""
SWINGING = {"elbow", "wrist", "knee", "ankle"}


def edges(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Light edges on black, the stronger the brighter."""
    return _levels("edges", picture, settings, tools)


def depth(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Near is bright."""
    return _levels("depth", picture, settings, tools)


def pose(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Seen:
    """Skeletons on black, and whose they are: joints alone."""
    people = figures(picture, settings, tools)
    return Seen(skeleton(people, picture.size), tuple(map(figure_of, people)))


def figures(
    picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]
) -> tuple[Joints, ...]:
    """Everybody's joints, in pixels of the picture."""
    seen = network_sized(picture, settings["resolution"])
    told = _told(seen, tools)
    scale = (CELL * picture.width / seen.width, CELL * picture.height / seen.height)
    return tuple(
        {name: (x * scale[0], y * scale[1]) for name, (x, y) in one.items()}
        for one in found(told["joints"].sigmoid(), told["away"])
    )


def found(likely: Tensor, away: Tensor) -> list[dict[str, tuple[float, float]]]:
    """The figures in what the network says of one picture, in cells."""
    necks = likely[NECK]
    top = functional.max_pool2d(necks[None], APART, 1, APART // 2)[0]
    peaks = ((necks == top) & (necks > SURE)).nonzero().tolist()
    return [_figure(likely, away[:, row, column].reshape(-1, 2), row, column) for row, column in peaks]


def _figure(likely: Tensor, away: Tensor, row: int, column: int) -> dict[str, tuple[float, float]]:
    """The joints of whose neck lies in a cell: each where it is most likely around the place that the neck tells, a
    wrist around its elbow: of an arm that may hang or be raised, the neck tells the middle."""
    side = min(likely.shape[1:])
    out: dict[str, tuple[float, float]] = {}
    for k, (right, down) in enumerate(away.tolist()):
        name = JOINTS[k]
        elbow = out.get(name.replace("wrist", "elbow"))
        at = elbow or (column + right * side + 0.5, row + down * side + 0.5)
        if place := _likeliest(likely[k], at, SWING if name.split("_")[-1] in SWINGING else REACH):
            out[name] = place
    return out


def _likeliest(likely: Tensor, around: tuple[float, float], reach: int) -> tuple[float, float] | None:
    column, row = (math.floor(place) for place in around)
    top, left = max(0, row - reach), max(0, column - reach)
    near = likely[top : max(0, row + reach + 1), left : max(0, column + reach + 1)]
    if near.numel() == 0 or float(near.max()) < SEEN:
        return None
    # Finer than a cell: the middle of what is likely around the likeliest one.
    y, x = divmod(int(near.argmax()), near.shape[1])
    ys, xs = slice(max(0, top + y - 1), top + y + 2), slice(max(0, left + x - 1), left + x + 2)
    weights = likely[ys, xs]
    down = torch.arange(ys.start, ys.start + weights.shape[0]) + 0.5
    right = torch.arange(xs.start, xs.start + weights.shape[1]) + 0.5
    share = weights / weights.sum()
    return float((share.sum(0) * right).sum()), float((share.sum(1) * down).sum())


def _levels(name: str, picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Any:
    told = _told(network_sized(picture, settings["resolution"]), tools)
    return grey(np.round(told[name].sigmoid().numpy() * 255))


def _told(seen: Image.Image, tools: Mapping[str, Any]) -> dict[str, Tensor]:
    """What the network says of a picture, one for each of its answers."""
    network = tools["network"]
    given = torch.from_numpy(numbers(seen)).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        told = network(given.to(next(network.parameters()).device))
    return {name: values[0].float().cpu() for name, values in told.items()}
