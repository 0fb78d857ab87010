"""Depth by ZoeDepth, which measures in metres: the network and weights of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from studio.control.levels import as_levels, depth_map


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Near is bright."""
    # A farther point has a larger number here.
    return as_levels(-depth_map(picture, settings["resolution"], tools))
