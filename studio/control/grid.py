"""Colours in place: the picture as a few large cells, each of the mean colour of what it covers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Square cells, as many along the shorter side as the setting says."""
    cell = min(picture.size) / settings["cells"]
    width, height = (max(1, round(side / cell)) for side in picture.size)
    cells = picture.resize((width, height), Image.Resampling.BOX)
    return cells.resize(picture.size, Image.Resampling.NEAREST)
