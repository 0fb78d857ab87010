"""A picture's palette: its colours as stripes, from dark to light, each as wide as its share; no places."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from studio.control.looking import LONGEST

Colour = tuple[int, int, int]


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """The stripes on a picture of the same size."""
    stripes = Image.new("RGB", picture.size)
    draw = ImageDraw.Draw(stripes)
    shares = _shares(picture, round(settings["colours"]))
    whole = sum(share for _, share in shares)
    edges = [round(picture.width * upto / whole) for upto in accumulate(s for _, s in shares)]
    for (colour, _), (left, right) in zip(shares, pairwise([0, *edges]), strict=True):
        if right > left:
            draw.rectangle((left, 0, right - 1, picture.height), fill=colour)
    return stripes


def _shares(picture: Image.Image, colours: int) -> list[tuple[Colour, int]]:
    """The colours and how many pixels are nearest to each, from dark to light."""
    if max(picture.size) > LONGEST // 4:
        # Nothing is blended: a colour that is nowhere in the picture would be none of its palette.
        picture = picture.resize(_sampled(picture.size), Image.Resampling.NEAREST)
    few = picture.quantize(colours, Image.Quantize.MEDIANCUT, kmeans=2)
    table = np.array(few.getpalette(), np.uint8).reshape(-1, 3)
    counted = zip(table.tolist(), np.bincount(np.asarray(few).ravel()).tolist(), strict=False)
    found = [((red, green, blue), share) for (red, green, blue), share in counted if share]
    return sorted(found, key=lambda one: (_lightness(one[0]), one[0]))


def _sampled(size: tuple[int, int]) -> tuple[int, int]:
    scale = LONGEST // 4 / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _lightness(colour: Colour) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
