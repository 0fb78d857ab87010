"""Workers of this machine: one process a device, replaced when it dies or falls silent."""

from __future__ import annotations

import contextlib
import itertools
import logging
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, Protocol

from studio.messages import AnyEvent, Cancelled, Failed, Finished, GenerationRequest
from studio.settings import ROOT
from studio.wire import Cancel, Holding, Holds, Lost, Over, Run, Setup, Stop, Told
from studio.worker import Worker

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.5
"""How often a silent worker is looked at."""


class Host(Protocol):
    """Where a worker's loop lives."""

    connection: Connection

    def alive(self) -> bool:
        """Whether the loop can still answer."""
        ...

    def end(self) -> None:
        """Ends it, whatever it is doing."""
        ...


class ProcessHost:
    """A worker in a process of its own: what happens to it does not happen to the page."""

    def __init__(self, name: str) -> None:
        key = secrets.token_bytes(32)
        with Listener(authkey=key) as listener:
            # Plain multiprocessing spawn would import the whole page into the child.
            self.process = subprocess.Popen(
                [sys.executable, "-m", "studio.worker", str(listener.address)],
                stdin=subprocess.PIPE,
                cwd=ROOT,
                text=True,
            )
            assert self.process.stdin
            self.process.stdin.write(key.hex() + "\n")
            self.process.stdin.flush()
            self._accepted = threading.Event()
            threading.Thread(target=self._speak_for_dead, args=(listener.address, key), daemon=True).start()
            self.connection = listener.accept()
            self._accepted.set()
        log.info("worker for %s is process %d", name, self.process.pid)

    def _speak_for_dead(self, address: Any, key: bytes) -> None:
        """A listener cannot be woken, so someone has to call when the child ends before it does."""
        self.process.wait()
        if not self._accepted.is_set():
            with contextlib.suppress(OSError, EOFError), Client(address, authkey=key) as connection:
                connection.send(Lost())

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def end(self) -> None:
        """Kills it; a worker keeps nothing that would have to be put in order."""
        self.connection.close()
        self.process.kill()
        self.process.wait()


class ThreadHost:
    """The same loop in a thread of this process, for tests."""

    def __init__(self, name: str) -> None:
        self.connection, theirs = Pipe()
        self._thread = threading.Thread(target=Worker(theirs).serve, name=f"worker {name}", daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def end(self) -> None:
        """Asks it to end; a thread cannot be killed."""
        with contextlib.suppress(OSError):
            self.connection.send(Stop())
        self._thread.join(timeout=10)


class Lane:
    """One device: its worker, started when first needed and replaced when lost."""

    def __init__(self, setup: Setup, make_host: Callable[[str], Host], silence_seconds: float) -> None:
        self.setup = setup
        self.holds: tuple[Holding, ...] = ()
        self._make_host = make_host
        self._silence_seconds = silence_seconds
        self._host: Host | None = None
        self._lock = threading.RLock()
        self._groups = itertools.count(1)
        self._closed = False

    def start(self) -> Host:
        """The worker, a new one where there is none that lives."""
        with self._lock:
            if self._host and self._host.alive():
                return self._host
            if self._host:
                log.warning("the worker for %s was lost and is replaced", self.setup.device)
                self._drop()
            self._host = self._make_host(self.setup.device)
            self._host.connection.send(self.setup)
            return self._host

    def run(self, requests: tuple[GenerationRequest, ...]) -> Iterator[AnyEvent]:
        """Hands a group over and tells what comes back; a lost worker fails what it had not finished."""
        group = f"{self.setup.device}-{next(self._groups)}"
        unfinished = {request.id for request in requests}
        try:
            self._send(Run(group=group, requests=requests))
            for event in self._events(group):
                if isinstance(event, (Finished, Failed, Cancelled)):
                    unfinished.discard(event.request)
                yield event
        except _WorkerLost as lost:
            self._drop()
            for request in sorted(unfinished):
                yield Failed(request=request, code=lost.code)

    def _events(self, group: str) -> Iterator[AnyEvent]:
        for message in self._messages():
            if isinstance(message, Told) and message.group == group:
                yield message.event
            elif isinstance(message, Holds):
                self.holds = message.holds
            elif isinstance(message, Over) and message.group == group:
                return

    def _messages(self) -> Iterator[Any]:
        heard = time.monotonic()
        while True:
            host = self._host
            if host is None:
                raise _WorkerLost("worker_lost")
            try:
                if host.connection.poll(LOOK_SECONDS):
                    heard = time.monotonic()
                    yield host.connection.recv()
                elif time.monotonic() - heard > self._silence_seconds:
                    raise _WorkerLost("worker_hung")
                elif not host.alive():
                    raise _WorkerLost("worker_lost")
            except (EOFError, OSError) as error:
                raise _WorkerLost("worker_lost") from error

    def _send(self, message: Any) -> None:
        """To a worker that lives: one that died while idle is replaced before anybody notices."""
        if self._closed:
            raise _WorkerLost("worker_lost")
        try:
            with self._lock:
                self.start().connection.send(message)
        except (OSError, EOFError) as error:
            raise _WorkerLost("worker_lost") from error

    def cancel(self, requests: tuple[str, ...]) -> None:
        """Passes a cancel on; a worker that is gone has nothing left to cancel."""
        with self._lock, contextlib.suppress(OSError):
            if self._host:
                self._host.connection.send(Cancel(requests=requests))

    def _drop(self) -> None:
        with self._lock:
            host, self._host, self.holds = self._host, None, ()
        if host:
            host.end()

    def close(self) -> None:
        """Ends the worker for good."""
        self._closed = True
        self._drop()


class _WorkerLost(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class LocalEngine:
    """A lane a device of this machine."""

    def __init__(
        self,
        setups: tuple[Setup, ...],
        make_host: Callable[[str], Host] = ProcessHost,
        silence_seconds: float = 900.0,
    ) -> None:
        self._lanes = {setup.device: Lane(setup, make_host, silence_seconds) for setup in setups}

    @property
    def lanes(self) -> tuple[str, ...]:
        """The devices' names."""
        return tuple(self._lanes)

    def start(self) -> None:
        """Starts every worker in the background, so that torch is imported before anybody asks."""
        for lane in self._lanes.values():
            threading.Thread(target=lane.start, name=f"start {lane.setup.device}", daemon=True).start()

    def run(self, lane: str, requests: tuple[GenerationRequest, ...]) -> Iterator[AnyEvent]:
        """Hands a group to one device's worker."""
        return self._lanes[lane].run(requests)

    def cancel(self, requests: tuple[str, ...]) -> None:
        """Tells every worker; the one that has them lets go."""
        for lane in self._lanes.values():
            lane.cancel(requests)

    def holds(self) -> tuple[Holding, ...]:
        """The models on all devices."""
        return tuple(holding for lane in self._lanes.values() for holding in lane.holds)

    def close(self) -> None:
        """Ends every worker."""
        for lane in self._lanes.values():
            lane.close()
