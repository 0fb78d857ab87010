"""What a drawing tells beside its pixels: where joints are, and the skeleton of a figure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pocket.closeness import joint_distance, joints_in
from pocket.world import draw
from pocket.world.sampling import settle
from pocket.world.scene import POSES, Scene
from pocket.world.truth import joints_of, people
from studio.skeletons import JOINTS, skeleton

SIDE = 256


def posed(pose: str, flip: bool = False) -> Scene:
    """A boy in a pose."""
    scene = settle("boy", "red", "plain")
    return replace(scene, things=(replace(scene.things[0], pose=pose, flip=flip),))


@pytest.mark.parametrize("pose", POSES)
def test_joints_lie_on_the_person(pose: str) -> None:
    picture = draw(posed(pose), SIDE)
    (figure,) = people(picture)
    assert set(figure) == set(JOINTS)
    for name, (x, y) in figure.items():
        around = picture.masks[0][int(y) - 6 : int(y) + 7, int(x) - 6 : int(x) + 7]
        assert around.any(), name


def test_the_right_side_stays_the_persons_own_when_they_turn() -> None:
    (one,), (other,) = (people(draw(posed("waving", flip), SIDE)) for flip in (False, True))
    for figure in (one, other):
        assert figure["right_shoulder"][0] < figure["left_shoulder"][0], (
            "who looks at us has the right on our left"
        )
    assert one["left_wrist"][1] < one["neck"][1] < one["right_wrist"][1]
    assert other["right_wrist"][1] < other["neck"][1] < other["left_wrist"][1]


def test_a_skeleton_is_read_back_where_it_was_drawn() -> None:
    figure = joints_of(posed("jumping").things[0], SIDE)
    assert joint_distance(joints_in(skeleton([figure], (SIDE, SIDE))), figure) < 0.02


def test_a_car_is_nobody() -> None:
    picture = draw(settle("car", "red", "plain"), SIDE)
    assert people(picture) == []
