"""The desk at which people use the spellbook: what it holds, what goes together, and what is each one's own."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from studio.errors import StudioError
from studio.messages import Language, Person
from studio.prompt import Template, refusal
from studio.spellbook import (
    KINDS,
    PRESETS,
    Anatomy,
    Element,
    Imported,
    Index,
    OwnItem,
    PersonalBook,
    Place,
    Shelf,
    Spellbook,
    anatomy,
    book_for_page,
    checked,
    dice,
    hint,
    own_for_page,
    random_prompt,
    read_spellbook,
    wand,
)

_reading = threading.Lock()


@cache
def _read() -> Index:
    return Index(read_spellbook(PRESETS))


def _shipped() -> Index:
    """The book that comes with the studio. It never changes while one runs, so all share it, read once."""
    with _reading:
        return _read()


def _prepare() -> None:
    """Reads the book and what a wand needs of it, so that nobody waits for that."""
    index = _shipped()
    _ = index.positive, index.sources


class Desk:
    """What of the studio is about the spellbook."""

    def __init__(self, data: Path) -> None:
        self._shelf = Shelf(data)

    def open_book(self) -> None:
        """Begins to read the book in the background; whoever asks for it meanwhile waits for that one reading."""
        threading.Thread(target=_prepare, name="spellbook", daemon=True).start()

    @property
    def _index(self) -> Index:
        return _shipped()

    # -- the book that comes with the studio -------------------------------------------------------

    def book(self, person: Person) -> Spellbook:
        """The spellbook that comes with the studio."""
        return self._index.book

    def book_page(self) -> bytes:
        """That book as the page is given it: JSON."""
        told = book_for_page(self._index.book)
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()

    def anatomy(self, prompt: str) -> Anatomy:
        """Which spells a prompt holds, where, and what of the formula it lacks."""
        return anatomy(self._index, prompt)

    def hint(self, prompt: str, seed: int, dismissed: Collection[Element] = ()) -> Place | None:
        """One spell for what a prompt lacks most; None when nothing is missing."""
        return hint(self._index, prompt, seed, dismissed)

    def wand(self, prompt: str, seed: int) -> tuple[Place, ...]:
        """Spells for all that a prompt lacks, as a proposal."""
        if not refusal(prompt) and refusal(f"{prompt}, a"):
            raise StudioError("blend_takes_no_more")
        return wand(self._index, prompt, seed)

    def dice(self, chapter: str, seed: int, group: str = "", besides: Collection[str] = ()) -> Place | None:
        """A random spell of a chapter, or of one of its groups."""
        return dice(self._index, chapter, seed, group, besides)

    def random_prompt(self, seed: int, locks: Sequence[str] = ()) -> tuple[Place, ...]:
        """Spells for a whole prompt that makes sense; those that are locked, by English text, stay."""
        return random_prompt(self._index, seed, locks)

    def _style(self, id: str, person: Person) -> Template | None:
        own = {style.id: style for style in self._shelf.book(person.id).styles}
        return own[id] if id in own else self._index.styles.get(id)

    def _wildcards(self, name: str, language: Language, person: Person) -> tuple[str, ...]:
        own = self._shelf.book(person.id).wildcards(name, language)
        return own or self._index.wildcards(name, language)

    # -- a person's own book -----------------------------------------------------------------------

    def own_book(self, person: Person) -> PersonalBook:
        """A person's own spells, styles and scenes, favourites, and what was used last."""
        return self._shelf.book(person.id)

    def own_page(self, person: Person) -> dict[str, Any]:
        """That book as the page is given it, with what of its file could not be read."""
        return own_for_page(self.own_book(person)) | {"problems": self.own_problems(person)}

    def own_problems(self, person: Person) -> tuple[str, ...]:
        """What in a person's file could not be read, by line."""
        return tuple(map(str, self._shelf.problems(person.id)))

    def keep_own(self, item: OwnItem, person: Person) -> OwnItem:
        """Adds a spell, style or scene, or changes the one with its id."""
        return self._shelf.keep(person.id, item)

    def keep_own_written(self, kind: str, written: Mapping[str, Any], person: Person) -> OwnItem:
        """Does the same with a thing as it was filled in on a page; `kind` is spells, styles or scenes."""
        return self.keep_own(checked(KINDS[kind], written), person)

    def delete_own(self, id: str, person: Person) -> None:
        """Takes one's own spell, style or scene away for good."""
        self._shelf.delete(person.id, id)

    def favourite(self, key: str, on: bool, person: Person) -> None:
        """Marks something of the book as a favourite: a spell by its English text, the rest by id."""
        self._shelf.favourite(person.id, key, on)

    def used(self, keys: Sequence[str], person: Person) -> None:
        """Remembers what of the book was used last."""
        self._shelf.used(person.id, keys)

    def export_own(self, person: Person) -> str:
        """One's own things as a YAML file."""
        return self._shelf.exported(person.id)

    def import_own(self, data: bytes, person: Person) -> Imported:
        """Adds what a YAML file or a styles.csv holds."""
        return self._shelf.imported(person.id, data)
