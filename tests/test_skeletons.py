"""Figures in OpenPose's colours: every bone joins two joints, and what is not seen is not drawn."""

from __future__ import annotations

import numpy as np

from studio.messages import Figure
from studio.skeletons import BONES, JOINTS, figure_of, joint_colour, scaled, skeleton

FIGURE = {name: (10.0 + 12 * k, 100.0 + 40 * (k % 3)) for k, name in enumerate(JOINTS)}


def shown(colour: tuple[int, int, int], figure: dict[str, tuple[float, float]]) -> int:
    """How many pixels of a skeleton have a colour."""
    pixels = np.asarray(skeleton([figure], (256, 256)))
    return int((pixels == colour).all(-1).sum())


def test_bones_have_the_colours_of_joints_and_join_all_of_them() -> None:
    assert {name for bone in BONES for name in bone.split()} == set(JOINTS)
    assert joint_colour(0) == (255, 0, 0) and max(joint_colour(3, 0.6)) == 153
    assert len({joint_colour(k) for k in range(len(JOINTS))}) == len(JOINTS)


def test_a_joint_that_is_not_seen_is_not_drawn_and_neither_are_its_bones() -> None:
    wrist, bone = JOINTS.index("left_wrist"), BONES.index("left_elbow left_wrist")
    without = {name: place for name, place in FIGURE.items() if name != "left_wrist"}
    for number, light in ((wrist, 1.0), (bone, 0.6)):
        assert shown(joint_colour(number, light), FIGURE) > 0
        assert shown(joint_colour(number, light), without) == 0


def test_a_map_has_the_size_that_is_asked_for_and_nobody_means_black() -> None:
    map = skeleton([], (40, 30))
    assert map.size == (40, 30) and not np.asarray(map).any()


def test_joints_become_a_figure_and_a_figure_another_size_with_all_its_parts() -> None:
    figure = figure_of({"neck": (10.0, 20.0)})
    assert figure.joints[1] == (10.0, 20.0) and figure.joints.count(None) == 17
    assert figure.face is figure.left_hand is None
    hand = tuple((4.0, float(k)) for k in range(21))
    larger = scaled(Figure(joints=figure.joints, right_hand=hand), 2, 3)
    assert larger.joints[1] == (20.0, 60.0) and larger.joints[0] is None
    assert larger.right_hand and larger.right_hand[20] == (8.0, 60.0) and larger.face is None
