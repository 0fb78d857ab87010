"""Fetching that no job waits for: a model brought here because somebody wants it in memory."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from studio.catalog import Sourced
from studio.downloads.flight import Unwanted
from studio.errors import StudioError
from studio.messages import Fetching, Trouble

log = logging.getLogger(__name__)
Fetch = Callable[[Sourced, Callable[[int, int, float], None], Callable[[], bool]], object]


class Errands:
    """Goes for models in the background, one thread each, and knows how far each is."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._under_way: dict[str, Fetching] = {}
        self._unwanted: set[str] = set()
        self._troubles: dict[str, Trouble] = {}

    def go(self, spec: Sourced, then: Callable[[], None]) -> None:
        """Fetches a model and then does what it was wanted for; one that is under way is left to it."""
        with self._lock:
            self._troubles.pop(spec.id, None)
            self._unwanted.discard(spec.id)
            if spec.id in self._under_way:
                return
            self._under_way[spec.id] = Fetching()
        threading.Thread(target=self._run, args=(spec, then), name=f"fetch {spec.id}", daemon=True).start()

    def stop(self, id: str) -> None:
        """Lets go of one; what came stays for the next time."""
        with self._lock:
            if id in self._under_way:
                self._unwanted.add(id)

    def stop_all(self) -> None:
        """Lets go of all."""
        with self._lock:
            self._unwanted.update(self._under_way)

    def under_way(self, id: str) -> Fetching | None:
        """How far one is."""
        with self._lock:
            return self._under_way.get(id)

    def trouble(self, id: str) -> Trouble | None:
        """Why the last one for it failed."""
        with self._lock:
            return self._troubles.get(id)

    def _run(self, spec: Sourced, then: Callable[[], None]) -> None:
        def tell(done: int, total: int, rate: float) -> None:
            with self._lock:
                self._under_way[spec.id] = Fetching(done=done, total=total, rate=rate)

        trouble: Trouble | None = None
        try:
            self._fetch(spec, tell, lambda: spec.id in self._unwanted)
            then()
        except Unwanted:
            log.info("%s is not wanted any more", spec.id)
        except StudioError as error:
            trouble = error.trouble
        except Exception:
            log.exception("fetching %s failed", spec.id)
            trouble = Trouble(code="bug")
        with self._lock:
            del self._under_way[spec.id]
            if trouble:
                self._troubles[spec.id] = trouble
