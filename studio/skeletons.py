"""Figures as OpenPose knows them: eighteen joints and seventeen bones, each in its own colour; hands; faces."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping

from PIL import Image, ImageDraw

from studio.messages import Figure, Point

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
HAND_BONES = tuple((0 if k % 4 == 0 else k, k + 1) for k in range(20))
"""In OpenPose's order, from the wrist to the tips: thumb, index, middle, ring and little finger."""
HAND_DOT, FACE_DOT = (0, 0, 255), (255, 255, 255)
Joints = Mapping[str, tuple[float, float]]
"""Where the joints of a figure are, in pixels; one that is not seen is left out."""


def joint_colour(number: int, light: float = 1.0) -> tuple[int, int, int]:
    """The colour of joint `number` on OpenPose's wheel."""
    red, green, blue = (int(255 * v * light) for v in colorsys.hsv_to_rgb(number / len(JOINTS), 1, 1))
    return red, green, blue


def wheel(share: float) -> tuple[int, int, int]:
    """The bright colour that lies at a share of the way around."""
    red, green, blue = (round(255 * v) for v in colorsys.hsv_to_rgb(share, 1, 1))
    return red, green, blue


def figure_of(joints: Joints) -> Figure:
    """A figure that is joints alone."""
    return Figure(joints=tuple(joints.get(name) for name in JOINTS))


def scaled(figure: Figure, across: float, down: float) -> Figure:
    """The same figure in a picture of another size."""

    def moved(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple(point and (round(point[0] * across, 1), round(point[1] * down, 1)) for point in points)

    parts = {name: moved(points) for name, points in figure if points is not None}
    return figure.model_copy(update=parts)


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
