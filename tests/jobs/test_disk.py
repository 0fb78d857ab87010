"""Jobs where the disk takes nothing: what is under way goes on, what is new is refused, no device is lost."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.engine.fake import FakeEngine
from studio.errors import StudioError
from studio.jobs import JobBook
from studio.jobs.records import JobRecords
from studio.messages import Cancelled, Done, Draft, Failed, Person, Sampled, Step
from studio.service import Studio
from studio.training import Diaries
from tests.training.bringing import draft as training
from tests.worlds import PATIENCE, fake_studio, paint, told, wait_for

ANN = Person(id="ann", role="admin")


class Hearing(FakeEngine):
    """Remembers what it was asked to let go of."""

    def __init__(self, **about: Any) -> None:
        super().__init__(**about)
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def cancel(self, lane: str, requests: tuple[str, ...]) -> None:
        self.asked.append((lane, requests))
        super().cancel(lane, requests)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = fake_studio(tmp_path, Hearing(step_seconds=0.01))
    studio.start()
    yield studio
    studio.close()


def draft(**changes: object) -> Draft:
    return Draft(model="tiny", prompt="a red cat", seed=7, steps=3).model_copy(update=changes)


def blocked(studio: Studio, name: str) -> Callable[[], None]:
    """Lets nothing be written to a folder: a file stands in its place, until the answer is called."""
    folder = studio.settings.data / name
    aside = folder.with_name(f"{name} aside")
    if folder.exists():
        folder.rename(aside)
    folder.write_text("in the way", encoding="utf-8")

    def free() -> None:
        folder.unlink()
        if aside.exists():
            aside.rename(folder)

    return free


def errors(caplog: pytest.LogCaptureFixture, what: str) -> list[str]:
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    return [line for line in said if what in line]


def test_a_job_under_way_ends_well_and_its_record_is_written_later(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    job = studio.submit(draft(steps=30, count=2), ANN)
    wait_for(studio, job, ANN, Step)
    free = blocked(studio, "jobs")
    assert isinstance(told(studio, job, ANN)[-1], Done)
    assert studio.job(job, ANN).state == "done" and len(studio.pictures(ANN)) == 2
    assert len(errors(caplog, "records of jobs")) == 1
    free()
    assert {one.id: one.state for one in JobRecords(studio.settings.data).read()}[job] == "running"
    assert isinstance(paint(studio, draft(), ANN)[-1], Done)
    assert {one.id: one.state for one in JobRecords(studio.settings.data).read()}[job] == "done"


def test_what_is_new_is_refused_in_words_and_taken_once_there_is_room(studio: Studio) -> None:
    stopped = studio.submit(draft(steps=50), ANN)
    wait_for(studio, stopped, ANN, Step)
    studio.cancel(stopped, ANN)
    assert isinstance(told(studio, stopped, ANN)[-1], Cancelled)
    free = blocked(studio, "jobs")
    for ask in (lambda: studio.submit(draft(), ANN), lambda: studio.resume(stopped, ANN)):
        with pytest.raises(StudioError) as refused:
            ask()
        assert (refused.value.code, refused.value.params) == ("disk_unwritable", {"folder": "data"})
    assert [job.id for job in studio.jobs(ANN)] == [stopped]
    assert studio.job(stopped, ANN).state == "cancelled"
    assert isinstance(told(studio, stopped, ANN)[-1], Cancelled)
    free()
    studio.resume(stopped, ANN)
    assert isinstance(told(studio, stopped, ANN)[-1], Done)


def test_a_training_goes_on_without_its_diary_and_writes_it_later(
    studio: Studio, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.training.diary.WRITE_SECONDS", -1.0)
    wish = training(studio.settings.data, steps=40, sample_every=10, samples=("zub",))
    job = studio.train(wish, ANN)
    wait_for(studio, job, ANN, Sampled)
    free = blocked(studio, "diaries")
    assert isinstance(told(studio, job, ANN)[-1], Done)
    diary = studio.training_diary(job, ANN)
    assert diary.lora == "zub.safetensors" and diary.curve[-1].step == 40
    # A picture that could not be kept is not spoken of.
    assert 1 <= len(diary.samples) < 4
    assert len(errors(caplog, "diaries")) == len(errors(caplog, "samples")) == 1
    free()
    studio.close()
    (request,) = studio.job(job, ANN).requests
    assert Diaries(studio.settings.data).of(request.id) == diary


def test_a_full_index_is_told_as_a_picture_that_could_not_be_kept(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(studio._gallery, "_enter", full)
        last = paint(studio, draft(), ANN)[-1]
    assert isinstance(last, Failed)
    assert (last.code, last.params) == ("picture_not_kept", {"reason": "database or disk is full"})
    assert isinstance(paint(studio, draft(), ANN)[-1], Done)


def test_a_pace_that_cannot_be_written_costs_no_picture(
    studio: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    (studio.settings.data / "pace.json").mkdir()
    for _ in range(2):
        assert isinstance(paint(studio, draft(), ANN)[-1], Done)
    assert studio.estimate(draft(), ANN) and len(errors(caplog, "pace")) == 1


# -- whatever else breaks --------------------------------------------------------------------------


def breaks(*_: object) -> None:
    raise RuntimeError("a bug")


def ended(studio: Studio, job: str) -> Failed:
    last = told(studio, job, ANN)[-1]
    assert isinstance(last, Failed) and last.code == "bug"
    return last


def test_what_cannot_be_heard_is_let_go_of_on_its_device(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = studio._engine
    assert isinstance(engine, Hearing)
    with monkeypatch.context() as patch:
        patch.setattr(studio._diaries, "hear", breaks)
        job = studio.train(training(studio.settings.data, steps=2000), ANN)
        ended(studio, job)
    assert ("fake", (f"{job}-1",)) in engine.asked
    studio.resume(job, ANN)
    wait_for(studio, job, ANN, Step)
    studio.cancel(job, ANN)
    assert isinstance(told(studio, job, ANN)[-1], Cancelled)


@pytest.mark.parametrize("step", ["_tell_next", "_finished", "_end_if_over", "_let_go"])
def test_no_bug_takes_a_device_along(studio: Studio, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    sound, broken = getattr(JobBook, step), []

    def breaks_once(book: JobBook, *about: Any) -> Any:
        if not broken and threading.current_thread() in book._lanes:
            broken.append(step)
            raise RuntimeError("a bug")
        return sound(book, *about)

    monkeypatch.setattr(JobBook, step, breaks_once)
    job = studio.submit(draft(), ANN)
    assert told(studio, job, ANN)[-1].kind in ("done", "failed")
    assert isinstance(paint(studio, draft(), ANN)[-1], Done) and broken


def test_an_engine_that_tells_no_end_fails_the_job(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(FakeEngine, "_paint", lambda *_: iter(()))
        ended(studio, studio.submit(draft(), ANN))
    assert isinstance(paint(studio, draft(), ANN)[-1], Done)


def test_one_is_given_up_though_its_record_cannot_be_removed(studio: Studio) -> None:
    job = studio.train(training(studio.settings.data, steps=2000), ANN)
    wait_for(studio, job, ANN, Step)
    free = blocked(studio, "jobs")
    studio.discard_training(job, ANN)
    ends = time.monotonic() + PATIENCE
    while studio.trainings(ANN) and time.monotonic() < ends:
        time.sleep(0.01)
    assert studio.trainings(ANN) == ()
    free()
    assert isinstance(paint(studio, draft(), ANN)[-1], Done)
