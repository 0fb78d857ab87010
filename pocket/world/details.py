"""What subjects wear or carry, drawn at the spots a subject names."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from pocket.world.kit import INK, Pen, Rgb, Spots, darker, lighter

Place = tuple[float, float, float]
# Worn things take a colour of their own that stands out from the subject's.
WORN: tuple[Rgb, ...] = ((222, 74, 70), (70, 130, 200), (246, 196, 70), (96, 170, 110), (160, 100, 190))


def accent(c: Rgb, rng: random.Random) -> Rgb:
    """A colour far from c."""
    far = sorted(WORN, key=lambda w: -sum(abs(a - b) for a, b in zip(w, c, strict=True)))
    return rng.choice(far[:3])


def hat(pen: Pen, p: Place, c: Rgb) -> None:
    """A brimmed hat with a band."""
    x, y, r = p
    pen.blob([(x - r * 0.62, y + r * 0.1), (x - r * 0.5, y - r * 0.72), (x, y - r * 0.86), (x + r * 0.5, y - r * 0.72),
              (x + r * 0.62, y + r * 0.1)], c, fine=5)
    pen.box(x - r * 0.58, y - r * 0.2, x + r * 0.58, y + r * 0.04, darker(c, 0.35), edge=False)
    pen.oval(x, y + r * 0.1, r * 1.1, r * 0.2, c)


def scarf(pen: Pen, p: Place, c: Rgb) -> None:
    """A scarf with one end hanging."""
    x, y, r = p
    pen.blob([(x + r * 0.3, y), (x + r * 0.75, y + 0.02), (x + r * 0.85, y + r * 1.35), (x + r * 0.4, y + r * 1.35)], c)
    pen.limb([(x - r, y - 0.03), (x, y + 0.06), (x + r, y - 0.03)], c, 0.17)
    pen.line([(x - r * 0.8, y), (x, y + 0.08), (x + r * 0.8, y)], lighter(c, 0.5), 0.035)


def glasses(pen: Pen, p: Place) -> None:
    """Dark sunglasses."""
    x, y, gap = p
    r = gap * 0.82
    pen.line([(x - gap * 2, y - r * 0.3), (x + gap * 2, y - r * 0.3)], INK, 0.05)
    for s in (-1, 1):
        pen.mark(x + s * gap, y, r, (40, 40, 54), 0.85)
        pen.line([(x + s * gap - r * 0.45, y + r * 0.1), (x + s * gap, y - r * 0.4)], (190, 205, 230), 0.04)


def bow(pen: Pen, p: Place, c: Rgb) -> None:
    """A bow on one side of the head."""
    x, y, r = p[0] + p[2] * 0.55, p[1], p[2] * 0.55
    for s in (-1, 1):
        pen.blob([(x, y), (x + s * r * 0.9, y - r * 0.6), (x + s * r * 1.05, y + r * 0.5)], c, fine=5)
    pen.oval(x, y, r * 0.26, r * 0.3, darker(c, 0.2))


def bloom(pen: Pen, p: Place, c: Rgb) -> None:
    """A flower in the hair."""
    x, y, r = p[0] + p[2] * 0.6, p[1] + p[2] * 0.15, p[2] * 0.3
    for i in range(5):
        a = 2 * math.pi * i / 5
        pen.oval(x + r * math.cos(a), y + r * math.sin(a), r * 0.7, r * 0.7, c)
    pen.mark(x, y, r * 0.55, (252, 214, 90))


def dots(pen: Pen, p: Place, c: Rgb, rng: random.Random) -> None:
    """Light dots on the body."""
    x, y, r = p
    turn = rng.uniform(0, 1)
    for i in range(6):
        a = turn + 2 * math.pi * i / 6
        pen.oval(x + r * 0.78 * math.cos(a), y + r * 0.7 * math.sin(a), r * 0.2, r * 0.2, c, edge=False)
    pen.oval(x, y, r * 0.2, r * 0.2, c, edge=False)


def stripes(pen: Pen, p: Place, c: Rgb) -> None:
    """Stripes across the body."""
    x, y, r = p
    for k in (-0.6, 0.0, 0.6):
        w = r * math.sqrt(1.3 - k * k)
        pen.limb([(x - w, y + k * r - 0.02), (x, y + k * r + 0.05), (x + w, y + k * r - 0.02)], c, r * 0.24)


def guitar(pen: Pen, p: Place) -> None:
    """A guitar held before the body."""
    x, y = p[0], p[1] - 0.08
    wood: Rgb = (206, 140, 66)
    pen.limb([(x + 0.1, y - 0.02), (x + 0.72, y - 0.42)], (120, 78, 48), 0.09)
    pen.oval(x + 0.76, y - 0.45, 0.09, 0.07, (90, 60, 44), turn=-0.6)
    pen.oval(x - 0.26, y + 0.16, 0.3, 0.26, wood)
    pen.oval(x + 0.05, y - 0.02, 0.21, 0.19, wood)
    pen.oval(x - 0.22, y + 0.13, 0.24, 0.2, wood, edge=False)
    pen.mark(x - 0.06, y + 0.04, 0.09, (84, 54, 40))
    pen.line([(x - 0.36, y + 0.24), (x + 0.7, y - 0.41)], (250, 240, 220), 0.025)


Put = Callable[[Pen, Spots, Rgb, random.Random], None]
# Drawn in this order: pattern first, worn things above it.
PUTS: dict[str, tuple[str, Put]] = {
    "stripes": ("body", lambda pen, s, c, rng: stripes(pen, s.body, pattern(c))),  # type: ignore[arg-type]
    "dots": ("body", lambda pen, s, c, rng: dots(pen, s.body, pattern(c), rng)),  # type: ignore[arg-type]
    "scarf": ("neck", lambda pen, s, c, rng: scarf(pen, s.neck, accent(c, rng))),  # type: ignore[arg-type]
    "glasses": ("eyes", lambda pen, s, c, rng: glasses(pen, s.eyes)),  # type: ignore[arg-type]
    "hat": ("head", lambda pen, s, c, rng: hat(pen, s.head, accent(c, rng))),  # type: ignore[arg-type]
    "bow": ("head", lambda pen, s, c, rng: bow(pen, s.head, accent(c, rng))),  # type: ignore[arg-type]
    "flower": ("head", lambda pen, s, c, rng: bloom(pen, s.head, accent(c, rng))),  # type: ignore[arg-type]
    "guitar": ("body", lambda pen, s, c, rng: guitar(pen, s.body)),  # type: ignore[arg-type]
}


def pattern(c: Rgb) -> Rgb:
    """The colour of dots and stripes: light on dark, dark on light."""
    return lighter(c, 0.65) if sum(c) < 560 else darker(c, 0.4)


def put_on(pen: Pen, wanted: tuple[str, ...], spots: Spots, c: Rgb, rng: random.Random) -> None:
    """Draw the wanted details where the subject has a spot for them."""
    for name, (spot, put) in PUTS.items():
        if name in wanted and getattr(spots, spot) is not None:
            put(pen, spots, c, rng)
