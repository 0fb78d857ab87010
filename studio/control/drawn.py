"""A scribble as it was drawn: whatever differs from the paper becomes a stroke."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from studio.control.looking import grey


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """White strokes on black, whether the paper was white or black."""
    levels = np.asarray(picture.convert("L"))
    light = levels >= settings["threshold"]
    strokes = ~light if light.mean() > 0.5 else light
    return grey(strokes * 255)
