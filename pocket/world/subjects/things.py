"""Buildings and vehicles."""

from __future__ import annotations

import random

from pocket.world.kit import INK, Pen, Rgb, Spots, darker, lighter, mix
from pocket.world.scene import Thing
from pocket.world.subjects import register

GLASS: Rgb = (176, 220, 240)
LIT: Rgb = (255, 224, 130)
WALL: Rgb = (250, 234, 206)


@register("house", details=())
def house(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A cottage with walls of the colour, a roof, a door and lit windows."""
    roof = darker(c, 0.4) if t.colour not in ("black", "brown") else (196, 84, 70)
    wide, chim = rng.uniform(0.64, 0.74), rng.choice((-1, 1))
    pen.box(chim * 0.42 - 0.09, -0.82, chim * 0.42 + 0.09, -0.3, mix(roof, c, 0.3))
    pen.box(-wide, -0.15, wide, 0.96, c)
    pen.poly([(-wide - 0.2, -0.1), (0, -0.92), (wide + 0.2, -0.1)], roof)
    pen.oval(0, -0.4, 0.12, 0.12, LIT)
    side = rng.choice((-1, 1))
    pen.blob([(side * 0.32 - 0.16, 0.96), (side * 0.32 - 0.16, 0.4), (side * 0.32, 0.28), (side * 0.32 + 0.16, 0.4),
              (side * 0.32 + 0.16, 0.96)], (150, 100, 70), fine=4)
    pen.mark(side * 0.32 + 0.08, 0.66, 0.03, LIT)
    x = -side * 0.32
    pen.box(x - 0.18, 0.15, x + 0.18, 0.55, LIT)
    pen.line([(x, 0.15), (x, 0.55)], WALL, 0.04)
    pen.line([(x - 0.18, 0.35), (x + 0.18, 0.35)], WALL, 0.04)
    return Spots(None, None, None, None)


@register("castle", details=())
def castle(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A castle with three towers, pointed roofs and flags."""
    roof = mix(darker(c, 0.35), (150, 70, 110), 0.25)
    high = rng.uniform(-0.32, -0.2)
    for s in (-1, 1):
        pen.box(s * 0.64 - 0.2, -0.05, s * 0.64 + 0.2, 0.96, c)
        pen.poly([(s * 0.64 - 0.27, -0.05), (s * 0.64, -0.62), (s * 0.64 + 0.27, -0.05)], roof)
    pen.box(-0.26, high, 0.26, 0.6, lighter(c, 0.1))
    pen.line([(0, -0.98), (0, -0.8)], INK, 0.035)
    pen.poly([(0, -0.99), (0.24, -0.92), (0, -0.84)], (240, 96, 90))
    pen.poly([(-0.33, high), (0, -0.82), (0.33, high)], roof)
    pen.box(-0.5, 0.28, 0.5, 0.96, c)
    for k in range(4):
        pen.box(-0.5 + k * 0.27, 0.18, -0.36 + k * 0.27, 0.3, c)
    pen.blob([(-0.19, 0.96), (-0.19, 0.64), (0, 0.45), (0.19, 0.64), (0.19, 0.96)], (126, 84, 60), fine=4)
    for x, y in ((-0.64, 0.22), (0.64, 0.22), (0, 0.0)):
        pen.oval(x, y, 0.075, 0.12, LIT)
    return Spots(None, None, None, None)


@register("boat", details=("stripes",))
def boat(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A sailing boat with a hull of the colour."""
    sail, tall = lighter(c, 0.78) if t.colour != "white" else (240, 208, 160), rng.uniform(-0.98, -0.85)
    pen.limb([(0, 0.4), (0, tall)], (140, 100, 70), 0.06)
    pen.blob([(0.06, tall + 0.05), (0.42, -0.35), (0.68, 0.28), (0.06, 0.26)], sail, fine=4)
    pen.blob([(-0.06, tall + 0.25), (-0.3, -0.2), (-0.5, 0.28), (-0.06, 0.26)], mix(sail, c, 0.25), fine=4)
    pen.poly([(0, tall), (-0.26, tall + 0.08), (0, tall + 0.16)], c)
    pen.blob([(-0.92, 0.4), (0, 0.47), (0.95, 0.36), (0.72, 0.8), (0.5, 0.94), (-0.5, 0.94), (-0.74, 0.82)], c, fine=4)
    pen.line([(-0.8, 0.56), (0, 0.62), (0.84, 0.54)], lighter(c, 0.55), 0.07)
    return Spots(None, None, None, (0, 0.66, 0.24))


@register("car", details=("dots", "stripes"))
def car(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A round little car from the side."""
    roof = rng.uniform(-0.55, -0.42)
    pen.blob([(-0.55, 0.1), (-0.42, roof + 0.1), (-0.1, roof), (0.25, roof + 0.02), (0.48, roof + 0.2), (0.62, 0.1)],
             c, fine=5)
    for x0, x1 in ((-0.38, -0.02), (0.08, 0.42)):
        pen.poly([(x0, 0.02), (x0 + 0.06, roof + 0.16), (x1 - 0.04, roof + 0.16), (x1, 0.02)], GLASS)
    pen.blob([(-0.95, 0.15), (-0.7, -0.02), (0, 0.0), (0.7, 0.02), (0.96, 0.2), (0.96, 0.52), (0.7, 0.62), (-0.7, 0.62),
              (-0.96, 0.52)], c, fine=5)
    pen.line([(-0.84, 0.3), (0, 0.27), (0.8, 0.3)], lighter(c, 0.45), 0.045)
    pen.oval(0.86, 0.26, 0.09, 0.1, LIT)
    for x in (-0.52, 0.52):
        pen.oval(x, 0.62, 0.24, 0.24, (70, 66, 76))
        pen.oval(x, 0.62, 0.11, 0.11, (222, 224, 230))
    return Spots(None, None, None, (0, 0.36, 0.22))
