"""The scenes that most ready references show: a cottage, a room, a cat, fruit on a table, a lighthouse."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from presets.references.draw.camera import Scene
from presets.references.draw.solids import (
    Colour,
    Numbers,
    Paint,
    Place,
    Points,
    Shape,
    Solid,
    bar,
    blended,
    box,
    ellipsoid,
    frustum,
    gable,
    land,
    revolved,
    sphere,
    together,
    turned,
    without,
)

CREAM: Colour = (0.95, 0.89, 0.76)
WOOD: Colour = (0.62, 0.42, 0.27)
LEAF: Colour = (0.42, 0.62, 0.33)
FIR: Colour = (0.24, 0.46, 0.36)
TILE: Colour = (0.78, 0.36, 0.27)
GLASS: Colour = (0.6, 0.8, 0.88)


def _two(one: Colour, other: Colour, where: Callable[[Points], NDArray[np.bool_]]) -> Paint:
    """One colour, and another where it is said."""
    a, b = np.array(one, np.float32), np.array(other, np.float32)
    return lambda p: np.where(where(p)[:, None], b, a)


def _stripes(one: Colour, other: Colour, axis: int, width: float, offset: float = 0.0) -> Paint:
    return _two(one, other, lambda p: np.floor((p[:, axis] - offset) / width) % 2 == 1)


# -- a cottage among hills --------------------------------------------------------------------------------


def _hills(x: Numbers, z: Numbers) -> Numbers:
    far = np.clip((-z - 5) / 12, 0, 1)
    return 0.18 * np.sin(x * 0.55 + 0.6) * np.cos(z * 0.45) + far * (1.3 + 1.1 * np.sin(x * 0.28 + 2.2))


def _beside_path(p: Points) -> Numbers:
    """How far beside the path; less than nothing on it."""
    middle = 0.35 + 0.5 * np.sin((p[..., 2] - 1.3) * 0.75) * np.clip((p[..., 2] - 0.6) / 3, 0, 1)
    return np.maximum(np.abs(p[..., 0] - middle) - 0.34, 0.8 - p[..., 2]) * np.float32(0.8)


def cottage() -> Scene:
    """A cottage with a path to its door."""
    ground = land(_hills)
    path = Shape(lambda p: np.maximum(ground.distance(p) - 0.006, _beside_path(p)))
    solids = (
        Solid(
            ground,
            _two((0.55, 0.69, 0.38), (0.5, 0.64, 0.35), lambda p: np.sin(p[:, 2] * 1.1 + p[:, 0] * 0.4) > 0),
            "grass",
        ),
        Solid(path, (0.87, 0.77, 0.58), "path"),
        *_house(),
        *_tree((-2.6, 0.0, 0.4), 1.25, LEAF),
        *_tree((3.3, 0.0, -1.8), 1.45, (0.9, 0.62, 0.3)),
        *(
            _fir(x, z, size)
            for x, z, size in ((-3.9, -2.6, 1.5), (-2.7, -4.2, 1.9), (4.9, -3.4, 1.7), (2.4, -4.6, 1.3))
        ),
        Solid(_bushes(((-1.25, 1.05), (1.95, 1.15), (2.35, 1.0), (-1.6, 1.2))), (0.36, 0.56, 0.34), "plant"),
        *_peaks(),
    )
    return Scene(solids, eye=(-1.5, 2.3, 8.2), at=(0.3, 1.35, 0), zoom=1.9, sun=(-0.3, 0.72, 0.8))


def _house() -> tuple[Solid, ...]:
    front, middle = 0.8, 0.35
    body = together(
        box((middle, 0.85, -0.3), (1.35, 0.95, 1.1)), gable((middle, 1.74, -0.3), 1.35, 1.06, 1.1)
    )
    slopes = without(
        gable((middle, 1.72, -0.3), 1.75, 1.3, 1.3),
        gable((middle, 1.52, -0.3), 1.75, 1.3, 1.5),
        box((middle, 0.6, -0.3), (3, 1.0, 3)),
    )
    panes = together(
        *(box((middle + x, 1.15, front), (0.27, 0.3, 0.03)) for x in (-0.85, 0.85)),
        _round_pane(middle, front),
    )
    frames = [
        without(
            box((middle + x, 1.15, front), (0.35, 0.38, 0.06)),
            box((middle + x, 1.15, front), (0.27, 0.3, 0.2)),
        )
        for x in (-0.85, 0.85)
    ]
    bars = [
        box((middle + x, 1.15, front + 0.03), half)
        for x in (-0.85, 0.85)
        for half in ((0.025, 0.3, 0.03), (0.27, 0.025, 0.03))
    ]
    door = together(box((middle, 0.5, front), (0.33, 0.6, 0.05)))
    return (
        Solid(body, CREAM, "house"),
        Solid(slopes, _stripes(TILE, (0.7, 0.31, 0.24), 1, 0.17), "house"),
        Solid(box((middle + 0.75, 2.75, -0.6), (0.2, 0.6, 0.2)), (0.66, 0.45, 0.36), "house"),
        Solid(panes, GLASS, "windowpane", 0.5),
        Solid(together(*frames, *bars), (0.98, 0.96, 0.9), "house"),
        Solid(door, (0.25, 0.47, 0.53), "door"),
        Solid(sphere((middle + 0.22, 0.5, front + 0.09), 0.045), (0.95, 0.8, 0.35), "door", 0.8),
    )


def _round_pane(x: float, z: float) -> Shape:
    return ellipsoid((x, 2.15, z), (0.22, 0.22, 0.06))


def _tree(foot: Place, size: float, colour: Colour) -> tuple[Solid, Solid]:
    x, y, z = foot
    tufts = (
        (0, 1.5, 0, 0.62),
        (0.42, 1.28, 0.15, 0.46),
        (-0.42, 1.3, 0.1, 0.48),
        (0.05, 1.3, 0.4, 0.46),
        (0.12, 1.95, 0, 0.42),
    )
    crown = blended(
        0.14, *(sphere((x + a * size, y + b * size, z + c * size), r * size) for a, b, c, r in tufts)
    )
    return Solid(crown, colour, "tree"), Solid(
        frustum((x, y - 0.3, z), 1.4 * size, 0.16 * size, 0.09 * size), WOOD, "tree"
    )


def _fir(x: float, z: float, size: float) -> Solid:
    foot = float(_hills(np.array(x), np.array(z)))
    layers = ((0.25, 0.7, 0.6), (0.7, 0.65, 0.48), (1.12, 0.65, 0.34))
    cones = [frustum((x, foot + a * size, z), h * size, r * size, 0.01, 0.01) for a, h, r in layers]
    return Solid(
        together(frustum((x, foot - 0.2, z), 0.7 * size, 0.09 * size, 0.09 * size), *cones), FIR, "tree"
    )


def _bushes(places: tuple[tuple[float, float], ...]) -> Shape:
    return blended(0.1, *(sphere((x, 0.12, z), 0.3) for x, z in places))


def _peaks() -> tuple[Solid, ...]:
    snow, stone = (0.97, 0.97, 0.98), (0.5, 0.58, 0.7)
    places = ((-9.0, -20.0, 7.4, 6.5), (1.5, -23.0, 8.6, 7.5), (10.0, -21.0, 6.6, 6.5))

    def capped(p: Points) -> NDArray[np.bool_]:
        return p[:, 1] > 4.6 + 0.45 * np.sin(p[:, 0] * 2.3)

    return tuple(
        Solid(frustum((x, -1, z), high, wide, 0.05, 0.02), _two(stone, snow, capped), "mountain")
        for x, z, high, wide in places
    )


# -- a room ------------------------------------------------------------------------------------------------


def room() -> Scene:
    """A bedroom with a window, a desk and a rug."""
    solids = (
        Solid(box((0, -0.1, 0), (3, 0.1, 4)), _boards, "floor"),
        Solid(_walls(), (0.93, 0.86, 0.76), "wall"),
        *_window(),
        *_bed(),
        *_desk(),
        Solid(frustum((0.35, 0, 0.9), 0.03, 1.0, 1.0), _rings, "rug"),
        Solid(box((-1.75, 2.05, -2.97), (0.5, 0.4, 0.03)), _hung, "painting"),
        Solid(
            without(box((-1.75, 2.05, -2.97), (0.58, 0.48, 0.05)), box((-1.75, 2.05, -2.9), (0.5, 0.4, 0.2))),
            WOOD,
            "painting",
        ),
    )
    return Scene(
        solids, eye=(0.15, 1.7, 5.0), at=(0.05, 1.28, -1), zoom=1.75, sun=(0.12, 0.8, 0.7),
        sky=((0.8, 0.9, 0.96), (0.6, 0.8, 0.95)), haze=0.0,
    )  # fmt: skip


def _walls() -> Shape:
    hole = box((0.75, 1.95, -3.1), (0.75, 0.7, 0.3))
    skirting = box((0, 0.06, -2.98), (3, 0.08, 0.05))
    sides = [box((x, 3.4, 0), (0.1, 3.6, 4)) for x in (-3.1, 3.1)]
    return together(without(box((0, 3.4, -3.1), (3, 3.6, 0.1)), hole), *sides, skirting)


def _boards(p: Points) -> NDArray[np.float32]:
    board = np.floor(p[:, 0] / 0.34)
    tone = 0.94 + 0.07 * np.sin(board * 12.9898)
    joint = (np.abs(p[:, 0] / 0.34 - board) < 0.035) | (np.abs((p[:, 2] + board * 0.73) % 2.1) < 0.025)
    return (np.array((0.76, 0.57, 0.38), np.float32) * np.where(joint, 0.72, tone)[:, None]).astype(
        np.float32
    )


def _rings(p: Points) -> NDArray[np.float32]:
    ring = (np.hypot(p[:, 0] - 0.35, p[:, 2] - 0.9) / 0.2).astype(int) % 3
    return np.array(((0.85, 0.45, 0.36), (0.96, 0.88, 0.74), (0.36, 0.52, 0.56)), np.float32)[ring]


def _hung(p: Points) -> NDArray[np.float32]:
    """A landscape in the frame: sky, sun, two hills."""
    x, y = p[:, 0] + 1.75, p[:, 1] - 2.05
    hill = y < -0.1 + 0.1 * np.sin(x * 6)
    nearer = y < -0.22 + 0.07 * np.sin(x * 8 + 2)
    sun = np.hypot(x - 0.15, y - 0.13) < 0.11
    which = np.where(nearer, 3, np.where(hill, 2, np.where(sun, 1, 0)))
    return np.array(
        ((0.98, 0.85, 0.66), (0.9, 0.42, 0.3), (0.56, 0.68, 0.55), (0.32, 0.5, 0.46)), np.float32
    )[which]


def _window() -> tuple[Solid, ...]:
    frame = without(box((0.75, 1.95, -3.02), (0.83, 0.78, 0.09)), box((0.75, 1.95, -3), (0.74, 0.69, 0.3)))
    cross = together(
        box((0.75, 1.95, -3.05), (0.035, 0.72, 0.04)), box((0.75, 2.05, -3.05), (0.76, 0.035, 0.04))
    )
    sill = box((0.75, 1.15, -2.9), (0.95, 0.04, 0.16))
    leaves = [
        ellipsoid((1.2 + 0.09 * np.cos(a), 1.47, -2.85 + 0.09 * np.sin(a)), (0.1, 0.16, 0.1))
        for a in np.arange(0, 6.2, 1.26)
    ]
    return (
        Solid(together(frame, cross, sill), (0.98, 0.97, 0.93), "windowpane"),
        Solid(revolved((1.2, 1.19, -2.85), ((0, 0.08), (0.17, 0.12))), TILE, "vase"),
        Solid(blended(0.04, *leaves), LEAF, "plant"),
    )


def _bed() -> tuple[Solid, ...]:
    frame = together(
        box((-1.95, 0.22, -1.2), (0.95, 0.16, 1.7)),
        box((-1.95, 0.55, -2.85), (0.98, 0.55, 0.07)),
        box((-1.95, 0.32, 0.5), (0.98, 0.3, 0.06)),
    )
    return (
        Solid(frame, WOOD, "bed"),
        Solid(box((-1.95, 0.5, -1.2), (0.9, 0.16, 1.62), 0.08), (0.97, 0.95, 0.9), "bed"),
        Solid(
            box((-1.95, 0.56, -0.62), (0.96, 0.16, 1.08), 0.1),
            _stripes((0.36, 0.55, 0.6), (0.46, 0.65, 0.68), 0, 0.2),
            "bed",
        ),
        Solid(box((-1.95, 0.77, -2.3), (0.55, 0.13, 0.3), 0.12), (0.99, 0.97, 0.93), "cushion"),
    )


def _desk() -> tuple[Solid, ...]:
    legs = [box((x, 0.42, z), (0.04, 0.42, 0.04)) for x in (1.55, 2.75) for z in (-2.6, -1.65)]
    stool = [
        box((1.75 + x, 0.24, -0.95 + z), (0.035, 0.24, 0.035)) for x in (-0.22, 0.22) for z in (-0.22, 0.22)
    ]
    books = [box((2.55, 0.95 + 0.07 * n, -2.3), (0.24 - 0.02 * n, 0.034, 0.17)) for n in range(3)]
    tones: tuple[Colour, ...] = ((0.72, 0.3, 0.28), (0.93, 0.78, 0.45), (0.3, 0.42, 0.55))
    return (
        Solid(together(box((2.15, 0.88, -2.12), (0.7, 0.04, 0.56)), *legs), (0.7, 0.5, 0.33), "table"),
        Solid(together(box((1.75, 0.5, -0.95), (0.3, 0.035, 0.3)), *stool), (0.55, 0.37, 0.25), "chair"),
        Solid(
            together(
                frustum((1.75, 0.92, -2.3), 0.04, 0.15, 0.13),
                bar((1.75, 0.95, -2.3), (1.75, 1.35, -2.3), 0.02),
            ),
            (0.35, 0.35, 0.38),
            "lamp",
            0.5,
        ),
        Solid(frustum((1.75, 1.28, -2.3), 0.26, 0.25, 0.13), (0.99, 0.86, 0.5), "lamp"),
        *(
            Solid(turned(book, 12 * n - 9, (2.55, 0, -2.3)), tone, "book")
            for n, (book, tone) in enumerate(zip(books, tones, strict=True))
        ),
    )


# -- a cat ---------------------------------------------------------------------------------------------------


def cat() -> Scene:
    """A ginger cat beside a ball of wool."""
    body = blended(
        0.22, ellipsoid((0, 0.72, -0.1), (0.62, 0.78, 0.58)), ellipsoid((0, 1.2, 0.08), (0.42, 0.45, 0.4)),
        *(ellipsoid((x, 0.3, 0.02), (0.34, 0.36, 0.5)) for x in (-0.42, 0.42)),
    )  # fmt: skip
    head = blended(
        0.1,
        ellipsoid((0, 1.85, 0.22), (0.56, 0.47, 0.46)),
        ellipsoid((0, 1.7, 0.56), (0.2, 0.14, 0.14)),
        *(_ear(x) for x in (-1, 1)),
    )
    legs = [
        blended(
            0.1, bar((x, 0.95, 0.38), (x, 0.16, 0.55), 0.15), ellipsoid((x, 0.11, 0.66), (0.17, 0.12, 0.22))
        )
        for x in (-0.22, 0.22)
    ]
    feet = [ellipsoid((x, 0.1, 0.42), (0.2, 0.12, 0.3)) for x in (-0.58, 0.58)]
    solids = (
        Solid(land(lambda x, z: 0 * x), _meadow, "grass"),
        Solid(blended(0.1, body, head, *legs, *feet, _tail()), _fur, "animal"),
        *_face(),
        Solid(blended(0.02, sphere((1.38, 0.36, 0.75), 0.36)), _wool, "ball"),
        Solid(_thread(), (0.36, 0.6, 0.66), "ball"),
    )
    return Scene(
        solids,
        eye=(0.9, 1.75, 6.4),
        at=(0.36, 1.16, 0),
        zoom=3.6,
        sun=(-0.45, 0.75, 0.7),
        sky=((0.99, 0.92, 0.82), (0.73, 0.85, 0.86)),
        haze=0.02,
    )


def _meadow(p: Points) -> NDArray[np.float32]:
    wave = np.sin(p[:, 0] * 1.3 + np.sin(p[:, 2] * 0.9)) * np.sin(p[:, 2] * 1.1)
    base = np.array((0.68, 0.78, 0.52), np.float32)
    return base * (1 + 0.05 * wave)[:, None].astype(np.float32)


def _ear(side: int) -> Shape:
    return blended(
        0.05,
        bar((side * 0.36, 2.12, 0.18), (side * 0.46, 2.48, 0.16), 0.17, 0.03),
        sphere((side * 0.3, 2.1, 0.18), 0.16),
    )


def _tail() -> Shape:
    around = [
        (0.5 + 0.55 * np.sin(a), 0.16 + 0.02 * a, -0.35 + 0.75 * (1 - np.cos(a)) * 0.5 + 0.16 * a)
        for a in np.linspace(0, 2.6, 9)
    ]
    pieces = [bar(a, b, 0.15 - 0.008 * n) for n, (a, b) in enumerate(pairwise(around))]
    return blended(0.06, *pieces)


def _fur(p: Points) -> NDArray[np.float32]:
    ginger, dark, white = (
        np.array(c, np.float32) for c in ((0.93, 0.62, 0.32), (0.78, 0.44, 0.2), (0.99, 0.95, 0.88))
    )
    bands = np.sin(p[:, 1] * 13 + 0.9 * np.cos(p[:, 0] * 5)) > 0.55
    back = (p[:, 2] < 0.3) & (np.abs(p[:, 0]) > 0.22)
    crown = (p[:, 1] > 2.02) & (np.abs(np.sin(p[:, 0] * 17)) < 0.35) & (np.abs(p[:, 0]) < 0.3)
    bib = (np.hypot(p[:, 0] / 0.27, (p[:, 1] - 1.12) / 0.36) < 1) & (p[:, 2] > 0.2)
    muzzle = (np.hypot(p[:, 0] / 0.27, (p[:, 1] - 1.66) / 0.15) < 1) & (p[:, 2] > 0.3)
    paws = (p[:, 1] < 0.2) & (p[:, 2] > 0.3)
    fur = np.where(((bands & back & (p[:, 1] < 1.7)) | crown)[:, None], dark, ginger)
    return np.where((bib | muzzle | paws)[:, None], white, fur)


def _face() -> tuple[Solid, ...]:
    eyes = [ellipsoid((x, 1.93, 0.6), (0.085, 0.115, 0.07)) for x in (-0.21, 0.21)]
    lights = [sphere((x + 0.025, 1.975, 0.665), 0.026) for x in (-0.21, 0.21)]
    hairs = [
        bar((s * 0.2, 1.7 + 0.01 * n, 0.6), (s * 0.62, 1.68 + 0.07 * n, 0.62), 0.009, 0.005)
        for s in (-1, 1)
        for n in (-1, 0, 1)
    ]
    smile = ((0.0, 1.72, 0.71), (0.035, 1.665, 0.705), (0.09, 1.655, 0.69), (0.13, 1.68, 0.66))
    mouth = [bar((s * a[0], *a[1:]), (s * b[0], *b[1:]), 0.013) for s in (-1, 1) for a, b in pairwise(smile)]
    pink = [ellipsoid((s * 0.4, 2.22, 0.29), (0.075, 0.14, 0.06)) for s in (-1, 1)]
    return (
        Solid(together(*eyes), (0.16, 0.14, 0.13), "animal", 0.6),
        Solid(together(*mouth), (0.35, 0.24, 0.2), "animal"),
        Solid(together(*lights), (1.6, 1.6, 1.6), "animal"),
        Solid(together(ellipsoid((0, 1.77, 0.69), (0.06, 0.04, 0.04)), *pink), (0.93, 0.58, 0.55), "animal"),
        Solid(together(*hairs), (0.98, 0.95, 0.9), "animal"),
    )


def _wool(p: Points) -> NDArray[np.float32]:
    q = p - np.array((1.38, 0.36, 0.75), np.float32)
    ways = np.sin(q @ np.array((38, 22, 8), np.float32)), np.sin(q @ np.array((-14, 40, 16), np.float32))
    strand = np.where(q[:, 0] + q[:, 1] > 0.05, *ways)
    return (np.array((0.36, 0.6, 0.66), np.float32) * (1 + 0.16 * strand)[:, None]).astype(np.float32)


def _thread() -> Shape:
    along = [(1.25 - 0.3 * t, 0.04, 1.1 + 0.22 * np.sin(t * 2.6)) for t in np.linspace(0, 4.2, 16)]
    return together(*(bar(a, b, 0.022) for a, b in pairwise(along)))


# -- fruit on a table --------------------------------------------------------------------------------------


def still() -> Scene:
    """A jug, a bowl of fruit and a book."""
    bowl = revolved((0.62, 0, 0.1), ((0, 0.3), (0.04, 0.32), (0.14, 0.55), (0.32, 0.76), (0.44, 0.82)), 0.022)
    fruits = (
        (0.4, 0.42, 0.22, 0.27, (0.86, 0.3, 0.26)),
        (0.88, 0.42, 0.3, 0.27, (0.95, 0.62, 0.22)),
        (0.72, 0.46, -0.2, 0.28, (0.72, 0.76, 0.34)),
    )
    solids = (
        Solid(box((0, -0.1, 0), (3.2, 0.1, 1.9), 0.03), _cloth, "table"),
        Solid(box((0, 1, -3.4), (9, 6, 0.1)), (0.62, 0.7, 0.68), "wall"),
        *_jug(),
        Solid(together(bowl, frustum((0.62, 0, 0.1), 0.05, 0.3, 0.3)), (0.93, 0.9, 0.84), "pot", 0.4),
        *(Solid(sphere((x, y, z), r), colour, "food", 0.35) for x, y, z, r, colour in fruits),
        Solid(sphere((0.56, 0.78, 0.05), 0.26), (0.9, 0.42, 0.3), "food", 0.35),
        *_pear(),
        *_book(),
    )
    return Scene(
        solids, eye=(0.15, 1.75, 5.4), at=(0.05, 0.78, 0), zoom=2.2, sun=(-0.6, 0.75, 0.65),
        sky=((0.62, 0.7, 0.68),) * 2, haze=0.0, behind="wall",
    )  # fmt: skip


def _cloth(p: Points) -> NDArray[np.float32]:
    a, b = (np.floor(p[:, axis] / 0.3) % 2 for axis in (0, 2))
    tones = np.array(((0.9, 0.87, 0.81), (0.74, 0.79, 0.82), (0.54, 0.67, 0.76)), np.float32)
    return tones[(a + b).astype(int)]


def _jug() -> tuple[Solid, ...]:
    foot = (-0.82, 0.0, -0.25)
    profile = ((0, 0.3), (0.12, 0.42), (0.42, 0.52), (0.78, 0.4), (1.02, 0.23), (1.2, 0.22), (1.34, 0.3))
    ring = [(-1.05 - 0.42 * np.sin(a), 0.78 + 0.36 * np.cos(a), -0.25) for a in np.linspace(0.15, 2.9, 9)]
    handle = together(*(bar(a, b, 0.055) for a, b in pairwise(ring)))
    stems = [
        ((-0.82, 1.1, -0.25), top) for top in ((-1.12, 2.05, -0.2), (-0.75, 2.3, -0.3), (-0.4, 1.98, -0.15))
    ]
    petals = [blended(0.03, *(_petal(top, a) for a in np.arange(0, 6.2, 1.05))) for _, top in stems]
    glaze = _two(
        (0.3, 0.5, 0.6),
        (0.93, 0.9, 0.82),
        lambda p: (
            np.abs(p[:, 1] - 0.5) < 0.09 + 0.035 * np.sin(np.arctan2(p[:, 2] + 0.25, p[:, 0] + 0.82) * 10)
        ),
    )
    return (
        Solid(blended(0.05, revolved(foot, profile), handle), glaze, "vase", 0.45),
        Solid(together(*(bar(a, b, 0.028) for a, b in stems)), (0.4, 0.56, 0.34), "plant"),
        Solid(together(*petals), (0.98, 0.93, 0.86), "plant"),
        Solid(
            together(*(sphere((x, y, z + 0.1), 0.1) for _, (x, y, z) in stems)), (0.95, 0.7, 0.25), "plant"
        ),
    )


def _petal(middle: Place, angle: float) -> Shape:
    x, y, z = middle
    return ellipsoid(
        (x + 0.18 * float(np.cos(angle)), y + 0.18 * float(np.sin(angle)), z), (0.13, 0.13, 0.05)
    )


def _pear() -> tuple[Solid, ...]:
    x, z = -0.1, 0.75
    return (
        Solid(
            blended(0.16, sphere((x, 0.26, z), 0.27), sphere((x + 0.02, 0.6, z), 0.14)),
            (0.8, 0.76, 0.36),
            "food",
            0.25,
        ),
        Solid(bar((x + 0.02, 0.7, z), (x + 0.1, 0.86, z), 0.018), WOOD, "food"),
    )


def _book() -> tuple[Solid, ...]:
    about = (1.55, 0, 0.9)
    cover, pages = box((1.5, 0.09, 0.95), (0.5, 0.09, 0.36)), box((1.52, 0.09, 0.95), (0.49, 0.07, 0.4))
    case = without(cover, box((1.6, 0.09, 0.95), (0.55, 0.065, 0.6)))
    return Solid(turned(case, 24, about), (0.66, 0.28, 0.28), "book"), Solid(
        turned(pages, 24, about), (0.97, 0.94, 0.86), "book"
    )


# -- a lighthouse --------------------------------------------------------------------------------------------


def lighthouse() -> Scene:
    """A lighthouse on its rock, and a boat that sails home."""
    rocks = (
        (1.5, 0.0, -1.0, 1.15),
        (2.35, -0.1, -0.5, 0.85),
        (0.65, -0.2, -0.4, 0.72),
        (1.55, -0.15, 0.15, 0.68),
        (2.9, -0.3, -1.4, 0.9),
    )
    clouds = (
        (-4.5, 5.6, -14, 1.1),
        (-3.2, 5.9, -14, 1.4),
        (-1.9, 5.55, -14, 1.0),
        (6.2, 7.2, -15, 1.2),
        (7.6, 7.0, -15, 0.9),
    )
    solids = (
        Solid(land(_waves), (0.27, 0.54, 0.63), "sea", 0.25),
        Solid(
            blended(0.25, *(ellipsoid((x, y, z), (r, r * 0.72, r)) for x, y, z, r in rocks)), _stone, "rock"
        ),
        *_tower((1.5, 0.55, -1.0)),
        *_boat((-1.75, 0.1, 1.0)),
        Solid(
            blended(0.5, *(ellipsoid((x, y, z), (r * 1.25, r * 0.7, r)) for x, y, z, r in clouds)),
            (1.25, 1.2, 1.15),
            "sky",
        ),
    )
    return Scene(
        solids, eye=(0.2, 1.9, 9.2), at=(0.15, 1.95, 0), zoom=2.15, sun=(-0.65, 0.6, 0.6),
        sky=((1.0, 0.82, 0.66), (0.46, 0.66, 0.82)), haze=0.014,
    )  # fmt: skip


def _waves(x: Numbers, z: Numbers) -> Numbers:
    calm = np.clip((z + 14) / 14, 0, 1)  # waves far out would only flicker
    return calm * (0.05 * np.sin(z * 2.6 + 0.7 * np.sin(x * 0.9)) + 0.025 * np.sin(x * 2.1 + z * 1.2))


def _stone(p: Points) -> NDArray[np.float32]:
    tone = 0.95 + 0.08 * np.sin(p[:, 0] * 7 + p[:, 1] * 9) * np.sin(p[:, 2] * 6)
    return (np.array((0.55, 0.5, 0.47), np.float32) * tone[:, None]).astype(np.float32)


def _tower(foot: Place) -> tuple[Solid, ...]:
    x, y, z = foot
    rail = [
        bar(
            (x + 0.46 * np.cos(a), y + 2.75, z + 0.46 * np.sin(a)),
            (x + 0.46 * np.cos(a), y + 2.98, z + 0.46 * np.sin(a)),
            0.018,
        )
        for a in np.arange(0, 6.2, 0.52)
    ]
    top = together(
        frustum((x, y + 2.68, z), 0.09, 0.5, 0.5), frustum((x, y + 2.96, z), 0.035, 0.48, 0.48), *rail
    )
    inner = frustum((x, y + 2.9, z), 0.035, 0.44, 0.44)
    roof = together(frustum((x, y + 3.3, z), 0.42, 0.4, 0.02), sphere((x, y + 3.76, z), 0.06))
    windows = [ellipsoid((x - 0.22, y + h, z + 0.4 - 0.05 * h), (0.09, 0.15, 0.16)) for h in (0.9, 1.9)]
    return (
        Solid(
            frustum((x, y, z), 2.7, 0.62, 0.38),
            _stripes((0.96, 0.94, 0.9), (0.8, 0.28, 0.23), 1, 0.54, y),
            "tower",
        ),
        Solid(without(top, inner), (0.3, 0.32, 0.36), "tower"),
        Solid(frustum((x, y + 2.75, z), 0.58, 0.28, 0.28), (1.3, 1.1, 0.6), "tower"),
        Solid(roof, (0.74, 0.26, 0.22), "tower"),
        Solid(together(*windows), (0.3, 0.35, 0.42), "tower"),
    )


def _boat(at: Place) -> tuple[Solid, ...]:
    x, y, z = at
    hull = without(ellipsoid((x, y + 0.3, z), (0.95, 0.48, 0.36)), box((x, y + 0.78, z), (2, 0.5, 2)))
    sails = together(_sail((x + 0.05, y + 0.5, z), 0.78, 1.75), _sail((x - 0.03, y + 0.5, z), -0.6, 1.4))
    return (
        Solid(hull, _two((0.66, 0.28, 0.24), (0.96, 0.93, 0.87), lambda p: p[:, 1] > y + 0.16), "boat"),
        Solid(bar((x, y + 0.2, z), (x, y + 2.4, z), 0.032), WOOD, "boat"),
        Solid(sails, (0.99, 0.95, 0.86), "boat"),
        Solid(_sail((x, y + 2.38, z), 0.34, -0.2), (0.85, 0.35, 0.28), "boat"),
    )


def _sail(foot: Place, wide: float, high: float) -> Shape:
    """A three-cornered cloth from the mast; it stands out a little where the wind is."""
    x, y, z = foot

    def distance(p: Points) -> Numbers:
        a, b = (p[..., 0] - x) / np.float32(wide), (p[..., 1] - y) / np.float32(high)
        belly = 0.16 * np.clip(a, 0, 1) * np.clip(1 - b, 0, 1)
        flat = np.abs(p[..., 2] - z - belly) - 0.012
        within = np.maximum(
            np.maximum(-a * abs(wide), -b * abs(high)), (a + b - 1) * min(abs(wide), abs(high)) * 0.7
        )
        return np.maximum(flat, within) * np.float32(0.8)

    middle = np.array((x + wide / 2, y + high / 2, z), np.float32)
    return Shape(distance, (), (middle, float(np.hypot(wide, high)) / 2 + 0.2))


SCENES: dict[str, Callable[[], Scene]] = {
    "cottage": cottage, "room": room, "cat": cat, "still": still, "lighthouse": lighthouse,
}  # fmt: skip
