"""Cuts prompts of any length into the windows that text encoders read, as they are cut elsewhere."""

# The counter and the encoder both cut here, so that the page shows the borders that are painted with.

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from studio.errors import StudioError
from studio.prompt.parse import Phrase, Piece

Tokenize = Callable[[str], list[int]]
BACKTRACK = 20
"""A full window gives up what follows its last comma, if that is less than so many tokens."""


@dataclass(frozen=True)
class Place:
    """One token of a window, or one vector of an embedding."""

    id: int
    weight: float = 1.0
    embedding: str = ""
    row: int = 0


Window = tuple[Place, ...]
_Unit = tuple[Place, ...]
"""What is never torn apart: a token, or all vectors of an embedding."""


def cut(
    phrase: Phrase, tokenize: Tokenize, size: int, vectors: Mapping[str, int] | None = None
) -> tuple[Window, ...]:
    """The windows of a phrase, start and end marks not counted; `vectors` tells how many an embedding has."""
    lengths = vectors or {}
    _check_lengths(lengths, size)
    comma = _comma(tokenize)
    windows: list[Window] = []
    for chunk in phrase.chunks:
        units = [unit for piece in chunk.pieces for unit in _units(piece, tokenize, lengths)]
        windows += _fill(units, size, comma)
    while len(windows) > 1 and not windows[-1]:  # nothing follows the last BREAK
        windows.pop()
    return tuple(windows)


def names_pattern(names: Collection[str]) -> re.Pattern[str] | None:
    """Finds embeddings by name: whole words in any case, longer names first, `embedding:` before them or not."""
    if not names:
        return None
    longest = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![A-Za-z0-9_-])(?:embedding:)?({longest})(?![A-Za-z0-9_-])", re.IGNORECASE)


def _check_lengths(lengths: Mapping[str, int], size: int) -> None:
    for name, length in lengths.items():
        if length > size:
            raise StudioError("embedding_too_long", embedding=name, vectors=length, window=size)


def _comma(tokenize: Tokenize) -> int | None:
    ids = tokenize(",")
    return ids[0] if len(ids) == 1 else None


def _units(piece: Piece, tokenize: Tokenize, lengths: Mapping[str, int]) -> Iterator[_Unit]:
    pattern = names_pattern(lengths)
    if pattern is None:
        yield from ((Place(id, piece.weight),) for id in tokenize(piece.words))
        return
    known = {name.casefold(): name for name in lengths}
    for number, part in enumerate(pattern.split(piece.words)):
        if number % 2:
            name = known[part.casefold()]
            yield tuple(Place(0, piece.weight, name, row) for row in range(lengths[name]))
        else:
            yield from ((Place(id, piece.weight),) for id in tokenize(part))


def _fill(units: list[_Unit], size: int, comma: int | None) -> list[Window]:
    windows: list[Window] = []
    window: list[Place] = []
    for unit in units:
        if len(window) + len(unit) > size:
            keep = _border(window, unit, comma)
            windows.append(tuple(window[:keep]))
            window = window[keep:]
        if len(window) + len(unit) > size:  # an embedding too long for what was carried over
            windows.append(tuple(window))
            window = []
        window += unit
    return [*windows, tuple(window)]


def _border(window: list[Place], following: _Unit, comma: int | None) -> int:
    """Where a full window ends: after its last comma, if that is near and the next token is no comma itself."""
    if comma is None or following[0] == Place(comma, following[0].weight):
        return len(window)
    for at in range(len(window) - 1, max(-1, len(window) - 1 - BACKTRACK), -1):
        if window[at].id == comma and not window[at].embedding:
            return at + 1
    return len(window)
