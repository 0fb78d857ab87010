"""Detectors: each takes out of a picture the map of one thing, as control nets were trained on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from studio.control import (
    bae,
    canny,
    depth_anything,
    drawn,
    grey,
    grid,
    hed,
    histogram,
    leres,
    line_art,
    line_art_anime,
    line_art_plain,
    midas,
    mlsd,
    openpose,
    pidinet,
    regions,
    shuffle,
    small,
    tile,
    zoe,
)

Detect = Callable[[Image.Image, Mapping[str, float], Mapping[str, Any]], Image.Image]
"""From a picture, settings and networks to a map, of whatever size."""

DETECT: dict[str, Detect] = {}
SHARP = {"canny", "grid", "histogram", "drawn", "mlsd", "upernet", "segformer"}
"""Their maps have two levels, or colours that are names: at another size no level comes in between."""


def register(detector: str, detect: Detect) -> None:
    """Adds what takes a map; a second one for the same detector is refused."""
    if detector in DETECT:
        raise ValueError(f"detector {detector} is registered already")
    DETECT[detector] = detect


def taken(
    detector: str, picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]
) -> Image.Image:
    """The map of a picture, exactly as large as the picture."""
    found = DETECT[detector](picture, settings, tools)
    how = Image.Resampling.NEAREST if detector in SHARP else Image.Resampling.BICUBIC
    return found if found.size == picture.size else found.resize(picture.size, how)


for _detector, _detect in (
    ("openpose", openpose.detect),
    ("canny", canny.detect),
    ("hed", hed.detect),
    ("pidinet", pidinet.detect),
    ("depth_anything", depth_anything.detect),
    ("midas", midas.detect),
    ("zoe", zoe.detect),
    ("leres", leres.detect),
    ("grid", grid.detect),
    ("histogram", histogram.detect),
    ("mlsd", mlsd.detect),
    ("drawn", drawn.detect),
    ("upernet", regions.detect),
    ("segformer", regions.detect),
    ("line_art_realistic", line_art.detect),
    ("line_art_coarse", line_art.detect),
    ("line_art_anime", line_art_anime.detect),
    ("line_art_plain", line_art_plain.detect),
    ("bae", bae.detect),
    ("small_pose", small.pose),
    ("small_edges", small.edges),
    ("small_depth", small.depth),
    ("shuffle", shuffle.detect),
    ("grey", grey.detect),
    ("tile", tile.detect),
):
    register(_detector, _detect)
