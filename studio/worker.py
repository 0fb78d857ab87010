"""The loop inside a worker: takes groups of requests, does them, tells what happens.

Started as `python -m studio.worker ADDRESS`, with the key of the connection on its standard input.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from studio.errors import StudioError
from studio.messages import AnyEvent, Failed, Held, Loading
from studio.wire import Cancel, Holding, Holds, Over, Run, Setup, Stop, Told

log = logging.getLogger(__name__)


def _generate() -> Callable[..., Iterator[None]]:
    from studio.work.generate import generate

    return generate


WORK: dict[str, Callable[[], Callable[..., Iterator[None]]]] = {"generate": _generate}
"""From the kind of work to its function, imported when first needed because torch takes seconds."""


class Worker:
    """One device's loop: one thread runs jobs and alone touches weights, another reads cancels."""

    def __init__(self, connection: Connection, on_lost: Callable[[], None] = lambda: None) -> None:
        self._connection = connection
        self._on_lost = on_lost
        self._sending = threading.Lock()
        self._groups: queue.Queue[Run | None] = queue.Queue()
        self._unwanted: set[str] = set()
        self._registry: Any = None

    def serve(self) -> None:
        """Works until the connection ends or says stop."""
        setup: Setup = self._connection.recv()
        threading.Thread(target=self._read, name="cancels", daemon=True).start()
        specs = {spec.id: spec for spec in setup.specs}
        registry_ready = threading.Thread(
            target=self._open_registry, args=(setup,), name="imports", daemon=True
        )
        registry_ready.start()
        while (run := self._groups.get()) is not None:
            if registry_ready.is_alive():
                first = run.requests[0]
                self._send(Told(group=run.group, event=Loading(request=first.id, model=first.model)))
            registry_ready.join()
            self._do(run, specs, setup)

    def _read(self) -> None:
        try:
            while not isinstance(message := self._connection.recv(), Stop):
                if isinstance(message, Cancel):
                    self._unwanted.update(message.requests)
                else:
                    self._groups.put(message)
        except (EOFError, OSError):
            self._on_lost()
        self._groups.put(None)

    def _open_registry(self, setup: Setup) -> None:
        """Imports torch and diffusers while the page is already up."""
        try:
            from studio.models.devices import open_device
            from studio.models.loading import quiet_libraries
            from studio.models.registry import Registry

            quiet_libraries()
            for work in WORK.values():
                work()
            device = open_device(setup.device, Path(setup.data), setup.memory_budget)
            self._registry = Registry(device, on_change=self._tell_holds)
        except Exception:
            log.exception("device %s cannot be used", setup.device)

    def _do(self, run: Run, specs: dict[str, Any], setup: Setup) -> None:
        try:
            self._work(run, specs, setup)
        except StudioError as error:
            self._fail(run, error.code, error.params)
        except Exception as error:
            log.exception("group %s failed", run.group)
            self._fail(run, *_known(error))
        finally:
            self._unwanted.difference_update(request.id for request in run.requests)
            self._send(Over(group=run.group))

    def _work(self, run: Run, specs: dict[str, Any], setup: Setup) -> None:
        from studio.work import Bench

        if self._registry is None:
            raise StudioError("device_unusable", device=setup.device)

        def tell(event: AnyEvent) -> None:
            self._send(Told(group=run.group, event=event))

        bench = Bench(self._registry, tell, self._unwanted.__contains__)
        for _ in WORK[run.requests[0].kind]()(run.requests, specs, bench):
            pass

    def _fail(self, run: Run, code: str, params: dict[str, Any]) -> None:
        for request in run.requests:
            self._send(Told(group=run.group, event=Failed(request=request.id, code=code, params=params)))

    def _tell_holds(self, held: tuple[Held, ...]) -> None:
        holds = tuple(Holding(model=one.model, bytes=one.bytes) for one in held)
        self._send(Holds(holds=holds))

    def _send(self, message: Any) -> None:
        with self._sending:
            self._connection.send(message)


def _known(error: Exception) -> tuple[str, dict[str, Any]]:
    """What an error of the libraries means to a person."""
    if type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError):
        return "memory_short", {}
    return "bug", {"kind": type(error).__name__}


def main() -> None:
    """Connects to the web process and serves it until it is gone."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s worker %(levelname)s %(message)s")
    key = bytes.fromhex(sys.stdin.readline().strip())
    connection = Client(sys.argv[1], authkey=key)
    # The end of the connection ends the process at once, in mid-step too: no orphan holds a device.
    Worker(connection, on_lost=lambda: os._exit(0)).serve()


if __name__ == "__main__":
    main()
