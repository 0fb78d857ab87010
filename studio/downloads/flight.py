"""One download under way, and all who wait for it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

Tell = Callable[[int, int, float], None]
"""Hears how many bytes are here, how many there are, and how many come in a second."""
GLANCE = 0.1
"""Seconds after which who waits looks how far it is and whether it is still wanted: bytes come far oftener."""
SPAN = 5.0
"""Seconds over which a rate is taken."""


class Unwanted(Exception):
    """Nobody wants this download any more. Not an error: what is here stays for the next time."""


class Flight:
    """A download in a thread of its own: it goes on until it is done or nobody waits for it."""

    def __init__(self, bring: Callable[[Flight], Path], after: Flight | None = None) -> None:
        self._waiting = 1
        self._changed = threading.Condition()
        self._done = self._total = 0
        self._seen: deque[tuple[float, int]] = deque()
        self._path: Path | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(bring, after), name="download", daemon=True)
        self._thread.start()

    def board(self) -> bool:
        """One more waits for it; False if it has ended or was given up."""
        with self._changed:
            if self._over or not self._waiting:
                return False
            self._waiting += 1
            return True

    def wait(self, tell: Tell, unwanted: Callable[[], bool]) -> Path:
        """Waits for the end, telling of progress; leaves once unwanted."""
        try:
            return self._watch(tell, unwanted)
        finally:
            with self._changed:
                self._waiting -= 1

    def _watch(self, tell: Tell, unwanted: Callable[[], bool]) -> Path:
        told = (0, 0)
        while not unwanted():
            with self._changed:
                if not self._over:
                    self._changed.wait(GLANCE)
                over, now, rate = self._over, (self._done, self._total), self._rate()
            if now != told:
                tell(*now, rate)
            told = now
            if over:
                return self._landed()
        raise Unwanted

    def progress(self, done: int, total: int) -> None:
        """Takes note of bytes that are here; raises `Unwanted` once nobody waits."""
        with self._changed:
            if not self._waiting:
                raise Unwanted
            self._done, self._total = done, total
            self._seen.append((time.monotonic(), done))
            while len(self._seen) > 2 and self._seen[-1][0] - self._seen[0][0] > SPAN:
                self._seen.popleft()

    def _rate(self) -> float:
        if len(self._seen) < 2:
            return 0.0
        (start, before), (end, now) = self._seen[0], self._seen[-1]
        return max(0.0, (now - before) / max(end - start, 1e-3))

    @property
    def _over(self) -> bool:
        return self._path is not None or self._error is not None

    def _landed(self) -> Path:
        if self._error is not None:
            # Each who waits gets the same error; its traceback would grow with every one of them.
            raise self._error.with_traceback(None)
        assert self._path is not None
        return self._path

    def _run(self, bring: Callable[[Flight], Path], after: Flight | None) -> None:
        path: Path | None = None
        error: BaseException | None = None
        try:
            if after is not None:
                after._thread.join()  # two must not write to the same files
            path = bring(self)
        except BaseException as raised:
            error = raised
        with self._changed:
            self._path, self._error = path, error
            self._changed.notify_all()
