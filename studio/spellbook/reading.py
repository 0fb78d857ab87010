"""Reads presets/ strictly: what is wrong is told by file, line and key, and the rest of the book works."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from studio.entries import Document, Place, Problem
from studio.families import FAMILIES
from studio.settings import ROOT
from studio.spellbook.book import (
    PARTS,
    Chapter,
    Group,
    Scene,
    SceneGroup,
    Section,
    Spell,
    Spellbook,
    SpellLine,
    Style,
    StyleGroup,
)
from studio.spellbook.finding import fold, with_keys

PRESETS = ROOT / "presets"
"""Where the book that comes with the studio lies."""
Item = TypeVar("Item", bound=Style | Scene)
File = TypeVar("File", Chapter, StyleGroup, SceneGroup)
CHAPTERS, STYLES, SCENES, THUMBNAILS = "spellbook", "styles", "scenes", "thumbnails"
SMALL_WORDS = {"a", "an", "the", "of", "in", "on", "at", "with", "and", "by"}
"""Words that do not make one phrase another."""


def read_spellbook(folder: Path) -> Spellbook:
    """Reads every chapter, style and scene of a folder; what is wrong is left out and told."""
    return _Reader(folder).read()


class _Reader:
    """Goes through the files once; what it has seen tells it what stands twice."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._problems: list[Problem] = []
        self._seen: dict[tuple[str, str], str] = {}

    def read(self) -> Spellbook:
        # In this order: a scene may name a style.
        chapters = self._all(CHAPTERS, self._chapter)
        styles = self._all(STYLES, self._styles)
        scenes = self._all(SCENES, self._scenes)
        return Spellbook(
            chapters=tuple(sorted(chapters, key=lambda one: (PARTS.index(one.part), *_place(one)))),
            styles=tuple(sorted(styles, key=_place)),
            scenes=tuple(sorted(scenes, key=_place)),
            thumbnails=tuple(self._thumbnails()),
            problems=tuple(self._problems),
        )

    def _all(self, name: str, read: Callable[[Document, Path], Iterator[File]]) -> list[File]:
        return [one for document, path in self._documents(name) for one in read(document, path)]

    def _documents(self, name: str) -> Iterator[tuple[Document, Path]]:
        folder = self._folder / name
        if not folder.is_dir():
            self._problems.append(Problem(name, 0, "-", f"there is no such folder in {self._folder}"))
        for path in sorted(folder.glob("*.yaml")):
            document = Document(path)
            if document.data or not document.problems:
                yield document, path
            else:  # not to be read at all: no word about the keys it lacks
                self._told(document, path)

    def _told(self, document: Document, path: Path) -> None:
        # Files of different folders may share a name.
        file = _named(path)
        self._problems += [replace(problem, file=file) for problem in document.problems]

    # -- chapters ---------------------------------------------------------------------------------

    def _chapter(self, document: Document, path: Path) -> Iterator[Chapter]:
        head = document.checked({**document.data, "groups": ()}, (), Chapter)
        if head is not None:
            _names_its_file(document, ("id",), head.id, path)
        groups = tuple(self._groups(document, path))
        self._told(document, path)
        if head is not None:
            yield head.model_copy(update={"groups": groups})

    def _groups(self, document: Document, path: Path) -> Iterator[Group]:
        bags: dict[frozenset[str], str] = {}
        for place, item in _listed(document, ("groups",), document.data.get("groups")):
            body = item if isinstance(item, dict) else {}
            spells = tuple(self._spells(document, path, (*place, "spells"), body.get("spells"), bags))
            group = document.checked({**body, "spells": ()} if body else item, place, Group)
            if group and self._is_new(document, path, (*place, "id"), f"group of {path.stem}", group.id):
                yield group.model_copy(update={"spells": spells})

    def _spells(
        self, document: Document, path: Path, place: Place, items: Any, bags: dict[frozenset[str], str]
    ) -> Iterator[Spell]:
        for within, item in _listed(document, place, items):
            line = document.whole(item, within, SpellLine)
            if line is None or not self._says_something_new(document, path, within, line):
                continue
            other = bags.setdefault(_bag(line.en), line.en)
            if other != line.en:
                document.problem((*within, "en"), f"{line.en} says the same as {other}")
                continue
            yield with_keys(line)

    def _says_something_new(self, document: Document, path: Path, place: Place, line: SpellLine) -> bool:
        texts = (("en", line.en), ("zh", line.zh))
        new = [self._is_new(document, path, (*place, key), f"spell {key}", text) for key, text in texts]
        return all(new)

    def _is_new(self, document: Document, path: Path, place: Place, kind: str, text: str) -> bool:
        here = f"{_named(path)}:{document.line(place)}"
        first = self._seen.setdefault((kind, fold(text)), here)
        if first is not here:
            document.problem(place, f"{text} stands twice; the first one is in {first}")
        return first is here

    # -- styles and scenes ------------------------------------------------------------------------

    def _styles(self, document: Document, path: Path) -> Iterator[StyleGroup]:
        styles = tuple(style for _, style in self._items(document, path, STYLES, Style))
        for head in self._head(document, path, STYLES):
            yield StyleGroup(**dict(head), styles=styles)

    def _thumbnails(self) -> Iterator[str]:
        for path in sorted((self._folder / THUMBNAILS).glob("*")):
            if path.suffix == ".webp" and (STYLES, fold(path.stem)) in self._seen:
                yield path.stem
            else:
                self._problems.append(
                    Problem(_named(path), 0, "-", f"is no style's picture, {path.stem}.webp")
                )

    def _scenes(self, document: Document, path: Path) -> Iterator[SceneGroup]:
        scenes = tuple(self._scenes_of(document, path))
        for head in self._head(document, path, SCENES):
            yield SceneGroup(**dict(head), scenes=scenes)

    def _scenes_of(self, document: Document, path: Path) -> Iterator[Scene]:
        for place, scene in self._items(document, path, SCENES, Scene):
            if scene.style and (STYLES, fold(scene.style)) not in self._seen:
                document.problem((*place, "style"), f"there is no style {scene.style}")
            else:
                yield scene

    def _items(
        self, document: Document, path: Path, key: str, kind: type[Item]
    ) -> Iterator[tuple[Place, Item]]:
        for place, written in _listed(document, (key,), document.data.get(key)):
            item = document.whole(written, place, kind)
            if item is None or not self._is_new(document, path, (*place, "id"), key, item.id):
                continue
            if not isinstance(item, Style) or _families_are_known(document, place, item):
                yield place, item

    def _head(self, document: Document, path: Path, key: str) -> Iterator[Section]:
        for other in sorted(set(document.data) - {"group", key}):
            document.problem((other,), "is not a key that is known here")
        if "group" not in document.data:
            document.problem(("group",), "is missing")
        head = document.entry("group", Section)
        if head is not None:
            _names_its_file(document, ("group", "id"), head.id, path)
        self._told(document, path)
        if head is not None:
            yield head


def _place(one: Chapter | Section) -> tuple[int, str]:
    return one.order, one.id


def _families_are_known(document: Document, place: Place, style: Style) -> bool:
    unknown = [family for family in style.families if family not in FAMILIES]
    for family in unknown:
        document.problem((*place, "families"), f"{family} is not known; known are {', '.join(FAMILIES)}")
    return not unknown


def _named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _names_its_file(document: Document, place: Place, given: str, path: Path) -> None:
    if given != path.stem:
        document.problem(place, f"is {given}, but its file is {path.name}")


def _listed(document: Document, place: Place, items: Any) -> Iterator[tuple[Place, Any]]:
    if not isinstance(items, list):
        document.problem(place, "must be a list")
        return
    for number, item in enumerate(items):
        yield (*place, number), item


def _bag(text: str) -> frozenset[str]:
    """The words of a phrase that carry it: one phrase in another order or number is the same."""
    words = re.findall(r"[a-z0-9]+", text.casefold())
    return frozenset(word.removesuffix("s") for word in words if word not in SMALL_WORDS) or frozenset(words)
