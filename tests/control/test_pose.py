"""A figure that a network sees comes out as a skeleton in the right place and colours, whatever the size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from pocket.closeness import joint_distance, joints_in
from studio.control import taken
from studio.controls import DETECTORS
from studio.skeletons import JOINTS

FIGURE = {
    "nose": (0.50, 0.20),
    "neck": (0.50, 0.32),
    "right_eye": (0.45, 0.14),
    "left_eye": (0.55, 0.14),
    "right_ear": (0.38, 0.18),
    "left_ear": (0.62, 0.18),
    "right_shoulder": (0.35, 0.33),
    "left_shoulder": (0.65, 0.33),
    "right_elbow": (0.27, 0.48),
    "left_elbow": (0.73, 0.48),
    "right_wrist": (0.24, 0.63),
    "left_wrist": (0.76, 0.63),
    "right_hip": (0.42, 0.60),
    "left_hip": (0.58, 0.60),
    "right_knee": (0.41, 0.76),
    "left_knee": (0.59, 0.76),
    "right_ankle": (0.40, 0.92),
    "left_ankle": (0.60, 0.92),
}
"""In shares of the picture."""
LIMBS = {
    ("neck", "right_shoulder"): 12,
    ("neck", "left_shoulder"): 20,
    ("right_shoulder", "right_elbow"): 14,
    ("right_elbow", "right_wrist"): 16,
    ("left_shoulder", "left_elbow"): 22,
    ("left_elbow", "left_wrist"): 24,
    ("neck", "right_hip"): 0,
    ("right_hip", "right_knee"): 2,
    ("right_knee", "right_ankle"): 4,
    ("neck", "left_hip"): 6,
    ("left_hip", "left_knee"): 8,
    ("left_knee", "left_ankle"): 10,
    ("neck", "nose"): 28,
    ("nose", "right_eye"): 30,
    ("right_eye", "right_ear"): 34,
    ("nose", "left_eye"): 32,
    ("left_eye", "left_ear"): 36,
}
"""The limbs, and which of the network's maps point along each: this one across, the next one down."""
CELL = 8
"""Pixels of one number that the network tells."""


class Sees(torch.nn.Module):
    """A network that sees the figure in whatever it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.anything = torch.nn.Parameter(torch.zeros(1))

    def forward(self, shown: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        height, width = shown.shape[2] // CELL, shown.shape[3] // CELL
        down, across = np.mgrid[0:height, 0:width] + 0.5
        heat, fields = np.zeros((19, height, width)), np.zeros((38, height, width))
        places = {name: (x * width, y * height) for name, (x, y) in FIGURE.items()}
        for name, (x, y) in places.items():
            away = (across - x) ** 2 + (down - y) ** 2
            heat[JOINTS.index(name)] = np.exp(-away / 2)
        for (first, last), at in LIMBS.items():
            fields[at : at + 2] = _along(np.array(places[first]), np.array(places[last]), across, down)
        return torch.tensor(fields[None]).float(), torch.tensor(heat[None]).float()


def _along(first: np.ndarray, last: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """The limb's direction in the cells that lie near it."""
    limb = last - first
    at = ((across - first[0]) * limb[0] + (down - first[1]) * limb[1]) / (limb @ limb)
    nearest = first[:, None, None] + np.clip(at, 0, 1) * limb[:, None, None]
    near = np.hypot(across - nearest[0], down - nearest[1]) < 1.5
    return near * (limb / np.linalg.norm(limb))[:, None, None]


@pytest.mark.parametrize("size", [(512, 512), (700, 700), (256, 256)])
def test_the_skeleton_lies_where_the_figure_is(size: tuple[int, int]) -> None:
    settings = {one.name: one.default for one in DETECTORS["openpose"].settings}
    map = taken("openpose", Image.new("RGB", size, "grey"), settings, {"network": Sees()})
    assert map.size == size
    wanted = {name: (x * size[0], y * size[1]) for name, (x, y) in FIGURE.items()}
    found = joints_in(map)
    assert set(found) == set(JOINTS), sorted(set(JOINTS) - set(found))
    assert joint_distance(found, wanted) < 0.02


def test_without_its_body_the_map_is_black() -> None:
    settings = {one.name: one.default for one in DETECTORS["openpose"].settings} | {"body": 0}
    map = taken("openpose", Image.new("RGB", (256, 256), "grey"), settings, {"network": Sees()})
    assert map.getextrema() == ((0, 0),) * 3


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (3000, 2)])
def test_a_picture_of_hardly_any_pixels_has_a_map_too(size: tuple[int, int]) -> None:
    settings = {one.name: one.default for one in DETECTORS["openpose"].settings}
    picture = Image.new("RGB", size, "grey")
    assert taken("openpose", picture, settings, {"network": Sees()}).size == size
