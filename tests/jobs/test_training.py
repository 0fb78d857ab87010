"""Trainings among the jobs, through the studio's door, on the fake engine."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.engine.fake import FakeEngine
from studio.errors import StudioError
from studio.jobs import JobBook, records
from studio.messages import (
    Answered,
    Cancelled,
    Done,
    Draft,
    Failed,
    Person,
    Sampled,
    Saved,
    Step,
    TrainingDraft,
)
from studio.service import Studio
from studio.training import RECIPES
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


def test_what_a_paused_one_learned_outlives_many_newer_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "KEPT", 2)
    studio = fake_studio(tmp_path)
    studio.start()
    training = studio.train(wish(studio, steps=100), ANN)
    wait_for(studio, training, ANN, Step)
    studio.cancel(training, ANN)
    told(studio, training, ANN)
    for _ in range(3):
        told(studio, studio.submit(Draft(model="tiny", prompt="a", steps=1), ANN), ANN)
    studio.close()
    state = kept_state(tmp_path, training)
    again = fake_studio(tmp_path, FakeEngine(step_seconds=0.0001))
    again.start()
    assert state.is_dir() and again.training_diary(training, ANN).curve
    again.resume(training, ANN)
    assert isinstance(told(again, training, ANN)[-1], Done)
    again.close()


def kept_state(folder: Path, training: str) -> Path:
    state = folder / "data" / "training" / f"{training}-1"
    state.mkdir(parents=True)
    return state


def test_what_one_learned_is_kept_though_its_record_cannot_be_read(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    studio.start()
    training = studio.train(wish(studio, steps=ENDLESS), ANN)
    wait_for(studio, training, ANN, Step)
    studio.cancel(training, ANN)
    told(studio, training, ANN)
    studio.close()
    record = tmp_path / "data" / "jobs" / f"{training}.json"
    text = record.read_text("utf-8")
    record.write_text(text.replace('"format":1', '"format":1,"newer":true', 1), "utf-8")
    state, lost = kept_state(tmp_path, training), kept_state(tmp_path, "gone")
    other = fake_studio(tmp_path)
    other.start()
    assert other.trainings(ANN) == () and state.is_dir() and not lost.exists()
    another = other.train(wish(other), ANN)
    told(other, another, ANN)
    other.discard_training(another, ANN)
    other.close()
    record.write_text(text, "utf-8")
    again = fake_studio(tmp_path)
    again.start()
    assert state.is_dir() and again.training_diary(training, ANN).curve
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


def test_pictures_come_as_files_or_as_a_zip(studio: Studio) -> None:
    named = {f"cat {letter}.png": png(number) for number, letter in enumerate("abc")}
    files = studio.training_pictures([(name, io.BytesIO(data)) for name, data in named.items()], ANN)
    assert files == studio.training_pictures([("set.ZIP", zipped(named))], ANN)
    assert [one.name for one in files.pictures] == list(named)
    with Image.open(io.BytesIO(studio.training_picture(files.pictures[0].picture, ANN))) as small:
        assert small.format == "JPEG"


def test_a_plan_tells_settings_shapes_and_time_before_all_is_there(studio: Studio) -> None:
    asked = wish(studio, steps=None, trigger="")
    plan = studio.plan_training(asked.model_copy(update={"pictures": asked.pictures[:1]}), ANN)
    assert plan.settings.rank == RECIPES["style"].rank and len(plan.places) == 1
    assert 0 < plan.places[0].cut < 1 and plan.seconds is None
    least, most = plan.ends["steps"]
    assert least <= plan.settings.steps <= most
    told(studio, studio.train(wish(studio), ANN), ANN)
    once, twice = (studio.plan_training(wish(studio, steps=steps), ANN).seconds for steps in (5, 10))
    assert once and twice == pytest.approx(2 * once)


def test_a_picture_that_nobody_brought_is_refused_at_once(studio: Studio) -> None:
    asked = wish(studio)
    strange = (*asked.pictures[:3], asked.pictures[3].model_copy(update={"picture": "f" * 64}))
    with pytest.raises(StudioError, match="input_unknown"):
        studio.train(asked.model_copy(update={"pictures": strange}), ANN)


# -- what it told ---------------------------------------------------------------------------------


def test_its_curve_and_samples_outlive_the_server(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    studio.start()
    training = studio.train(wish(studio, steps=ENDLESS, sample_every=20, samples=("zub", "a")), ANN)
    wait_for(studio, training, ANN, Sampled)
    studio.close()
    again = fake_studio(tmp_path)
    again.start()
    try:
        diary = again.training_diary(training, ANN)
        assert diary.curve and diary.curve[0].loss == 1 and not diary.stage
        assert [(one.number, one.step, one.prompt) for one in diary.samples[:1]] == [(1, 20, "zub")]
        assert again.training_sample(training, 1, ANN).read_bytes().startswith(b"\xff\xd8")
        with pytest.raises(StudioError, match="training_sample_gone"):
            again.training_sample(training, 99, ANN)
        with pytest.raises(StudioError, match="job_unknown"):
            again.training_diary(training, BOB)
    finally:
        again.close()


@pytest.mark.parametrize("paused", [False, True])
def test_one_can_be_ended_early_with_what_it_has_learned(studio: Studio, paused: bool) -> None:
    training = studio.train(wish(studio, steps=ENDLESS), ANN)
    wait_for(studio, training, ANN, Step)
    if paused:
        studio.cancel(training, ANN)
        assert isinstance(told(studio, training, ANN)[-1], Cancelled)
    studio.keep_training(training, ANN)
    assert isinstance(told(studio, training, ANN)[-1], Done)
    diary = studio.training_diary(training, ANN)
    assert diary.lora == "zub.safetensors" and 0 < diary.curve[-1].step < ENDLESS
    assert studio.job(training, ANN).state == "done"
    with pytest.raises(StudioError, match="job_not_resumable"):
        studio.keep_training(training, ANN)


def test_one_that_waits_and_was_to_end_early_learns_all_when_it_is_resumed(studio: Studio) -> None:
    first, second = studio.train(wish(studio, steps=ENDLESS), ANN), studio.train(wish(studio), ANN)
    wait_for(studio, first, ANN, Step)
    studio.keep_training(second, ANN)
    studio.cancel(second, ANN)
    studio.resume(second, ANN)
    studio.cancel(first, ANN)
    assert isinstance(told(studio, second, ANN)[-1], Done)
    assert studio.training_diary(second, ANN).curve[-1].step == 5


def test_one_is_given_up_in_the_moment_before_its_device_lets_go(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = JobBook._let_go

    def late(book: JobBook, seat: Any) -> None:
        time.sleep(0.3)
        let_go(book, seat)

    monkeypatch.setattr(JobBook, "_let_go", late)
    training = studio.train(wish(studio, steps=ENDLESS), ANN)
    wait_for(studio, training, ANN, Step)
    studio.cancel(training, ANN)
    told(studio, training, ANN)
    studio.discard_training(training, ANN)
    ends = time.monotonic() + PATIENCE
    while studio.trainings(ANN) and time.monotonic() < ends:
        time.sleep(0.01)
    assert studio.trainings(ANN) == ()


@pytest.mark.parametrize("at", ["running", "paused", "done"])
def test_one_that_is_given_up_leaves_nothing_behind(studio: Studio, at: str) -> None:
    training = studio.train(wish(studio, steps=5 if at == "done" else ENDLESS), ANN)
    wait_for(studio, training, ANN, Step)
    kept = studio.settings.data / "training" / f"{training}-1"
    kept.mkdir(parents=True)
    if at == "paused":
        studio.cancel(training, ANN)
    if at != "running":
        told(studio, training, ANN)
    studio.discard_training(training, ANN)
    ends = time.monotonic() + PATIENCE
    while studio.trainings(ANN) and time.monotonic() < ends:
        time.sleep(0.01)
    assert studio.trainings(ANN) == () and not kept.exists()
    assert not (studio.settings.data / "jobs" / f"{training}.json").exists()
    assert list((studio.settings.data / "diaries").glob("*")) == []
    with pytest.raises(StudioError, match="job_unknown"):
        studio.keep_training(training, ANN)


def test_a_lora_that_learns_makes_nobody_wait_longer(studio: Studio) -> None:
    training = studio.train(wish(studio, steps=ENDLESS), ANN)
    wait_for(studio, training, ANN, Step)
    ends = time.monotonic() + PATIENCE
    job = studio.submit(Draft(model="tiny", prompt="a", steps=2), BOB)
    while studio.job(job, BOB).state != "done" and time.monotonic() < ends:
        time.sleep(0.01)
    assert studio.job(job, BOB).state == "done"
    assert studio._book._seconds_running() == 0.0
