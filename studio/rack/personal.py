"""A list that each person has of their own, in a file that is replaced whole or not at all."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from studio.errors import StudioError
from studio.files import write_whole
from studio.messages import RECORD_FORMAT

log = logging.getLogger(__name__)
Item = TypeVar("Item")
_PERSON = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class PersonalList(Generic[Item]):
    """The lists of all people under one key of one file each; each is read once."""

    def __init__(
        self, data: Path, file: str, key: str, read: Callable[[object], Item], told: Callable[[Item], object]
    ) -> None:
        self._data, self._file, self._key = data, file, key
        self._as_item, self._told = read, told
        self._lock = threading.Lock()
        self._read: dict[str, tuple[Item, ...]] = {}

    def of(self, person: str) -> tuple[Item, ...]:
        """What a person has, the last one last."""
        with self._lock:
            return self._known(person)

    def change(self, person: str, change: Callable[[tuple[Item, ...]], tuple[Item, ...]]) -> None:
        """Makes another list of it; what is the same afterwards is not written."""
        with self._lock:
            before = self._known(person)
            after = change(before)
            if after != before:
                self._write(person, after)

    def _path(self, person: str) -> Path:
        if not _PERSON.fullmatch(person):
            raise ValueError(f"no person can be called {person!r}")
        return self._data / "people" / person / self._file

    def _known(self, person: str) -> tuple[Item, ...]:
        if person in self._read:
            return self._read[person]
        path = self._path(person)
        if not path.is_file():  # passers-by are not remembered
            return ()
        return self._read.setdefault(person, tuple(self._items(path)))

    def _items(self, path: Path) -> Iterator[Item]:
        try:
            listed = list(json.loads(path.read_text(encoding="utf-8"))[self._key])
        except (OSError, ValueError, LookupError, TypeError):
            log.warning("%s of %s cannot be read, and what it kept is gone", path.name, path.parent.name)
            return
        for one in listed:
            try:
                yield self._as_item(one)
            except (ValueError, TypeError):
                log.warning("something in %s of %s cannot be read", path.name, path.parent.name)

    def _write(self, person: str, items: tuple[Item, ...]) -> None:
        path = self._path(person)
        content = {"format": RECORD_FORMAT, self._key: [self._told(one) for one in items]}
        try:
            write_whole(path, json.dumps(content, ensure_ascii=False, indent=1))
        except OSError as error:
            log.exception("%s of %s cannot be kept", self._file, person)
            raise StudioError("disk_unwritable", folder=self._data.name) from error
        self._read[person] = items
