"""More truth of a drawn picture, derived from its masks and places."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pocket.world.drawing import Picture, take_pen
from pocket.world.scene import Thing
from pocket.world.subjects import SUBJECTS
from pocket.world.subjects.people import joints

Joints = dict[str, tuple[float, float]]


def depth(picture: Picture) -> NDArray[np.uint8]:
    """Nearness from 0 (far) to 255 (near): the ground rises downwards, subjects stand in front of it."""
    side = picture.pixels.shape[0]
    slope = np.linspace(0, 110, side).astype(np.uint8)[:, None]
    near = np.repeat(slope, side, 1)
    for thing, mask in zip(picture.scene.things, picture.masks, strict=True):
        near = np.where(mask > 0, np.uint8(round(150 + 90 * min(1.0, thing.y))), near)
    return near


def rims(picture: Picture) -> NDArray[np.bool_]:
    """The outermost pixels of every subject."""
    out = np.zeros(picture.pixels.shape[:2], bool)
    for mask in picture.masks:
        inner = np.asarray(Image.fromarray(mask).filter(ImageFilter.MinFilter(3)))
        out |= (mask > 0) & (inner == 0)
    return out


def edges(picture: Picture) -> NDArray[np.uint8]:
    """White lines on black where colours or subjects change."""
    grey = picture.image.convert("L").filter(ImageFilter.GaussianBlur(0.6))
    a = np.asarray(grey, np.float32)
    steep = np.hypot(*np.gradient(a)) > 14
    return ((steep | rims(picture)) * 255).astype(np.uint8)


def soft_edges(picture: Picture) -> NDArray[np.uint8]:
    """Where colours change, the brighter the more they do: soft lines, those around subjects the brightest."""
    a = np.asarray(picture.image.filter(ImageFilter.GaussianBlur(picture.pixels.shape[0] / 160)), np.float32)
    steep = np.hypot(*np.gradient(a, axis=(0, 1))).max(-1) * picture.pixels.shape[0] / 256
    soft = Image.fromarray((rims(picture) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(picture.pixels.shape[0] / 200))
    level = np.maximum(np.clip(steep * 6, 0, 200), np.asarray(soft, np.float32) * 2)
    return np.clip(level, 0, 255).astype(np.uint8)


def joints_of(thing: Thing, side: int) -> Joints:
    """Where a person's joints are, in pixels; turned around, the other arm is the right one."""
    pen = take_pen(thing, side, "flat", random.Random(thing.seed))
    local = joints(thing.pose)
    places = dict(zip(local, pen.place(list(local.values())), strict=True))
    if not thing.flip:
        return places
    other = {"right": "left", "left": "right"}
    return {
        name if "_" not in name else f"{other[name.split('_')[0]]}_{name.split('_')[1]}": place
        for name, place in places.items()
    }


def people(picture: Picture) -> list[Joints]:
    """The joints of every person in a picture."""
    side = picture.pixels.shape[0]
    return [joints_of(t, side) for t in picture.scene.things if SUBJECTS[t.subject].person]
