"""Animals."""

from __future__ import annotations

import math
import random

from pocket.world.kit import INK, Pen, Rgb, Spots, darker, lighter, mix
from pocket.world.scene import Thing
from pocket.world.subjects import register
from pocket.world.subjects.faces import GLINT, animal_face, cheeks, eye_colour, eyes, mouth

WEAR = ("hat", "scarf", "glasses", "bow", "stripes", "dots")
NOSE: Rgb = (232, 120, 130)


def seated_body(pen: Pen, c: Rgb, w: float, belly: Rgb) -> None:
    """A sitting body seen from the front, with belly and paws."""
    pen.blob([(0, -0.05), (0.3 * w, 0.1), (0.5 * w, 0.55), (0.52 * w, 0.88), (0.25, 0.98), (-0.25, 0.98),
              (-0.52 * w, 0.88), (-0.5 * w, 0.55), (-0.3 * w, 0.1)], c)
    pen.oval(0, 0.58, 0.24 * w, 0.3, belly, edge=False)
    for side in (-1, 1):
        pen.oval(side * 0.2, 0.92, 0.16, 0.09, lighter(c, 0.18))


@register("cat", details=WEAR)
def cat(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A sitting cat with pointed ears, whiskers and a curled tail."""
    reach, r = rng.uniform(0.72, 0.9), rng.uniform(0.42, 0.47)
    pen.limb([(0.35, 0.85), (reach, 0.75), (reach + 0.05, 0.3), (reach - 0.12, 0.12)], c, 0.15)
    seated_body(pen, c, rng.uniform(0.92, 1.08), lighter(c, 0.4))
    y = -0.38
    for s in (-1, 1):
        pen.poly([(s * 0.44, y - 0.06), (s * 0.42, y - 0.62), (s * 0.08, y - 0.36)], c)
        pen.poly([(s * 0.37, y - 0.2), (s * 0.37, y - 0.48), (s * 0.2, y - 0.33)], mix(NOSE, c, 0.3), False)
    pen.oval(0, y, r * 1.1, r * 0.94, c)
    pen.oval(0, y + r * 0.38, r * 0.42, r * 0.28, lighter(c, 0.45), edge=False)
    animal_face(pen, 0, y, r, c, NOSE, t.expression)
    whisker = eye_colour(c)
    for s in (-1, 1):
        for k in (-0.06, 0.06):
            pen.line([(s * 0.3, y + 0.14 + k), (s * 0.62, y + 0.1 + 2 * k)], mix(whisker, c, 0.3), 0.022)
    return Spots((0, y - r * 0.7, r * 0.8), (0, y - r * 0.05, r * 0.42), (0, -0.02, 0.3), (0, 0.45, 0.36))


@register("dog", details=WEAR)
def dog(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A sitting dog with hanging ears, a muzzle and a tongue."""
    wag, r = rng.uniform(0.1, 0.35), 0.45
    pen.limb([(0.38, 0.8), (0.68, 0.55), (0.78, wag)], c, 0.14)
    seated_body(pen, c, rng.uniform(1.0, 1.15), lighter(c, 0.5))
    y = -0.38
    pen.oval(0, y, r * 1.02, r, c)
    ear, drop = darker(c, 0.22), rng.uniform(0.1, 0.22)
    for s in (-1, 1):
        pen.blob([(s * 0.3, y - 0.4), (s * 0.58, y - 0.28), (s * 0.66, y + drop), (s * 0.5, y + drop + 0.18),
                  (s * 0.38, y)], ear)
    pen.oval(0, y + 0.17, 0.26, 0.2, lighter(c, 0.6), edge=False)
    eyes(pen, 0, y - 0.06, 0.18, 0.07, eye_colour(c), t.expression == "sleeping")
    pen.oval(0, y + 0.3, 0.085, 0.11, (236, 110, 120))
    pen.oval(0, y + 0.07, 0.11, 0.075, INK, edge=False)
    pen.line([(-0.15, y + 0.21), (0, y + 0.26), (0.15, y + 0.21)], INK, 0.035)
    cheeks(pen, 0, y + 0.13, 0.32, 0.06)
    return Spots((0, y - r * 0.75, r * 0.78), (0, y - 0.06, 0.18), (0, 0.02, 0.32), (0, 0.5, 0.38))


@register("rabbit", details=WEAR)
def rabbit(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A rabbit with long ears, one sometimes bent, and a round tail."""
    pen.oval(0.5, 0.75, 0.17, 0.16, lighter(c, 0.5))
    seated_body(pen, c, rng.uniform(0.9, 1.05), lighter(c, 0.45))
    y, r, lean = -0.18, 0.4, rng.uniform(0.05, 0.28)
    for s in (-1, 1):
        pen.oval(s * (0.17 + lean / 3), y - 0.56, 0.13, 0.38, c, turn=s * lean)
        pen.oval(s * (0.17 + lean / 3), y - 0.54, 0.06, 0.27, mix(NOSE, c, 0.25), False, turn=s * lean)
    pen.oval(0, y, r * 1.08, r * 0.95, c)
    pen.oval(0, y + 0.16, 0.19, 0.13, lighter(c, 0.5), edge=False)
    animal_face(pen, 0, y, r, c, NOSE, t.expression)
    pen.box(-0.05, y + 0.18, 0.05, y + 0.26, (255, 255, 250), edge=False)
    return Spots((0, y - r * 0.75, r * 0.66), (0, y - 0.02, r * 0.42), (0, 0.16, 0.28), (0, 0.56, 0.34))


@register("bird", ground=False, details=("hat", "scarf", "glasses", "dots", "stripes"))
def bird(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A plump bird from the side with beak, wing and tail."""
    beak, lift = (246, 168, 50), rng.uniform(-0.15, 0.2)
    if sum(abs(a - b) for a, b in zip(c, beak, strict=True)) < 90:
        beak = (226, 96, 60)
    for k in (-0.14, 0.06):
        pen.limb([(k, 0.6), (k + 0.02, 0.92), (k + 0.14, 0.95)], beak, 0.05)
    pen.blob([(-0.4, 0.05), (-0.95, -0.2 - lift), (-1.0, 0.1 - lift), (-0.9, 0.24), (-0.45, 0.4)], darker(c, 0.18))
    pen.blob([(0.5, -0.75), (0.78, -0.5), (0.72, -0.1), (0.5, 0.35), (0.05, 0.68), (-0.4, 0.55), (-0.6, 0.15),
              (-0.2, -0.15), (0.15, -0.6)], c)
    pen.oval(0.22, 0.28, 0.3, 0.28, lighter(c, 0.5), edge=False)
    pen.poly([(0.72, -0.52), (1.06, -0.36), (0.74, -0.24)], beak)
    pen.blob([(0.15, -0.05), (-0.2, -0.12), (-0.65, 0.1 + lift), (-0.35, 0.38), (0.08, 0.32)], darker(c, 0.22))
    pen.mark(0.53, -0.45, 0.085, eye_colour(c))
    pen.mark(0.5, -0.48, 0.032, GLINT)
    pen.mark(0.5, -0.26, 0.08, (246, 140, 140), 0.7)
    return Spots((0.42, -0.68, 0.26), (0.5, -0.45, 0.12), (0.42, -0.02, 0.28), (0.2, 0.32, 0.24))


@register("fish", ground=False, details=("hat", "glasses", "stripes", "dots"))
def fish(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A round fish with fins, scales and a big eye."""
    tall, fin = rng.uniform(0.46, 0.6), darker(c, 0.2)
    pen.blob([(-0.5, 0), (-0.98, -0.48), (-0.86, 0), (-0.98, 0.48)], fin)
    pen.blob([(-0.25, -tall * 0.7), (-0.1, -tall * 1.55), (0.3, -tall * 1.3), (0.35, -tall * 0.7)], fin)
    pen.blob([(-0.05, tall * 0.7), (-0.22, tall * 1.35), (0.2, tall * 1.1), (0.2, tall * 0.75)], fin)
    pen.blob([(-0.6, 0), (-0.3, -tall * 0.75), (0.2, -tall), (0.7, -tall * 0.62), (0.92, 0.02),
              (0.7, tall * 0.65), (0.2, tall), (-0.3, tall * 0.75)], c)
    pen.blob([(-0.3, tall * 0.35), (0.2, tall * 0.5), (0.7, tall * 0.4), (0.2, tall * 0.9), (-0.2, tall * 0.7)],
             lighter(c, 0.4), edge=False)
    for i in range(3):
        x = -0.28 + i * 0.2
        pen.line([(x, -0.22), (x + 0.1, -0.06), (x, 0.1)], darker(c, 0.25), 0.035)
    pen.oval(0.52, -0.14, 0.15, 0.16, (255, 255, 250))
    pen.mark(0.55, -0.13, 0.085, INK)
    pen.mark(0.52, -0.17, 0.032, GLINT)
    mouth(pen, 0.76, 0.12, 0.09)
    pen.mark(0.46, 0.13, 0.08, (246, 140, 140), 0.7)
    return Spots((0.3, -tall * 0.92, 0.28), (0.52, -0.14, 0.13), None, (-0.05, 0.0, 0.3))


@register("dragon", details=WEAR)
def dragon(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A friendly dragon with wings, horns, a pale belly and a spiked tail."""
    wing, spread = mix(c, (250, 200, 90), 0.5), rng.uniform(0.85, 0.98)
    for s in (-1, 1):
        pen.poly([(s * 0.2, 0.15), (s * 0.5, -0.5), (s * spread, -0.62), (s * 0.86, -0.2), (s * 0.96, 0.12),
                  (s * 0.66, 0.1), (s * 0.6, 0.36)], wing)
    pen.limb([(0.3, 0.85), (0.7, 0.92), (0.9, 0.68)], c, 0.16)
    pen.poly([(0.8, 0.74), (0.92, 0.42), (1.04, 0.72)], wing)
    seated_body(pen, c, 1.02, mix(lighter(c, 0.5), (250, 226, 150), 0.5))
    for k in range(3):
        pen.line([(-0.17, 0.42 + k * 0.14), (0, 0.46 + k * 0.14), (0.17, 0.42 + k * 0.14)], darker(c, 0.15), 0.03)
    y, r = -0.36, 0.42
    for s in (-1, 1):
        pen.poly([(s * 0.1, y - 0.3), (s * 0.3, y - 0.66), (s * 0.32, y - 0.22)], (250, 232, 180))
        pen.poly([(s * 0.36, y - 0.1), (s * 0.66, y - 0.2), (s * 0.4, y + 0.1)], wing)
    pen.poly([(-0.1, y - 0.36), (0, y - 0.56), (0.1, y - 0.36)], wing)
    pen.oval(0, y, r, r * 0.9, c)
    pen.oval(0, y + 0.2, 0.32, 0.19, lighter(c, 0.3))
    eyes(pen, 0, y - 0.08, 0.18, 0.08, eye_colour(c), t.expression == "sleeping")
    for s in (-1, 1):
        pen.mark(s * 0.1, y + 0.15, 0.028, darker(c, 0.6))
    mouth(pen, 0, y + 0.25, 0.14, "smiling", darker(c, 0.7))
    cheeks(pen, 0, y + 0.06, 0.31, 0.055)
    return Spots((0, y - r * 0.75, r * 0.7), (0, y - 0.08, 0.18), (0, 0.02, 0.3), (0, 0.55, 0.3))


@register("squirrel", details=(*WEAR, "guitar"))
def squirrel(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A squirrel with a great curled tail, tufted ears and buck teeth."""
    tail, high = lighter(c, 0.14), rng.uniform(-0.65, -0.5)
    pen.blob([(0.2, 0.9), (0.66, 0.85), (0.9, 0.4), (0.86, -0.1), (1.0, -0.4), (0.72, high - 0.14),
              (0.42, high + 0.1), (0.5, -0.05), (0.4, 0.3)], tail)
    pen.line([(0.62, 0.6), (0.7, 0.1), (0.68, -0.25), (0.78, -0.42)], lighter(c, 0.4), 0.07)
    seated_body(pen, c, 0.85, lighter(c, 0.62))
    y, r = -0.3, 0.37
    for s in (-1, 1):
        pen.poly([(s * 0.36, y - 0.1), (s * 0.36, y - 0.56), (s * 0.08, y - 0.3)], c)
    pen.oval(0, y, r * 1.12, r * 0.95, c)
    pen.oval(0, y + 0.15, 0.24, 0.16, lighter(c, 0.6), edge=False)
    animal_face(pen, 0, y, r, c, darker(c, 0.6), t.expression)
    pen.box(-0.05, y + 0.17, 0.05, y + 0.25, (255, 255, 250), edge=False)
    if "guitar" not in t.details:
        pen.oval(0, 0.42, 0.13, 0.15, (176, 122, 66))
        pen.oval(0, 0.32, 0.15, 0.07, (122, 80, 46))
    for s in (-1, 1):
        pen.limb([(s * 0.3, 0.2), (s * 0.26, 0.42), (s * 0.12, 0.44)], c, 0.12)
    return Spots((0, y - r * 0.7, r * 0.72), (0, y - 0.02, r * 0.42), (0, 0.05, 0.26), (0, 0.6, 0.28))


@register("butterfly", ground=False, details=("dots", "stripes"))
def butterfly(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A butterfly with four patterned wings."""
    wide, inner = rng.uniform(0.82, 0.98), lighter(c, 0.5)
    for s in (-1, 1):
        pen.blob([(s * 0.05, -0.05), (s * 0.3, -0.7), (s * wide, -0.82), (s * wide, -0.25), (s * 0.4, 0.08)], c)
        pen.blob([(s * 0.05, 0.05), (s * 0.5, 0.05), (s * 0.78, 0.4), (s * 0.52, 0.82), (s * 0.2, 0.55)],
                 mix(c, inner, 0.3))
        pen.oval(s * 0.6, -0.48, 0.17, 0.15, inner, edge=False)
        pen.oval(s * 0.46, 0.4, 0.13, 0.14, lighter(c, 0.6), edge=False)
        pen.line([(0, -0.45), (s * 0.1, -0.75), (s * 0.22, -0.88)], INK, 0.035)
        pen.mark(s * 0.22, -0.88, 0.045, INK)
    pen.oval(0, 0.08, 0.1, 0.5, (92, 70, 66))
    pen.oval(0, -0.42, 0.14, 0.14, (112, 86, 78))
    eyes(pen, 0, -0.43, 0.055, 0.03, (250, 244, 230))
    return Spots(None, None, None, (0, 0.1, 0.06))


def star_points(n: int, outer: float, inner: float, turn: float = -math.pi / 2) -> list[tuple[float, float]]:
    """The corners of a star with n rays."""
    out = []
    for i in range(2 * n):
        r, a = (outer if i % 2 == 0 else inner), turn + math.pi * i / n
        out.append((r * math.cos(a), r * math.sin(a)))
    return out
