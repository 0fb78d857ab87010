"""Line art by contrast alone: what is darker than what surrounds it becomes a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from PIL import Image

from studio.control.looking import grey, no_larger, numbers

FAINTEST = 16.0
"""Lines of less contrast are not drawn as if they were strong."""


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Light lines on black."""
    # By hand: the library's takes seconds to import, and needs no more than this.
    seen = numbers(no_larger(picture, settings["resolution"])).astype(np.float32)
    around = cv2.GaussianBlur(seen, (0, 0), settings["blur"])
    darker = np.clip(np.min(around - seen, axis=2), 0, 255)
    lines = darker[darker > settings["contrast"]]
    usual = float(np.median(lines)) if lines.size else FAINTEST
    return grey(darker / max(FAINTEST, usual) * 127)
