"""Lanes and their workers, played by the test: who is told to let go of what, and when."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from typing import Any

import pytest

from studio.engine.local import LocalEngine
from studio.messages import AnyEvent, Cancelled, Failed, Step
from studio.wire import Cancel, Over, Run, Setup, Told
from tests.samples import request
from tests.worlds import PATIENCE


class Played:
    """A host without a worker: what it is told is read, and what it says is said, by the test."""

    def __init__(self, name: str) -> None:
        self.connection, self.worker = Pipe()
        self.lives = True

    def alive(self) -> bool:
        return self.lives

    def end(self) -> None:
        self.worker.close()

    def told(self, *kinds: type) -> Any:
        while self.worker.poll(PATIENCE):
            message = self.worker.recv()
            if isinstance(message, kinds):
                return message
        raise AssertionError(f"it was told no {kinds}")

    def says(self, group: str, event: AnyEvent) -> None:
        self.worker.send(Told(group=group, event=event))


@pytest.fixture
def hosts() -> dict[str, Played]:
    return {}


@pytest.fixture
def engine(hosts: dict[str, Played]) -> Iterator[LocalEngine]:
    def make(name: str) -> Played:
        return hosts.setdefault(name, Played(name))

    engine = LocalEngine(tuple(Setup(device=name, data="") for name in ("one", "two")), make, PATIENCE)
    for lane in engine._lanes.values():
        lane.start()
    yield engine
    engine.close()


def running(engine: LocalEngine, host: Played) -> tuple[str, Iterator[AnyEvent]]:
    """A request that is under way on the first device."""
    events = engine.run("one", (request(id="a"),), ())
    first: list[AnyEvent] = []
    hears = threading.Thread(target=lambda: first.append(next(events)))
    hears.start()
    run = host.told(Run)
    host.says(run.group, Step(request="a", step=1, steps=2, seconds_left=None))
    hears.join(PATIENCE)
    assert first
    return run.group, events


def test_a_stop_is_told_to_the_device_that_has_the_request_and_to_no_other(
    engine: LocalEngine, hosts: dict[str, Played]
) -> None:
    _, events = running(engine, hosts["one"])
    engine.cancel("one", ("a",))
    assert hosts["one"].told(Cancel).requests == ("a",)
    assert isinstance(hosts["two"].told(object), Setup) and not hosts["two"].worker.poll(0.05)
    assert events


def test_a_stop_that_comes_before_the_request_is_passed_on_behind_it(
    engine: LocalEngine, hosts: dict[str, Played]
) -> None:
    engine.cancel("one", ("a",))
    group, events = running(engine, hosts["one"])
    assert hosts["one"].told(Cancel).requests == ("a",)
    hosts["one"].says(group, Cancelled(request="a"))
    hosts["one"].worker.send(Over(group=group))
    assert isinstance(list(events)[-1], Cancelled)
    # And is forgotten with it: the same request may come again.
    _, events = running(engine, hosts["one"])
    assert events and not hosts["one"].worker.poll(0.05)


def test_what_nobody_hears_of_any_more_is_let_go(engine: LocalEngine, hosts: dict[str, Played]) -> None:
    _, events = running(engine, hosts["one"])
    events.close()  # type: ignore[attr-defined]
    assert hosts["one"].told(Cancel).requests == ("a",)


def test_a_worker_that_is_lost_fails_what_it_had_and_is_told_nothing_more(
    engine: LocalEngine, hosts: dict[str, Played]
) -> None:
    _, events = running(engine, hosts["one"])
    host = hosts.pop("one")
    host.end, host.lives = (lambda: None), False  # type: ignore[method-assign]
    (failed,) = events
    assert isinstance(failed, Failed) and (failed.request, failed.code) == ("a", "worker_lost")
    assert not host.worker.poll(0.05)
