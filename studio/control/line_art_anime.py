"""Line art as in anime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from studio.control.looking import network_sized, numbers, shorter
from studio.models.detectors import library


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """White lines on black."""
    seen = network_sized(picture, settings["resolution"])
    found: Image.Image = library("lineart_anime").LineartAnimeDetector(tools["network"])(
        numbers(seen), detect_resolution=shorter(seen), image_resolution=shorter(seen)
    )
    return found
