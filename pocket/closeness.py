"""How close a painted picture is to the reference that it followed, one number for each kind of map."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr

from studio.skeletons import JOINTS, Joints, joint_colour

COLOURS = np.array([joint_colour(number) for number in range(len(JOINTS))], np.int32)
NEAR_COLOUR = 40.0
"""How far a joint's colour may have moved where a map was made smaller; its limbs are farther."""


def edge_f1(found: Image.Image, wanted: Image.Image, tolerance: float = 1.5) -> float:
    """The harmonic mean of how much of each map's edges the other has within some pixels; 1 is the same."""
    seen, meant = _lit(found), _lit(wanted)
    if not seen.any() or not meant.any():
        return float(seen.any() == meant.any())
    precision = float((_distance_to(meant)[seen] <= tolerance).mean())
    recall = float((_distance_to(seen)[meant] <= tolerance).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def depth_rank(found: Image.Image, wanted: Image.Image) -> float:
    """The rank correlation of two depth maps: 1 where they agree on what is before what, -1 on the contrary."""
    seen, meant = (_grey(one).ravel() for one in (found, wanted))
    if np.ptp(seen) == 0 or np.ptp(meant) == 0:
        return 0.0
    return float(spearmanr(seen, meant).statistic)


def joint_distance(found: Joints, wanted: Joints) -> float:
    """The mean distance of the joints in heights of the wanted figure; a joint that is not found counts as 1."""
    heights = [y for _, y in wanted.values()]
    height = max(max(heights) - min(heights), 1.0)
    away = [
        min(1.0, float(np.hypot(*np.subtract(found[name], place))) / height) if name in found else 1.0
        for name, place in wanted.items()
    ]
    return float(np.mean(away))


def colour_difference(found: Image.Image, wanted: Image.Image, cells: int = 8) -> float:
    """The mean distance of the colours of a grid in CIE Lab; 2 can just be told apart."""
    seen, meant = (_lab(one, cells) for one in (found, wanted))
    return float(np.linalg.norm(seen - meant, axis=-1).mean())


def palette_difference(
    found: Image.Image, wanted: Image.Image, cells: int = 64, directions: int = 64
) -> float:
    """How far the colours of one picture are from the other's in CIE Lab, wherever they stand: the mean over some
    directions of how far they have to be moved along them; 2 can just be told apart."""
    dice = np.random.default_rng(0).standard_normal((3, directions)).astype(np.float32)
    along = dice / np.linalg.norm(dice, axis=0)
    seen, meant = (np.sort(_lab(one, cells).reshape(-1, 3) @ along, axis=0) for one in (found, wanted))
    return float(np.abs(seen - meant).mean())


def joints_in(map: Image.Image) -> dict[str, tuple[float, float]]:
    """The joints of the one figure that a skeleton in OpenPose's colours shows."""
    pixels = np.asarray(map.convert("RGB"), np.int32)
    found = {}
    for name, colour in zip(JOINTS, COLOURS, strict=True):
        near = np.linalg.norm(pixels - colour, axis=-1) < NEAR_COLOUR
        if near.any():
            rows, columns = np.nonzero(near)
            found[name] = (float(columns.mean()), float(rows.mean()))
    return found


def _lit(map: Image.Image) -> NDArray[np.bool_]:
    return _grey(map) > 127


def _grey(map: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(map.convert("L"))


def _distance_to(edges: NDArray[np.bool_]) -> NDArray[np.float32]:
    return cv2.distanceTransform((~edges).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def _lab(picture: Image.Image, cells: int) -> NDArray[np.float32]:
    small = picture.convert("RGB").resize((cells, cells), Image.Resampling.BOX)
    return cv2.cvtColor(np.asarray(small, np.float32) / 255, cv2.COLOR_RGB2LAB)
