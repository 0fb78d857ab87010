"""What a prompt is made of by the formula: which elements it has, and which it lacks."""

from __future__ import annotations

from collections.abc import Mapping

from studio.messages import Message
from studio.spellbook.book import FORMULA, Element, Spell
from studio.spellbook.index import Index, Place

SMALL = {"a", "an", "the", "of", "in", "on", "at", "with", "and", "by", "to", "is", "和", "与", "的"}
"""Words that name nothing."""


class Mark(Message):
    """A spell where it stands in a prompt."""

    spell: Spell
    chapter: str
    group: str
    element: Element
    start: int
    end: int


class Anatomy(Message):
    """The spells of a prompt in the order they stand there, and the stretches the book does not know."""

    marks: tuple[Mark, ...] = ()
    free: tuple[tuple[int, int], ...] = ()

    @property
    def elements(self) -> Mapping[Element, tuple[Mark, ...]]:
        """The spells by what they speak of."""
        found: dict[Element, tuple[Mark, ...]] = {}
        for mark in self.marks:
            found[mark.element] = (*found.get(mark.element, ()), mark)
        return found

    @property
    def lacking(self) -> tuple[Element, ...]:
        """What of the formula is not there; words the book does not know are taken for the subject."""
        here = {mark.element for mark in self.marks} | ({"subject"} if self.free else set())
        return tuple(element for element in FORMULA if element not in here)


def anatomy(index: Index, prompt: str) -> Anatomy:
    """Finds the book's spells in a prompt, in either language."""
    marks, free = [], []
    for found in index.positive.find(prompt):
        if found.value:
            marks.append(_mark(found.value, found.start, found.end))
        elif _names_something(prompt[found.start : found.end]):
            free.append((found.start, found.end))
    return Anatomy(marks=tuple(marks), free=tuple(free))


def places(index: Index, found: Anatomy) -> tuple[Place, ...]:
    """The spells of a prompt with their places in the book, each once."""
    texts = dict.fromkeys(mark.spell.en for mark in found.marks)
    return tuple(place for text in texts for place in index.sources[text] if place.spell.en == text)


def _mark(place: Place, start: int, end: int) -> Mark:
    return Mark(
        spell=place.spell,
        chapter=place.chapter.id,
        group=place.group.id,
        element=place.element,
        start=start,
        end=end,
    )


def _names_something(words: str) -> bool:
    """Numbers are weights, and small words only join others."""
    return any(any(map(str.isalpha, word)) and word not in SMALL for word in words.casefold().split())
