"""The loop inside a worker: takes groups of requests, does them, tells what happens.

Started as `python -m studio.worker ADDRESS`, with the key of the connection on its standard input.
"""

from __future__ import annotations

import collections
import itertools
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from studio.errors import StudioError, trouble_of
from studio.messages import AnyEvent, DeviceState, Entry, Failed, Loading, Trouble
from studio.wire import Ahead, Cancel, Holds, Load, LoadFailed, Over, Run, Setup, Stop, Told, Unload

log = logging.getLogger(__name__)


def _generate() -> Callable[..., Iterator[None]]:
    from studio.work.generate import generate

    return generate


def _translate() -> Callable[..., Iterator[None]]:
    from studio.work.translate import translate

    return translate


def _caption() -> Callable[..., Iterator[None]]:
    from studio.work.caption import caption

    return caption


def _train() -> Callable[..., Iterator[None]]:
    from studio.work.train import train

    return train


def _detect() -> Callable[..., Iterator[None]]:
    from studio.work.detect import detect

    return detect


WORK: dict[str, Callable[[], Callable[..., Iterator[None]]]] = {
    "generate": _generate,
    "detect": _detect,
    "translate": _translate,
    "caption": _caption,
    "train": _train,
}
"""From the kind of work to its function, imported when first needed because torch takes seconds."""


class Worker:
    """One device's loop: one thread runs jobs and alone touches weights, another reads cancels."""

    def __init__(self, connection: Connection, on_lost: Callable[[], None] = lambda: None) -> None:
        self._connection = connection
        self._on_lost = on_lost
        self._sending = threading.Lock()
        self._orders: queue.Queue[Run | Load | Unload | None] = queue.Queue()
        self._long: collections.deque[tuple[Run, Iterator[None]]] = collections.deque()
        self._unwanted: set[str] = set()
        self._turn_seconds = 0.0
        self._registry: Any = None
        self._unusable: Trouble | None = None

    def serve(self) -> None:
        """Works until the connection ends or says stop."""
        setup: Setup = self._connection.recv()
        self._turn_seconds = setup.turn_seconds
        threading.Thread(target=self._read, name="cancels", daemon=True).start()
        ready = threading.Thread(target=self._open_registry, args=(setup,), name="imports", daemon=True)
        ready.start()
        for order in self._next(setup.idle_seconds):
            if isinstance(order, Run) and order.specs and ready.is_alive():
                self._tell(order.group, Loading(request=order.requests[0].id, model=order.specs[0].id))
            ready.join()
            self._obey(order)

    def _next(self, idle_seconds: float) -> Iterator[Run | Load | Unload]:
        """Orders as they come; between them long work has its turns, and idle models are taken out."""
        look_seconds = min(idle_seconds / 2, 30.0) if idle_seconds else None
        while True:
            try:
                order = self._orders.get(timeout=0.0 if self._long else look_seconds)
            except queue.Empty:
                if not self._long and self._registry:
                    self._registry.unload_idle(idle_seconds)
            else:
                if order is None:
                    return
                yield order
            self._go_on()

    def _read(self) -> None:
        try:
            while not isinstance(message := self._connection.recv(), Stop):
                self._take_in(message)
        except (EOFError, OSError):
            self._on_lost()
        self._orders.put(None)

    def _take_in(self, message: Cancel | Ahead | Run | Load | Unload) -> None:
        if isinstance(message, Cancel):
            self._unwanted.update(message.requests)
        elif isinstance(message, Ahead):
            self._read_ahead(message.spec)
        else:
            # A stop that came too late for an earlier run of a request is none of this one.
            if isinstance(message, Run):
                self._unwanted.difference_update(request.id for request in message.requests)
            self._orders.put(message)

    def _read_ahead(self, spec: Entry) -> None:
        """In a thread of its own, which touches no weights that work holds."""
        if self._registry:
            attempt = (lambda: self._registry.read_ahead(spec), f"reading {spec.id} ahead")
            threading.Thread(target=self._attempt, args=attempt, name="reads ahead", daemon=True).start()

    def _open_registry(self, setup: Setup) -> None:
        """Imports torch and diffusers while the page is already up."""
        try:
            from studio.diffusion.adapters import KEPT
            from studio.models.devices import open_device
            from studio.models.loading import quiet_libraries
            from studio.models.registry import Registry

            quiet_libraries()
            for work in WORK.values():
                work()
            data = Path(setup.data)
            registry = Registry(open_device(setup), data, on_change=self._tell_state, beside=KEPT)
            self._registry = registry
            self._tell_state(registry.state())
        except StudioError as error:
            self._unusable = error.trouble
        except Exception:
            log.exception("device %s cannot be used", setup.device)
            self._unusable = Trouble(code="device_unusable", params={"device": setup.device})

    # -- orders ----------------------------------------------------------------------------------

    def _obey(self, order: Run | Load | Unload) -> None:
        if isinstance(order, Run):
            self._run(order)
        elif isinstance(order, Load):
            self._load(order.spec)
        elif self._registry:
            self._registry.unload(*order.models)

    def _load(self, spec: Entry) -> None:
        trouble = self._unusable or self._attempt(lambda: self._registry.load(spec), f"loading {spec.id}")
        if trouble:
            self._send(LoadFailed(model=spec.id, trouble=trouble))

    def _run(self, run: Run) -> None:
        if run.requests[0].long and not self._unusable:
            self._long.append((run, self._turns(run)))
            return
        trouble = self._unusable or self._attempt(lambda: self._work(run), f"group {run.group}")
        self._end(run, trouble)

    def _go_on(self) -> None:
        """A turn of the long work that was begun first, where there is some."""
        if not self._long:
            return
        run, turns = self._long[0]
        left: list[None] = []
        trouble = self._attempt(lambda: left.extend(itertools.islice(turns, 1)), f"group {run.group}")
        if trouble or not left:
            self._long.popleft()
            self._end(run, trouble)

    def _end(self, run: Run, trouble: Trouble | None) -> None:
        try:
            for request in run.requests if trouble else ():
                assert trouble
                self._tell(run.group, Failed(request=request.id, code=trouble.code, params=trouble.params))
        finally:
            self._unwanted.difference_update(request.id for request in run.requests)
            self._send(Over(group=run.group))

    def _attempt(self, work: Callable[[], None], what: str) -> Trouble | None:
        """Does it, or says in words that travel why not; a bug keeps its traceback in the log."""
        try:
            work()
        except StudioError as error:
            return error.trouble
        except Exception as error:
            log.exception("%s failed", what)
            return trouble_of(error)
        return None

    def _work(self, run: Run) -> None:
        for _ in self._turns(run):
            pass

    def _turns(self, run: Run) -> Iterator[None]:
        from studio.work import Bench

        bench = Bench(
            self._registry,
            lambda event: self._tell(run.group, event),
            self._unwanted.__contains__,
            lambda: not self._orders.empty(),
            self._turn_seconds,
        )
        specs = {spec.id: spec for spec in run.specs}
        return WORK[run.requests[0].kind]()(run.requests, specs, bench)

    # -- telling ---------------------------------------------------------------------------------

    def _tell(self, group: str, event: AnyEvent) -> None:
        self._send(Told(group=group, event=event))

    def _tell_state(self, state: DeviceState) -> None:
        self._send(Holds(device=state))

    def _send(self, message: Any) -> None:
        with self._sending:
            self._connection.send(message)


def main() -> None:
    """Connects to the web process and serves it until it is gone."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s worker %(levelname)s %(message)s")
    key = bytes.fromhex(sys.stdin.readline().strip())
    connection = Client(sys.argv[1], authkey=key)
    # The end of the connection ends the process at once, in mid-step too: no orphan holds a device.
    Worker(connection, on_lost=lambda: os._exit(0)).serve()


if __name__ == "__main__":
    main()
