"""Flat drawings: scribbles on paper, skeletons of poses, and pictures in a manner of their own."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import yaml
from PIL import Image, ImageDraw, ImageFilter

from presets.references.draw.camera import SIDE

FINE = 3
"""Drawn so many times larger and then made smaller, so that lines are smooth."""
POSES = Path(__file__).parents[2] / "poses.yaml"
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
WHEEL = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0),
    (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255),
    (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
DIM = 0.6
"""How bright a limb is beside its joints."""
Point = tuple[float, float]
Line = Sequence[Point]


def _smaller(sheet: Image.Image) -> Image.Image:
    return sheet.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


# -- poses --------------------------------------------------------------------------------------------------


def skeleton(pose: str) -> Image.Image:
    """A ready pose in OpenPose's colours, as the pose editor draws it."""
    [people] = [
        one["people"] for one in yaml.safe_load(POSES.read_text("utf-8"))["poses"] if one["id"] == pose
    ]
    sheet = Image.new("RGB", (SIDE * FINE, SIDE * FINE))
    for person in people:
        joints = [joint and (joint[0] * SIDE * FINE, joint[1] * SIDE * FINE) for joint in person]
        for (a, b), colour in zip(LIMBS, WHEEL, strict=False):
            if joints[a] and joints[b]:
                sheet.paste(tuple(int(v * DIM) for v in colour), mask=_limb(sheet.size, joints[a], joints[b]))
        for joint, colour in zip(joints, WHEEL, strict=True):
            if joint:
                ImageDraw.Draw(sheet).circle(joint, 4 * FINE, colour)
    return sheet.resize((SIDE, SIDE), Image.Resampling.BOX)


def _limb(size: tuple[int, int], a: Point, b: Point) -> Image.Image:
    """An ellipse from joint to joint."""
    (ax, ay), (bx, by) = a, b
    half, turn = math.dist(a, b) / 2, math.atan2(by - ay, bx - ax)
    around = [(half * math.cos(t), 4 * FINE * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 60)]
    middle = ((ax + bx) / 2, (ay + by) / 2)
    mask = Image.new("1", size)
    ImageDraw.Draw(mask).polygon([_moved(point, turn, middle) for point in around], 1)
    return mask


def _moved(point: Point, turn: float, to: Point) -> Point:
    (x, y), cos, sin = point, math.cos(turn), math.sin(turn)
    return to[0] + x * cos - y * sin, to[1] + x * sin + y * cos


# -- scribbles ----------------------------------------------------------------------------------------------


def arc(x: float, y: float, wide: float, high: float, start: float = 0, end: float = 360) -> list[Point]:
    """Points along an ellipse, from degree to degree, clockwise from three o'clock."""
    steps = np.radians(np.linspace(start, end, max(8, int(abs(end - start) / 6))))
    return [(x + wide * float(np.cos(t)), y + high * float(np.sin(t))) for t in steps]


def scribble(lines: Iterable[Line], seed: int) -> Image.Image:
    """Lines of a felt pen on white paper, as a hand draws them: never quite straight, never quite closed."""
    chance, sheet = random.Random(seed), Image.new("L", (SIDE * FINE, SIDE * FINE), 255)
    pen = ImageDraw.Draw(sheet)
    for line in lines:
        hand = _by_hand(line, chance)
        for number, (x, y) in enumerate(hand):
            r = FINE * (2.9 + 0.7 * math.sin(number * 0.07 + seed))
            pen.ellipse((x - r, y - r, x + r, y + r), 28)
    return _smaller(sheet).convert("RGB")


def _by_hand(line: Line, chance: random.Random) -> list[Point]:
    """Points close to one another along a line that trembles a little."""
    points = np.array(line, float) * SIDE * FINE / 100
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0], np.cumsum(steps)])
    fine = np.arange(0, along[-1], 2.0)
    waves = [(chance.uniform(1.5, 4.5), chance.uniform(60, 260), chance.uniform(0, 6)) for _ in range(6)]
    shifts = [sum(a * np.sin(fine / w + p) for a, w, p in waves[part::2]) for part in (0, 1)]
    return [
        (float(x), float(y))
        for x, y in zip(*(np.interp(fine, along, points[:, k]) + shifts[k] for k in (0, 1)), strict=True)
    ]


def snail() -> list[Line]:
    """A snail in the grass under the sun."""
    spiral = [
        (57 + (1.5 + 1.55 * t) * math.cos(t), 49 + (1.5 + 1.55 * t) * math.sin(t))
        for t in np.linspace(0, 15.2, 140)
    ]
    body = [
        (84, 73),
        (70, 76),
        (45, 77),
        (27, 76),
        (20, 70),
        (17, 58),
        (16, 48),
        (19, 42),
        (26, 42),
        (29, 48),
        (31, 58),
        (36, 64),
    ]
    feelers = [[(19, 43), (13, 30)], [(25, 42), (27, 29)], arc(13, 28, 2, 2), arc(27, 27, 2, 2)]
    face = [arc(20, 48, 0.8, 0.8), arc(22, 52, 3.4, 2.6, 20, 160)]
    grass = [[(x, 88), (x + 2, 80), (x + 4, 88), (x + 7, 81), (x + 8, 89)] for x in (8, 40, 72, 86)]
    return [spiral, body, *feelers, *face, *grass, [(2, 86), (30, 84), (64, 86), (98, 84)], *_sun(84, 17, 7)]


def _sun(x: float, y: float, r: float) -> list[Line]:
    rays = [
        [(x + k * r * math.cos(a), y + k * r * math.sin(a)) for k in (1.35, 1.9)]
        for a in np.arange(0, 6.2, 0.698)
    ]
    return [arc(x, y, r, r, 0, 366), *rays]


def rocket() -> list[Line]:
    """A rocket on its way between stars and planets."""
    left = [(50, 10), (42, 20), (38, 34), (38, 52), (41, 66)]
    right = [(100 - x, y) for x, y in left]
    fins = [[(38, 48), (28, 60), (27, 72), (40, 64)], [(62, 48), (72, 60), (73, 72), (60, 64)]]
    flame = [[(43, 67), (42, 78), (46, 74), (50, 90), (54, 74), (58, 78), (57, 67)]]
    stars = [_star(x, y, r) for x, y, r in ((16, 22, 5), (84, 40, 5), (20, 84, 4), (84, 84, 4))]
    planet = [arc(82, 17, 8, 8, 0, 366), arc(82, 17, 14, 4, -20, 200)]
    return [
        left,
        right,
        [(41, 66), (50, 68), (59, 66)],
        [(40, 27), (50, 29), (60, 27)],
        arc(50, 40, 6, 6, 0, 366),
        *fins,
        *flame,
        *stars,
        *planet,
    ]


def _star(x: float, y: float, r: float) -> Line:
    turns = [(-90 + 36 * n, r if n % 2 == 0 else r * 0.42) for n in range(11)]
    return [(x + k * math.cos(math.radians(a)), y + k * math.sin(math.radians(a))) for a, k in turns]


def fish() -> list[Line]:
    """A fish among weeds and bubbles."""
    body = [arc(44, 48, 27, 19, -152, 150)]
    tail = [[(20, 39), (6, 30), (11, 48), (6, 66), (20, 57)]]
    face = [
        arc(60, 43, 3.6, 3.6, 0, 366),
        arc(60.8, 43.4, 1, 1),
        arc(66, 53, 5, 4, 30, 150),
        arc(49, 48, 8, 14, -60, 60),
    ]
    fins = [[(34, 30), (40, 18), (54, 20), (54, 30)], [(40, 66), (42, 75), (52, 72), (52, 66)]]
    scales = [
        arc(x, y, 3.2, 3.6, -80, 80)
        for x, y in ((27, 44), (27, 52), (35, 40), (35, 48), (35, 56), (43, 44), (43, 52))
    ]
    weeds = [
        [(x + 2.4 * math.sin(t * 1.3 + x), 95 - 5 * t) for t in np.linspace(0, n, 24)]
        for x, n in ((80, 8), (88, 5), (12, 4))
    ]
    return [
        *body,
        *tail,
        *face,
        *fins,
        *scales,
        *weeds,
        *(arc(x, y, r, r, 0, 366) for x, y, r in ((80, 36, 3), (86, 26, 2.2), (79, 17, 3.6))),
        [(2, 95), (40, 93), (98, 95)],
    ]


# -- manners --------------------------------------------------------------------------------------------------


def paper_cut() -> Image.Image:
    """Hills of coloured paper laid over one another, a moon and a fox."""
    sheet = Image.new("RGB", (SIDE * FINE, SIDE * FINE), (247, 225, 196))
    _layer(sheet, [arc(68, 27, 13, 13)], (252, 244, 226))
    tones = ((242, 190, 150), (229, 140, 108), (190, 88, 84), (120, 58, 76), (66, 40, 66))
    for number, tone in enumerate(tones):
        _layer(
            sheet, [_ridge(44 + 11 * number, 5.5 - 0.5 * number, 0.09 + 0.02 * number, number * 2.1)], tone
        )
    _layer(sheet, [_pine(x, y, h) for x, y, h in ((14, 90, 25), (25, 93, 18), (88, 90, 29))], (52, 32, 56))
    _layer(sheet, _fox(), (238, 122, 70))
    return _paper(_smaller(sheet), 5)


def _layer(sheet: Image.Image, shapes: Sequence[Line], colour: tuple[int, int, int]) -> None:
    """Cut from one paper, with the soft shadow it throws on what lies beneath."""
    mask = Image.new("L", sheet.size)
    for shape in shapes:
        ImageDraw.Draw(mask).polygon([(x * SIDE * FINE / 100, y * SIDE * FINE / 100) for x, y in shape], 255)
    shadow = Image.new("L", sheet.size)
    shadow.paste(mask, (4 * FINE, 5 * FINE))
    sheet.paste(
        (40, 22, 30), mask=shadow.filter(ImageFilter.GaussianBlur(6 * FINE)).point(lambda v: v * 0.45)
    )
    sheet.paste(colour, mask=mask)


def _ridge(y: float, high: float, wave: float, shift: float) -> Line:
    top = [
        (x, y - high * math.sin(x * wave + shift) - high * 0.45 * math.sin(x * wave * 2.3 + shift * 2))
        for x in np.linspace(-4, 104, 90)
    ]
    return [*top, (104, 110), (-4, 110)]


def _pine(x: float, y: float, high: float) -> Line:
    steps = [
        (0.0, 1.0),
        (0.17, 0.66),
        (0.08, 0.66),
        (0.24, 0.36),
        (0.12, 0.36),
        (0.3, 0.06),
        (0.05, 0.06),
        (0.05, -0.1),
    ]
    right = [(x + dx * high, y - dy * high) for dx, dy in steps]
    return [*right, *((2 * x - a, b) for a, b in reversed(right))]


def _fox() -> list[Line]:
    body = [
        (44, 88),
        (45, 79),
        (50, 73),
        (53, 72),
        (53, 64),
        (56, 68),
        (60, 68),
        (63, 63.5),
        (63.5, 71),
        (61, 76),
        (59, 78),
        (60, 88),
    ]
    tail = [(45, 88), (36, 88), (30, 83), (30, 76), (34, 72), (36, 78), (40, 82), (46, 83)]
    return [body, tail]


def ink_hills() -> Image.Image:
    """Mountains in mist, in ink, and a red seal."""
    noise = np.random.default_rng(7)
    sheet = np.full((SIDE, SIDE), 1.0)
    x = np.arange(SIDE)
    for number, dark in enumerate((0.2, 0.34, 0.5, 0.74)):
        rough = sum(np.sin(x * f + noise.uniform(0, 6)) / f for f in (0.009, 0.021, 0.047, 0.11)) * 0.42
        ridge = 170 + 85 * number - rough * (1.5 - 0.25 * number)
        below = np.arange(SIDE)[:, None] - ridge[None, :]
        wash = np.where(below > 0, dark * np.exp(-np.maximum(below, 0) / (46 + 16 * number)), 0)
        sheet *= 1 - wash
    return _with_seal(_paper(_birds(_inked(sheet)), 9))


def _inked(light: np.ndarray) -> Image.Image:
    paper, ink = np.array((244, 238, 224.0)), np.array((38, 42, 50.0))
    grey = Image.fromarray((light * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.1))
    share = np.asarray(grey, float)[..., None] / 255
    return Image.fromarray((ink + (paper - ink) * share).astype(np.uint8))


def _birds(picture: Image.Image) -> Image.Image:
    big = picture.resize((SIDE * FINE, SIDE * FINE))
    pen = ImageDraw.Draw(big)
    for x, y, r in ((64, 20, 3.0), (72, 16, 2.4), (57, 15, 2.2), (78, 23, 1.9)):
        for line in (arc(x - r, y, r, r * 0.7, 200, 350), arc(x + r, y, r, r * 0.7, 190, 340)):
            pen.line(
                [(a * SIDE * FINE / 100, b * SIDE * FINE / 100) for a, b in line],
                (40, 44, 52),
                2 * FINE,
                joint="curve",
            )
    return _smaller(big)


def _with_seal(picture: Image.Image) -> Image.Image:
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((446, 428, 482, 464), 5, (182, 58, 44))
    for line in ((464, 435, 464, 456), (454, 443, 454, 456), (474, 443, 474, 456), (453, 456, 475, 456)):
        pen.line(line, (246, 232, 214), 3)
    return picture


def _paper(picture: Image.Image, seed: int) -> Image.Image:
    """The grain of paper."""
    grain = np.random.default_rng(seed).normal(0, 1, (SIDE, SIDE, 1))
    soft = np.asarray(
        Image.fromarray((grain[..., 0] * 20 + 128).clip(0, 255).astype(np.uint8)).filter(
            ImageFilter.GaussianBlur(1.2)
        ),
        float,
    )
    return Image.fromarray(
        (np.asarray(picture, float) + (soft[..., None] - 128) * 0.55).clip(0, 255).astype(np.uint8)
    )


def pixel_night() -> Image.Image:
    """A town by night in large pixels."""
    side, chance = 64, random.Random(21)
    sheet = Image.new("RGB", (side, side))
    pen = ImageDraw.Draw(sheet)
    bands = ((24, 20, 58), (38, 30, 84), (62, 44, 112), (104, 62, 134), (166, 88, 142), (230, 132, 134))
    for row in range(48):
        level = row / 48 * (len(bands) - 1)
        for column in range(side):
            ordered = (((column & 1) ^ (row & 1)) * 2 + (row & 1) + 0.5) / 4
            sheet.putpixel((column, row), bands[min(int(level + ordered), len(bands) - 1)])
    for _ in range(26):
        sheet.putpixel((chance.randrange(side), chance.randrange(26)), (250, 240, 214))
    dark = sheet.copy()
    pen.ellipse((44, 6, 54, 16), (252, 238, 196))
    bite = Image.new("1", sheet.size)
    ImageDraw.Draw(bite).ellipse((41, 4, 50, 13), 1)
    sheet.paste(dark, mask=bite)
    _town(pen, chance)
    return sheet.resize((SIDE, SIDE), Image.Resampling.NEAREST)


def _town(pen: ImageDraw.ImageDraw, chance: random.Random) -> None:
    for base, low, high, wall in ((48, 8, 18, (58, 40, 96)), (56, 6, 14, (34, 26, 66))):
        x = -2
        while x < 64:
            wide, tall = chance.randint(6, 10), chance.randint(low, high)
            pen.rectangle((x, base - tall, x + wide - 1, 63), wall)
            pen.polygon(
                ((x - 1, base - tall), (x + wide // 2, base - tall - 4), (x + wide, base - tall)),
                tuple(v - 12 for v in wall),
            )
            for wx in range(x + 2, x + wide - 1, 3):
                for wy in range(base - tall + 2, base, 4):
                    if chance.random() < 0.45:
                        pen.rectangle((wx, wy, wx, wy + 1), (255, 206, 104))
            x += wide + chance.randint(0, 1)
    pen.rectangle((0, 60, 63, 63), (20, 18, 44))


SCRIBBLES: dict[str, Callable[[], list[Line]]] = {"snail": snail, "rocket": rocket, "fish": fish}
MANNERS: dict[str, Callable[[], Image.Image]] = {
    "paper-cut": paper_cut,
    "ink-hills": ink_hills,
    "pixel-night": pixel_night,
}
