"""Shapes in which pictures are learned from: each keeps its own as nearly as a model can take it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image

from studio.messages import ModelSpec, Size

FINENESS = 8
"""Sides go in steps of the resolution by this: 64 pixels at 512."""
LARGEST_STEP = 64
LONGEST_SHAPE = 2.0
"""A side is at most so many times the resolution, and the other then as many times less."""


@dataclass(frozen=True)
class Place:
    """How a picture is seen: in which shape, and what of it is cut away when it has been brought to that."""

    size: Size
    original: Size
    left: int = 0
    top: int = 0
    """Pixels that are cut away, counted once the picture is enlarged or made smaller."""

    @property
    def share(self) -> float:
        """How much of the picture's area is seen."""
        width, height = _covering(self.original, self.size)
        return self.size.width * self.size.height / (width * height)


def shapes(resolution: int, spec: ModelSpec) -> tuple[Size, ...]:
    """The shapes of about as many pixels as a square of the resolution, none with more."""
    step = _step(resolution, spec.limits.multiple)
    square = max(step, resolution // step * step)
    found = {(square, square)}
    for width in range(step, math.floor(resolution * LONGEST_SHAPE) + 1, step):
        height = resolution * resolution // width // step * step
        if height >= step and height <= resolution * LONGEST_SHAPE:
            found |= {(width, height), (height, width)}
    return tuple(Size(width=width, height=height) for width, height in sorted(found))


def _step(resolution: int, multiple: int) -> int:
    wanted = min(LARGEST_STEP, resolution // FINENESS)
    return max(multiple, wanted // multiple * multiple)


def place(picture: Size, choices: tuple[Size, ...]) -> Place:
    """The shape that is nearest to a picture's own; its middle is kept."""
    shape = math.log(picture.width / picture.height)
    # Of two that are equally near the larger one: it shows more.
    size = min(choices, key=lambda one: (abs(math.log(one.width / one.height) - shape), -one.width))
    width, height = _covering(picture, size)
    return Place(size, picture, (width - size.width) // 2, (height - size.height) // 2)


def _covering(picture: Size, size: Size) -> tuple[int, int]:
    """A picture's sides once it covers a shape with nothing to spare."""
    scale = max(size.width / picture.width, size.height / picture.height)
    return max(size.width, round(picture.width * scale)), max(size.height, round(picture.height * scale))


def cropped(picture: Image.Image, where: Place) -> Image.Image:
    """A picture in its shape."""
    size = where.size
    whole = picture.resize(_covering(where.original, size), Image.Resampling.LANCZOS)
    return whole.crop((where.left, where.top, where.left + size.width, where.top + size.height))
