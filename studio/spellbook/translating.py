"""Puts a prompt into another language by the book's own phrases; what the book does not know is named, not guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import Field

from studio.messages import Language, Message
from studio.spellbook.book import HAN, Spell
from studio.spellbook.index import ARTICLES, Index, without_article
from studio.spellbook.phrases import LINK, SET_ASIDE, Phrases

ONE = "一"
ARTICLE = "a"
COUNTED = "只个位名朵棵座条匹头片本艘辆架间幅张"
"""What stands between one and the thing that is counted."""
AND = ("和", "与", "以及")
CLOSING = (")", "）", "]", "}")
OPENING = ("(", "（", "[", "{", "<", "__")
"""With what a gap begins that belongs to the word after it."""
_CLOSED = re.compile(r"[)）\]}]+")
_BARE = re.compile(r"[()（）\[\]{}|:：$.\d+-]*")
"""Brackets, weights and bars, of which nothing stays between two words."""
_H = HAN.pattern
_WORD = r"(?!(?:BREAK|AND|blend)\b)[A-Za-zÀ-ɏ]+"
_FOREIGN = {
    "en": re.compile(rf"(?:(?<![\w.])\d+)?{_H}+(?:\d+{_H}+)*"),
    "zh": re.compile(rf"(?<![A-Za-zÀ-ɏ]){_WORD}(?:[ '’-]{_WORD})*"),
}
"""Words that a model of a language does not read, a number before them with them."""
_NAMED = {"en": re.compile(f"{_H}+"), "zh": _FOREIGN["zh"]}
"""The same as they are named to a person."""
_WITHIN_CLAUSE = re.compile(r"[ \t\-'’·]*")
_FULL_WIDTH = re.compile(r"([，、；。])[ \t]*")
_NARROW = {"，": ",", "、": ",", "；": ",", "。": "."}
_VOWELS = tuple("aeiouAEIOU")

By = Literal["person", "book", "translator", "nobody"]
Told = Callable[[str], str | None]
"""What a translator said for a clause before."""


class Stretch(Message):
    """Part of a translation, and whose words it is; nobody's: it stands as it was, though the model cannot read it."""

    text: str
    by: By


class Translated(Message):
    """A text in another language, and the words that still stand in it as they were."""

    text: str
    unknown: tuple[str, ...] = ()
    rest: tuple[str, ...] = Field(
        default=(), description="the clauses that they stand in, as written: a translator reads them whole"
    )
    stretches: tuple[Stretch, ...] = Field(default=(), description="together they are the text")


def as_written(text: str) -> Translated:
    """A text that needs no translation, to the byte."""
    return Translated(text=text, stretches=(Stretch(text=text, by="person"),) if text else ())


def unread(text: str, to: Language, names: re.Pattern[str] | None = None) -> tuple[str, ...]:
    """The words of a text that a reader of one language does not know. No book is needed to tell."""
    source = _Source(text, names, narrow=False)
    found = [word for part in source.open for word in _NAMED[to].findall(text[slice(*part)])]
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class _Item:
    """A word or a phrase of a text: what it is in the other language, where that is known."""

    start: int
    end: int
    text: str
    said: str | None
    foreign: bool


class Translator:
    """The phrases of a book, made ready for one language."""

    def __init__(self, index: Index, to: Language) -> None:
        self._index = index
        self._to: Language = to

    @cached_property
    def _phrases(self) -> Phrases[str]:
        """Gathered when there is something to translate; most prompts are in a language that their model reads."""
        phrases: Phrases[str] = Phrases()
        for place in self._index.places:
            self._add(phrases, place.spell)
        if self._to == "en":
            _add_joining(phrases)
        return phrases

    def _add(self, phrases: Phrases[str], spell: Spell) -> None:
        said = spell.said(self._to)
        bare = without_article(spell.en)
        english = (spell.en, bare, *(article + bare for article in ARTICLES))
        own = (spell.zh, spell.name) if self._to == "en" else english
        for rank, text in enumerate(own):
            phrases.add(text, said, min(rank, 1))
        for alias in spell.aliases:
            if self._is_foreign(alias):
                phrases.add(alias, said, rank=2)

    def _is_foreign(self, text: str) -> bool:
        return (HAN.search(text) is not None) == (self._to == "en")

    def unread(self, text: str, names: re.Pattern[str] | None = None) -> tuple[str, ...]:
        """The words of a text that its reader does not know; names, tags and wildcards are no words."""
        return unread(text, self._to, names)

    def translate(
        self, text: str, names: re.Pattern[str] | None = None, told: Told = lambda clause: None
    ) -> Translated:
        """A text with every phrase that is known in the other language; brackets, weights and tags stay.

        `names` are those of a person's embeddings, which stay too.
        """
        if not self.unread(text, names):
            return as_written(text)
        source = _Source(text, names, narrow=self._to == "en")
        writing = _Writing(_Page(self._to), source, told)
        for clause in _clauses(text, self._items(source)):
            writing.clause(clause)
        return writing.done(_NAMED[self._to])

    def _items(self, source: _Source) -> Iterator[_Item]:
        for start, end in source.open:
            for found in self._phrases.find(source.text[start:end]):
                yield from self._read(source.text, start + found.start, start + found.end, found.value)

    def _read(self, text: str, start: int, end: int, value: str | None) -> Iterator[_Item]:
        here = text[start:end]
        if value is not None:
            foreign = self._is_foreign(here)
            yield _Item(start, end, here, value if foreign else None, foreign)
            return
        at = start
        for part in _FOREIGN[self._to].finditer(text, start, end):
            if text[at : part.start()].strip():
                yield from _own(text, at, part.start())
            yield _Item(part.start(), part.end(), part[0], None, foreign=True)
            at = part.end()
        if text[at:end].strip():
            yield from _own(text, at, end)


def _add_joining(phrases: Phrases[str]) -> None:
    """Words of grammar that mean one thing alone; everything beyond them would be a guess."""
    for word in AND:
        phrases.add(word, "and", rank=3)
    for counted in COUNTED:
        phrases.add(ONE + counted, ARTICLE, rank=3)
    phrases.add(LINK, "", rank=3)


def _own(text: str, start: int, end: int) -> Iterator[_Item]:
    """Words that the reader knows, without the blanks around them."""
    here = text[start:end].strip()
    start = text.index(here, start)
    yield _Item(start, start + len(here), here, None, foreign=False)


def _clauses(text: str, items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Foreign words that nothing but a blank parts belong together; every other word stands alone."""
    clause: list[_Item] = []
    for item in items:
        apart = clause and not _WITHIN_CLAUSE.fullmatch(text, clause[-1].end, item.start)
        if clause and (apart or not item.foreign or not clause[-1].foreign):
            yield clause
            clause = []
        clause.append(item)
    if clause:
        yield clause


class _Source:
    """A text to be read, and which parts of it are no words."""

    def __init__(self, text: str, names: re.Pattern[str] | None, narrow: bool) -> None:
        self.text = text
        self._narrow = narrow
        self._aside = _spans(text, names)

    @property
    def open(self) -> Iterator[tuple[int, int]]:
        """What is to be read, between what is set aside."""
        at = 0
        for start, end in [*self._aside, (len(self.text), len(self.text))]:
            if at < start:
                yield at, start
            at = end

    def between(self, start: int, end: int) -> str:
        """What stands between two words, with commas as the language writes them; tags and names as they are."""
        if not self._narrow:
            return self.text[start:end]
        out, at = "", start
        for aside in [*self._aside, (end, end)]:
            if start <= aside[0] and aside[1] <= end:
                out += self._narrowed(at, aside[0]) + self.text[slice(*aside)]
                at = aside[1]
        return out

    def _narrowed(self, start: int, end: int) -> str:
        def narrow(found: re.Match[str]) -> str:
            after = start + found.end()
            last = after == len(self.text) or self.text[after] == "\n"
            return _NARROW[found[1]] + ("" if last else " ")

        return _FULL_WIDTH.sub(narrow, self.text[start:end])


def _spans(text: str, names: re.Pattern[str] | None) -> list[tuple[int, int]]:
    spans = [found.span() for found in SET_ASIDE.finditer(text)]
    for found in names.finditer(text) if names else ():
        if not any(start < found.end() and found.start() < end for start, end in spans):
            spans.append(found.span())
    return sorted(spans)


class _Writing:
    """A text on its way into the other language, clause by clause."""

    def __init__(self, page: _Page, source: _Source, told: Told) -> None:
        self._page, self._source, self._told = page, source, told
        self._end = 0
        self._kept: list[str] = []
        self._rest: list[str] = []

    def clause(self, items: list[_Item]) -> None:
        """The next clause: as a translator said it, or phrase by phrase."""
        whole = self._source.text[items[0].start : items[-1].end]
        lacks = any(item.foreign and item.said is None for item in items)
        said = self._told(whole) if lacks else None
        if said is not None:
            self._gap(items[0].start, items[-1].end)
            self._page.say(said, "translator")
            return
        if lacks:
            self._rest.append(whole)
        for item in items:
            self._gap(item.start, item.end)
            self._item(item)

    def _item(self, item: _Item) -> None:
        if item.said is not None and self._page.takes(item.said):
            self._page.say(item.said, "book")
            return
        unread = item.foreign and item.text != LINK
        self._page.keep(item.text, "nobody" if unread else "person")
        self._kept += [item.text] if unread else []

    def _gap(self, start: int, end: int) -> None:
        self._page.gap(self._source.between(self._end, start))
        self._end = end

    def done(self, named: re.Pattern[str]) -> Translated:
        """What came of it."""
        self._gap(len(self._source.text), len(self._source.text))
        stretches = self._page.stretches
        unknown = [word for kept in self._kept for word in named.findall(kept)]
        return Translated(
            text="".join(one.text for one in stretches),
            unknown=tuple(dict.fromkeys(unknown)),
            rest=tuple(dict.fromkeys(self._rest)),
            stretches=stretches,
        )


def _spaced(last: str, gap: str, word: str) -> str:
    """What stands between two English words, with a blank at its brackets where nothing else would part them.

    Chinese needs none there, but what chance and weights leave of `{红|蓝}猫` or `(橘猫)(月光)` is one word without.
    """
    weight = bool(gap) and word[:1].isdigit()
    if weight or not word[:1].isalnum() or not _BARE.fullmatch(SET_ASIDE.sub("", gap)):
        return gap
    after = gap.endswith("__") or (last.isalnum() and gap.endswith(CLOSING))
    before = last.isalnum() and (not gap or gap.startswith(OPENING))
    closed = _CLOSED.search(gap) if last.isalnum() and not before and not after else None
    if closed:
        return f"{gap[: closed.end()]} {gap[closed.end() :]}"
    return f"{' ' if before else ''}{gap}{' ' if after and gap else ''}"


class _Page:
    """A translation being written: words apart in English, together in Chinese."""

    def __init__(self, to: Language) -> None:
        self._english = to == "en"
        self._out: list[tuple[str, By]] = []
        self._said = False
        self._gap = ""

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All of it; neighbours of one hand are one stretch."""
        together: list[tuple[str, By]] = []
        for text, by in [*self._out, (self._gap, "person")]:
            if together and together[-1][1] == by:
                together[-1] = (together[-1][0] + text, by)
            elif text:
                together.append((text, by))
        return tuple(Stretch(text=text, by=by) for text, by in together)

    def gap(self, between: str) -> None:
        """Takes what stands between two stretches."""
        self._gap = between

    def takes(self, word: str) -> bool:
        """Whether a word can be said here: what only joins has nothing to join to beside unknown words."""
        return word != "" or (self._said and not self._gap) or self._gap in CLOSING

    def say(self, word: str, by: By) -> None:
        """A stretch in the other language."""
        if word:
            self._put(self._after_article(word), by, apart=True)
        elif self._gap:
            self._out += [(self._gap, "person"), (" ", "person")]
        self._said, self._gap = True, ""

    def keep(self, text: str, by: By) -> None:
        """A stretch as it was."""
        self._put(text, by, apart=self._said)
        self._said, self._gap = False, ""

    def _after_article(self, word: str) -> str:
        if not self._after_one():
            return word
        word = without_article(word)
        self._out[-1] = ("an" if word.startswith(_VOWELS) else ARTICLE, "book")
        return word

    def _after_one(self) -> bool:
        return bool(self._out) and self._out[-1] == (ARTICLE, "book")

    def _put(self, word: str, by: By, apart: bool) -> None:
        gap = self._gap
        last = self._out[-1][0][-1:] if self._out else ""
        if self._english and apart:
            gap = _spaced(last, gap, word)
        elif not self._english and self._said and not gap.strip() and HAN.match(word):
            gap = ""
        self._out += [(gap, "person"), (word, by)] if gap else [(word, by)]
