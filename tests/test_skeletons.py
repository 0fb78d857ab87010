"""Figures in OpenPose's colours: every bone joins two joints, and what is not seen is not drawn."""

from __future__ import annotations

import numpy as np

from studio.skeletons import BONES, JOINTS, joint_colour, skeleton

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
