r"""Settles what a prompt leaves open: `{red|blue}` and `__light__`, the same way for the same seed.

`{red|blue}` is one of them, `{3::red|blue}` is red three times in four, `{2$$a|b|c}` are two different ones and
`{1-2$$ and $$a|b|c}` one or two with "and" between them; `__light__` is one of the book's phrases of that name, and
`{2$$__light__}` two of them. Groups nest. `\{`, `\}`, `\|` inside a group, and `\__` are the signs themselves. Braces
that hold no alternatives, and names that nobody knows, are text.
"""

# By hand, though dynamicprompts (MIT, 0.31.0, with jinja2 and pyparsing) reads the same signs and was tried:
# "a { cat", "$5" and "100% {a|b}" end in its ParseException, everything behind "#" is silently gone, a wildcard that
# names itself ends in a RecursionError, and no brace can be escaped. Here whatever a person types stays text.

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from studio.errors import StudioError
from studio.prompt.parse import TAG_KINDS

Wildcards = Callable[[str], Sequence[str]]
"""The texts behind a name; none where nobody knows it."""
MOST_NESTED = 40
"""Groups and wildcards within each other: a wildcard may name itself."""
MOST_SETTLED = 2000
"""Groups and wildcards in one text, those that others brought along counted too."""
LONGEST = 20_000
"""Characters of the text that may come of it."""

_TAG = f"<(?i:{'|'.join(TAG_KINDS)}):(?!__)"
"""Where a tag begins: two strokes in the name of a LoRA's file are no sign, unless a wildcard is all of the name."""
_SIGNS = re.compile(
    rf"(?P<tag>{_TAG}[^<>:{{}}|$\\]*)"
    r"|(?P<escape>\\(?:[\\{}|]|__))|(?P<name>__(?P<called>[^\W_](?:[^{}|$\n,\\]{0,60}?[^\W_])?)__)"
    rf"|(?P<open>\{{)|(?P<close>\}})|(?P<bar>\|)|(?P<text>(?:(?!{_TAG})[^\\{{}}|_]|_(?!_))+|.)",
    re.DOTALL,
)
_COUNT = re.compile(r"\s*(?=-?[0-9])(?P<least>[0-9]{1,3})?(?P<to>-)?(?P<most>[0-9]{1,3})?\$\$")
_WEIGHT = re.compile(r"\s*(?P<weight>[0-9]{1,6}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})::")
_CUT = re.compile(r"\$\$")


@dataclass
class _Sign:
    """A part of a text; a brace that has a partner knows it, and where the bars between them stand."""

    kind: str
    raw: str
    called: str = ""
    partner: int = -1
    bars: tuple[int, ...] = ()


@dataclass
class _Group:
    """What stands between two braces: how many of its options are wanted, and what goes between them."""

    options: list[list[_Sign]]
    weights: list[float]
    least: int = 1
    most: int = 1
    between: str = ", "


@dataclass
class _Chance:
    """One text being settled: its dice, its wildcards, and what has been spent on it."""

    dice: random.Random
    wildcards: Wildcards
    settled: int = 0

    def one_of(self, weights: Sequence[float]) -> int:
        """Which of several; only random() is promised to give the same numbers in every Python."""
        whole = sum(weights) or float(len(weights))
        at = self.dice.random() * whole
        for number, weight in enumerate(weights):
            at -= weight if sum(weights) else 1.0
            if at < 0:
                return number
        return len(weights) - 1

    def count(self, least: int, most: int) -> int:
        """A number from the least to the most."""
        return least + int(self.dice.random() * (most - least + 1))

    def spend(self, depth: int) -> None:
        """Counts one group or wildcard."""
        self.settled += 1
        if depth > MOST_NESTED:
            raise StudioError("chance_too_deep", most=MOST_NESTED)
        if self.settled > MOST_SETTLED:
            raise StudioError("chance_too_many", most=MOST_SETTLED)


def _no_names(name: str) -> Sequence[str]:
    return ()


def settle(text: str, seed: int | str, wildcards: Wildcards = _no_names) -> str:
    """A text with every alternative and wildcard chosen by a seed."""
    if not leaves_open(text):
        return text
    settled = _text(_read(text), _Chance(random.Random(str(seed)), wildcards), 0)
    if len(settled) > LONGEST:
        raise StudioError("prompt_too_long", length=len(settled), most=LONGEST)
    return settled


def leaves_open(text: str) -> bool:
    """Whether settling a text could change it."""
    return "{" in text or "__" in text or "\\}" in text


def unknown_wildcards(text: str, wildcards: Wildcards) -> tuple[str, ...]:
    """The names a text asks for that nobody knows; they would be painted as they stand."""
    named = [sign.called for sign in _read(text) if sign.kind == "name"]
    return tuple(name for name in dict.fromkeys(named) if not wildcards(name))


# -- reading --------------------------------------------------------------------------------------


def _read(text: str) -> list[_Sign]:
    signs = [_Sign(m.lastgroup or "", m[0], m["called"] or "") for m in _SIGNS.finditer(text)]
    _pair(signs)
    return signs


def _pair(signs: list[_Sign]) -> None:
    """Finds the partners of braces in one pass; a pair with nothing to choose from stays text."""
    waiting: list[tuple[int, list[int]]] = []
    for at, sign in enumerate(signs):
        if sign.kind == "open":
            waiting.append((at, []))
        elif sign.kind == "bar" and waiting:
            waiting[-1][1].append(at)
        elif sign.kind == "close" and waiting:
            opened, bars = waiting.pop()
            if bars or _counts(signs, opened):
                signs[opened].partner, sign.partner = at, opened
                signs[opened].bars = tuple(bars)


def _counts(signs: list[_Sign], opened: int) -> bool:
    following = signs[opened + 1]
    return following.kind == "text" and _COUNT.match(following.raw) is not None


def _group(signs: list[_Sign], opened: int) -> _Group:
    ends = [*signs[opened].bars, signs[opened].partner]
    starts = [opened + 1, *(bar + 1 for bar in signs[opened].bars)]
    options = [_moved(signs, start, end) for start, end in zip(starts, ends, strict=True)]
    group = _Group(options, [])
    _take_count(group)
    group.weights = [_take_weight(option) for option in options]
    return group


def _moved(signs: list[_Sign], start: int, end: int) -> list[_Sign]:
    """Part of a text as a text of its own: what points to places points to the new ones."""
    return [
        _Sign(
            one.kind,
            one.raw,
            one.called,
            one.partner - start if one.partner >= 0 else -1,
            tuple(bar - start for bar in one.bars),
        )
        for one in signs[start:end]
    ]


def _take_count(group: _Group) -> None:
    """Takes `2$$`, `1-2$$` or `2$$ and $$` off the first option."""
    first = group.options[0][:1]
    found = _COUNT.match(first[0].raw) if first and first[0].kind == "text" else None
    if not found:
        return
    rest = first[0].raw[found.end() :]
    cut = _CUT.search(rest)
    group.between, first[0].raw = (rest[: cut.start()], rest[cut.end() :]) if cut else (", ", rest)
    least = int(found["least"] or 1)
    most = found["most"] if found["to"] else found["least"]
    group.least, group.most = least, int(most or len(group.options))


def _take_weight(option: list[_Sign]) -> float:
    first = option[0] if option and option[0].kind == "text" else None
    found = _WEIGHT.match(first.raw) if first else None
    if not first or not found:
        return 1.0
    first.raw = first.raw[found.end() :]
    return float(found["weight"])


# -- choosing -------------------------------------------------------------------------------------


def _text(signs: list[_Sign], chance: _Chance, depth: int) -> str:
    parts = []
    at = 0
    while at < len(signs):
        sign = signs[at]
        if sign.partner > at:
            parts.append(_chosen(_group(signs, at), chance, depth + 1))
            at = sign.partner
        else:
            parts.append(_plain(sign, chance, depth, inside=depth > 0))
        at += 1
    return _bounded("".join(parts))


def _plain(sign: _Sign, chance: _Chance, depth: int, inside: bool) -> str:
    if sign.kind == "name":
        return _named(sign, chance, depth + 1)
    if sign.kind == "value":
        return _text(_read(sign.raw), chance, depth)
    if sign.kind != "escape" or sign.raw == "\\\\" or (sign.raw == "\\|" and not inside):
        return sign.raw  # brackets are escaped too, and read later: a pair of backslashes is left to that
    return sign.raw[1:]


def _named(sign: _Sign, chance: _Chance, depth: int) -> str:
    texts = chance.wildcards(sign.called)
    if not texts:
        return sign.raw
    chance.spend(depth)
    return _text(_read(texts[chance.one_of([1.0] * len(texts))]), chance, depth)


def _chosen(group: _Group, chance: _Chance, depth: int) -> str:
    chance.spend(depth)
    if len(group.options) == 1:
        _spread(group, chance)
    count = min(chance.count(group.least, max(group.least, group.most)), len(group.options))
    left = list(range(len(group.options)))
    taken = []
    for _ in range(count):
        at = chance.one_of([group.weights[number] for number in left])
        taken.append(_text(group.options[left.pop(at)], chance, depth))
    if group.most == group.least == 1:
        # As elsewhere: `{very |}cat` keeps the space that stands before the bar.
        return taken[0].lstrip() if taken else ""
    return group.between.join(text for text in (one.strip() for one in taken) if text)


def _spread(group: _Group, chance: _Chance) -> None:
    """Where a wildcard is all there is to choose from, its texts are the options."""
    only = [sign for sign in group.options[0] if sign.raw.strip()]
    texts = chance.wildcards(only[0].called) if len(only) == 1 and only[0].kind == "name" else ()
    if texts:
        group.options = [[_Sign("value", text)] for text in texts]
        group.weights = [1.0] * len(texts)


def _bounded(text: str) -> str:
    if len(text) > LONGEST:
        raise StudioError("prompt_too_long", length=len(text), most=LONGEST)
    return text
