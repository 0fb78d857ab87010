"""The small reader: joints found again where the network says they are, maps of the picture's size, worked out anew."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from studio.control import seen, taken
from studio.control.small import NECK, figures, found
from studio.models.small_reader import CELL, FINER, SmallReader
from studio.skeletons import JOINTS
from tests.control.samples import scene

SIDE = 32
SETTINGS = {"resolution": 128.0}
Figure = dict[str, tuple[float, float]]


def figure(x: float, y: float) -> Figure:
    """Somebody whose neck is at a place, in cells, with every joint apart from the others."""
    around = np.linspace(0, 2 * np.pi, len(JOINTS), endpoint=False)
    places = {name: (x + 5 * np.cos(a), y + 5 * np.sin(a)) for name, a in zip(JOINTS, around, strict=True)}
    return {**places, "neck": (x, y)}


def told(*people: Figure) -> tuple[torch.Tensor, torch.Tensor]:
    """What a network says that is sure of everything."""
    axis = torch.arange(SIDE) + 0.5
    likely, away = torch.zeros(len(JOINTS), SIDE, SIDE), torch.zeros(2 * len(JOINTS), SIDE, SIDE)
    for one in people:
        column, row = (int(place) for place in one["neck"])
        for name, (x, y) in one.items():
            k = JOINTS.index(name)
            spot = torch.exp(-((axis - x).square()[None] + (axis - y).square()[:, None]) / 2)
            likely[k] = torch.maximum(likely[k], spot)
            away[2 * k, row, column] = (x - column - 0.5) / SIDE
            away[2 * k + 1, row, column] = (y - row - 0.5) / SIDE
    return likely, away


def test_everybody_is_found_where_they_are_and_nobody_else() -> None:
    meant = [figure(8.5, 9.2), figure(22.3, 20.7)]
    seen = found(*told(*meant))
    assert len(seen) == 2
    for one, other in zip(seen, meant, strict=True):
        assert one.keys() == other.keys()
        assert max(np.hypot(*np.subtract(one[name], other[name])) for name in JOINTS) < 0.4
    assert found(*told()) == []


def test_a_joint_belongs_to_the_neck_that_points_to_it() -> None:
    one, other = figure(10.5, 16.5), figure(18.5, 16.5)
    seen = found(*told(one, other))
    for mine, meant in zip(seen, (one, other), strict=True):
        assert mine["left_wrist"] == pytest.approx(meant["left_wrist"], abs=0.4)


def test_a_raised_hand_is_found_where_it_is_seen_and_not_where_hands_mostly_hang() -> None:
    hanging = figure(16.5, 16.5)
    x, y = hanging["right_elbow"]
    raised = hanging | {"right_elbow": (x, y - 3), "right_wrist": (x - 2, y - 8)}
    likely, _ = told(raised)
    _, away = told(hanging)
    (seen,) = found(likely, away)
    assert np.hypot(*np.subtract(hanging["right_wrist"], raised["right_wrist"])) > 6
    for name in ("right_elbow", "right_wrist"):
        assert seen[name] == pytest.approx(raised[name], abs=0.4)


def test_what_is_not_likely_is_left_out_and_so_is_what_lies_beyond_the_picture() -> None:
    likely, away = told(figure(16.5, 16.5))
    likely[JOINTS.index("right_knee")] = 0.05
    (seen,) = found(likely, away)
    assert set(JOINTS) - set(seen) == {"right_knee"}
    likely, away = told(figure(2.5, 16.5))
    (seen,) = found(likely, away)
    assert {name for name, (x, _) in figure(2.5, 16.5).items() if x < -2} & set(seen) == set()
    likely[NECK] *= 0.3
    assert found(likely, away) == []


class Known(torch.nn.Module):
    """Says of every picture the same."""

    def __init__(self, likely: torch.Tensor, away: torch.Tensor) -> None:
        super().__init__()
        self.said = torch.nn.Parameter(torch.zeros(1))
        self.told = {"joints": torch.logit(likely, 1e-6)[None], "away": away[None]}

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        assert x.shape[-2:] == (SIDE * CELL, SIDE * CELL)
        levels = torch.full((1, FINER * x.shape[2], FINER * x.shape[3]), -2.0)
        return {**self.told, "edges": levels, "depth": levels}


def test_joints_are_told_in_pixels_of_the_picture_whatever_its_size() -> None:
    meant = figure(16.5, 16.5)
    for side in (128, 512):
        (seen,) = figures(Image.new("RGB", (side, side)), SETTINGS, {"network": Known(*told(meant))})
        x, y = seen["nose"]
        assert (x * 32 / side, y * 32 / side) == pytest.approx(meant["nose"], abs=0.4)


def test_a_pose_is_drawn_at_the_pictures_own_size_and_nobody_is_black() -> None:
    some = taken(
        "small_pose", Image.new("RGB", (300, 300)), SETTINGS, {"network": Known(*told(figure(16, 16)))}
    )
    none = taken("small_pose", Image.new("RGB", (300, 300)), SETTINGS, {"network": Known(*told())})
    assert some.size == none.size == (300, 300)
    assert some.getextrema()[0] == (0, 255) and none.getextrema() == ((0, 0),) * 3


def test_the_small_reader_tells_joints_and_never_hands_or_a_face() -> None:
    tools = {"network": Known(*told(figure(16.5, 16.5)))}
    [one] = seen("small_pose", Image.new("RGB", (256, 256)), SETTINGS, tools).figures
    assert all(one.joints) and one.joints[NECK] == pytest.approx((132, 132), abs=4)
    assert one.left_hand is one.right_hand is one.face is None


def test_levels_are_those_that_the_network_tells() -> None:
    map = taken("small_depth", Image.new("RGB", (256, 256)), SETTINGS, {"network": Known(*told())})
    assert map.getextrema() == ((30, 30),) * 3, "of 255, what -2 is as a share"


def test_every_picture_has_maps_of_its_own_size_and_they_follow_what_is_in_it() -> None:
    torch.manual_seed(0)
    tools = {"network": SmallReader().eval()}
    for detector in ("small_edges", "small_depth", "small_pose"):
        assert taken(detector, scene(), SETTINGS, tools).size == (150, 100)
    some, other = (
        taken("small_edges", scene(*size), SETTINGS, tools).tobytes() for size in ((90, 90), (90, 91))
    )
    assert some != other


def test_the_network_answers_at_twice_the_size_and_in_cells() -> None:
    torch.manual_seed(0)
    reader = SmallReader().eval()
    said = reader(torch.rand(2, 3, 64, 96) * 2 - 1)
    assert {name: tuple(values.shape) for name, values in said.items()} == {
        "edges": (2, 128, 192),
        "depth": (2, 128, 192),
        "joints": (2, 18, 16, 24),
        "away": (2, 36, 16, 24),
    }
    assert sum(one.numel() for one in reader.parameters()) <= 400_000
