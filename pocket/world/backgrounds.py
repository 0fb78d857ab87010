"""Backgrounds: one small draw function each, over the whole picture (-1 to 1)."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np

from pocket.world.kit import Pen, Rgb, jitter, mix

PASTELS: tuple[Rgb, ...] = ((250, 240, 222), (226, 238, 246), (248, 226, 228), (230, 242, 222), (238, 230, 246),
                            (252, 236, 200))
SKY: Rgb = (172, 216, 244)
Paint = Callable[[Pen, random.Random], None]


def sky(pen: Pen, top: Rgb, bottom: Rgb, until: float = 1.0) -> None:
    """A vertical gradient from the top edge down to `until`: a band for each of its colours."""
    rows = round((until + 1) / 2 * pen.side)
    shares = np.arange(rows)[:, None] / max(1, rows - 1)
    colours = np.rint(np.array(top) + np.subtract(bottom, top) * shares).astype(int)
    begins = [0, *(np.flatnonzero((colours[1:] != colours[:-1]).any(1)) + 1)]
    for y, after in zip(begins, [*begins[1:], rows], strict=True):
        c = pen.look.fill(tuple(colours[y].tolist()))
        pen.draw.rectangle((0, y, pen.side, after - 1), fill=(*c, 255))


def cloud(pen: Pen, x: float, y: float, s: float, c: Rgb = (255, 255, 255)) -> None:
    """Three round puffs."""
    for dx, dy, r in ((-0.9, 0.1, 0.6), (0.9, 0.12, 0.55), (0, -0.2, 0.85)):
        pen.oval(x + dx * s, y + dy * s, r * s * 1.2, r * s * 0.75, c, edge=False)


def hills(pen: Pen, base: float, c: Rgb, rng: random.Random, wave: float = 0.1) -> None:
    """A rolling ground from `base` to the bottom edge."""
    phase, n = rng.uniform(0, 6), rng.uniform(1.2, 2.4)
    top = [(-1.1 + i * 0.11, base + wave * math.sin(phase + n * i * 0.16)) for i in range(21)]
    pen.poly([*top, (1.2, 1.2), (-1.2, 1.2)], c, edge=pen.look.edge in ("ink", "glow"))


def plain(pen: Pen, rng: random.Random) -> None:
    """One quiet colour."""
    c = jitter(rng.choice(PASTELS), rng, 5)
    sky(pen, c, c)


def gradient(pen: Pen, rng: random.Random) -> None:
    """Two pastel colours running into each other."""
    a, b = rng.sample(((250, 214, 170), (178, 212, 244), (246, 184, 196), (196, 230, 190), (206, 190, 240)), 2)
    sky(pen, a, b)


def meadow(pen: Pen, rng: random.Random) -> None:
    """Green hills under a blue sky with small flowers."""
    sky(pen, SKY, (232, 246, 250), 0.4)
    cloud(pen, rng.uniform(-0.8, 0.8), rng.uniform(-0.8, -0.55), rng.uniform(0.14, 0.22))
    hills(pen, 0.1, (166, 212, 132), rng)
    hills(pen, 0.34, (134, 194, 104), rng, 0.06)
    for _ in range(16):
        x, y = rng.uniform(-1, 1), rng.uniform(0.45, 0.98)
        pen.line([(x, y), (x + 0.02, y - 0.07)], (96, 160, 80), 0.02)
        if rng.random() < 0.6:
            pen.mark(x, y - 0.06, 0.026, rng.choice(((255, 255, 255), (252, 214, 100), (246, 160, 180))))


def sea(pen: Pen, rng: random.Random) -> None:
    """Waves to the horizon."""
    sky(pen, (156, 208, 244), (236, 246, 250), 0.1)
    cloud(pen, rng.uniform(-0.8, 0.8), rng.uniform(-0.75, -0.5), rng.uniform(0.12, 0.2))
    for k, c in enumerate(((104, 178, 216), (74, 154, 204), (54, 130, 188), (44, 110, 170))):
        hills(pen, 0.05 + 0.24 * k, c, rng, 0.025)
    for _ in range(9):
        x, y = rng.uniform(-1, 0.9), rng.uniform(0.15, 0.95)
        pen.line([(x, y), (x + 0.07, y - 0.025), (x + 0.15, y)], (214, 238, 250), 0.025)


def night_sky(pen: Pen, rng: random.Random) -> None:
    """Deep blue with many small stars."""
    sky(pen, (22, 28, 74), (70, 70, 138))
    for _ in range(38):
        pen.mark(rng.uniform(-1, 1), rng.uniform(-1, 1), rng.choice((0.012, 0.018, 0.028)), (255, 246, 206))


def snow(pen: Pen, rng: random.Random) -> None:
    """White hills, small firs and falling flakes."""
    sky(pen, (178, 202, 226), (228, 236, 244), 0.5)
    hills(pen, 0.15, (222, 232, 244), rng)
    for _ in range(4):
        x, y = rng.uniform(-1, 1), rng.uniform(0.2, 0.32)
        pen.poly([(x - 0.1, y), (x, y - 0.32), (x + 0.1, y)], (122, 160, 160), edge=pen.look.edge == "ink")
    hills(pen, 0.38, (248, 250, 254), rng, 0.06)
    for _ in range(34):
        pen.mark(rng.uniform(-1, 1), rng.uniform(-1, 1), rng.choice((0.018, 0.026)), (255, 255, 255))


def city(pen: Pen, rng: random.Random) -> None:
    """Rows of houses with windows along a street."""
    sky(pen, (186, 214, 238), (246, 234, 220), 0.5)
    x = -1.05
    while x < 1.0:
        w, top = rng.uniform(0.24, 0.42), rng.uniform(-0.65, 0.0)
        c = rng.choice(((196, 178, 178), (172, 184, 202), (214, 196, 172), (184, 172, 196)))
        pen.box(x, top, x + w - 0.02, 0.62, c, edge=pen.look.edge in ("ink", "glow"))
        for wy in range(int((0.5 - top) / 0.2)):
            for wx in range(2):
                px, py = x + w * (0.22 + 0.4 * wx), top + 0.1 + wy * 0.2
                pen.box(px, py, px + w * 0.2, py + 0.1, rng.choice(((252, 228, 150), (116, 130, 156))), edge=False)
        x += w
    pen.box(-1.1, 0.55, 1.1, 1.1, (150, 148, 158), edge=False)
    for k in range(4):
        pen.box(-0.9 + k * 0.55, 0.8, -0.62 + k * 0.55, 0.84, (232, 228, 214), edge=False)


def forest(pen: Pen, rng: random.Random) -> None:
    """Trunks and dark crowns, a mossy floor."""
    sky(pen, (178, 212, 176), (222, 236, 200), 0.6)
    for depth in range(2):
        bark = mix((128, 116, 98), (104, 80, 62), depth)
        for k in range(5):
            x, w = -1 + k * 0.5 + rng.uniform(-0.15, 0.15) + 0.2 * depth, rng.uniform(0.05, 0.09)
            pen.box(x - w, -1.1, x + w, 0.45 + depth * 0.1, bark, edge=pen.look.edge in ("ink", "glow"))
        for k in range(6):
            pen.oval(-1 + k * 0.4 + rng.uniform(-0.1, 0.1), -0.95 + 0.12 * (1 - depth), 0.34, 0.3,
                     mix((118, 166, 110), (74, 126, 78), depth), edge=False)
    hills(pen, 0.42, (112, 146, 84), rng, 0.05)
    for _ in range(8):
        x, y = rng.uniform(-1, 1), rng.uniform(0.55, 0.98)
        pen.line([(x - 0.05, y - 0.07), (x, y), (x + 0.05, y - 0.07)], (78, 116, 62), 0.025)


PAINTS: dict[str, Paint] = {
    "plain": plain, "gradient": gradient, "meadow": meadow, "sea": sea, "night sky": night_sky, "snow": snow,
    "city": city, "forest": forest,
}


def paint(pen: Pen, name: str, rng: random.Random) -> None:
    """Fill the pen's layer with a background."""
    PAINTS[name](pen, rng)
