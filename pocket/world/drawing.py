"""From the truth to the picture: draws a scene at any size, with a mask for every subject."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pocket.world import effects
from pocket.world.backgrounds import paint
from pocket.world.details import put_on
from pocket.world.kit import LOOKS, OVERSAMPLE, Pen, jitter
from pocket.world.scene import COLOURS, Scene, Thing
from pocket.world.subjects import SUBJECTS

WARPS = ("cropped", "deformed", "disfigured")


@dataclass(frozen=True)
class Picture:
    """A drawn scene: pixels (height, width, 3) and one mask per subject, all uint8."""

    scene: Scene
    pixels: NDArray[np.uint8]
    masks: tuple[NDArray[np.uint8], ...]

    @property
    def image(self) -> Image.Image:
        """The picture for Pillow."""
        return Image.fromarray(self.pixels)


def layer_pixels(pen: Pen) -> tuple[effects.Pixels, effects.Pixels]:
    """A pen's layer, scaled down to the picture: colours and cover."""
    flat = effects.to_pixels(pen.image.reduce(OVERSAMPLE))
    return flat[..., :3].copy(), flat[..., 3].copy()


def take_pen(thing: Thing, side: int, style: str, rng: random.Random) -> Pen:
    """The pen at the thing's place; nobody stands quite straight."""
    return Pen(side, LOOKS[style], thing.x, thing.y, thing.size, thing.flip, rng.uniform(-0.05, 0.05))


def draw_thing(thing: Thing, side: int, style: str) -> Pen:
    """One subject with its details on a layer of its own."""
    rng = random.Random(thing.seed)
    pen = take_pen(thing, side * OVERSAMPLE, style, rng)
    colour = jitter(COLOURS[thing.colour], rng)
    spots = SUBJECTS[thing.subject].draw(pen, thing, colour, rng)
    put_on(pen, thing.details, spots, colour, rng)
    return pen


def ground_shadow(a: effects.Pixels, thing: Thing) -> effects.Pixels:
    """A soft dark oval under a subject that stands on the ground."""
    side = a.shape[0]
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32) / side
    gap = ((xs - thing.x) / (thing.size * 0.8)) ** 2 + ((ys - thing.y - thing.size * 0.95) / (thing.size * 0.14)) ** 2
    return a * (1 - 0.24 * np.exp(-(gap**1.5)))[..., None]


def put(a: effects.Pixels, thing: Thing, scene: Scene) -> tuple[effects.Pixels, effects.Pixels]:
    """Lay one subject onto the picture; returns the picture and the subject's cover."""
    side = a.shape[0]
    rgb, alpha = layer_pixels(draw_thing(thing, side, scene.style))
    if scene.style in ("flat", "pixel art", "watercolour"):
        rgb = effects.shade(rgb, alpha)
    if scene.style == "paper cut":
        drop = max(1, side // 36)
        shadow = np.roll(effects.blur(alpha, side / 60), (drop, drop), (0, 1))
        a = a * (1 - 0.42 * shadow)[..., None]
    elif scene.style != "neon" and SUBJECTS[thing.subject].ground:
        a = ground_shadow(a, thing)
    return a * (1 - alpha[..., None]) + rgb * alpha[..., None], alpha


def spoil(a: effects.Pixels, masks: list[NDArray[np.uint8]], defects: tuple[str, ...], rng: np.random.Generator,
          ) -> tuple[effects.Pixels, list[NDArray[np.uint8]]]:
    """Apply defects; masks move along."""
    for name in defects:
        if name in WARPS:
            ys, xs = effects.warp(name, a.shape[0], rng)
            a, masks = a[ys, xs], [m[ys, xs] for m in masks]
        else:
            a = effects.PIXEL_DEFECTS[name](a, rng)
    return a, masks


def draw(scene: Scene, side: int = 128) -> Picture:
    """Draw a scene; the same scene and side always give the same pixels."""
    noise = np.random.default_rng(scene.seed)
    pen = Pen(side * OVERSAMPLE, LOOKS[scene.style], 0.5, 0.5, 0.5)
    paint(pen, scene.background, random.Random(scene.seed))
    a, _ = layer_pixels(pen)
    masks: list[NDArray[np.uint8]] = []
    for thing in scene.things:
        a, alpha = put(a, thing, scene)
        masks = [np.where(alpha > 0.5, 0, m).astype(np.uint8) for m in masks]
        masks.append((alpha > 0.5).astype(np.uint8) * 255)
    a = effects.lit(a, scene.light)
    if scene.style in effects.FINISH:
        a = effects.FINISH[scene.style](a, noise)
    a, masks = spoil(a, masks, scene.defects, noise)
    return Picture(scene, to_bytes(a), tuple(masks))


def to_bytes(a: effects.Pixels) -> NDArray[np.uint8]:
    """Pixels as a file keeps them."""
    return (np.clip(a, 0, 1) * 255 + 0.5).astype(np.uint8)


def spoiled(pixels: NDArray[np.uint8], defect: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A drawn picture with a defect, as it would have been drawn with it."""
    return to_bytes(spoil(pixels.astype(np.float32) / 255, [], (defect,), rng)[0])
