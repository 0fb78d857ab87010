"""Puts a prompt into another language by the book's own phrases; what the book does not know is named, not guessed."""

from __future__ import annotations

import re

from studio.messages import Language, Message
from studio.spellbook.book import HAN, Spell
from studio.spellbook.index import ARTICLES, Index, without_article
from studio.spellbook.phrases import LINK, Phrases

ONE = "一"
ARTICLE = "a"
COUNTED = "只个位名朵棵座条匹头片本艘辆架间幅张"
"""What stands between one and the thing that is counted."""
AND = ("和", "与", "以及")
CLOSING = (")", "）", "]", "}")
_HAN_RUN = re.compile(f"{HAN.pattern}+")
_LATIN_RUN = re.compile(r"[A-Za-zÀ-ɏ]+(?:[ '’-][A-Za-zÀ-ɏ]+)*")
_NO_WORDS = re.compile(r"\b(?:BREAK|AND|blend)\b")
_FULL_WIDTH = re.compile(r"([，、；。])[ \t]*")
_NARROW = {"，": ",", "、": ",", "；": ",", "。": "."}
_VOWELS = tuple("aeiouAEIOU")


class Translated(Message):
    """A text in another language, and the words that still stand in it as they were."""

    text: str
    unknown: tuple[str, ...] = ()


class Translator:
    """The phrases of a book, made ready for one language."""

    def __init__(self, index: Index, to: Language) -> None:
        self._to: Language = to
        self._phrases: Phrases[str] = Phrases()
        for place in index.places:
            self._add(place.spell)
        if to == "en":
            self._add_joining()

    def _add(self, spell: Spell) -> None:
        said = spell.said(self._to)
        bare = without_article(spell.en)
        english = (spell.en, bare, *(article + bare for article in ARTICLES))
        own = (spell.zh, spell.name) if self._to == "en" else english
        for rank, text in enumerate(own):
            self._phrases.add(text, said, min(rank, 1))
        for alias in spell.aliases:
            if self._is_foreign(alias):
                self._phrases.add(alias, said, rank=2)

    def _add_joining(self) -> None:
        """Words of grammar that mean one thing alone; everything beyond them would be a guess."""
        for word in AND:
            self._phrases.add(word, "and", rank=3)
        for counted in COUNTED:
            self._phrases.add(ONE + counted, ARTICLE, rank=3)
        self._phrases.add(LINK, "", rank=3)

    def _is_foreign(self, text: str) -> bool:
        return (HAN.search(text) is not None) == (self._to == "en")

    def translate(self, text: str) -> Translated:
        """A text with every phrase that is known in the other language; brackets, weights and tags stay."""
        page = _Page(self._to)
        unknown: list[str] = []
        end = 0
        for found in self._phrases.find(text):
            here = text[found.start : found.end]
            page.gap(text[end : found.start])
            if found.value is None or not self._is_foreign(here) or not page.takes(found.value):
                page.keep(here)
                unknown += self._foreign(here) if here != LINK else []
            else:
                page.say(found.value)
            end = found.end
        page.gap(text[end:])
        return Translated(text=page.whole, unknown=tuple(dict.fromkeys(unknown)))

    def _foreign(self, text: str) -> list[str]:
        """The words of a stretch that the model does not read."""
        pattern = _HAN_RUN if self._to == "en" else _LATIN_RUN
        return [word for word in pattern.findall(text) if not _NO_WORDS.fullmatch(word)]


class _Page:
    """A translation being written: words apart in English, together in Chinese."""

    def __init__(self, to: Language) -> None:
        self._english = to == "en"
        self._out: list[str] = []
        self._said = False
        self._gap = ""

    @property
    def whole(self) -> str:
        """All of it, with commas as the language writes them."""
        text = "".join(self._out) + self._gap
        return _FULL_WIDTH.sub(_narrow, text) if self._english else text

    def gap(self, between: str) -> None:
        """Takes what stands between two stretches, as it was."""
        self._gap = between

    def takes(self, word: str) -> bool:
        """Whether a word can be said here: what only joins has nothing to join to beside unknown words."""
        return word != "" or (self._said and not self._gap) or self._gap in CLOSING

    def say(self, word: str) -> None:
        """A stretch in the other language."""
        if word:
            self._put(self._after_article(word), apart=True)
        elif self._gap:
            self._out += [self._gap, " "]
        self._said, self._gap = True, ""

    def keep(self, text: str) -> None:
        """A stretch as it was."""
        self._put(text, apart=self._said)
        self._said, self._gap = False, ""

    def _after_article(self, word: str) -> str:
        if not self._out or self._out[-1] != ARTICLE:
            return word
        word = without_article(word)
        self._out[-1] = "an" if word.startswith(_VOWELS) else ARTICLE
        return word

    def _put(self, word: str, apart: bool) -> None:
        gap = self._gap
        last = self._out[-1][-1:] if self._out else ""
        if self._english and apart and not gap and last and (last + word[:1]).isalnum():
            gap = " "
        elif self._english and gap[:1] in tuple("(（[") and self._out and self._out[-1] in (ARTICLE, "an"):
            gap = f" {gap}"
        elif not self._english and self._said and not gap.strip() and HAN.match(word):
            gap = ""
        self._out += [gap, word] if gap else [word]


def _narrow(found: re.Match[str]) -> str:
    last = found.end() == len(found.string) or found.string[found.end()] == "\n"
    return _NARROW[found[1]] + ("" if last else " ")
