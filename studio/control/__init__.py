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
from studio.control.looking import Seen
from studio.skeletons import scaled

Detect = Callable[[Image.Image, Mapping[str, float], Mapping[str, Any]], Image.Image | Seen]
"""From a picture, settings and networks to a map, of whatever size, and what is known of it besides."""

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
    return seen(detector, picture, settings, tools).map


def seen(
    detector: str, picture: Image.Image, settings: Mapping[str, float], tools: Mapping[str, Any]
) -> Seen:
    """The map of a picture, exactly as large as the picture, and the figures in it."""
    found = DETECT[detector](picture, settings, tools)
    map, figures = found if isinstance(found, Seen) else Seen(found)
    shares = (picture.width / map.width, picture.height / map.height)
    how = Image.Resampling.NEAREST if detector in SHARP else Image.Resampling.BICUBIC
    fitting = map if map.size == picture.size else map.resize(picture.size, how)
    return Seen(fitting, tuple(scaled(figure, *shares) for figure in figures))


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
