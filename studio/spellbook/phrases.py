"""Finds known phrases in a text: longest first, and whole words, as far as that can be told in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from studio.spellbook.book import HAN

Value = TypeVar("Value")
LONGEST = 24
"""Words or Chinese characters of one phrase."""
LINK = "的"
"""Ends the word before it, whatever that is."""
UNKNOWN = 1000
"""What an unknown word costs; so much more than a phrase that knowing one word more always wins."""

# f/1.8 and the J. of a name are words too.
_TOKEN = re.compile(r"[\u3400-\u9fff]|(?<!\w)[A-Za-z]\.(?=\s?[A-Za-z])|[^\W\u3400-\u9fff_]+(?:[/.][0-9]+)*")
_JOINT = re.compile(r"[\s\-'’_·]*")
SET_ASIDE = re.compile(
    r"<(?:lora|lyco|hypernet):[^<>]*>|__[^\W_](?:[^{}|$\n,\\]{0,60}?[^\W_])?__", re.IGNORECASE
)


class Token(NamedTuple):
    """A word, or a Chinese character, and where it stands."""

    text: str
    start: int
    end: int

    @property
    def chinese(self) -> bool:
        """Whether it is a Chinese character."""
        return HAN.match(self.text) is not None


@dataclass(frozen=True)
class Found(Generic[Value]):
    """A stretch of a text: a known phrase with what it stands for, or unknown words."""

    start: int
    end: int
    value: Value | None


@dataclass(frozen=True)
class _Step:
    """The best way to read a text up to a token: what it costs, and its last stretch."""

    cost: int
    since: int
    before: str
    known: bool


def runs(text: str) -> Iterator[list[Token]]:
    """The words of a text, parted where anything but a space or a hyphen stands between them."""
    run: list[Token] = []
    for token in _tokens(text):
        if run and not _JOINT.fullmatch(text, run[-1].end, token.start):
            yield run
            run = []
        run.append(token)
    if run:
        yield run


def _tokens(text: str) -> Iterator[Token]:
    aside = [found.span() for found in SET_ASIDE.finditer(text)]
    at = 0
    for found in _TOKEN.finditer(text):
        while at < len(aside) and aside[at][1] <= found.start():
            at += 1
        if at == len(aside) or found.start() < aside[at][0]:
            yield Token(found[0].casefold(), *found.span())


def words(text: str) -> tuple[str, ...]:
    """A phrase as it is looked up."""
    return tuple(token.text for token in _tokens(text))


class Phrases(Generic[Value]):
    """Known phrases and what they stand for; of two that claim one phrase at one rank neither has it."""

    def __init__(self) -> None:
        self._ranks: dict[tuple[str, ...], int] = {}
        self._values: dict[tuple[str, ...], Value | None] = {}
        self._alone: set[tuple[str, ...]] = set()
        self._longest = 0

    def add(self, text: str, value: Value, rank: int = 0, alone: bool = False) -> None:
        """Takes a phrase in; a smaller rank wins. `alone`: it counts only where nothing stands beside it."""
        key = words(text)
        known = self._ranks.get(key)
        if not key or len(key) > LONGEST or (known is not None and known < rank):
            return
        same = known is None or known > rank or self._values[key] == value
        self._ranks[key] = rank
        self._values[key] = value if same else None
        (self._alone.add if alone else self._alone.discard)(key)
        self._longest = max(self._longest, len(key))

    def find(self, text: str) -> list[Found[Value]]:
        """Every word of a text, in order, as part of a known phrase or of an unknown stretch."""
        return [found for run in runs(text) for found in self._read(run)]

    def _read(self, run: list[Token]) -> list[Found[Value]]:
        """The reading that leaves the fewest words unknown, and of those the one of the fewest phrases."""
        steps: list[dict[str, _Step]] = [{"start": _Step(0, 0, "", True)}]
        for end in range(1, len(run) + 1):
            steps.append(self._steps(run, end, steps))
        return list(self._stretches(run, steps))

    def _steps(self, run: list[Token], end: int, steps: list[dict[str, _Step]]) -> dict[str, _Step]:
        best: dict[str, _Step] = {}
        for since in range(max(0, end - self._longest), end):
            if self._knows(run, since, end):
                _better(best, _kind(run, since, end), steps[since], since, 1, known=True)
        unknown = "unknown" if run[end - 1].chinese else "unknown word"
        _better(best, unknown, steps[end - 1], end - 1, UNKNOWN, known=False)
        return best

    def _knows(self, run: list[Token], since: int, end: int) -> bool:
        key = _key(run, since, end)
        if self._values.get(key) is None:
            return False
        return key not in self._alone or (since == 0 and end == len(run))

    def _stretches(self, run: list[Token], steps: list[dict[str, _Step]]) -> Iterator[Found[Value]]:
        """The best reading from its first word on; neighbouring unknown words are one stretch."""
        unknown = -1
        for since, end, known in _path(steps):
            if not known:
                unknown = since if unknown < 0 else unknown
            else:
                if unknown >= 0:
                    yield Found(run[unknown].start, run[since - 1].end, None)
                unknown = -1
                yield Found(run[since].start, run[end - 1].end, self._values[_key(run, since, end)])
        if unknown >= 0:
            yield Found(run[unknown].start, run[-1].end, None)


def _key(run: list[Token], since: int, end: int) -> tuple[str, ...]:
    return tuple(token.text for token in run[since:end])


def _path(steps: list[dict[str, _Step]]) -> list[tuple[int, int, bool]]:
    """The cheapest way through, as stretches from the first to the last."""
    path = []
    end = len(steps) - 1
    kind = min(steps[end], key=lambda one: steps[end][one].cost)
    while end:
        step = steps[end][kind]
        path.append((step.since, end, step.known))
        end, kind = step.since, step.before
    return path[::-1]


def _kind(run: list[Token], since: int, end: int) -> str:
    alone = end - since == 1 and run[since].chinese and run[since].text != LINK
    return "character" if alone else "phrase"


def _better(
    best: dict[str, _Step], kind: str, before: dict[str, _Step], since: int, cost: int, known: bool
) -> None:
    """Keeps the cheapest way to end in a stretch of a kind."""
    for last, step in before.items():
        # A known character beside unknown ones is most likely part of their word: 花 in 雪花.
        if {last, kind} == {"character", "unknown"}:
            continue
        if kind not in best or step.cost + cost < best[kind].cost:
            best[kind] = _Step(step.cost + cost, since, last, known)
