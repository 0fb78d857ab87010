"""Depth as a picture: near is bright, far is dark, whatever a network calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image

from studio.control.looking import grey, network_sized

SPREAD = (0.5, 99.5)
"""Per cent between which the levels lie: a few wild points do not take them all."""


def depth_map(picture: Image.Image, resolution: float, tools: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """What a network of transformers tells of a picture, as it says it."""
    seen = network_sized(picture, resolution)
    network, processor = tools["network"], tools["processor"]
    given = processor(images=seen, return_tensors="pt").to(network.device)
    with torch.inference_mode():
        told = network(**given)
    size = [(seen.height, seen.width)]
    # What was put around the picture for the network is cut off again, where anything was.
    around = {"source_sizes": size} if getattr(processor, "do_pad", False) else {"target_sizes": size}
    finished = processor.post_process_depth_estimation(told, **around)[0]["predicted_depth"]
    depth: np.ndarray[Any, Any] = finished.float().cpu().numpy()
    return depth


def as_levels(depth: np.ndarray[Any, Any]) -> Image.Image:
    """The numbers spread over black to white; where they do not differ, nothing is near."""
    finite = np.nan_to_num(depth.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = np.percentile(finite, SPREAD)
    if high - low <= np.finfo(np.float32).eps * max(1.0, abs(high)):
        return grey(np.zeros(finite.shape))
    return grey((finite - low) / (high - low) * 255)
