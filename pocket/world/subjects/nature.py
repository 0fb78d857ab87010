"""Plants, sky and hearts."""

from __future__ import annotations

import math
import random

from pocket.world.kit import Pen, Rgb, Spots, darker, lighter, mix
from pocket.world.scene import Thing
from pocket.world.subjects import register
from pocket.world.subjects.animals import star_points
from pocket.world.subjects.faces import cheeks, eye_colour, eyes, mouth

BARK: Rgb = (132, 92, 64)
LEAF: Rgb = (98, 164, 84)


def friendly(pen: Pen, x: float, y: float, r: float, c: Rgb, t: Thing) -> Spots:
    """A small face on a thing, and where it wears glasses."""
    dark = eye_colour(c)
    eyes(pen, x, y, r * 0.4, r * 0.13, dark, t.expression == "sleeping")
    cheeks(pen, x, y + r * 0.3, r * 0.62, r * 0.13)
    mouth(pen, x, y + r * 0.28, r * 0.18, t.expression, dark)
    return Spots((x, y - r * 0.9, r * 0.8), (x, y, r * 0.4), None, (x, y + r * 0.2, r * 0.5))


@register("tree", details=("dots",))
def tree(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A round tree or a fir with a crown of the colour."""
    pen.poly([(-0.13, 0.98), (-0.08, 0.1), (0.08, 0.1), (0.14, 0.98)], BARK)
    if rng.random() < 0.35:
        for k, w in ((0.55, 0.62), (0.15, 0.52), (-0.25, 0.4)):
            pen.blob([(0, k - 0.72), (w * 0.55, k - 0.25), (w, k), (0, k + 0.08), (-w, k), (-w * 0.55, k - 0.25)],
                     mix(c, darker(c), 0.1 + k * 0.2), fine=5)
        return Spots((0, -0.85, 0.3), None, None, (0, 0, 0.3))
    n, wob = 8, rng.uniform(0.05, 0.12)
    pen.blob([(0.7 * math.cos(a) * (1 + wob * math.sin(3 * a)), -0.32 + 0.62 * math.sin(a) * (1 + wob * math.cos(5 * a)))
              for a in (2 * math.pi * i / n for i in range(n))], c)
    for _ in range(3):
        x, y = rng.uniform(-0.4, 0.35), rng.uniform(-0.65, -0.1)
        pen.oval(x, y, 0.18, 0.12, lighter(c, 0.22), edge=False)
    return Spots((0, -0.85, 0.4), None, None, (0, -0.32, 0.42))


@register("flower", details=())
def flower(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A flower with petals of the colour, stem and two leaves."""
    bend, n = rng.uniform(-0.12, 0.12), rng.choice((5, 6, 7))
    pen.limb([(0, -0.2), (bend, 0.4), (0, 0.98)], (86, 146, 76), 0.085)
    for s in (-1, 1):
        pen.blob([(bend, 0.62), (s * 0.3, 0.36), (s * 0.58, 0.4), (s * 0.34, 0.66)], LEAF)
    turn = rng.uniform(0, 1)
    for i in range(n):
        a = turn + 2 * math.pi * i / n
        pen.oval(0.36 * math.cos(a), -0.38 + 0.36 * math.sin(a), 0.3, 0.19, c, turn=a)
    heart = (250, 208, 80) if t.colour not in ("yellow", "orange") else (150, 96, 60)
    pen.oval(0, -0.38, 0.22, 0.22, heart)
    return friendly(pen, 0, -0.42, 0.2, heart, t)


@register("mushroom", details=("dots", "hat"))
def mushroom(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A mushroom with a domed cap of the colour and a face on its stem."""
    stem, high = (250, 236, 212), rng.uniform(-0.9, -0.7)
    pen.blob([(-0.26, -0.05), (0.26, -0.05), (0.32, 0.6), (0.36, 0.9), (0, 0.98), (-0.36, 0.9), (-0.32, 0.6)], stem)
    pen.blob([(-0.88, 0.05), (-0.72, -0.42), (-0.3, high), (0.3, high), (0.72, -0.42), (0.88, 0.05), (0.4, 0.17),
              (-0.4, 0.17)], c)
    spot = lighter(c, 0.75) if t.colour != "white" else (232, 196, 176)
    for x, y, r in ((-0.45, -0.25, 0.14), (0.05, -0.5, 0.16), (0.5, -0.2, 0.13), (0.02, -0.1, 0.09)):
        pen.oval(x + rng.uniform(-0.05, 0.05), y, r, r * 0.85, spot, edge=False)
    friendly(pen, 0, 0.46, 0.3, stem, t)
    return Spots((0, high + 0.05, 0.4), (0, 0.46, 0.12), None, None)


@register("mountain", details=())
def mountain(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """Peaks of the colour with snow on top."""
    peak, side = rng.uniform(-0.15, 0.15), rng.choice((-1, 1))
    back = mix(c, (190, 200, 220), 0.3)
    pen.poly([(side * 0.05, 0.95), (side * 0.55, -0.3), (side * 1.0, 0.95)], back)
    pen.poly([(-0.95, 0.95), (-0.35, -0.2), (peak, -0.9), (0.4, -0.15), (0.95, 0.95)], c)
    pen.poly([(peak, -0.9), (peak + 0.02, -0.3), (0.3, 0.95), (0.95, 0.95), (0.4, -0.15)], darker(c, 0.16), False)
    cap = (255, 255, 255) if t.colour != "white" else (206, 222, 242)
    pen.poly([(peak, -0.9), (peak * 0.4 - 0.2, -0.42), (peak - 0.1, -0.5), (peak + 0.02, -0.34), (peak + 0.1, -0.5),
              (peak * 0.4 + 0.24, -0.4)], cap)
    return Spots(None, None, None, None)


@register("sun", ground=False, details=("glasses",))
def sun(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A sun with rays of the colour and a face."""
    n, turn = rng.choice((8, 10, 12)), rng.uniform(0, 1)
    for i in range(n):
        a = turn + 2 * math.pi * i / n
        w = math.pi / n * 0.75
        pen.poly([(0.58 * math.cos(a - w), 0.58 * math.sin(a - w)), (0.98 * math.cos(a), 0.98 * math.sin(a)),
                  (0.58 * math.cos(a + w), 0.58 * math.sin(a + w))], mix(c, lighter(c), 0.4))
    pen.oval(0, 0, 0.6, 0.6, c)
    return friendly(pen, 0, -0.04, 0.5, c, t)


@register("moon", ground=False, details=("hat",))
def moon(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A crescent moon with a sleepy profile."""
    depth = rng.uniform(0.2, 0.34)
    outer = [(0.88 * math.cos(a) - 0.05, 0.9 * math.sin(a)) for a in
             (math.radians(d) for d in range(55, 306, 10))]
    inner = [(depth + 0.62 * math.cos(a), 0.68 * math.sin(a)) for a in
             (math.radians(d) for d in range(285, 74, -10))]
    pen.poly([*outer, *inner], c)
    pen.oval(-0.62, 0.3, 0.1, 0.12, darker(c, 0.12), edge=False)
    dark = eye_colour(c)
    pen.line([(-0.52, -0.16), (-0.44, -0.09), (-0.34, -0.14)], dark, 0.05)
    pen.line([(-0.42, 0.26), (-0.34, 0.31), (-0.26, 0.26)], dark, 0.045)
    pen.mark(-0.52, 0.1, 0.09, (246, 140, 140), 0.7)
    return Spots((-0.3, -0.85, 0.3), None, None, None)


@register("star", ground=False, details=("glasses",))
def star(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A soft five-pointed star with a face."""
    tilt = -math.pi / 2 + rng.uniform(-0.12, 0.12)
    pen.blob(star_points(5, 0.98, rng.uniform(0.46, 0.54), tilt), c, fine=4)
    return friendly(pen, 0, -0.02, 0.42, c, t)


@register("heart", ground=False, details=("dots", "stripes"))
def heart(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A plump heart with a shine."""
    wide = rng.uniform(0.88, 0.98)
    pts = []
    for i in range(40):
        a = 2 * math.pi * i / 40
        x = 16 * math.sin(a) ** 3 / 17
        y = -(13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)) / 17
        pts.append((x * wide, y))
    pen.poly(pts, c)
    pen.oval(-0.45, -0.38, 0.2, 0.12, lighter(c, 0.6), edge=False, turn=-0.6)
    return Spots(None, None, None, (0, 0.02, 0.42))


@register("apple", details=())
def apple(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """An apple with a leaf and a shine."""
    pen.limb([(0, -0.5), (0.04, -0.72), (0.12, -0.92)], BARK, 0.08)
    pen.blob([(0.1, -0.7), (0.36, -0.95), (0.66, -0.82), (0.4, -0.62)], LEAF)
    pen.blob([(0, -0.5), (0.38, -0.66), (0.8, -0.35), (0.82, 0.2), (0.5, 0.82), (0.18, 0.95), (0, 0.88),
              (-0.18, 0.95), (-0.5, 0.82), (-0.82, 0.2), (-0.8, -0.35), (-0.38, -0.66)], c)
    pen.oval(-0.45, -0.2, 0.13, 0.24, lighter(c, 0.6), edge=False, turn=0.3)
    return Spots(None, None, None, (0, 0.2, 0.4))
