"""People: a girl and a boy with poses and expressions."""

from __future__ import annotations

import random

from pocket.world.kit import Pen, Points, Rgb, Spots, darker, lighter
from pocket.world.scene import Thing
from pocket.world.subjects import register
from pocket.world.subjects.faces import cheeks, eyes, mouth

SKINS: tuple[Rgb, ...] = ((250, 218, 190), (240, 196, 160), (206, 150, 112), (150, 102, 76))
HAIRS: tuple[Rgb, ...] = ((70, 48, 40), (44, 38, 44), (150, 92, 48), (226, 178, 92), (196, 92, 48))
WEAR = ("hat", "scarf", "glasses", "flower", "bow", "stripes", "dots")
# Where hands and feet go, by pose: left hand, right hand, left foot, right foot.
LIMBS: dict[str, tuple[Points, Points, Points, Points]] = {
    "standing": ([(-0.4, 0.3), (-0.48, 0.5)], [(0.4, 0.3), (0.48, 0.5)], [(-0.14, 0.95)], [(0.14, 0.95)]),
    "waving": ([(-0.4, 0.3), (-0.48, 0.5)], [(0.45, -0.02), (0.62, -0.4)], [(-0.14, 0.95)], [(0.14, 0.95)]),
    "running": ([(-0.5, 0.22), (-0.62, 0.02)], [(0.46, 0.3), (0.66, 0.22)], [(-0.36, 0.72), (-0.72, 0.74)],
                [(0.36, 0.7), (0.42, 0.96)]),
    "jumping": ([(-0.48, -0.02), (-0.64, -0.4)], [(0.48, -0.02), (0.64, -0.4)], [(-0.36, 0.72), (-0.3, 0.92)],
                [(0.36, 0.72), (0.5, 0.88)]),
    "sitting": ([(-0.4, 0.34), (-0.34, 0.6)], [(0.4, 0.34), (0.34, 0.6)], [(-0.34, 0.8), (-0.58, 0.9)],
                [(0.34, 0.8), (0.58, 0.9)]),
}


SHOULDER, HIP = (0.2, 0.08), (0.13, 0.5)
HEAD, ROUND = -0.45, 0.38
"""Where the middle of the face is, and how far it reaches."""


def joints(pose: str) -> dict[str, tuple[float, float]]:
    """Where a pose has its joints, as the pen sees them; right is the person's own, who looks at us."""
    left, right, foot_l, foot_r = LIMBS[pose or "standing"]
    out = {"nose": (0.0, HEAD + ROUND * 0.3), "neck": (0.0, SHOULDER[1])}
    for side, s, arm, leg in (("right", -1, left, foot_l), ("left", 1, right, foot_r)):
        shoulder, hip = (s * SHOULDER[0], SHOULDER[1]), (s * HIP[0], HIP[1])
        # A leg that is drawn straight bends in its middle.
        knee = leg[0] if len(leg) > 1 else ((hip[0] + leg[0][0]) / 2, (hip[1] + leg[0][1]) / 2)
        out |= {f"{side}_shoulder": shoulder, f"{side}_elbow": arm[0], f"{side}_wrist": arm[-1]}
        out |= {f"{side}_hip": hip, f"{side}_knee": knee, f"{side}_ankle": leg[-1]}
        out |= {f"{side}_eye": (s * ROUND * 0.4, HEAD + ROUND * 0.1), f"{side}_ear": (s * ROUND, HEAD + 0.08)}
    return out


def limbs(pen: Pen, pose: str, skin: Rgb, sleeve: Rgb, leg: Rgb, shoe: Rgb) -> None:
    """Legs with shoes, then arms with hands."""
    left, right, foot_l, foot_r = LIMBS[pose or "standing"]
    for s, path in ((-1, foot_l), (1, foot_r)):
        pen.limb([(s * HIP[0], HIP[1]), *path], leg, 0.13)
        x, y = path[-1]
        pen.oval(x + s * 0.04, y, 0.12, 0.075, shoe)
    for s, path in ((-1, left), (1, right)):
        shoulder = (s * SHOULDER[0], SHOULDER[1])
        pen.limb([shoulder, *path], skin, 0.1)
        pen.limb([shoulder, path[0]], sleeve, 0.13)


def face(pen: Pen, t: Thing, y: float, r: float, skin: Rgb) -> None:
    """A round face by expression."""
    pen.oval(0, y, r, r * 0.95, skin)
    eyes(pen, 0, y + r * 0.1, r * 0.4, r * 0.125, shut=t.expression == "sleeping")
    cheeks(pen, 0, y + r * 0.4, r * 0.6, r * 0.15)
    mouth(pen, 0, y + r * 0.5, r * 0.22, t.expression, (150, 60, 66))


def spots(y: float, r: float) -> Spots:
    """Where people carry their details."""
    return Spots((0, y - r * 0.72, r * 0.9), (0, y + r * 0.1, r * 0.4), (0, 0.02, 0.2), (0, 0.34, 0.24))


@register("girl", details=WEAR, person=True)
def girl(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A girl in a dress of the colour, with long hair or pigtails."""
    skin, hair = rng.choice(SKINS[:3]), rng.choice(HAIRS)
    y, r, tails = HEAD, ROUND, rng.random() < 0.5
    if tails:
        for s in (-1, 1):
            pen.blob([(s * 0.32, y - 0.1), (s * 0.6, y - 0.12), (s * 0.68, y + 0.25), (s * 0.5, y + 0.42),
                      (s * 0.4, y + 0.2)], hair)
    else:
        pen.blob([(0, y - 0.46), (0.44, y - 0.2), (0.5, y + 0.4), (0.36, y + 0.62), (-0.36, y + 0.62),
                  (-0.5, y + 0.4), (-0.44, y - 0.2)], hair)
    limbs(pen, t.pose, skin, c, skin, darker(c, 0.25))
    flare = rng.uniform(0.4, 0.5)
    pen.blob([(-0.19, -0.05), (0.19, -0.05), (0.24, 0.2), (flare, 0.64), (0.2, 0.7), (-0.2, 0.7), (-flare, 0.64),
              (-0.24, 0.2)], c)
    pen.line([(-0.24, 0.27), (0, 0.3), (0.24, 0.27)], lighter(c, 0.5), 0.045)
    face(pen, t, y, r, skin)
    pen.blob([(-0.39, y + 0.02), (-0.36, y - 0.28), (0, y - 0.44), (0.36, y - 0.28), (0.39, y + 0.02),
              (0.22, y - 0.16), (0.02, y - 0.2), (-0.2, y - 0.14)], hair)
    return spots(y, r)


@register("boy", details=WEAR, person=True)
def boy(pen: Pen, t: Thing, c: Rgb, rng: random.Random) -> Spots:
    """A boy in a shirt of the colour, with short hair."""
    skin, hair = rng.choice(SKINS), rng.choice(HAIRS)
    y, r = HEAD, ROUND
    trousers = (84, 92, 120) if t.colour != "blue" else (120, 96, 76)
    limbs(pen, t.pose, skin, c, trousers, (96, 70, 60))
    pen.blob([(-0.2, -0.05), (0.2, -0.05), (0.28, 0.15), (0.28, 0.5), (-0.28, 0.5), (-0.28, 0.15)], c)
    pen.blob([(-0.27, 0.44), (0.27, 0.44), (0.26, 0.66), (0, 0.6), (-0.26, 0.66)], trousers)
    for s in (-1, 1):
        pen.oval(s * r, y + 0.08, 0.08, 0.1, skin)
    face(pen, t, y, r, skin)
    part = rng.uniform(-0.15, 0.15)
    pen.blob([(-0.39, y - 0.02), (-0.38, y - 0.3), (-0.1, y - 0.47), (0.2, y - 0.46), (0.39, y - 0.26),
              (0.39, y - 0.02), (0.26, y - 0.2), (part, y - 0.16), (-0.26, y - 0.2)], hair)
    return spots(y, r)
