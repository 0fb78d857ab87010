"""Reads a YAML file strictly: what is wrong is told by file, line and key, and the rest still works."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, Field, ValidationError

from studio.messages import Message

Entry = TypeVar("Entry", bound=BaseModel)
Place = tuple[str | int, ...]
# The spellbook is thousands of lines, and libyaml reads them about ten times as fast; few builds lack it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Named(Message):
    """An entry that is known by its id."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")


One = TypeVar("One", bound=Named)


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file of data."""

    file: str
    line: int
    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.what}"


@dataclass(frozen=True)
class Reading(Generic[Entry]):
    """The entries that are right, each with its place, and the problems of the others."""

    entries: tuple[tuple[Entry, Place], ...]
    problems: tuple[Problem, ...]


class Document:
    """A YAML file as plain data which remembers the line of every key."""

    def __init__(self, path: Path) -> None:
        self.file = path.name
        self.problems: list[Problem] = []
        self._lines: dict[Place, int] = {}
        self._spoilt: list[Place] = []
        self.data = self._read(path)

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self.problems.append(Problem(self.file, line, "-", f"not YAML: {error.problem}"))
            return {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            self.problems.append(Problem(self.file, 1, "-", f"not YAML: {' '.join(str(error).split())}"))
            return {}
        data = self._plain(node, ()) if node else {}
        if isinstance(data, dict):
            return data
        self.problem((), "must be keys and values")
        return {}

    def _plain(self, node: yaml.Node, place: Place) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(child, (*place, number)) for number, child in enumerate(node.value)]
        return self._scalar(node, place)

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        # One scalar cannot reach outside itself, so the safe constructor may read it alone.
        try:
            return yaml.constructor.SafeConstructor().construct_object(node)
        except (yaml.YAMLError, ValueError) as error:  # a tag of someone's own, the 31st of February
            self._spoil(place, f"cannot be read: {getattr(error, 'problem', error)}")
            return None

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            self._lines[(*place, key)] = line
            if key in found:
                # YAML itself lets the last one win without a word.
                self._spoil((*place, key), "stands twice")
            found[key] = self._plain(value_node, (*place, key))
        return found

    def line(self, place: Place) -> int:
        """The line of a key, or of the nearest thing around it that has one."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    def problem(self, place: Place, what: str) -> None:
        """Notes a problem at a place."""
        key = ".".join(str(part) for part in place) or "-"
        self.problems.append(Problem(self.file, self.line(place), key, what))

    def _spoil(self, place: Place, what: str) -> None:
        self._spoilt.append(place)
        self.problem(place, what)

    def entries(self, key: str, kind: type[Entry]) -> Reading[Entry]:
        """The list under a key as checked entries of one kind."""
        items = self.data.get(key)
        if not isinstance(items, list):
            self.problem((key,), "must be a list")
            items = []
        places: list[Place] = [(key, number) for number in range(len(items))]
        checked = [(self.whole(item, place, kind), place) for item, place in zip(items, places, strict=True)]
        right = tuple((entry, place) for entry, place in checked if entry is not None)
        return Reading(right, tuple(self.problems))

    def distinct(self, key: str, kind: type[One]) -> tuple[tuple[One, Place], ...]:
        """The same of entries that have ids, without those whose id an earlier one has."""
        once: dict[str, tuple[One, Place]] = {}
        for entry, place in self.entries(key, kind).entries:
            if once.setdefault(entry.id, (entry, place)) != (entry, place):
                self.problem((*place, "id"), f"{entry.id} stands twice")
        return tuple(once.values())

    def entry(self, key: str, kind: type[Entry]) -> Entry | None:
        """The one entry under a key; None where it is wrong or not there."""
        return self.whole(self.data[key], (key,), kind) if key in self.data else None

    def whole(self, item: Any, place: Place, kind: type[Entry]) -> Entry | None:
        """One item of any depth as a checked entry; None where it, or anything in it, is wrong."""
        if any(spoilt[: len(place)] == place for spoilt in self._spoilt):
            return None
        return self.checked(item, place, kind)

    def checked(self, item: Any, place: Place, kind: type[Entry]) -> Entry | None:
        """One item as a checked entry, for what holds further entries that are checked one by one."""
        try:
            return kind.model_validate(item)
        except ValidationError as error:
            for detail in error.errors():
                self.problem((*place, *detail["loc"]), _in_words(detail))
            return None


def _in_words(detail: Any) -> str:
    if detail["type"] == "extra_forbidden":
        return "is not a key that is known here"
    if detail["type"] == "missing":
        return "is missing"
    return f"{detail['msg']} (is {detail['input']!r})"
