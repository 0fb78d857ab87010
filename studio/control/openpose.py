"""Poses by OpenPose: a skeleton of coloured limbs for every person, hands and faces where they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from studio.control.looking import network_sized, numbers, shorter
from studio.models.detectors import library


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """Skeletons on black."""
    seen = network_sized(picture, settings["resolution"])
    pose = library("open_pose")
    estimators = (_around(pose.Body, tools["network"]), _hand(pose, tools), _face(pose, tools))
    found: Image.Image = pose.OpenposeDetector(*estimators)(
        numbers(seen),
        detect_resolution=shorter(seen),
        image_resolution=shorter(seen),
        include_body=bool(settings["body"]),
        include_hand=bool(settings["hands"]),
        include_face=bool(settings["face"]),
    )
    return found


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
