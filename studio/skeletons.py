"""Figures as OpenPose draws them: eighteen joints, seventeen bones, each in its own colour on black."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping

from PIL import Image, ImageDraw

JOINTS = (
    *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle"),
    *("left_hip", "left_knee", "left_ankle", "right_eye", "left_eye", "right_ear", "left_ear"),
)
"""In OpenPose's order; right is the person's own. Their colours go once around the wheel."""
BONES = (
    *("neck right_shoulder", "neck left_shoulder", "right_shoulder right_elbow", "right_elbow right_wrist"),
    *("left_shoulder left_elbow", "left_elbow left_wrist", "neck right_hip", "right_hip right_knee"),
    *("right_knee right_ankle", "neck left_hip", "left_hip left_knee", "left_knee left_ankle", "neck nose"),
    *("nose right_eye", "right_eye right_ear", "nose left_eye", "left_eye left_ear"),
)
"""In OpenPose's order; bone k has the colour of joint k, less bright."""
DIM = 0.6
Joints = Mapping[str, tuple[float, float]]
"""Where the joints of a figure are, in pixels; one that is not seen is left out."""


def joint_colour(number: int, light: float = 1.0) -> tuple[int, int, int]:
    """The colour of joint `number` on OpenPose's wheel."""
    red, green, blue = (int(255 * v * light) for v in colorsys.hsv_to_rgb(number / len(JOINTS), 1, 1))
    return red, green, blue


def skeleton(figures: Iterable[Joints], size: tuple[int, int]) -> Image.Image:
    """The map of some figures: dim bones, bright joints."""
    map = Image.new("RGB", size)
    pen, r = ImageDraw.Draw(map), min(size) / 128
    for places in figures:
        for k, bone in enumerate(BONES):
            ends = [places[name] for name in bone.split() if name in places]
            if len(ends) == 2:
                pen.line(ends, joint_colour(k, DIM), max(1, round(2 * r)))
        for k, name in enumerate(JOINTS):
            if name in places:
                x, y = places[name]
                pen.ellipse((x - r, y - r, x + r, y + r), joint_colour(k))
    return map
