"""Diaries of trainings: what is kept of a curve, and what is found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.messages import Answered, Loading, Media, Notice, Sampled, Step, Trouble
from studio.training import diary as rooms
from studio.training.diary import MOST_NOTICES, MOST_POINTS, Diaries

JOB = "0001-abc-1"


def step(number: int, loss: float | None = 0.5, stage: str = "train") -> Step:
    return Step(request=JOB, stage=stage, step=number, steps=9999, seconds_left=3.0, loss=loss, own_loss=1.0)


def sampled(number: int) -> Sampled:
    return Sampled(
        request=JOB, step=number, prompt="zub", media=Media.of("jpeg", 1, 1, b"picture %d" % number)
    )


@pytest.fixture(autouse=True)
def every_step_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "WRITE_SECONDS", -1.0)


def test_a_diary_is_the_same_when_it_is_read_again_but_for_what_was_going_on(tmp_path: Path) -> None:
    diaries = Diaries(tmp_path)
    for event in (Loading(request=JOB, model="tiny"), step(1, None, "prepare"), step(1), sampled(1), step(2)):
        diaries.hear(JOB, event)
    told, again = diaries.of(JOB), Diaries(tmp_path).of(JOB)
    assert (told.stage, told.seconds_left, again.stage, again.seconds_left) == ("train", 3.0, "", None)
    assert again.curve == told.curve and [point.step for point in told.curve] == [1, 2]
    assert Diaries(tmp_path).sample(JOB, 1).read_bytes() == b"picture 1"


def test_a_long_curve_is_thinned_and_keeps_its_newest_point(tmp_path: Path) -> None:
    diaries = Diaries(tmp_path)
    for number in range(1, 3 * MOST_POINTS):
        diaries.hear(JOB, step(number))
    curve = [point.step for point in diaries.of(JOB).curve]
    assert MOST_POINTS <= len(curve) <= 2 * MOST_POINTS + 1
    assert curve[0] == 1 and curve[-1] == 3 * MOST_POINTS - 1 and curve == sorted(curve)


def test_what_went_wrong_on_the_way_is_kept_once_each_and_not_without_end(tmp_path: Path) -> None:
    diaries = Diaries(tmp_path)
    for number in (1, 1, 2, 3, 1, 4, 5):
        diaries.hear(JOB, Notice(request=JOB, code="sample_lost", params={"step": number, "prompt": "zub"}))
    told = Diaries(tmp_path).of(JOB).notices
    assert len(told) == MOST_NOTICES and [one.params["step"] for one in told] == [3, 1, 4, 5]
    assert told[0] == Trouble(code="sample_lost", params={"step": 3, "prompt": "zub"})


def test_what_is_learned_again_stands_once(tmp_path: Path) -> None:
    diaries = Diaries(tmp_path)
    for number in (1, 2, 3):
        diaries.hear(JOB, step(number))
        diaries.hear(JOB, sampled(number))
    diaries.hear(JOB, step(2, 0.1))
    told = diaries.of(JOB)
    assert [(point.step, point.loss) for point in told.curve] == [(1, 0.5), (2, 0.1)]
    assert [sample.step for sample in told.samples] == [1, 2]


def test_the_end_names_the_file(tmp_path: Path) -> None:
    diaries = Diaries(tmp_path)
    diaries.hear(JOB, step(1))
    diaries.hear(JOB, Answered(request=JOB, lora="zub.safetensors", took=7.0))
    told = Diaries(tmp_path).of(JOB)
    assert (told.lora, told.took, told.stage) == ("zub.safetensors", 7.0, "")


def test_one_that_is_forgotten_is_gone(tmp_path: Path) -> None:
    diaries = Diaries(tmp_path)
    for name in (JOB, "other-1"):
        diaries.hear(name, step(1))
    diaries.forget_all_but({JOB})
    assert [folder.name for folder in (tmp_path / "diaries").iterdir()] == [JOB]
    diaries.forget(JOB)
    assert not diaries.of(JOB).curve and not any((tmp_path / "diaries").iterdir())


def test_what_cannot_be_read_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "diaries" / JOB).mkdir(parents=True)
    (tmp_path / "diaries" / JOB / "diary.json").write_text("{", "utf-8")
    assert Diaries(tmp_path).of(JOB).curve == ()


def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names no training"):
        Diaries(tmp_path).sample("../../x", 1)


def test_what_was_told_last_is_written_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "WRITE_SECONDS", 1000.0)
    diaries = Diaries(tmp_path)
    for event in (Loading(request=JOB, model="tiny"), step(1), step(2)):
        diaries.hear(JOB, event)
    assert not Diaries(tmp_path).of(JOB).curve
    diaries.close()
    assert [point.step for point in Diaries(tmp_path).of(JOB).curve] == [1, 2]
