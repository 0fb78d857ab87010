"""Figures drawn as nets for poses were taught with: OpenPose's bones, joints, fingers and faces, pixel for pixel."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from PIL import Image

from studio.messages import Figure, Point
from studio.skeletons import BONES, DIM, FACE_DOT, HAND_BONES, HAND_DOT, JOINTS, wheel

THICK = 4
"""Pixels: half a bone's width and the radius of joints, of a hand's too."""
FINGER, FEATURE = 2, 3
"""Pixels: a finger's width and the radius of a face's dots."""
Colour = tuple[int, int, int]
Canvas = np.ndarray[Any, np.dtype[np.uint8]]
Points = tuple[Point, ...] | None


def drawn(figures: Iterable[Figure], size: tuple[int, int]) -> Image.Image:
    """The map of some figures, each over the one before."""
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    for figure in figures:
        _body(canvas, figure.joints)
        _hand(canvas, figure.left_hand)
        _hand(canvas, figure.right_hand)
        _dots(canvas, figure.face, FEATURE, FACE_DOT)
    return Image.fromarray(canvas)


def _body(canvas: Canvas, joints: tuple[Point, ...]) -> None:
    bright = [wheel(k / len(JOINTS)) for k in range(len(JOINTS))]
    for bone, colour in zip(BONES, bright, strict=False):
        first, last = (joints[JOINTS.index(name)] for name in bone.split())
        if first and last:
            cv2.fillConvexPoly(canvas, _bone(first, last), [int(level * DIM) for level in colour])
    for joint, colour in zip(joints, bright, strict=True):
        _dots(canvas, (joint,), THICK, colour)


def _bone(first: tuple[float, float], last: tuple[float, float]) -> Any:
    """An ellipse from end to end; where it lies is told in whole pixels and degrees."""
    (ax, ay), (bx, by) = first, last
    middle = (int((ax + bx) / 2), int((ay + by) / 2))
    half = (int(math.hypot(ax - bx, ay - by) / 2), THICK)
    return cv2.ellipse2Poly(middle, half, int(math.degrees(math.atan2(ay - by, ax - bx))), 0, 360, 1)


def _hand(canvas: Canvas, hand: Points) -> None:
    if not hand:
        return
    for k, (nearer, further) in enumerate(HAND_BONES):
        first, last = hand[nearer], hand[further]
        if first and last:
            cv2.line(canvas, _pixel(first), _pixel(last), wheel(k / len(HAND_BONES)), thickness=FINGER)
    _dots(canvas, hand, THICK, HAND_DOT)


def _dots(canvas: Canvas, points: Points, radius: int, colour: Colour) -> None:
    for point in points or ():
        if point:
            cv2.circle(canvas, _pixel(point), radius, colour, thickness=-1)


def _pixel(point: tuple[float, float]) -> tuple[int, int]:
    return int(point[0]), int(point[1])
