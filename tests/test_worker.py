"""The loop inside a worker, spoken to directly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from studio import worker
from studio.messages import Answered, AnyRequest, Cancelled, Failed, Finished, Loading, ModelSpec, Step
from studio.wire import Cancel, Holds, Over, Run, Setup, Stop, Told
from tests import samples
from tests.diffusion.painting import request, spec
from tests.training.bringing import training


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Connection]:
    ours, theirs = Pipe()
    thread = threading.Thread(target=worker.Worker(theirs).serve, daemon=True)
    thread.start()
    ours.send(Setup(device="cpu", data=str(tmp_path)))
    yield ours
    ours.send(Stop())
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture(autouse=True)
def checkpoint(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(SPECS, "tiny", spec(tiny_checkpoint))
    return tiny_checkpoint


SPECS: dict[str, ModelSpec] = {}


def answers(web: Connection, requests: tuple[AnyRequest, ...], group: str = "g") -> list[Any]:
    web.send(Run(group=group, requests=requests, specs=tuple(SPECS.values())))
    heard: list[Any] = []
    while not heard or not isinstance(heard[-1], Over):
        assert web.poll(60)
        message = web.recv()
        if getattr(message, "group", group) == group:
            heard.append(message.event if isinstance(message, Told) else message)
    return heard


def test_a_group_is_told_of_until_it_is_over(web: Connection) -> None:
    heard = answers(web, (request(id="a"), request(id="b", seed=8)))
    assert any(isinstance(message, Loading) for message in heard)
    assert [event.request for event in heard if isinstance(event, Finished)] == ["a", "b"]
    states = [message.device for message in heard if isinstance(message, Holds)]
    assert [held.model for held in states[-1].held] == ["tiny"]


def test_a_stop_that_came_too_late_is_none_of_the_next_run(web: Connection) -> None:
    assert any(isinstance(event, Finished) for event in answers(web, (request(id="a"),)))
    web.send(Cancel(requests=("a",)))
    assert any(isinstance(event, Finished) for event in answers(web, (request(id="a"),)))


def test_a_bug_in_the_work_is_told_without_its_traceback_and_the_loop_goes_on(
    web: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise ZeroDivisionError("secret/path")

    with monkeypatch.context() as patch:
        patch.setitem(worker.WORK, "generate", lambda: lambda *_: broken())
        failed = next(event for event in answers(web, (request(),)) if isinstance(event, Failed))
    assert (failed.code, failed.params) == ("bug", {"kind": "ZeroDivisionError"})
    assert any(isinstance(event, Finished) for event in answers(web, (request(),)))


def test_short_memory_is_told_as_such(web: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setitem(worker.WORK, "generate", lambda: short)
    failed = next(event for event in answers(web, (request(),)) if isinstance(event, Failed))
    assert failed.code == "memory_short"


def test_a_device_that_cannot_be_used_fails_jobs_in_words(checkpoint: Path, tmp_path: Path) -> None:
    ours, theirs = Pipe()
    threading.Thread(target=worker.Worker(theirs).serve, daemon=True).start()
    ours.send(Setup(device="nonsense:9", data=str(tmp_path)))
    failed = next(event for event in answers(ours, (request(),)) if isinstance(event, Failed))
    assert (failed.code, failed.params) == ("device_unusable", {"device": "nonsense:9"})
    ours.send(Stop())


# -- long work -------------------------------------------------------------------------------------


def test_pictures_are_painted_between_the_turns_of_a_training(
    tmp_path: Path,
) -> None:
    ours, theirs = Pipe()
    thread = threading.Thread(target=worker.Worker(theirs).serve, daemon=True)
    thread.start()
    ours.send(Setup(device="cpu", data=str(tmp_path), turn_seconds=0.0))
    try:
        (alone,) = [event for event in answers(ours, (request(id="a"),)) if isinstance(event, Finished)]
        wish = training(tmp_path, SPECS["tiny"], steps=400, sample_every=400, samples=("zub",))
        ours.send(Run(group="long", requests=(wish,), specs=tuple(SPECS.values())))
        _until(ours, "long", Step)
        # Two pictures are painted while it learns, and are what they are without it.
        for _ in range(2):
            painted = answers(ours, (request(id="a"),), "g")
            assert [one.media for one in painted if isinstance(one, Finished)] == [alone.media]
            assert not any(isinstance(one, Answered) for one in painted)
        ours.send(Cancel(requests=(wish.id,)))
        stopped = _until(ours, "long", Cancelled)
        assert stopped.step < 400
        # And afterwards it goes on from there, however it was let go of.
        ours.send(Run(group="again", requests=(wish,), specs=tuple(SPECS.values())))
        while (step := _until(ours, "again", Step)).stage != "train":
            pass
        assert step.step > stopped.step
        ours.send(Cancel(requests=(wish.id,)))
        _until(ours, "again", Cancelled)
    finally:
        ours.send(Stop())
        thread.join(60)
    assert not thread.is_alive()


def _until(web: Connection, group: str, kind: type[Any]) -> Any:
    while web.poll(60):
        message = web.recv()
        if isinstance(message, Told) and message.group == group and isinstance(message.event, kind):
            return message.event
    raise AssertionError(f"no {kind.__name__} came")


def test_long_work_that_fails_is_told_and_the_loop_goes_on(
    web: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Iterator[None]:
        yield
        raise ZeroDivisionError

    monkeypatch.setitem(worker.WORK, "train", lambda: broken)
    failed = next(event for event in answers(web, (samples.training(),)) if isinstance(event, Failed))
    assert (failed.request, failed.code) == ("job-1", "bug")
    assert any(isinstance(event, Finished) for event in answers(web, (request(),)))
