"""What happened in a job, for whoever listens, now or after a reload."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable

from studio.messages import LAST, AnyEvent, Downloading, Queued, Step

ONLY_LATEST = (Queued, Downloading, Step)
"""Of these a follower who comes late needs only the newest: a slow one never makes a heap."""


class JobLog:
    """Events numbered from 1; followers read at their own pace."""

    def __init__(self, job: str, events: Iterable[AnyEvent] = ()) -> None:
        self._job = job
        self._events: list[AnyEvent] = []
        self._seq = 0
        self._lock = threading.Lock()
        self._followers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        for event in events:
            self.add(event)

    def add(self, event: AnyEvent) -> None:
        """Appends an event and wakes the followers."""
        with self._lock:
            self._seq += 1
            kind = type(event)
            if kind in ONLY_LATEST:
                self._events = [old for old in self._events if type(old) is not kind]
            self._events.append(event.model_copy(update={"job": self._job, "seq": self._seq}))
            followers = tuple(self._followers)
        for loop, bell in followers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(bell.set)

    def since(self, after: int) -> tuple[AnyEvent, ...]:
        """What happened after an event's number."""
        with self._lock:
            return tuple(event for event in self._events if event.seq > after)

    @property
    def ended(self) -> bool:
        """Whether the last event was told."""
        with self._lock:
            return bool(self._events) and isinstance(self._events[-1], LAST)

    async def follow(self, after: int = 0) -> AsyncIterator[AnyEvent]:
        """All events after a number, as they come, until the last one."""
        bell = asyncio.Event()
        follower = (asyncio.get_running_loop(), bell)
        with self._lock:
            self._followers.add(follower)
        try:
            while True:
                bell.clear()
                for event in self.since(after):
                    after = event.seq
                    yield event
                    if isinstance(event, LAST):
                        return
                await bell.wait()
        finally:
            with self._lock:
                self._followers.discard(follower)
