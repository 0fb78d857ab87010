"""Lists that the browser keeps as text in the form: how one is read, strictly, and written. No Gradio."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

Entry = dict[str, Any]


def entries(text: str, most: int, checked: Callable[[Entry], Entry]) -> tuple[Entry, ...]:
    """The entries of a list, each checked; raises ValueError."""
    found = json.loads(text) if text else []
    if not isinstance(found, list) or len(found) > most:
        raise ValueError(f"not a list of at most {most}")
    if not all(isinstance(entry, dict) for entry in found):
        raise ValueError("not a list of mappings")
    return tuple(checked(entry) for entry in found)


def readable(text: Any, read: Callable[[str], object]) -> bool:
    """Whether what stands in a form can be read."""
    try:
        read(text)
    except (TypeError, ValueError, RecursionError):  # a ValidationError is a ValueError
        return False
    return isinstance(text, str)


def written(found: Iterable[Entry]) -> str:
    """A list as the form keeps it; an empty one is no text."""
    every = list(found)
    return json.dumps(every, ensure_ascii=False, separators=(",", ":")) if every else ""
