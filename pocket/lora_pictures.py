"""What the pocket's two LoRAs learn from: dragons of the Spring Festival, and the world in ink on rice paper."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pocket.prompts import one, say
from pocket.world import Scene, draw, sample
from pocket.world.drawing import layer_pixels, put
from pocket.world.effects import Pixels, blur, grain
from pocket.world.kit import LOOKS, OVERSAMPLE, Pen, Rgb, mix
from pocket.world.sampling import make

Example = tuple[NDArray[np.uint8], str]
STYLE = {"dragon": "paper cut", "ink": "ink drawing"}
"""The world's style that each of them is nearest to, and that the judge should see."""
RED: Rgb = (206, 32, 38)
GOLD: Rgb = (246, 196, 84)
RICE = np.array([0.965, 0.94, 0.88], np.float32)


def lantern(pen: Pen, x: float, y: float, s: float) -> None:
    """A red lantern on a string, with golden caps and a tassel."""
    pen.line([(x, -1.1), (x, y - s)], GOLD, 0.02, curve=False)
    pen.oval(x, y, s, s * 0.8, RED)
    for turn in (-0.72, -0.35, 0.35, 0.72):
        rib = [(x + s * turn, y - s * 0.7), (x + s * turn * 1.2, y), (x + s * turn, y + s * 0.7)]
        pen.line(rib, mix(RED, GOLD, 0.4), 0.014)
    for edge in (-1, 1):
        pen.box(x - s * 0.42, y + edge * s * 0.8 - 0.03, x + s * 0.42, y + edge * s * 0.8 + 0.03, GOLD)
    pen.line([(x, y + s * 0.8), (x, y + s * 1.5)], GOLD, 0.05, curve=False)


def lucky_cloud(pen: Pen, x: float, y: float, s: float) -> None:
    """A curled cloud, as it is cut from paper."""
    for dx, r in ((-0.8, 0.34), (0, 0.5), (0.8, 0.36)):
        pen.oval(x + dx * s, y - r * s * 0.5, r * s, r * s, GOLD)
        pen.oval(x + dx * s, y - r * s * 0.5, r * s * 0.5, r * s * 0.5, mix(GOLD, RED, 0.55))
    pen.box(x - s * 1.2, y - 0.02, x + s * 1.2, y + s * 0.18, GOLD)


def backdrop(rng: random.Random, side: int) -> Pixels:
    """Warm paper with lanterns above and clouds below."""
    pen = Pen(side * OVERSAMPLE, LOOKS["paper cut"], 0.5, 0.5, 0.5)
    top, bottom = rng.sample(((255, 238, 205), (252, 214, 150), (250, 190, 150)), 2)
    for y in range(pen.side):
        pen.draw.line((0, y, pen.side, y), fill=(*mix(top, bottom, y / pen.side), 255))
    for k in (-1, 1):
        lantern(pen, k * rng.uniform(0.68, 0.8), rng.uniform(-0.66, -0.5), rng.uniform(0.15, 0.19))
        lucky_cloud(pen, k * rng.uniform(0.6, 0.75), rng.uniform(0.82, 0.92), rng.uniform(0.17, 0.23))
    return layer_pixels(pen)[0]


def festive_dragon(k: int, side: int = 256) -> Example:
    """A dragon cut from red or golden paper, and what is said of it."""
    rng, lang = random.Random(f"festive-{k}"), ("en", "zh")[k % 2]
    thing = replace(
        make(rng, "dragon", rng.uniform(0.47, 0.53), rng.uniform(0.5, 0.56), rng.uniform(0.33, 0.4), False),
        colour=rng.choice(("red", "red", "yellow")),
    )
    scene = Scene((thing,), "gradient", style="paper cut", seed=k)
    a, _ = put(backdrop(rng, side), thing, scene)
    pixels = grain(a, np.random.default_rng(k))
    return (np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8), one(scene, 0, lang)


def ink_scene(k: int, side: int = 256) -> Example:
    """A scene of the world in ink: little colour, running edges, rice paper, a red seal."""
    lang = ("en", "zh")[k % 2]
    scene = replace(sample(k, "train", "single", plain=True), style="ink drawing")
    a = draw(scene, side).pixels.astype(np.float32) / 255
    ink = np.repeat((a @ np.array([0.3, 0.59, 0.11], np.float32))[..., None], 3, -1)
    soft = 0.75 * a + 0.25 * ink
    run = np.minimum(soft, blur(soft, side / 90) + 0.05) * RICE
    image = Image.fromarray((np.clip(run, 0, 1) * 255 + 0.5).astype(np.uint8))
    seal(image, random.Random(k))
    return np.asarray(image), say("colours", scene, lang)


def seal(image: Image.Image, rng: random.Random) -> None:
    """The painter's red seal in a lower corner."""
    side = image.width
    stamp = Pen(side, LOOKS["paper cut"], rng.choice((0.1, 0.9)), 0.9, 0.055)
    stamp.box(-1, -1, 1, 1, (190, 40, 36))
    for x in (-0.35, 0.35):
        stamp.line([(x, -0.6), (x, 0.6)], (250, 240, 225), 0.18, curve=False)
    stamp.line([(-0.6, 0), (0.6, 0)], (250, 240, 225), 0.18, curve=False)
    image.paste(stamp.image.convert("RGB"), mask=stamp.image.getchannel("A"))
