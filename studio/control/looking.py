"""How detectors look at a picture: at a size that they can work on, as numbers, and back as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from studio.messages import Figure

BLOCK = 64
"""The networks halve a picture up to six times: sides are multiples of this."""
LONGEST = 2048
"""Of a very long picture the longer side; its shorter one is then looked at smaller."""


class Seen(NamedTuple):
    """What was seen in a picture: its map, and where a detector of poses drew them, the figures in pixels of it."""

    map: Image.Image
    figures: tuple[Figure, ...] = ()


def network_sized(picture: Image.Image, resolution: float) -> Image.Image:
    """The picture with its shorter side at this resolution, both sides as networks take them."""
    scale = min(resolution / min(picture.size), LONGEST / max(picture.size))
    size = [max(BLOCK, round(side * scale / BLOCK) * BLOCK) for side in picture.size]
    return picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)


def no_larger(picture: Image.Image, resolution: float) -> Image.Image:
    """The picture, made smaller where its shorter side is longer than this."""
    scale = min(1.0, resolution / min(picture.size), LONGEST / max(picture.size))
    if scale == 1.0:
        return picture
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def numbers(picture: Image.Image) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Rows, columns, colours."""
    return np.array(picture.convert("RGB"))


def grey(levels: np.ndarray[Any, Any]) -> Image.Image:
    """A picture of levels from 0 to 255."""
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).convert("RGB")


def shorter(picture: Image.Image) -> int:
    """The shorter side: asked for this, a detector of the library keeps the size that it is given."""
    return min(picture.size)


def soft_edges(detector: Any, picture: Image.Image, settings: Mapping[str, float]) -> Image.Image:
    """What a detector of soft edges finds: light on black; as a scribble, strokes of one thickness."""
    seen = network_sized(picture, settings["resolution"])
    found: Image.Image = detector(
        numbers(seen),
        detect_resolution=shorter(seen),
        image_resolution=shorter(seen),
        safe=bool(settings["safe"]),
        scribble=bool(settings.get("scribble")),
    )
    return found
