"""Figures drawn for nets: the same pixels as the library draws, which is what the nets were taught with."""

from __future__ import annotations

import colorsys
import random
import sys
import types
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.control.standard import drawn
from studio.messages import Figure, Point
from studio.models.detectors import library
from studio.skeletons import HAND_BONES

SIZE = (160, 128)
NOBODY = (None,) * 18
HAND = ((10.0, 62.0), *((40.0 + 28 * at, 10.0 + 26 * finger) for finger in range(5) for at in range(4)))
"""A hand whose fingers lie one below the other."""


def somewhere(count: int, chance: random.Random) -> tuple[Point, ...]:
    """Points all over a picture; some are not seen."""
    places = [(chance.uniform(1, SIZE[0] - 1), chance.uniform(1, SIZE[1] - 1)) for _ in range(count)]
    return tuple(place if chance.random() > 0.1 else None for place in places)


def theirs(figures: list[Figure]) -> np.ndarray:
    """What the library draws."""
    pose, body = library("open_pose"), library("open_pose.body")

    def shares(points: tuple[Point, ...], unseen: Any) -> list[Any]:
        return [body.Keypoint(at[0] / SIZE[0], at[1] / SIZE[1]) if at else unseen for at in points]

    def result(figure: Figure) -> Any:
        parts = (figure.left_hand, figure.right_hand, figure.face)
        told = [part and shares(part, body.Keypoint(-1, -1)) for part in parts]
        return pose.PoseResult(body.BodyResult(shares(figure.joints, None), 1, 18), *told)

    return pose.draw_poses([result(one) for one in figures], SIZE[1], SIZE[0])  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library asks another one, which nothing here needs, for the colours of fingers."""
    asked = types.ModuleType("matplotlib")
    told = types.SimpleNamespace(hsv_to_rgb=lambda hsv: np.array(colorsys.hsv_to_rgb(*hsv)))
    monkeypatch.setattr(asked, "colors", told, raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", asked)


@pytest.mark.parametrize("seed", range(8))
def test_bodies_hands_and_faces_are_drawn_as_the_library_draws_them(seed: int) -> None:
    chance = random.Random(seed)
    counts = {"joints": 18, "left_hand": 21, "right_hand": 21, "face": 70}
    figures = [Figure(**{name: somewhere(n, chance) for name, n in counts.items()}) for _ in range(2)]
    assert np.array_equal(np.asarray(drawn(figures, SIZE)), theirs(figures))


def test_finger_bones_have_a_wheel_of_their_own_and_hands_have_blue_dots() -> None:
    pixels = np.asarray(drawn([Figure(joints=NOBODY, left_hand=HAND)], SIZE))
    assert {tuple(pixels[int(y), int(x)]) for x, y in HAND} == {(0, 0, 255)}
    bones = [np.mean([HAND[first], HAND[last]], 0).astype(int) for first, last in HAND_BONES]
    assert tuple(pixels[bones[0][1], bones[0][0]]) == (255, 0, 0), "the first bone of the thumb"
    assert tuple(pixels[bones[1][1], bones[1][0]]) == (255, 77, 0)
    assert tuple(pixels[bones[19][1], bones[19][0]]) == (255, 0, 77), "the last one of the little finger"


def test_a_face_is_white_dots_and_nothing_between_them() -> None:
    face = ((30.0, 40.0), (90.0, 40.0), *(None,) * 68)
    pixels = np.asarray(drawn([Figure(joints=NOBODY, face=face)], SIZE))
    assert tuple(pixels[40, 33]) == tuple(pixels[40, 87]) == (255, 255, 255)
    assert not pixels[:, 36:84].any()


def test_nobody_is_black() -> None:
    assert drawn([Figure(joints=NOBODY)], SIZE).tobytes() == Image.new("RGB", SIZE).tobytes()
