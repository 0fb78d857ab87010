"""The ready poses: enough of them, whole, and wrong ones told by line and key."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from studio.ui.reference_poses import POSES, read_poses, shelf

LIMBS = ((1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (8, 9), (9, 10), (11, 12), (12, 13))
POSE = """
poses:
  - id: one
    title: {{en: One, zh: 一}}
    people:
      - [{joints}]
"""


def wrong(folder: Path, text: str) -> list[str]:
    """What is told of a file."""
    path = folder / "poses.yaml"
    path.write_text(text, encoding="utf-8")
    return [str(problem) for problem in read_poses(path).problems]


def test_the_shelf_holds_enough_poses_and_nothing_is_wrong_with_them() -> None:
    reading = read_poses(POSES)
    assert reading.problems == ()
    poses = [pose for pose, _ in reading.entries]
    assert len(poses) >= 24
    assert sum(len(pose.people) == 2 for pose in poses) >= 3
    assert len({pose.title.zh for pose in poses}) == len({pose.title.en for pose in poses}) == len(poses)
    assert [one["id"] for one in shelf()] == [pose.id for pose in poses]


@pytest.mark.parametrize("pose", [pose for pose, _ in read_poses(POSES).entries], ids=lambda pose: pose.id)
def test_a_figure_has_limbs_of_a_persons_length(pose: object) -> None:
    for person in pose.people:  # type: ignore[attr-defined]
        lengths = [math.dist(person[a], person[b]) for a, b in LIMBS if person[a] and person[b]]
        assert len(lengths) >= 6
        assert 0.005 < min(lengths) < max(lengths) < 0.5
        assert person[1] is not None, "a figure hangs on its neck"


def test_a_joint_outside_the_square_is_told(tmp_path: Path) -> None:
    joints = ", ".join(["[0.5, 0.5]"] * 17 + ["[0.5, 1.5]"])
    told = wrong(tmp_path, POSE.format(joints=joints))
    assert any(
        problem.startswith("poses.yaml:6: ") and "less than or equal to 1" in problem for problem in told
    )


def test_a_joint_too_few_is_told(tmp_path: Path) -> None:
    told = wrong(tmp_path, POSE.format(joints=", ".join(["null"] * 17)))
    assert "18" in told[0]


def test_the_same_pose_twice_is_told(tmp_path: Path) -> None:
    text = POSE.format(joints=", ".join(["[0.5, 0.5]"] * 18))
    [told] = wrong(tmp_path, text + text.replace("poses:\n", "").lstrip("\n"))
    assert "one stands twice" in told
