"""Which LoRAs a person gave a star: a file a person, replaced whole or not at all."""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
from pathlib import Path

from studio.errors import StudioError
from studio.messages import RECORD_FORMAT

log = logging.getLogger(__name__)
_PERSON = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
FILE = "loras.json"
MOST = 2000


class Stars:
    """The stars of all people; each person's are read once."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._lock = threading.Lock()
        self._read: dict[str, tuple[str, ...]] = {}

    def of(self, person: str) -> tuple[str, ...]:
        """The ids that a person gave a star, the last one last."""
        with self._lock:
            return self._known(person)

    def mark(self, person: str, id: str, on: bool) -> None:
        """Gives a star, or takes it off."""
        with self._lock:
            before = self._known(person)
            others = tuple(one for one in before if one != id)
            after = (*others, id)[-MOST:] if on else others
            if after != before:
                self._write(person, after)

    def _path(self, person: str) -> Path:
        if not _PERSON.fullmatch(person):
            raise ValueError(f"no person can be called {person!r}")
        return self._data / "people" / person / FILE

    def _known(self, person: str) -> tuple[str, ...]:
        if person in self._read:
            return self._read[person]
        path = self._path(person)
        if not path.is_file():  # passers-by are not remembered
            return ()
        return self._read.setdefault(person, _read(path))

    def _write(self, person: str, ids: tuple[str, ...]) -> None:
        path = self._path(person)
        unfinished = path.with_suffix(f".{secrets.token_hex(4)}")
        text = json.dumps({"format": RECORD_FORMAT, "favourites": ids}, ensure_ascii=False, indent=1)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(path)
        except OSError as error:
            log.exception("the stars of %s cannot be kept", person)
            raise StudioError("disk_unwritable", folder=self._data.name) from error
        finally:
            unfinished.unlink(missing_ok=True)
        self._read[person] = ids


def _read(path: Path) -> tuple[str, ...]:
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["favourites"]
        return tuple(str(id) for id in listed if isinstance(id, str))
    except (OSError, ValueError, LookupError, TypeError):
        log.warning("%s of %s cannot be read, and its stars are gone", path.name, path.parent.name)
        return ()
