"""Workers of this machine: one process a device, replaced when it dies or falls silent."""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, Protocol

from studio.messages import (
    Answered,
    AnyEvent,
    AnyRequest,
    Cancelled,
    DeviceState,
    Entry,
    Failed,
    Finished,
    Trouble,
)
from studio.settings import ROOT
from studio.wire import Ahead, Cancel, Holds, Load, LoadFailed, Lost, Over, Run, Setup, Stop, Told, Unload
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
            with contextlib.suppress(BrokenPipeError):  # it ended already; somebody speaks for it below
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


class Link:
    """A live worker: its host, and a thread that hears whatever it says."""

    def __init__(self, host: Host, hear: Callable[[Any], None]) -> None:
        self.host = host
        self.heard = time.monotonic()
        self.ended = threading.Event()
        self._hear = hear
        self._sending = threading.Lock()
        threading.Thread(target=self._listen, name="hears a worker", daemon=True).start()

    def send(self, message: Any) -> None:
        """Says something to the worker; whether it lives shows elsewhere."""
        with self._sending, contextlib.suppress(OSError, EOFError):
            self.host.connection.send(message)

    @property
    def alive(self) -> bool:
        """Whether it can still answer."""
        return not self.ended.is_set() and self.host.alive()

    def _listen(self) -> None:
        while (message := self._received()) is not None:
            self.heard = time.monotonic()
            self._hear(message)
        self.ended.set()

    def _received(self) -> Any:
        """The next message; None once the connection has ended."""
        try:
            return self.host.connection.recv()
        except (EOFError, OSError):
            return None
        except TypeError:
            # Closed from another thread in the middle of this: its handle is then None.
            if self.host.connection.closed:
                return None
            raise


class Lane:
    """One device: its worker, started when first needed and replaced when lost."""

    def __init__(self, setup: Setup, make_host: Callable[[str], Host], silence_seconds: float) -> None:
        self.setup = setup
        self.state = DeviceState(name=setup.device)
        self.troubles: dict[str, Trouble] = {}
        self._make_host = make_host
        self._silence_seconds = silence_seconds
        self._link: Link | None = None
        self._lock = threading.RLock()
        self._groups = itertools.count(1)
        self._told: dict[str, queue.Queue[Told | Over]] = {}
        self._given: set[str] = set()  # requests that the worker has
        self._early: set[str] = set()  # those that were let go of before it had them
        self._closed = False

    def start(self) -> Link:
        """The worker, a new one where there is none that lives."""
        with self._lock:
            if self._closed:
                raise _WorkerLost("worker_lost")
            if self._link and self._link.alive:
                return self._link
            if self._link:
                log.warning("the worker for %s was lost and is replaced", self.setup.device)
                self._drop()
            self._link = Link(self._make_host(self.setup.device), self._hear)
            self._link.send(self.setup)
            return self._link

    def _hear(self, message: Any) -> None:
        if isinstance(message, Holds):
            self.state = message.device
            for held in message.device.held:
                self.troubles.pop(held.model, None)
        elif isinstance(message, LoadFailed):
            self.troubles[message.model] = message.trouble
        elif isinstance(message, (Told, Over)):
            self._pass_on(message)

    def _pass_on(self, message: Told | Over) -> None:
        told = self._told.get(message.group)
        if told:  # else it is of a group that was lost with a worker before this one
            told.put(message)

    # -- groups ----------------------------------------------------------------------------------

    def run(self, requests: tuple[AnyRequest, ...], specs: tuple[Entry, ...]) -> Iterator[AnyEvent]:
        """Hands a group over and tells what comes back; a lost worker fails what it had not finished."""
        group = f"{self.setup.device}-{next(self._groups)}"
        unfinished = {request.id for request in requests}
        told = self._told[group] = queue.Queue()
        link: Link | None = None
        try:
            link = self.start()
            self._give(link, Run(group=group, requests=requests, specs=specs))
            for event in self._events(told, link):
                if isinstance(event, (Finished, Answered, Failed, Cancelled)):
                    unfinished.discard(event.request)
                yield event
        except _WorkerLost as lost:
            if link:
                self._drop(link)
                link = None  # nobody is left to be told anything
            for request in sorted(unfinished):
                yield Failed(request=request, code=lost.code)
        finally:
            del self._told[group]
            self._forget({request.id for request in requests})
            if link and unfinished:  # nobody hears of these any more
                link.send(Cancel(requests=tuple(sorted(unfinished))))

    def _give(self, link: Link, run: Run) -> None:
        ids = {request.id for request in run.requests}
        with self._lock:
            link.send(run)
            self._given |= ids
            if early := ids & self._early:
                link.send(Cancel(requests=tuple(sorted(early))))

    def _forget(self, requests: set[str]) -> None:
        with self._lock:
            self._given -= requests
            self._early -= requests

    def _events(self, told: queue.Queue[Told | Over], link: Link) -> Iterator[AnyEvent]:
        link.heard = time.monotonic()
        while True:
            try:
                message = told.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                self._look_at(link, told)
                continue
            if isinstance(message, Over):
                return
            yield message.event

    def _look_at(self, link: Link, told: queue.Queue[Told | Over]) -> None:
        if time.monotonic() - link.heard > self._silence_seconds:
            raise _WorkerLost("worker_hung")
        if not link.alive and told.empty():
            raise _WorkerLost("worker_lost")

    # -- orders ----------------------------------------------------------------------------------

    def ahead(self, spec: Entry) -> None:
        """Says what will be wanted next; a worker that is gone has nothing to read it beside."""
        with self._lock:
            if self._link:
                self._link.send(Ahead(spec=spec))

    def order(self, message: Load | Unload) -> None:
        """Asks for a model to be brought or let go, after what the worker does now."""
        if isinstance(message, Load):
            self.troubles.pop(message.spec.id, None)
        self.start().send(message)

    def cancel(self, requests: tuple[str, ...]) -> None:
        """Passes a cancel on, were it as soon as the worker is given what it is about."""
        with self._lock:
            given = self._given & set(requests)
            self._early |= set(requests) - given
            if given and self._link:  # one that is gone has nothing left to cancel
                self._link.send(Cancel(requests=tuple(sorted(given))))

    def _drop(self, lost: Link | None = None) -> None:
        with self._lock:
            if lost and lost is not self._link:  # another group of its noticed before, and there is a new one
                return
            link, self._link = self._link, None
            self.state = DeviceState(name=self.setup.device)
        if link:
            link.host.end()

    def close(self) -> None:
        """Ends the worker for good."""
        with self._lock:
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
            threading.Thread(
                target=_started, args=(lane,), name=f"start {lane.setup.device}", daemon=True
            ).start()

    def run(
        self, lane: str, requests: tuple[AnyRequest, ...], specs: tuple[Entry, ...]
    ) -> Iterator[AnyEvent]:
        """Hands a group to one device's worker."""
        return self._lanes[lane].run(requests, specs)

    def cancel(self, lane: str, requests: tuple[str, ...]) -> None:
        """Tells the worker that has them, and no other: it would remember."""
        self._lanes[lane].cancel(requests)

    def ahead(self, lane: str, spec: Entry) -> None:
        """Lets a device's worker read a model while it paints with another."""
        self._lanes[lane].ahead(spec)

    def load(self, spec: Entry) -> None:
        """Brings a model to the device that has most room."""
        lane = max(self._lanes.values(), key=lambda lane: lane.state.budget - _filled(lane.state))
        lane.order(Load(spec=spec))

    def unload(self, models: tuple[str, ...] = ()) -> None:
        """Takes models off every device; none named: all."""
        for lane in self._lanes.values():
            lane.order(Unload(models=models))

    def devices(self) -> tuple[DeviceState, ...]:
        """What every device has said of itself last."""
        return tuple(lane.state for lane in self._lanes.values())

    def troubles(self) -> dict[str, Trouble]:
        """Why models that were asked for alone could not be brought."""
        return {model: trouble for lane in self._lanes.values() for model, trouble in lane.troubles.items()}

    def close(self) -> None:
        """Ends every worker."""
        for lane in self._lanes.values():
            lane.close()


def _started(lane: Lane) -> None:
    # A studio that is closed at once, or a worker that cannot start: the first job will say so.
    with contextlib.suppress(_WorkerLost, OSError):
        lane.start()


def _filled(state: DeviceState) -> int:
    return sum({key: size for held in state.held for key, size in held.parts.items()}.values())
