"""What people brought long ago and nothing names goes: at a start, and once a day from then on."""

from __future__ import annotations

import logging
import sqlite3
import threading
from itertools import chain

from studio.gallery import Gallery
from studio.inputs import Inputs
from studio.jobs.book import JobBook
from studio.maps import Maps

log = logging.getLogger(__name__)
DAY = 24 * 60 * 60
EVERY = DAY
"""Seconds from one time to the next: a studio may run for months."""
TRIES = 144
"""How often within a day it is looked whether nobody waits for anything."""


class Forgetting:
    """Looks through the pictures that were brought, while nobody waits."""

    def __init__(self, days: int, inputs: Inputs, maps: Maps, gallery: Gallery, book: JobBook) -> None:
        self._days, self._inputs, self._maps = days, inputs, maps
        self._gallery, self._book = gallery, book
        self._closing = threading.Event()

    def start(self) -> None:
        """Begins at once, beside everything else; where pictures stay for good there is nothing to do."""
        if self._days:
            threading.Thread(target=self._run, name="old inputs", daemon=True).start()

    def close(self) -> None:
        """Nothing goes any more."""
        self._closing.set()

    def _run(self) -> None:
        self._forget()
        while self._waited():
            self._forget()

    def _waited(self) -> bool:
        """Lets a day go by, and at most one more until nobody waits; False once the studio closes."""
        if self._closing.wait(EVERY):
            return False
        for _ in range(TRIES):
            if not self._book.busy():
                break
            if self._closing.wait(EVERY / TRIES):
                return False
        return True

    def _forget(self) -> None:
        try:
            named = self._inputs.named(chain(self._book.notes(), self._gallery.recipes()))
            self._inputs.forget(named, self._days * DAY)
            self._maps.forget()
        except (OSError, sqlite3.Error):
            log.exception("what was brought long ago cannot be looked through; it is tried again tomorrow")
