"""The book of jobs, through the studio's door, on the fake engine."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from studio.engine.fake import FakeEngine
from studio.errors import StudioError
from studio.jobs import book
from studio.messages import (
    AnyEvent,
    Cancelled,
    Done,
    Draft,
    Failed,
    GenerationRequest,
    ModelSpec,
    Person,
    Queued,
    Saved,
    Skipped,
    Step,
)
from studio.service import Studio
from tests.worlds import PATIENCE, fake_studio, paint, told, wait_for

ANN, BOB = Person(id="ann"), Person(id="bob")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = fake_studio(tmp_path)
    studio.start()
    yield studio
    studio.close()


def draft(**changes: object) -> Draft:
    return Draft(model="tiny", prompt="a red cat", seed=7, steps=3).model_copy(update=changes)


def kinds(events: list[AnyEvent]) -> list[str]:
    return [event.kind for event in events]


def test_a_job_tells_its_story_once_and_ends_with_done(studio: Studio) -> None:
    events = paint(studio, draft(count=2), ANN)
    story = [kind for kind in kinds(events) if kind not in ("step", "queued", "loading")]
    assert story == ["saved", "saved", "done"]
    assert [event.seq for event in events] == sorted({event.seq for event in events})


def test_a_picture_is_on_disk_before_anybody_is_told(studio: Studio) -> None:
    job = studio.submit(draft(), ANN)
    saved = wait_for(studio, job, ANN, Saved)
    assert isinstance(saved, Saved)
    assert studio.picture_file(saved.picture.id, ANN).is_file()
    assert studio.job(job, ANN).pictures == (saved.picture.id,)


def test_pictures_of_a_batch_have_their_own_seeds_counting_up(studio: Studio) -> None:
    events = paint(studio, draft(count=3), ANN)
    assert [event.picture.recipe.request.seed for event in events if isinstance(event, Saved)] == [7, 8, 9]


def test_nobody_listening_loses_nothing(studio: Studio) -> None:
    job = studio.submit(draft(), ANN)
    deadline = time.monotonic() + PATIENCE
    while studio.job(job, ANN).state != "done" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(studio.pictures(ANN)) == 1
    assert kinds(told(studio, job, ANN))[-2:] == ["saved", "done"]


def test_a_running_job_that_is_cancelled_ends_so_and_frees_the_device(studio: Studio) -> None:
    job = studio.submit(draft(steps=50, count=3), ANN)
    wait_for(studio, job, ANN, Step)
    studio.cancel(job, ANN)
    last = told(studio, job, ANN)[-1]
    assert isinstance(last, Cancelled) and 0 < last.step < 50
    assert studio.job(job, ANN).state == "cancelled"
    assert isinstance(paint(studio, draft(), BOB)[-1], Done)


def test_a_queued_job_that_is_cancelled_never_runs(studio: Studio) -> None:
    first = studio.submit(draft(steps=50), ANN)
    second = studio.submit(draft(prompt="never"), ANN)
    studio.cancel(second, ANN)
    assert kinds(told(studio, second, ANN)) == ["queued", "cancelled"]
    studio.cancel(first, ANN)
    told(studio, first, ANN)
    assert all(picture.recipe.request.prompt != "never" for picture in studio.pictures(ANN))


def test_skip_leaves_one_picture_out_and_paints_the_others(studio: Studio) -> None:
    job = studio.submit(draft(steps=40, count=2), ANN)
    wait_for(studio, job, ANN, Step)
    studio.skip(job, ANN)
    events = told(studio, job, ANN)
    assert [kind for kind in kinds(events) if kind in ("skipped", "saved", "done")] == [
        "skipped",
        "saved",
        "done",
    ]
    skipped = next(event for event in events if isinstance(event, Skipped))
    assert skipped.request.endswith("-1")


def test_a_cancelled_job_can_be_resumed_and_paints_only_what_is_missing(studio: Studio) -> None:
    job = studio.submit(draft(steps=20, count=3), ANN)
    wait_for(studio, job, ANN, Saved)
    studio.cancel(job, ANN)
    before = [event for event in told(studio, job, ANN) if isinstance(event, Saved)]
    studio.resume(job, ANN)
    events = told(studio, job, ANN)
    assert isinstance(events[-1], Done)
    seeds = sorted(event.picture.recipe.request.seed for event in events if isinstance(event, Saved))
    assert seeds == [7, 8, 9]
    assert before[0].picture.id in studio.job(job, ANN).pictures


def test_a_finished_job_has_nothing_to_resume(studio: Studio) -> None:
    job = studio.submit(draft(), ANN)
    told(studio, job, ANN)
    with pytest.raises(StudioError, match="job_not_resumable"):
        studio.resume(job, ANN)


@pytest.mark.parametrize("act", ["cancel", "skip", "resume", "job"])
def test_a_job_answers_to_its_owner_alone(studio: Studio, act: str) -> None:
    job = studio.submit(draft(), ANN)
    with pytest.raises(StudioError, match="job_unknown"):
        getattr(studio, act)(job, BOB)
    assert isinstance(told(studio, job, ANN)[-1], Done)


def test_a_waiting_job_is_told_its_place_and_moves_up(studio: Studio) -> None:
    running = studio.submit(draft(steps=30), ANN)
    wait_for(studio, running, ANN, Step)
    waiting = studio.submit(draft(steps=1), BOB)
    third = studio.submit(draft(steps=1), Person(id="cat"))
    place = wait_for(studio, third, Person(id="cat"), Queued)
    assert isinstance(place, Queued) and place.position == 2
    studio.cancel(waiting, BOB)
    moved = wait_for(studio, third, Person(id="cat"), Queued)
    assert isinstance(moved, Queued) and moved.position == 1
    told(studio, third, Person(id="cat"))


def test_a_place_in_line_counts_jobs_not_pictures(studio: Studio) -> None:
    running = studio.submit(draft(steps=50), ANN)
    wait_for(studio, running, ANN, Step)
    four = studio.submit(draft(steps=1, count=4), BOB)
    behind = studio.submit(draft(steps=1), BOB)
    place = wait_for(studio, behind, BOB, Queued)
    assert isinstance(place, Queued) and place.position == 2
    for job, person in ((running, ANN), (four, BOB), (behind, BOB)):
        studio.cancel(job, person)


class BrokenEngine(FakeEngine):
    """Breaks on one prompt."""

    def run(
        self, lane: str, requests: tuple[GenerationRequest, ...], specs: tuple[ModelSpec, ...]
    ) -> Iterator[AnyEvent]:
        if requests[0].prompt == "break":
            raise RuntimeError("not the person's fault")
        yield from super().run(lane, requests, specs)


def test_a_bug_in_the_engine_fails_its_job_and_the_next_one_runs(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, BrokenEngine(step_seconds=0))
    studio.start()
    last = paint(studio, draft(prompt="break", count=2), ANN)[-1]
    assert isinstance(last, Failed) and last.code == "bug"
    assert isinstance(paint(studio, draft(), ANN)[-1], Done)
    studio.close()


def test_a_picture_that_cannot_be_kept_fails_its_job_in_words(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(studio._gallery, "save", full)
        last = paint(studio, draft(count=2), ANN)[-1]
    assert isinstance(last, Failed)
    assert (last.code, last.params) == ("picture_not_kept", {"reason": "No space left on device"})
    assert isinstance(paint(studio, draft(), ANN)[-1], Done)


def test_logs_of_old_jobs_are_let_go_and_told_from_their_record(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "LOGS_KEPT", 1)
    jobs = [studio.submit(draft(steps=1), ANN) for _ in range(3)]
    for job in jobs:
        told(studio, job, ANN)
    with studio._book._changed:  # the last word is told before the lock of its telling is let go
        assert list(studio._book._logs) == jobs[-1:]
    assert kinds(told(studio, jobs[0], ANN)) == ["saved", "done"]


def test_after_a_restart_finished_pictures_are_there_and_the_rest_is_offered(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, FakeEngine(step_seconds=0.02))
    studio.start()
    job = studio.submit(draft(steps=20, count=3), ANN)
    wait_for(studio, job, ANN, Saved)
    studio.close()

    again = fake_studio(tmp_path)
    again.start()
    assert again.job(job, ANN).state == "interrupted"
    assert len(again.pictures(ANN)) == len(again.job(job, ANN).pictures) >= 1
    assert kinds(told(again, job, ANN))[-1] == "failed"
    again.resume(job, ANN)
    assert isinstance(told(again, job, ANN)[-1], Done)
    seeds = sorted(picture.recipe.request.seed for picture in again.pictures(ANN))
    assert seeds == [7, 8, 9]
    again.close()


def test_a_picture_saved_without_its_record_knowing_is_not_painted_twice(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    studio.start()
    job = studio.submit(draft(count=1), ANN)
    told(studio, job, ANN)
    record = studio.job(job, ANN)
    studio.close()
    # As if the end had come between the picture and its record.
    behind = record.model_copy(update={"state": "running", "pictures": (), "ended": ()})
    (tmp_path / "data" / "jobs" / f"{job}.json").write_text(behind.model_dump_json(), encoding="utf-8")

    again = fake_studio(tmp_path)
    again.start()
    assert again.job(job, ANN).state == "done"
    assert again.job(job, ANN).pictures == record.pictures
    again.close()


def test_two_lanes_of_one_job_end_it_once(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, FakeEngine(lanes=("one", "two"), step_seconds=0.001))
    studio.start()
    events = paint(studio, draft(count=6), ANN)
    assert kinds(events).count("done") == 1 and kinds(events)[-1] == "done"
    assert len([event for event in events if isinstance(event, Saved)]) == 6
    studio.close()


def test_eight_people_at_once_each_get_their_own_pictures(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, FakeEngine(step_seconds=0.001))
    studio.start()
    people = [Person(id=f"person{number}") for number in range(8)]
    ends: dict[str, AnyEvent] = {}

    def use(person: Person) -> None:
        job = studio.submit(draft(prompt=person.id, count=2, steps=20), person)
        if person.id == "person3":
            studio.cancel(job, person)
        ends[person.id] = told(studio, job, person)[-1]

    threads = [threading.Thread(target=use, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert [person for person, end in ends.items() if not isinstance(end, Done)] == ["person3"]
    for person in people:
        prompts = {picture.recipe.request.prompt for picture in studio.pictures(person)}
        assert prompts <= {person.id}
        assert len(studio.pictures(person)) == (2 if isinstance(ends[person.id], Done) else 0)
    studio.close()


class ListeningEngine(FakeEngine):
    """Remembers what it was told to read ahead."""

    told: tuple[tuple[str, str], ...] = ()

    def ahead(self, lane: str, spec: ModelSpec) -> None:
        self.told = (*self.told, (lane, spec.id))


def test_a_device_at_work_is_told_the_next_model_when_it_is_another(tmp_path: Path) -> None:
    engine = ListeningEngine(step_seconds=0.01)
    studio = fake_studio(tmp_path, engine)
    spec = studio.library.spec("tiny")
    studio.library._catalog.specs["other"] = spec.model_copy(update={"id": "other"})
    studio.start()
    running = studio.submit(draft(steps=50), ANN)
    wait_for(studio, running, ANN, Step)
    same, other = studio.submit(draft(steps=1), BOB), studio.submit(draft(model="other", steps=1), BOB)
    assert engine.told == ()
    studio.cancel(same, BOB)
    studio.cancel(running, ANN)
    told(studio, other, BOB)
    again = studio.submit(draft(steps=50), ANN)
    wait_for(studio, again, ANN, Step)
    waiting = studio.submit(draft(model="other", steps=1), BOB)
    assert engine.told[-1] == ("fake", "other")
    studio.cancel(again, ANN)
    told(studio, waiting, BOB)
    studio.close()


def test_a_recipe_names_an_embedding_by_name_and_hash_and_never_by_its_place(studio: Studio) -> None:
    file = studio.settings.data / "embeddings" / "inkwash.safetensors"
    save_file({"emb_params": np.zeros((2, 768), np.float32)}, file)
    time.sleep(1.1)  # for so long a look at the folders is good
    saved = next(e for e in paint(studio, draft(prompt="a cat, (inkwash:1.2)"), ANN) if isinstance(e, Saved))
    (use,) = saved.picture.recipe.request.embeddings
    assert (use.name, use.path, len(use.sha256)) == ("inkwash", "", 64)
    assert str(file.parent).encode() not in studio.picture_file(saved.picture.id, ANN).read_bytes()
