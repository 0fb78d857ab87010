"""More truth of a drawn picture, derived from its masks and places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pocket.world.drawing import Picture


def depth(picture: Picture) -> NDArray[np.uint8]:
    """Nearness from 0 (far) to 255 (near): the ground rises downwards, subjects stand in front of it."""
    side = picture.pixels.shape[0]
    slope = np.linspace(0, 110, side).astype(np.uint8)[:, None]
    near = np.repeat(slope, side, 1)
    for thing, mask in zip(picture.scene.things, picture.masks, strict=True):
        near = np.where(mask > 0, np.uint8(round(150 + 90 * min(1.0, thing.y))), near)
    return near


def edges(picture: Picture) -> NDArray[np.uint8]:
    """White lines on black where colours or subjects change."""
    grey = picture.image.convert("L").filter(ImageFilter.GaussianBlur(0.6))
    a = np.asarray(grey, np.float32)
    steep = np.hypot(*np.gradient(a)) > 14
    for mask in picture.masks:
        inner = np.asarray(Image.fromarray(mask).filter(ImageFilter.MinFilter(3)))
        steep |= (mask > 0) & (inner == 0)
    return (steep * 255).astype(np.uint8)
