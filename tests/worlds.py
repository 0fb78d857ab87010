"""Whole studios for tests: on the fake engine, or on a tiny checkpoint in a thread or a process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from studio.catalog import Catalog, read_catalog
from studio.engine import Engine
from studio.engine.fake import FakeEngine
from studio.engine.local import LocalEngine, ProcessHost, ThreadHost
from studio.messages import AnyEvent, Draft, Event, Person
from studio.service import Studio
from studio.settings import Settings
from studio.wire import Setup
from tests.tiny import catalog_text

PATIENCE = 60.0
"""Seconds after which a test gives up waiting; no test asserts a time."""


def fake_checkpoint(folder: Path) -> Path:
    """A checkpoint with no weights in it, enough for the fake engine."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model_index.json").write_text("{}", encoding="utf-8")
    return folder


def tiny_catalog(folder: Path, **checkpoints: Path) -> Catalog:
    """A catalog of local checkpoints."""
    path = folder / "models.yaml"
    path.write_text(catalog_text(*checkpoints.items()), encoding="utf-8")
    catalog = read_catalog(path)
    assert not catalog.problems
    return catalog


def fake_studio(folder: Path, engine: Engine | None = None, **settings: object) -> Studio:
    """A studio that paints gradients; the caller starts and closes it."""
    catalog = tiny_catalog(folder, tiny=fake_checkpoint(folder / "checkpoint"))
    return Studio(
        Settings(data=folder / "data", **settings), catalog, engine or FakeEngine(step_seconds=0.01)
    )


def local_engine(
    data: Path,
    host: type[ThreadHost] | type[ProcessHost],
    silence_seconds: float = PATIENCE,
) -> LocalEngine:
    """One lane on the CPU."""
    setup = Setup(device="cpu", data=str(data))
    return LocalEngine((setup,), host, silence_seconds)


def told(studio: Studio, job: str, person: Person, after: int = 0) -> list[AnyEvent]:
    """All events of a job until its last."""

    async def collect() -> list[AnyEvent]:
        return [event async for event in studio.follow(job, person, after)]

    return asyncio.run(asyncio.wait_for(collect(), PATIENCE))


def wait_for(studio: Studio, job: str, person: Person, kind: type[Event]) -> Event:
    """The first event of a kind."""

    async def look() -> Event:
        async for event in studio.follow(job, person):
            if isinstance(event, kind):
                return event
        raise AssertionError(f"the job ended without {kind.__name__}")

    return asyncio.run(asyncio.wait_for(look(), PATIENCE))


def until(true: Callable[[], bool]) -> None:
    """Waits for something that is told by nobody."""
    latest = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < latest
        time.sleep(0.02)


def paint(studio: Studio, draft: Draft, person: Person) -> list[AnyEvent]:
    """Submits and follows to the end."""
    return told(studio, studio.submit(draft, person), person)
