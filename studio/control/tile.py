"""The picture with as little detail as the net is to make up anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Made smaller by the setting and larger again; at 1 the picture itself."""
    if settings["smaller"] == 1:
        return picture
    width, height = (max(1, round(side / settings["smaller"])) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX).resize(
        picture.size, Image.Resampling.BICUBIC
    )
