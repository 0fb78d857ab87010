"""The picture's stuff without its shape: its parts flow to other places, the same way for the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from PIL import Image

from studio.control.looking import no_larger, numbers

WORKED_ON = 768


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Where each pixel comes from is smooth noise, as coarse as the grain."""
    # By hand: the library's draws from a generator that the whole process shares, so no two were the same.
    seen = numbers(no_larger(picture, WORKED_ON))
    height, width = seen.shape[:2]
    dice = np.random.default_rng(round(settings["seed"]))
    across = _waves(dice, width, height, settings["grain"]) * (width - 1)
    down = _waves(dice, width, height, settings["grain"]) * (height - 1)
    moved = cv2.remap(seen, across.astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR)
    return Image.fromarray(np.asarray(moved, np.uint8))


def _waves(dice: np.random.Generator, width: int, height: int, grain: float) -> Any:
    """Smooth noise from 0 to 1."""
    points = dice.random((round(height / grain) + 4, round(width / grain) + 4))
    margin = round(grain)
    whole = cv2.resize(points, (width + 2 * margin, height + 2 * margin), interpolation=cv2.INTER_CUBIC)
    waves = whole[margin : margin + height, margin : margin + width]
    waves = waves - waves.min()
    return waves / max(float(waves.max()), 1e-6)
