"""Keeps people's own books: one YAML file a person, read strictly, replaced whole or not at all."""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from studio.entries import Document, Problem
from studio.errors import StudioError
from studio.files import whole
from studio.messages import Message, Trouble
from studio.spellbook.importing import read_items
from studio.spellbook.personal import (
    KINDS,
    LONGEST_KEY,
    MOST,
    MOST_RECENT,
    OwnItem,
    OwnScene,
    OwnSpell,
    OwnStyle,
    PersonalBook,
    kind_of_item,
)

log = logging.getLogger(__name__)
_PERSON = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
FILE = "book.yaml"
BROKEN = "book.broken.yaml"
LARGEST_BOOK = 4_000_000
"""Characters of one person's file: it is written anew with every change."""
# Ten times as fast, where PyYAML was built with libyaml.
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Imported(Message):
    """What an import brought, what was there already, and what could not be taken."""

    added: int = 0
    known: int = 0
    troubles: tuple[Trouble, ...] = ()


class Shelf:
    """The books of all people; each is read once and kept until it changes."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "people"
        self._lock = threading.RLock()
        self._read: dict[str, tuple[PersonalBook, tuple[Problem, ...]]] = {}

    def book(self, person: str) -> PersonalBook:
        """A person's own book; whoever has none has an empty one."""
        return self._known(person)[0]

    def problems(self, person: str) -> tuple[Problem, ...]:
        """What in a person's file could not be read; it lies beside it once the file is written anew."""
        return self._known(person)[1]

    def keep(self, person: str, item: OwnItem) -> OwnItem:
        """Adds a thing, or puts it in the place of the one with its id."""
        with self._lock:
            book = self.book(person)
            if not item.id:
                item = item.model_copy(update={"id": _new_id()})
                self._write(person, _added(book, [item]))
                return item
            old = book.find(item.id)
            if type(old) is not type(item):
                raise StudioError("own_spell_gone")
            self._write(person, _mapped(book, lambda one: item if one.id == item.id else one))
            return item

    def delete(self, person: str, id: str) -> None:
        """Takes a thing away for good."""
        with self._lock:
            book = self.book(person)
            book.find(id)
            book = _mapped(book, lambda one: None if one.id == id else one)
            rest = {name: tuple(key for key in getattr(book, name) if key != id) for name in _LISTS}
            self._write(person, book.model_copy(update=rest))

    def favourite(self, person: str, key: str, on: bool) -> None:
        """Marks a spell, style or scene, by its English text or its id, or takes the mark off."""
        with self._lock:
            book = self.book(person)
            others = tuple(one for one in book.favourites if one != key)
            self._write(person, _with_keys(book, favourites=(*others, key)[-MOST:] if on else others))

    def used(self, person: str, keys: Sequence[str]) -> None:
        """Puts what was used to the front of what was used last."""
        with self._lock:
            book = self.book(person)
            recent = tuple(dict.fromkeys([*keys, *book.recent]))[:MOST_RECENT]
            if recent != book.recent:
                self._write(person, _with_keys(book, recent=recent))

    def exported(self, person: str) -> str:
        """A person's own things as YAML, to be given to others; what was used last is nobody's business."""
        return as_yaml(self.book(person).model_copy(update={"recent": (), "favourites": ()}))

    def imported(self, person: str, data: bytes) -> Imported:
        """Adds what a YAML or CSV file holds; what is there already is not added twice."""
        items, troubles = read_items(data)
        with self._lock:
            book = self.book(person)
            there = {_content(item) for item in book.items}
            new = list({_content(item): item for item in items if _content(item) not in there}.values())
            if new:
                self._write(person, _added(book, [one.model_copy(update={"id": _new_id()}) for one in new]))
        return Imported(added=len(new), known=len(items) - len(new), troubles=troubles)

    # -- files ------------------------------------------------------------------------------------

    def _path(self, person: str) -> Path:
        if not _PERSON.fullmatch(person):
            raise ValueError(f"no person can be called {person!r}")
        return self._folder / person / FILE

    def _known(self, person: str) -> tuple[PersonalBook, tuple[Problem, ...]]:
        with self._lock:
            if person in self._read:
                return self._read[person]
            path = self._path(person)
            if not path.is_file():  # passers-by are not remembered
                return PersonalBook(), ()
            return self._read.setdefault(person, read_personal(path))

    def _write(self, person: str, book: PersonalBook) -> None:
        path, text = self._path(person), as_yaml(book)
        if len(text) > LARGEST_BOOK:
            raise StudioError("own_book_full", most=LARGEST_BOOK // 1_000_000)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if self.problems(person):
                # What cannot be read here may still be dear to somebody.
                shutil.copyfile(path, path.with_name(BROKEN))
            _replace(path, text)
        except OSError as error:
            log.exception("a person's own book cannot be kept")
            raise StudioError("disk_unwritable", folder=self._folder.parent.name) from error
        self._read[person] = (book, ())


def _replace(path: Path, text: str) -> None:
    """Writes a file whole or not at all, and onto the disk before anybody is told that it is kept."""
    with whole(path) as unfinished, unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


_LISTS = ("favourites", "recent")


def read_personal(path: Path) -> tuple[PersonalBook, tuple[Problem, ...]]:
    """A person's file as far as it is right, and what is wrong in it."""
    document = Document(path)
    found: dict[str, Any] = {name: _entries(document, name, kind) for name, kind in KINDS.items()}
    lists = {name: document.data.get(name, ()) for name in _LISTS}
    head = document.checked({"format": document.data.get("format", 1), **lists}, (), PersonalBook)
    for other in sorted(set(document.data) - set(PersonalBook.model_fields)):
        document.problem((other,), "is not a key that is known here")
    book = (head or PersonalBook()).model_copy(update=found)
    return book, tuple(document.problems)


def _entries(
    document: Document, name: str, kind: type[OwnSpell] | type[OwnStyle] | type[OwnScene]
) -> tuple[OwnItem, ...]:
    if name not in document.data:
        return ()
    items: dict[str, OwnItem] = {}
    for item, place in document.entries(name, kind).entries:
        id = item.id or _new_id()
        if id in items:
            document.problem((*place, "id"), f"{id} stands twice")
        else:
            items[id] = item.model_copy(update={"id": id})
    return tuple(items.values())


def as_yaml(book: PersonalBook) -> str:
    """A book as a file that can be read and changed by hand."""
    told = {"format": book.format, **book.model_dump(mode="json", exclude_defaults=True)}
    return str(yaml.dump(told, Dumper=_DUMPER, allow_unicode=True, sort_keys=False, width=1000))


# -- changes --------------------------------------------------------------------------------------


def _new_id() -> str:
    return f"own-{secrets.token_hex(6)}"


def _content(item: OwnItem) -> str:
    return f"{kind_of_item(item)} {item.model_copy(update={'id': ''}).model_dump_json()}"


def _added(book: PersonalBook, items: Sequence[OwnItem]) -> PersonalBook:
    changes: dict[str, tuple[OwnItem, ...]] = {name: getattr(book, name) for name in KINDS}
    for item in items:
        name = kind_of_item(item)
        changes[name] = (*changes[name], item)
    if any(len(there) > MOST for there in changes.values()):
        raise StudioError("own_full", most=MOST)
    return book.model_copy(update=changes)


def _mapped(book: PersonalBook, change: Callable[[OwnItem], OwnItem | None]) -> PersonalBook:
    changes = {name: tuple(new for one in getattr(book, name) if (new := change(one))) for name in KINDS}
    return book.model_copy(update=changes)


def _with_keys(book: PersonalBook, **changes: tuple[str, ...]) -> PersonalBook:
    """A book with another list of keys, checked as if it were read."""
    if any(not 0 < len(key) <= LONGEST_KEY for keys in changes.values() for key in keys):
        raise StudioError("own_spell_gone")
    return book.model_copy(update=changes)
