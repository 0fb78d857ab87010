"""Soft edges by HED: the stronger an edge, the brighter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from studio.control.looking import soft_edges
from studio.models.detectors import library


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Light edges on black; as a scribble, strokes of one thickness."""
    return soft_edges(library("hed").HEDdetector(tools["network"]), picture, settings)
