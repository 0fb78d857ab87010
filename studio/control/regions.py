"""Regions by what they show, in the colours of ADE20K's 150 classes: the networks and weights of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image

from studio.control.looking import network_sized
from studio.errors import StudioError
from studio.models.detectors import NAME, library


def detect(picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]) -> Image.Image:
    """A colour for each class."""
    seen = network_sized(picture, settings["resolution"])
    network, processor = tools["network"], tools["processor"]
    given = processor(images=seen, do_resize=False, return_tensors="pt").to(network.device)
    with torch.inference_mode():
        told = network(**given)
    size = [(seen.height, seen.width)]
    classes = processor.post_process_semantic_segmentation(told, target_sizes=size)[0].cpu().numpy()
    return Image.fromarray(_palette(int(network.config.num_labels))[classes])


def _palette(classes: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    colours = np.array(library("util").ade_palette(), np.uint8)
    # A network of more classes than ADE20K has no colours for them; the map would lie.
    if classes > len(colours):
        raise StudioError("weights_unusable", model=f"{classes} > {len(colours)}", part=NAME)
    return colours
