"""Depth by LeReS, which can leave out what is near or far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from studio.control.looking import network_sized, numbers, shorter
from studio.models.detectors import library


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Near is bright."""
    seen = network_sized(picture, settings["resolution"])
    found: Image.Image = library("leres").LeresDetector(tools["network"], None)(
        numbers(seen),
        thr_a=settings["cut_near"],
        thr_b=settings["cut_far"],
        detect_resolution=shorter(seen),
        image_resolution=shorter(seen),
    )
    return found
