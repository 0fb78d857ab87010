"""Soft edges by HED: the stronger an edge, the brighter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from studio.control.looking import network_sized, numbers, shorter
from studio.models.detectors import library


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Light edges on black; as a scribble, strokes of one thickness."""
    seen = network_sized(picture, settings["resolution"])
    found: Image.Image = library("hed").HEDdetector(tools["network"])(
        numbers(seen),
        detect_resolution=shorter(seen),
        image_resolution=shorter(seen),
        safe=bool(settings["safe"]),
        scribble=bool(settings.get("scribble")),
    )
    return found
