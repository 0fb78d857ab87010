"""Straight lines by M-LSD: buildings, rooms, furniture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from studio.control.looking import grey, network_sized, numbers
from studio.models.detectors import library


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """White lines on black."""
    seen = numbers(network_sized(picture, settings["resolution"]))
    canvas = np.zeros(seen.shape[:2], np.uint8)
    for line in _lines(seen, settings, tools):
        left, top, right, bottom = (int(value) for value in line)
        cv2.line(canvas, (left, top), (right, bottom), (255,), 1)
    return grey(canvas)


def _lines(seen: Any, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Any:
    # The library's own detector takes every error for a picture without lines; only that one is one.
    found, size = library("mlsd.utils").pred_lines, list(seen.shape[:2])
    try:
        with torch.inference_mode():
            return found(seen, tools["network"], size, settings["score"], settings["distance"])
    except IndexError:
        return ()
