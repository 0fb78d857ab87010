"""Light and shade: the picture without its colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Every pixel as bright as it was."""
    return picture.convert("L").convert("RGB")
