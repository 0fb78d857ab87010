"""A figure that networks see comes out as a skeleton in the right place and colours, with its hands and face."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from pocket.closeness import joint_distance, joints_in
from studio.control import seen, taken
from studio.control.looking import Seen
from studio.controls import DETECTORS
from studio.messages import Figure, Point
from studio.skeletons import FACE_DOT, HAND_DOT, JOINTS

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


def spread(count: int) -> np.ndarray:
    """Places all over a square, in shares of it."""
    turns = np.linspace(0, 6 * np.pi, count)
    return 0.5 + (0.1 + 0.3 * np.linspace(0, 1, count)[:, None]) * np.stack([np.cos(turns), np.sin(turns)], 1)


HAND, FACE = spread(21), spread(70)
UNSEEN = 7
"""The point that the networks of hands and faces do not see."""


class SeesPoints(torch.nn.Module):
    """A network that sees its points in whatever square it is shown, but for one, and something that is none."""

    def __init__(self, places: np.ndarray) -> None:
        super().__init__()
        self.anything = torch.nn.Parameter(torch.zeros(1))
        self.places = places

    def heat(self, shown: torch.Tensor) -> torch.Tensor:
        height, width = shown.shape[2] // CELL, shown.shape[3] // CELL
        down, across = np.mgrid[0:height, 0:width] + 0.5
        away = [(across - x * width) ** 2 + (down - y * height) ** 2 for x, y in self.places]
        heat = np.exp(-np.array(away) / (0.02 * width) ** 2 / 2)
        heat[UNSEEN] = 0
        return torch.tensor(np.concatenate([heat, np.ones((1, height, width))])[None]).float()


class SeesHand(SeesPoints):
    def forward(self, shown: torch.Tensor) -> torch.Tensor:
        return self.heat(shown)


class SeesFace(SeesPoints):
    def forward(self, shown: torch.Tensor) -> list[torch.Tensor]:
        return [self.heat(shown)]


def whole(size: int = 512, **settings: float) -> Seen:
    """What is seen with all three networks."""
    own = {one.name: one.default for one in DETECTORS["openpose"].settings} | {"hands": 1, "face": 1}
    tools = {"network": Sees(), "hands": SeesHand(HAND), "face": SeesFace(FACE)}
    return seen("openpose", Image.new("RGB", (size, size), "grey"), own | settings, tools)


def apart(points: tuple[Point, ...] | None, meant: np.ndarray) -> float:
    """How far points are, in pixels, from the same figure at the best place and size."""
    assert points is not None and points[UNSEEN] is None
    known = [k for k in range(len(meant)) if k != UNSEEN]
    told = np.array([points[k] for k in known])
    fits = [
        np.polyval(np.polyfit(meant[known, axis], told[:, axis], 1), meant[known, axis]) for axis in (0, 1)
    ]
    return float(np.hypot(*(told - np.stack(fits, 1)).T).max())


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


@pytest.fixture(scope="module")
def told() -> tuple[Seen, Figure]:
    """What is seen of somebody with hands and a face."""
    found = whole()
    [figure] = found.figures
    return found, figure


def test_hands_and_face_are_told_point_by_point_beside_the_joints(told: tuple[Seen, Figure]) -> None:
    _, figure = told
    for part, meant in ((figure.left_hand, HAND), (figure.right_hand, HAND), (figure.face, FACE)):
        assert apart(part, meant) < 4, "each point is the one that it was, though one is missing before it"
    wanted = {name: (x * 512, y * 512) for name, (x, y) in FIGURE.items()}
    assert joint_distance(dict(zip(JOINTS, figure.joints, strict=True)), wanted) < 0.02


def test_a_hand_belongs_to_its_wrist_and_a_face_to_its_nose(told: tuple[Seen, Figure]) -> None:
    _, figure = told
    for part, joint in (("left_hand", "left_wrist"), ("right_hand", "right_wrist"), ("face", "nose")):
        points = [point for point in getattr(figure, part) if point]
        away = np.mean(points, 0) - np.multiply(FIGURE[joint], 512)
        assert np.hypot(*away) < 64


def test_the_map_shows_whom_the_figures_tell(told: tuple[Seen, Figure]) -> None:
    found, figure = told
    pixels = np.asarray(found.map)
    for part, colour in ((figure.left_hand, HAND_DOT), (figure.face, FACE_DOT)):
        assert part
        assert all(tuple(pixels[int(y), int(x)]) == colour for x, y in filter(None, part))


def test_figures_lie_in_pixels_of_the_picture_whatever_was_looked_at(told: tuple[Seen, Figure]) -> None:
    [larger] = whole(1024).figures
    assert larger.joints[0] == pytest.approx(np.multiply(told[1].joints[0], 2), abs=2)
    assert larger.face and larger.face[0] == pytest.approx(np.multiply(told[1].face[0], 2), abs=6)


def test_what_is_not_drawn_is_not_told(told: tuple[Seen, Figure]) -> None:
    [bare] = whole(body=0, face=0).figures
    assert not any(bare.joints) and bare.face is None and bare.left_hand
    [joints] = whole(hands=0, face=0).figures
    assert joints == told[1].model_copy(update={"left_hand": None, "right_hand": None, "face": None})
