"""Fetches what models lack from the hub or from ModelScope: once, however many wait for it."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from studio.catalog import Models, Sourced, source_path, store_of
from studio.downloads.errands import Errands
from studio.downloads.flight import Flight, Tell, Unwanted
from studio.downloads.remote import Listing, look_up, repository
from studio.downloads.transfer import Transfer, left_of
from studio.errors import StudioError
from studio.messages import HubSource, ModelScopeSource
from studio.settings import Settings

__all__ = ["Downloads", "Errands", "Tell", "Unwanted"]

log = logging.getLogger(__name__)
SPARE = 64 * 2**20
"""Bytes of the disk that a download leaves free for pictures and records."""
GB = 2**30


class Downloads:
    """The files of models, brought to the data folder. No device waits for a network."""

    def __init__(self, settings: Settings, models: Models | None = None) -> None:
        self._settings, self._models = settings, models
        self._flights: dict[Path, Flight] = {}
        self._lock = threading.Lock()

    def needed(self, spec: Sourced) -> bool:
        """Whether a model's files have to be fetched before it can be used; asks no network."""
        if not isinstance(spec.source, HubSource | ModelScopeSource):
            return False
        try:
            source_path(spec, self._settings.data)
        except StudioError:
            return True
        return False

    def size(self, spec: Sourced) -> int:
        """The bytes still to be fetched. Asks the network."""
        if not self.needed(spec):
            return 0
        return left_of(self._look_up(spec), self._store(spec))

    def offers(self, spec: Sourced) -> dict[str, int]:
        """Every file of an entry's repository with its bytes, whatever of it the entry names. Asks the network."""
        return {file.name: file.size for file in repository(spec, self._settings, self._in_the_box()).files}

    def fetch(self, spec: Sourced, tell: Tell, unwanted: Callable[[], bool]) -> Path:
        """Brings a model's files here and says where they lie.

        `tell(done, total, rate)` hears of bytes and of bytes a second, on the caller's own thread. Once
        `unwanted()` is true, `Unwanted` is raised within a moment; what was fetched is kept, and the
        download ends when nobody else waits for it.
        """
        if not self.needed(spec):
            return source_path(spec, self._settings.data)
        flight = self._board(spec)
        return flight.wait(tell, unwanted)

    def _store(self, spec: Sourced) -> Path:
        assert isinstance(spec.source, HubSource | ModelScopeSource)
        return store_of(spec.source, self._settings.data)

    def _board(self, spec: Sourced) -> Flight:
        """The flight that is under way and wanted, or a new one, which waits until an abandoned one ended."""
        store = self._store(spec)
        with self._lock:
            flight = self._flights.get(store)
            if flight is None or not flight.board():
                flight = self._flights[store] = Flight(lambda own: self._bring(spec, own), after=flight)
        return flight

    def _bring(self, spec: Sourced, flight: Flight) -> Path:
        if not self.needed(spec):  # the flight before this one brought it after all
            return source_path(spec, self._settings.data)
        store = self._store(spec)
        listing = self._look_up(spec)
        self._check_disk(spec, listing, store)
        transfer = Transfer(spec.id, listing, store, flight)
        try:
            transfer.run()
        except OSError as error:
            raise self._disk_trouble(spec, error, listing, store) from error
        return source_path(spec, self._settings.data)

    def _look_up(self, spec: Sourced) -> Listing:
        return look_up(spec, self._settings, self._in_the_box())

    def _check_disk(self, spec: Sourced, listing: Listing, store: Path) -> None:
        needs, free = left_of(listing, store) + SPARE, _free(store)
        if needs > free:
            raise StudioError("disk_full", model=spec.id, needs=_gb(needs), free=_gb(free))

    def _disk_trouble(self, spec: Sourced, error: OSError, listing: Listing, store: Path) -> Exception:
        if left_of(listing, store) > _free(store):  # someone else filled it meanwhile
            return StudioError(
                "disk_full", model=spec.id, needs=_gb(left_of(listing, store)), free=_gb(_free(store))
            )
        log.error("%s cannot be written: %s", store, error)
        return StudioError("disk_unwritable", folder=self._settings.data.name)

    def _in_the_box(self) -> str:
        """The title of a model that can be used as it is."""
        for spec in self._models.specs.values() if self._models else ():
            try:
                if source_path(spec, self._settings.data).exists():
                    return spec.title.en
            except StudioError:
                continue
        return ""


def _free(folder: Path) -> int:
    while not folder.is_dir():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _gb(size: int) -> str:
    return f"{size / GB:.1f}"
