"""A training against the recorded one: what it notes, what is compared, and when it does not follow."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pocket.train import curve
from pocket.train.curve import Point

FALLING = [Point("unet", step, 50 / step) for step in (50, 100, 150, 200)]


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A record of one stage."""
    path = tmp_path / "record.json"
    curve.write(path, FALLING)
    monkeypatch.setattr(curve, "RECORD", path)
    return path


def said(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    """The exit status of the command."""
    monkeypatch.setattr(sys, "argv", ["curve", *args])
    try:
        curve.main()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def noted(run: Path, points: list[Point]) -> str:
    """A run that noted these points."""
    curve.write(curve.curve_file(run), points)
    return str(run)


def test_a_run_notes_its_points_and_forgets_those_after_the_step_that_it_goes_on_from(tmp_path: Path) -> None:
    path = curve.curve_file(tmp_path / "run")
    curve.write(path, FALLING[:2])
    for point in (FALLING[2], Point("vae", 150, 0.3)):
        curve.add(path, point)
    curve.go_back(path, "unet", 100)
    assert curve.read(path) == [*FALLING[:2], Point("vae", 150, 0.3)]


def test_the_same_steps_of_the_same_stage_are_compared() -> None:
    here = [Point("unet", 75, 9.0), Point("unet", 150, 0.4), Point("vae", 200, 1.0)]
    (pair,) = curve.pairs(FALLING, here)
    assert (pair.recorded.step, pair.here.wrong) == (150, 0.4)
    assert pair.ratio == pytest.approx(1.2) and not pair.follows


def test_the_first_steps_of_a_stage_do_not_count(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said(monkeypatch, "--run", noted(tmp_path / "run", [Point("unet", 50, 9.0), *FALLING[1:]])) == 0


@pytest.mark.parametrize(("times", "status"), [(0.95, 0), (1.05, 0), (1.3, 1), (0.7, 1)])
def test_a_training_that_falls_otherwise_is_named(
    times: float, status: int, recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    run = noted(tmp_path / "run", [Point(p.stage, p.step, p.wrong * times) for p in FALLING])
    assert said(monkeypatch, "--run", run) == status
    told = capsys.readouterr()
    assert ("does not follow" in told.out) == bool(status)
    assert ("3 of 3 points" in told.err) == bool(status)


@pytest.mark.parametrize(
    ("more", "named"),
    [(Point("words", 100, 1.0), "words at step 100"), (Point("unet", 250, 1.0), "unet at step 250")],
)
def test_a_run_that_has_not_come_as_far_is_no_success(
    more: Point, named: str, recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    curve.write(recorded, [*FALLING, more])
    assert said(monkeypatch, "--run", noted(tmp_path / "run", FALLING)) == 1
    assert named in capsys.readouterr().err


def test_a_run_that_noted_nothing_is_told_what_to_do(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    assert said(monkeypatch, "--run", str(tmp_path)) == 2
    assert "python -m pocket.train" in capsys.readouterr().err


def test_without_a_record_nothing_follows(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    recorded.unlink()
    assert said(monkeypatch, "--run", noted(tmp_path / "run", FALLING)) == 1
    assert "nothing is recorded" in capsys.readouterr().err


def test_a_run_can_become_the_record(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = [Point("vae", 100, 0.25)]
    assert said(monkeypatch, "--record", "--run", noted(tmp_path / "run", points)) == 0
    assert curve.read(recorded) == points


def test_the_record_tells_of_every_stage_to_its_last_step() -> None:
    asked = json.loads((curve.RECORD.parent / "cpu.json").read_text())
    steps = {stage: values["steps"] for stage, values in asked.items() if isinstance(values, dict)}
    told = {point.stage: point.step for point in curve.read(curve.RECORD)}
    assert told == steps, "the last point of each"
    falls = {stage: [p.wrong for p in curve.read(curve.RECORD) if p.stage == stage] for stage in steps}
    assert all(wrong[-1] < wrong[0] for wrong in falls.values())


def test_the_record_follows_itself_and_nothing_that_gets_more_wrong() -> None:
    told = curve.read(curve.RECORD)
    counted = sum(point.step >= curve.FROM_STEP for point in told)
    worse = [replace(point, wrong=1.15 * point.wrong) for point in told]
    assert curve.compare(told, told) == ""
    assert curve.compare(told, worse).startswith(f"{counted} of {counted} points")
