"""The references of the form: kept as text by the browser, read here into what the studio is asked for. No Gradio."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from studio.messages import ControlUnit
from studio.ui import kept

MOST = 4
"""References at once."""
NO_PICTURE = "0" * 64
"""Stands in for the picture of a reference that has none yet, while the rest of it is checked."""


def read(text: str) -> tuple[dict[str, Any], ...]:
    """The references as they stand in the form, those without a picture included; raises ValueError."""
    return kept.entries(text, MOST, _checked)


def _checked(entry: dict[str, Any]) -> dict[str, Any]:
    waits, picture = entry.get("waits", False), entry.get("picture") or ""
    if not isinstance(waits, bool):
        raise ValueError("waits is neither true nor false")
    return _unit(entry).model_dump() | {"picture": picture, "waits": waits}


def _unit(entry: dict[str, Any]) -> ControlUnit:
    own = {name: value for name, value in entry.items() if name != "waits"}
    return ControlUnit.model_validate(own | {"picture": own.get("picture") or NO_PICTURE})


def readable(text: Any) -> bool:
    """Whether a text of the form can be read as references."""
    return kept.readable(text, read)


def units_of(text: str) -> tuple[ControlUnit, ...]:
    """The references that are complete: what the studio is asked for."""
    return tuple(_unit(entry) for entry in read(text) if entry["picture"])


def text_of(entries: Iterable[dict[str, Any]]) -> str:
    """References as the form keeps them; what is as it is by itself is left out."""
    return kept.written(_short(entry) for entry in entries)


def text_of_units(units: Iterable[ControlUnit]) -> str:
    """The references of a recipe as the form keeps them; no more than it has room for."""
    return text_of(unit.model_dump() for unit in list(units)[:MOST])


def _short(entry: dict[str, Any]) -> dict[str, Any]:
    said = _unit(entry).model_dump(exclude_defaults=True) | {"picture": entry["picture"]}
    return said | ({"waits": True} if entry.get("waits") else {})


def with_picture(text: str, picture: str, kind: str, waits: bool = False) -> str:
    """The same references and one more; where there is no room it takes the place of the last.

    `waits`: the model has nothing that follows it; it is only looked at until one is chosen that has.
    """
    entries = list(read(text))
    free = next((entry for entry in entries if not entry["picture"]), None)
    if free is not None:
        free["picture"] = picture
        return text_of(entries)
    new = {"kind": kind, "picture": picture, "muted": waits, "waits": waits}
    return text_of([*entries[: MOST - 1], new])


def without_nets(text: str) -> str:
    """The same references for another model: which net follows them is its own to choose."""
    return text_of(entry | {"net": ""} for entry in read(text))


def roused(text: str, followed: Collection[str]) -> str:
    """The same references: those that wait for a model count where it follows their kind."""
    entries = read(text)
    return text_of(one | {"muted": one["kind"] not in followed} if one["waits"] else one for one in entries)


def without_gone(text: str, here: Callable[[str], bool]) -> str:
    """The same references without those whose picture the studio has no more."""
    entries = read(text)
    left = [entry for entry in entries if not entry["picture"] or here(entry["picture"])]
    return text if len(left) == len(entries) else text_of(left)
