"""Trainings among the jobs, through the studio's door, on the fake engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.engine.fake import FakeEngine
from studio.errors import StudioError
from studio.messages import Answered, Cancelled, Done, Draft, Failed, Person, Saved, Step, TrainingDraft
from studio.service import Studio
from tests.training.bringing import draft, png, zipped
from tests.worlds import PATIENCE, fake_studio, told, wait_for

ANN, BOB = Person(id="ann", role="admin"), Person(id="bob")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = fake_studio(tmp_path)
    studio.start()
    yield studio
    studio.close()


def wish(studio: Studio, **changes: object) -> TrainingDraft:
    return draft(studio.settings.data, **{"steps": 5, **changes})


ENDLESS = 2000


def test_a_training_tells_its_loss_and_ends_with_the_name_of_its_file(studio: Studio) -> None:
    events = told(studio, studio.train(wish(studio), ANN), ANN)
    answered = next(event for event in events if isinstance(event, Answered))
    assert answered.lora == "zub.safetensors" and isinstance(events[-1], Done)
    assert any(isinstance(event, Step) and event.stage == "train" and event.loss for event in events)


def test_pictures_are_painted_while_a_lora_learns(studio: Studio) -> None:
    training = studio.train(wish(studio, steps=ENDLESS), ANN)
    wait_for(studio, training, ANN, Step)
    for person in (ANN, BOB, ANN):
        painted = told(studio, studio.submit(Draft(model="tiny", prompt="a", steps=2), person), person)
        assert any(isinstance(event, Saved) for event in painted)
    assert studio.job(training, ANN).state == "running"
    studio.cancel(training, ANN)
    assert isinstance(told(studio, training, ANN)[-1], Cancelled)


def test_a_second_training_waits_for_the_first(studio: Studio) -> None:
    first, second = studio.train(wish(studio, steps=ENDLESS), ANN), studio.train(wish(studio), ANN)
    wait_for(studio, first, ANN, Step)
    assert (studio.job(first, ANN).state, studio.job(second, ANN).state) == ("running", "queued")
    studio.cancel(first, ANN)
    assert isinstance(told(studio, second, ANN)[-1], Done)


def test_one_that_was_stopped_can_be_resumed(studio: Studio) -> None:
    training = studio.train(wish(studio, steps=30), ANN)
    wait_for(studio, training, ANN, Step)
    studio.cancel(training, ANN)
    assert isinstance(told(studio, training, ANN)[-1], Cancelled)
    studio.resume(training, ANN)
    assert isinstance(told(studio, training, ANN)[-1], Done)


def test_a_training_is_on_record_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    studio.start()
    training = studio.train(wish(studio, steps=ENDLESS), ANN)
    wait_for(studio, training, ANN, Step)
    studio.close()
    kept, lost = (tmp_path / "data" / "training" / name for name in (f"{training}-1", "gone-1"))
    for folder in (kept, lost):
        folder.mkdir(parents=True)
    again = fake_studio(tmp_path, FakeEngine(step_seconds=0.0001))
    again.start()
    try:
        (found,) = again.trainings(ANN)
        assert kept.is_dir() and not lost.exists()
        assert (found.id, found.state) == (training, "interrupted")
        last = told(again, training, ANN)[-1]
        assert isinstance(last, Failed) and last.code == "interrupted"
        # Its pictures stay for as long as its record does.
        assert {one.picture for one in found.requests[0].pictures} <= again._inputs.named([])  # type: ignore[union-attr]
        again.resume(training, ANN)
        assert isinstance(told(again, training, ANN)[-1], Done)
    finally:
        again.close()


def test_trainings_are_no_paintings(studio: Studio) -> None:
    training = studio.train(wish(studio), ANN)
    told(studio, training, ANN)
    painted = studio.submit(Draft(model="tiny", prompt="a", steps=2), ANN)
    told(studio, painted, ANN)
    assert [job.id for job in studio.jobs(ANN)] == [painted]
    assert [job.id for job in studio.trainings(ANN)] == [training]
    assert studio.trainings(BOB) == () and studio.pictures(ANN)[0].job == painted


def test_whoever_is_no_admin_trains_nothing(studio: Studio) -> None:
    with pytest.raises(StudioError, match="admin_only"):
        studio.train(wish(studio), BOB)
    with pytest.raises(StudioError, match="admin_only"):
        studio.training_pictures([], BOB)


def test_what_is_wrong_is_said_before_anything_is_recorded(studio: Studio) -> None:
    with pytest.raises(StudioError, match="training_nameless"):
        studio.train(wish(studio, trigger=""), ANN)
    with pytest.raises(StudioError, match="model_unknown"):
        studio.train(wish(studio, model="none"), ANN)
    assert studio.trainings(ANN) == ()


def test_pictures_come_as_files_or_as_a_zip(studio: Studio, tmp_path: Path) -> None:
    named = {f"cat {letter}.png": png(number) for number, letter in enumerate("abc")}
    for name, data in named.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "set.ZIP").write_bytes(zipped(named).getvalue())
    files = studio.training_pictures([tmp_path / name for name in named], ANN)
    assert files == studio.training_pictures([tmp_path / "set.ZIP"], ANN)
    assert [one.name for one in files.pictures] == list(named)


def test_a_lora_that_learns_makes_nobody_wait_longer(studio: Studio) -> None:
    training = studio.train(wish(studio, steps=ENDLESS), ANN)
    wait_for(studio, training, ANN, Step)
    ends = time.monotonic() + PATIENCE
    job = studio.submit(Draft(model="tiny", prompt="a", steps=2), BOB)
    while studio.job(job, BOB).state != "done" and time.monotonic() < ends:
        time.sleep(0.01)
    assert studio.job(job, BOB).state == "done"
    assert studio._book._seconds_running() == 0.0
