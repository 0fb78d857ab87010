"""Poses by OpenPose: a skeleton of coloured limbs for every person, hands and faces where they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from studio.control.looking import BLOCK, network_sized, numbers, shorter
from studio.models.detectors import library

LONGEST_SHAPE = 4
"""How many times as long as wide a picture is looked at."""


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Skeletons on black."""
    seen = network_sized(picture, settings["resolution"])
    roomy = _with_room(seen)
    pose = library("open_pose")
    estimators = (_around(pose.Body, tools["network"]), _hand(pose, tools), _face(pose, tools))
    found: Image.Image = pose.OpenposeDetector(*estimators)(
        numbers(roomy),
        detect_resolution=shorter(roomy),
        image_resolution=shorter(roomy),
        include_body=bool(settings["body"]),
        include_hand=bool(settings["hands"]),
        include_face=bool(settings["face"]),
    )
    return found.crop((0, 0, *seen.size))


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
    known = library("open_pose.face").params
    face = _around(pose.Face, tools["face"])
    face.inference_size, face.sigma = known["inference_img_size"], known["gaussian_sigma"]
    face.threshold = known["heatmap_peak_thresh"]
    return face


def _around(kind: Any, network: Any) -> Any:
    """An estimator around a network that is there; by itself it would read one from a pickle."""
    estimator = object.__new__(kind)
    estimator.model = network
    return estimator
