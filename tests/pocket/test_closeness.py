"""The measures of fidelity: best for what is the same, worse the farther it is, whatever the size of things."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageOps

from pocket.closeness import (
    COLOURS,
    colour_difference,
    depth_rank,
    edge_f1,
    joint_distance,
    joints_in,
    palette_difference,
)
from studio.control import taken
from studio.controls import DETECTORS
from studio.skeletons import JOINTS
from tests.control.samples import scene


def edges() -> Image.Image:
    settings = {one.name: one.default for one in DETECTORS["canny"].settings}
    return taken("canny", scene(), settings, {})


def test_edges_are_as_good_as_they_lie_near() -> None:
    same = edge_f1(edges(), edges())
    near = edge_f1(ImageChops.offset(edges(), 1, 0), edges())
    far = edge_f1(ImageChops.offset(edges(), 9, 7), edges())
    assert same == near == 1.0 and 0 < far < 0.5


def test_edges_everywhere_or_nowhere_are_no_good() -> None:
    black, white = Image.new("L", (150, 100)), Image.new("L", (150, 100), 255)
    assert edge_f1(black, edges()) == edge_f1(edges(), black) == 0.0
    assert edge_f1(white, edges()) < 0.5
    assert edge_f1(black, black) == 1.0


def test_a_palette_counts_which_colours_there_are_and_not_where() -> None:
    turned = scene().transpose(Image.Transpose.ROTATE_180)
    darker = Image.eval(scene(), lambda level: level * 3 // 4)
    assert palette_difference(turned, scene()) < 0.5 < 4 < palette_difference(darker, scene())
    assert colour_difference(turned, scene()) > 4


def test_depth_counts_what_is_before_what() -> None:
    ramp = Image.linear_gradient("L").resize((40, 30))
    darker = Image.eval(ramp, lambda level: level // 3 + 20)
    assert depth_rank(darker, ramp) == pytest.approx(1, abs=0.01)
    assert depth_rank(ImageOps.invert(ramp), ramp) == pytest.approx(-1, abs=0.01)
    assert abs(depth_rank(ramp.transpose(Image.Transpose.ROTATE_90).resize((40, 30)), ramp)) < 0.1
    assert depth_rank(Image.new("L", (40, 30)), ramp) == 0.0


def test_joints_are_as_far_as_they_are_high_and_lost_ones_count() -> None:
    wanted = {"neck": (50.0, 20.0), "left_hip": (50.0, 60.0), "left_ankle": (50.0, 100.0)}
    moved = {name: (x + 8, y) for name, (x, y) in wanted.items()}
    assert joint_distance(wanted, wanted) == 0.0
    assert joint_distance(moved, wanted) == pytest.approx(0.1)
    assert joint_distance({}, wanted) == 1.0
    assert joint_distance({"neck": (50.0, 20.0)}, wanted) == pytest.approx(2 / 3)


def test_colours_differ_by_what_can_be_seen_and_in_their_place() -> None:
    assert colour_difference(scene(), scene()) == 0.0
    brighter = Image.eval(scene(), lambda level: min(255, level + 6))
    flipped = scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert 0 < colour_difference(brighter, scene()) < 4 < colour_difference(flipped, scene())


def test_joints_are_read_from_a_skeleton_by_their_colours() -> None:
    drawn = np.zeros((90, 190, 3), np.uint8)
    for at, colour in enumerate(COLOURS):
        drawn[40:45, 10 * at : 10 * at + 5] = colour
        drawn[60:65, 10 * at : 10 * at + 5] = colour * 6 // 10  # a limb's shade of it
    found = joints_in(Image.fromarray(drawn))
    assert list(found) == list(JOINTS)
    assert found["nose"] == (2.0, 42.0) and found["left_ear"] == (172.0, 42.0)
    assert joints_in(Image.new("RGB", (9, 9))) == {}
