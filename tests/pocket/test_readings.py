"""What the small reader learns from: people often, every style, and truth that goes along with what is done."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pocket.world import is_held_out
from pocket.world.scene import LIGHTS, STYLES
from studio.skeletons import JOINTS

torch = pytest.importorskip("torch")
from pocket.train.readings import (  # noqa: E402
    MIRRORED,
    Readings,
    has_people,
    open_readings,
    read_chunk,
    reading,
    rough,
    shifted,
)

SIDE = 64


@pytest.fixture(scope="module")
def readings() -> Readings:
    """Some drawings with people among them."""
    return Readings(**read_chunk(range(8), SIDE, "train"))


def test_people_come_often_and_so_does_every_style_and_light() -> None:
    scenes = [reading(k) for k in range(200)]
    assert 0.4 < np.mean([has_people(scene) for scene in scenes]) < 0.7
    assert {scene.style for scene in scenes} == set(STYLES)
    assert {scene.light for scene in scenes} == set(LIGHTS)
    assert not any(scene.defects for scene in scenes)


def test_what_is_held_out_is_never_learned_from() -> None:
    assert not any(is_held_out(reading(k)) for k in range(40))
    assert all(is_held_out(reading(k, "held_out")) for k in range(40))


def test_the_right_side_becomes_the_left_one_in_a_mirror() -> None:
    assert JOINTS[MIRRORED[JOINTS.index("right_ear")]] == "left_ear"
    assert [MIRRORED[MIRRORED[k]] for k in range(len(JOINTS))] == list(range(len(JOINTS)))
    assert [JOINTS[k] for k, other in enumerate(MIRRORED) if k == other] == ["nose", "neck"]


def test_a_batch_is_half_as_large_and_its_truth_is_whole(readings: Readings) -> None:
    x, truth = readings.batch(6, np.random.default_rng(0), torch.device("cpu"))
    assert x.shape == (6, 3, SIDE // 2, SIDE // 2) and -1 <= float(x.min()) <= float(x.max()) <= 1
    assert truth["edges"].shape == truth["depth"].shape == (6, SIDE, SIDE)
    assert float(truth["edges"].max()) <= 1 and truth["joints"].shape == (6, 3, len(JOINTS), 2)
    assert readings.pixels.dtype == np.uint8, "what is kept is as it was drawn"


def test_a_shifted_picture_takes_its_joints_and_its_edges_along() -> None:
    pixels, maps = np.zeros((SIDE, SIDE, 3), np.uint8), np.zeros((SIDE, SIDE, 2), np.uint8)
    pixels[30:34, 40:44] = maps[30:34, 40:44] = 255
    joints = np.full((1, len(JOINTS), 2), np.nan, np.float32)
    joints[0, 0] = 42 / SIDE, 32 / SIDE
    for seed in range(6):
        moved, drawn, places = shifted(pixels, maps, joints, np.random.default_rng(seed))
        rows, columns = np.nonzero(moved[..., 0] > 127)
        middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
        assert np.abs(middle - places[0, 0] * SIDE).max() < 1.5
        assert np.abs(moved[..., 0].astype(int) - drawn[..., 0]).max() <= 8, "of 255"
        assert np.isnan(places[0, 1:]).all()


def test_a_joint_that_is_shifted_out_of_the_picture_is_nobodys() -> None:
    joints = np.full((1, len(JOINTS), 2), 0.995, np.float32)
    empty = np.zeros((SIDE, SIDE, 3), np.uint8)
    left = [shifted(empty, empty[..., :2], joints, np.random.default_rng(seed))[2] for seed in range(20)]
    assert {bool(np.isnan(one).all()) for one in left} == {True, False}


def test_rough_pictures_differ_from_what_was_drawn_and_stay_what_they_show(readings: Readings) -> None:
    rng = np.random.default_rng(0)
    apart = [np.abs(rough(one, rng).astype(int) - one).mean() for one in readings.pixels]
    assert 1 < max(apart) < 30
    again = [rough(readings.pixels[0], np.random.default_rng(3)).tobytes() for _ in range(2)]
    assert again[0] == again[1]


def test_drawings_are_drawn_once_and_more_of_them_are_added(tmp_path: Path) -> None:
    first = open_readings(tmp_path, 2, SIDE, workers=1)
    files = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    again = open_readings(tmp_path, 2, SIDE, workers=1)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == files
    assert np.array_equal(first.pixels, again.pixels) and len(first) == 2
    assert len(open_readings(tmp_path, 3, SIDE, workers=1)) == 3
    held_out = open_readings(tmp_path, 2, SIDE, "held_out", workers=1)
    assert not np.array_equal(held_out.pixels, first.pixels)
