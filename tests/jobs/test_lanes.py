"""Jobs on several devices, each with a worker of its own that remembers what it alone was told."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio import worker
from studio.engine.fake import FakeEngine
from studio.engine.local import LocalEngine, ThreadHost
from studio.errors import StudioError
from studio.messages import (
    Answered,
    Cancelled,
    Done,
    Draft,
    Failed,
    Finished,
    GenerationRequest,
    Job,
    Media,
    Person,
    Saved,
    Step,
    TrainingRequest,
)
from studio.service import Studio
from studio.wire import Setup
from studio.work import Bench
from tests.training.bringing import draft as training
from tests.worlds import PATIENCE, fake_studio, paint, told, wait_for

ANN, BOB = Person(id="ann", role="admin"), Person(id="bob")
LANES = ("one", "two")
HOLD = "until it is stopped"


class Work:
    """What the workers do here, without torch; and what was painted, by its seed."""

    def __init__(self) -> None:
        self.painted: Counter[int] = Counter()
        self.breaks: set[int] = set()

    def generate(self, requests: tuple[GenerationRequest, ...], specs: Any, bench: Bench) -> Iterator[None]:
        for request in requests:
            if all(self._steps(request, bench)):
                self.painted[request.seed] += 1
                media = Media.of("rgb", 1, 1, b"\0\0\0")
                bench.tell(Finished(request=request.id, media=media, mode="", took=0.1, model_hash=""))
            yield

    def _steps(self, request: GenerationRequest, bench: Bench) -> Iterator[bool]:
        step = 0
        while step < request.steps or request.prompt == HOLD:
            step += 1
            time.sleep(0.01)
            if step > 2 and request.seed in self.breaks:
                raise StudioError("memory_short")
            wanted = not bench.unwanted(request.id)
            about = {"request": request.id, "step": step}
            bench.tell(Step(**about, steps=request.steps) if wanted else Cancelled(**about))
            yield wanted
            if not wanted:
                return

    def train(self, requests: tuple[TrainingRequest, ...], specs: Any, bench: Bench) -> Iterator[None]:
        (request,) = requests
        for step in range(1, request.settings.steps + 1):
            yield
            if bench.unwanted(request.id):
                bench.tell(Cancelled(request=request.id, step=step))
                return
            time.sleep(0.01)
            bench.tell(Step(request=request.id, stage="train", step=step, steps=request.settings.steps))
        bench.tell(Answered(request=request.id, lora="zub.safetensors", took=0.1))


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    work = Work()
    monkeypatch.setattr(worker.Worker, "_open_registry", lambda *_: None)
    monkeypatch.setitem(worker.WORK, "generate", lambda: work.generate)
    monkeypatch.setitem(worker.WORK, "train", lambda: work.train)
    return work


@pytest.fixture
def studio(tmp_path: Path, work: Work) -> Iterator[Studio]:
    setups = tuple(Setup(device=lane, data=str(tmp_path / "data")) for lane in LANES)
    studio = fake_studio(tmp_path, LocalEngine(setups, ThreadHost, PATIENCE))
    studio.start()
    yield studio
    studio.close()


def draft(**changes: object) -> Draft:
    return Draft(model="tiny", prompt="a red cat", seed=7, steps=3).model_copy(update=changes)


def lanes_of(studio: Studio, job: str, count: int = 1) -> list[str]:
    """The devices that are at a job, once there are so many."""
    return _soon(lambda: [seat.lane for seat, one in _running(studio) if one.job == job], count)


def _running(studio: Studio) -> list[Any]:
    with studio._book._changed:
        return list(studio._book._running.items())


def _soon(look: Any, count: int) -> list[str]:
    ends = time.monotonic() + PATIENCE
    while len(found := look()) != count and time.monotonic() < ends:
        time.sleep(0.005)
    assert len(found) == count
    return found


def stop(studio: Studio, job: str, person: Person = ANN) -> None:
    studio.cancel(job, person)
    assert isinstance(told(studio, job, person)[-1], Cancelled)


def resume_on_the_other(studio: Studio, job: str, before: str, hold: Any) -> None:
    """Resumes a job while the device that it was on is busy."""
    holding = {lanes_of(studio, one)[0]: one for one in (hold(), hold())}
    (other,) = set(LANES) - {before}
    studio.resume(job, ANN)
    studio.cancel(holding[other], ANN)


def seeds(studio: Studio, job: str) -> list[int]:
    return sorted(one.picture.recipe.request.seed for one in told(studio, job, ANN) if isinstance(one, Saved))


def whole(job: Job) -> bool:
    return sorted(job.ended) == sorted(request.id for request in job.requests)


def test_one_that_was_stopped_on_one_device_is_painted_on_another(studio: Studio) -> None:
    job = studio.submit(draft(steps=20), ANN)
    (before,) = lanes_of(studio, job)
    wait_for(studio, job, ANN, Step)
    stop(studio, job)
    resume_on_the_other(studio, job, before, lambda: studio.submit(draft(prompt=HOLD), ANN))
    assert isinstance(told(studio, job, ANN)[-1], Done)
    assert seeds(studio, job) == [7]


def test_a_training_that_was_stopped_on_one_device_goes_on_on_another(studio: Studio) -> None:
    def train(steps: int) -> str:
        return studio.train(training(studio.settings.data, steps=steps), ANN)

    job = train(30)
    (before,) = lanes_of(studio, job)
    wait_for(studio, job, ANN, Step)
    stop(studio, job)
    resume_on_the_other(studio, job, before, lambda: train(2000))
    assert isinstance(told(studio, job, ANN)[-1], Done)
    assert studio.training_diary(job, ANN).lora == "zub.safetensors"


def test_both_pictures_of_a_job_that_was_stopped_on_two_devices_are_painted_later(studio: Studio) -> None:
    job = studio.submit(draft(steps=20, count=2), ANN)
    lanes_of(studio, job, 2)
    stop(studio, job)
    assert lanes_of(studio, job, 0) == [] and studio.job(job, ANN).ended == ()
    studio.resume(job, ANN)
    assert isinstance(told(studio, job, ANN)[-1], Done)
    assert seeds(studio, job) == [7, 8] and whole(studio.job(job, ANN))


def test_one_that_fails_takes_what_other_devices_do_of_its_job_along(studio: Studio, work: Work) -> None:
    work.breaks = {7}
    job = studio.submit(draft(steps=50, count=2), ANN)
    lanes_of(studio, job, 2)
    last = told(studio, job, ANN)[-1]
    assert isinstance(last, Failed) and last.code == "memory_short"
    assert lanes_of(studio, job, 0) == [] and not work.painted
    assert studio.job(job, ANN).trouble == last_trouble(last)
    work.breaks = set()
    studio.resume(job, ANN)
    assert isinstance(told(studio, job, ANN)[-1], Done)
    assert seeds(studio, job) == [7, 8] and whole(studio.job(job, ANN))
    assert work.painted == {7: 1, 8: 1} and studio.job(job, ANN).trouble is None


def last_trouble(failed: Failed) -> Any:
    return StudioError(failed.code, **failed.params).trouble


def test_a_stop_in_the_moment_before_a_device_is_given_the_request_takes_effect(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = LocalEngine.run

    def stopped_before(engine: LocalEngine, lane: str, requests: Any, specs: Any) -> Any:
        studio.cancel(requests[0].job, ANN)
        return run(engine, lane, requests, specs)

    monkeypatch.setattr(LocalEngine, "run", stopped_before)
    job = studio.submit(draft(prompt=HOLD), ANN)
    assert isinstance(told(studio, job, ANN)[-1], Cancelled)


# -- engines that let go of what they were not asked to --------------------------------------------


class LettingGo(FakeEngine):
    """Lets go of every request once, without being asked."""

    def __init__(self) -> None:
        super().__init__(step_seconds=0.001)
        self.let_go: set[str] = set()

    def run(self, lane: str, requests: Any, specs: Any) -> Any:
        if requests[0].id in self.let_go:
            yield from super().run(lane, requests, specs)
        else:
            self.let_go.add(requests[0].id)
            yield Cancelled(request=requests[0].id)


def test_what_was_let_go_of_though_nobody_asked_is_done_all_the_same(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, LettingGo())
    studio.start()
    painted = studio.submit(draft(count=2), ANN)
    assert isinstance(told(studio, painted, ANN)[-1], Done)
    assert seeds(studio, painted) == [7, 8] and whole(studio.job(painted, ANN))
    learned = studio.train(training(studio.settings.data, steps=3), ANN)
    assert isinstance(told(studio, learned, ANN)[-1], Done)
    assert studio.training_diary(learned, ANN).lora == "zub.safetensors"
    studio.close()


def test_a_late_word_changes_nothing_of_a_job_that_is_over(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    studio.start()
    done = studio.submit(draft(), ANN)
    told(studio, done, ANN)
    stopped = studio.submit(draft(steps=50), ANN)
    wait_for(studio, stopped, ANN, Step)
    stop(studio, stopped)
    for id in (done, stopped):
        job, (request,) = studio.job(id, ANN), studio.job(id, ANN).requests
        for late in (Cancelled(request=request.id), Failed(request=request.id, code="bug")):
            studio._book._hear(late, request)
        assert studio.job(id, ANN) == job
    assert isinstance(paint(studio, draft(), ANN)[-1], Done)
    studio.close()
