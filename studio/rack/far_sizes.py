"""How large the LoRAs are that are still to be fetched: asked of their repositories once, while nobody waits."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from studio.errors import StudioError
from studio.messages import HubSource, LoraSpec, ModelScopeSource

log = logging.getLogger(__name__)
PATIENCE = 600.0
"""Seconds after which a repository is asked again that could not be: a network comes and goes."""
Offers = Callable[[LoraSpec], Mapping[str, int]]


class FarSizes:
    """The bytes of files that lie elsewhere, by entry. One thread asks, a repository at a time."""

    def __init__(self, offers: Offers, now: Callable[[], float] = time.monotonic) -> None:
        self._offers, self._now = offers, now
        self._lock = threading.Lock()
        self._known: dict[str, Mapping[str, int]] = {}
        self._failed: dict[str, float] = {}
        self._wanted: dict[str, LoraSpec] = {}
        self._asking = False

    def of(self, spec: LoraSpec) -> int:
        """What its entry states, or its repository said; 0 until then. Whoever asks does not wait."""
        source = spec.source
        if spec.bytes or not isinstance(source, HubSource | ModelScopeSource):
            return spec.bytes
        place = _place(source)
        with self._lock:
            if place in self._known:
                return self._known[place].get(source.file, 0)
            if self._now() - self._failed.get(place, -PATIENCE) >= PATIENCE:
                self._want(place, spec)
        return 0

    @property
    def asking(self) -> bool:
        """Whether an answer may come soon."""
        with self._lock:
            return self._asking

    def _want(self, place: str, spec: LoraSpec) -> None:
        self._wanted[place] = spec
        if not self._asking:
            self._asking = True
            threading.Thread(target=self._ask, name="sizes of LoRAs", daemon=True).start()

    def _ask(self) -> None:
        while asked := self._next():
            place, spec = asked
            try:
                told = self._offers(spec)
            except StudioError as error:
                log.info("the size of %s is not known: %s", spec.id, error)
                self._done(place, None)
            except Exception:
                log.exception("the size of %s is not known", spec.id)
                self._done(place, None)
            else:
                self._done(place, told)

    def _next(self) -> tuple[str, LoraSpec] | None:
        with self._lock:
            self._asking = bool(self._wanted)
            return next(iter(self._wanted.items()), None)

    def _done(self, place: str, told: Mapping[str, int] | None) -> None:
        with self._lock:
            self._wanted.pop(place, None)
            if told is None:
                self._failed[place] = self._now()
            else:
                self._known[place] = told


def _place(source: HubSource | ModelScopeSource) -> str:
    return f"{source.kind}:{source.repo}@{source.revision}"
