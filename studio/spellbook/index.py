"""The book by what is looked up in it: phrases in both languages, names of wildcards, styles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from studio.messages import Bilingual, Language
from studio.spellbook.book import HAN, Chapter, Element, Group, Spell, Spellbook, Style
from studio.spellbook.phrases import Phrases

ARTICLES = ("a ", "an ", "the ")
STANDS_FOR: Mapping[Element, Element] = {"painter": "style", "camera": "framing"}
"""What else fills an element of the formula."""


@dataclass(frozen=True)
class Place:
    """A spell and where in the book it stands."""

    chapter: Chapter
    group: Group
    spell: Spell

    @property
    def element(self) -> Element:
        """What of the formula it fills."""
        return STANDS_FOR.get(self.chapter.element, self.chapter.element)


class Index:
    """A book made ready for looking things up; each kind is prepared when it is first asked for."""

    def __init__(self, book: Spellbook) -> None:
        self.book = book

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every spell with its place, in the order of the book."""
        return tuple(
            Place(chapter, group, spell)
            for chapter in self.book.chapters
            for group in chapter.groups
            for spell in group.spells
        )

    @cached_property
    def sources(self) -> Mapping[str, tuple[Place, ...]]:
        """Spells by chapter, by `chapter/group`, and each by its English text."""
        found: dict[str, list[Place]] = {}
        for place in self.places:
            chapter = place.chapter.id
            for name in {chapter, f"{chapter}/{place.group.id}", place.spell.en}:
                found.setdefault(name, []).append(place)
        return {name: tuple(here) for name, here in found.items()}

    @cached_property
    def styles(self) -> Mapping[str, Style]:
        """Styles by id."""
        return {style.id: style for group in self.book.styles for style in group.styles}

    @cached_property
    def positive(self) -> Phrases[Place]:
        """All that can be said of what a picture shall show, in both languages."""
        return _phrases([place for place in self.places if place.chapter.part != "negative"])

    def wildcards(self, name: str, language: Language) -> tuple[str, ...]:
        """The texts of a chapter or a group, `light` or `light/quality`, by id or title; none if nobody knows it."""
        return tuple(spell.said(language) for spell in self._names.get(_slug(name), ()))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What can stand in a wildcard, by ids alone."""
        chapters = self.book.chapters
        groups = (f"{chapter.id}/{group.id}" for chapter in chapters for group in chapter.groups)
        return (*(chapter.id for chapter in chapters), *groups)

    @cached_property
    def _names(self) -> Mapping[str, tuple[Spell, ...]]:
        named: dict[str, tuple[Spell, ...]] = {}
        for name, spells in self._titled():
            named.setdefault(_slug(name), spells)
        return named

    def _titled(self) -> Iterator[tuple[str, tuple[Spell, ...]]]:
        """Ids before titles: what is written in one language of the page shall mean the same in the other."""
        chapters = self.book.chapters
        yield from ((chapter.id, chapter.spells) for chapter in chapters)
        for chapter in chapters:
            heads = (chapter.id, *_both(chapter.title))
            yield from ((head, chapter.spells) for head in heads)
            for group in chapter.groups:
                tails = (group.id, *_both(group.title))
                yield from ((f"{head}/{tail}", group.spells) for head in heads for tail in tails)


def _both(title: Bilingual) -> tuple[str, str]:
    return title.en, title.zh


def _slug(name: str) -> str:
    return "-".join(name.casefold().replace("-", " ").replace("_", " ").split())


def _phrases(places: list[Place]) -> Phrases[Place]:
    phrases: Phrases[Place] = Phrases()
    for place in places:
        spell = place.spell
        for text in (spell.en, spell.zh):
            phrases.add(text, place)
        phrases.add(without_article(spell.en), place, rank=1)
        # A name of one Latin word says too little by itself: 3D is a tag, and part of many a phrase.
        phrases.add(spell.name, place, rank=2, alone=not HAN.search(spell.name))
        for alias in spell.aliases:
            phrases.add(alias, place, rank=3, alone=True)
    return phrases


def without_article(text: str) -> str:
    """An English phrase without its a, an or the."""
    return next((text[len(one) :] for one in ARTICLES if text.casefold().startswith(one)), text)
