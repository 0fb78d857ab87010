"""Poses by OpenPose: a skeleton of coloured limbs for every person, hands and faces where they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from PIL import Image

from studio.control.looking import BLOCK, Seen, network_sized, numbers
from studio.control.standard import drawn
from studio.messages import Figure, Point
from studio.models.detectors import library

LONGEST_SHAPE = 4
"""How many times as long as wide a picture is looked at."""
FACE = 70
"""Points of a face; what the network tells besides is where none of them is."""
LIKELY = 0.05
"""How likely a point of a face must be somewhere to be told, as the library has it."""
NOBODY = (None,) * 18


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Seen:
    """Skeletons on black, and whose they are."""
    seen = network_sized(picture, settings["resolution"])
    roomy = _with_room(seen)
    pose = library("open_pose")
    estimators = (_around(pose.Body, tools["network"]), _hand(pose, tools), _face(pose, tools))
    found = pose.OpenposeDetector(*estimators).detect_poses(
        numbers(roomy), include_hand=bool(settings["hands"]), include_face=bool(settings["face"])
    )
    figures = tuple(_figure(one, roomy.size, bool(settings["body"])) for one in found)
    return Seen(drawn(figures, seen.size), figures)


def _figure(told: Any, size: tuple[int, int], body: bool) -> Figure:
    """Somebody as the library tells of them, in pixels; joints that are not to be drawn are not told either."""
    parts = {name: _points(getattr(told, name), size) for name in ("left_hand", "right_hand", "face")}
    return Figure(
        joints=_points(told.body.keypoints, size) if body else NOBODY,
        **{name: points if any(points) else None for name, points in parts.items()},
    )


def _points(told: Iterable[Any] | None, size: tuple[int, int]) -> tuple[Point, ...]:
    """Places in pixels out of shares; what is not seen lies before the edge."""
    width, height = size
    seen = (at if at and min(at.x, at.y) >= 0 else None for at in told or ())
    return tuple(at and (float(at.x) * width, float(at.y) * height) for at in seen)


def _with_room(seen: Image.Image) -> Image.Image:
    """A very long picture with black beside it: of one that is a single cell wide the library reads nothing."""
    least = -(-max(seen.size) // (LONGEST_SHAPE * BLOCK)) * BLOCK
    size = (max(seen.width, least), max(seen.height, least))
    if size == seen.size:
        return seen
    roomy = Image.new("RGB", size)
    roomy.paste(seen, (0, 0))
    return roomy


def _hand(pose: Any, tools: Mapping[str, Any]) -> Any:
    return _around(pose.Hand, tools["hands"]) if "hands" in tools else None


def _face(pose: Any, tools: Mapping[str, Any]) -> Any:
    if "face" not in tools:
        return None
    face = _around(pose.Face, tools["face"])
    face.compute_peaks_from_heatmaps = _peaks
    return face


def _peaks(likely: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Where each point of a face is likeliest; one that is nowhere keeps its turn, at the corner.

    By itself the library leaves it out, and nobody could say any more which of the others is which.
    """
    places = [np.unravel_index(int(one.argmax()), one.shape) for one in likely[:FACE]]
    told = [(x, y) if one[y, x] > LIKELY else (0, 0) for one, (y, x) in zip(likely, places, strict=False)]
    return np.array(told)


def _around(kind: Any, network: Any) -> Any:
    """An estimator around a network that is there; by itself it would read one from a pickle."""
    estimator = object.__new__(kind)
    estimator.model = network
    return estimator
