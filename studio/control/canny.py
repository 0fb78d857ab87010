"""Hard edges: lines of one pixel where brightness changes at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
from PIL import Image

from studio.control.looking import grey, no_larger, numbers


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """White lines on black."""
    seen = numbers(no_larger(picture, settings["resolution"]))
    return grey(cv2.Canny(seen, settings["low"], settings["high"]))
