"""Dice, random prompts and the wand: spells of the book by chance, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence

from studio.messages import Language
from studio.spellbook.anatomy import anatomy, places
from studio.spellbook.book import FORMULA, Element
from studio.spellbook.fitting import (
    CHANCES,
    PECULIAR,
    PERSONAL,
    SUBJECTS,
    Kind,
    Sources,
    clash,
    kind_of,
    suited,
)
from studio.spellbook.index import Index, Place

ORDER_OF_CHOICE: tuple[Element, ...] = (
    "subject",
    "medium",
    "place",
    "action",
    "light",
    "detail",
    "style",
    "colour",
    "framing",
    "clarity",
)
"""The subject first: what fits depends on it."""
ORDER_OF_HINTS: tuple[Element, ...] = (
    "subject",
    "light",
    "place",
    "style",
    "colour",
    "medium",
    "framing",
    "detail",
    "action",
    "clarity",
)
"""What helps a picture most comes first."""
JOINTS: dict[Language, str] = {"en": ", ", "zh": "，"}


def dice(
    index: Index, chapter: str, seed: int, group: str = "", besides: Collection[str] = ()
) -> Place | None:
    """One spell of a chapter, or of one of its groups; `besides` names spells, by English text, not to come."""
    here = [
        place
        for place in index.places
        if place.chapter.id == chapter and group in ("", place.group.id) and place.spell.en not in besides
    ]
    return _one_of(here, random.Random(f"{seed} {chapter}"))


def random_prompt(index: Index, seed: int, locks: Sequence[str] = ()) -> tuple[Place, ...]:
    """Spells for a whole prompt that makes sense, in the formula's order; locked ones, by English text, stay."""
    return _Dealer(index, seed, [place for place in index.places if place.spell.en in locks]).deal(CHANCES)


def wand(index: Index, prompt: str, seed: int) -> tuple[Place, ...]:
    """Spells for what a prompt lacks that fit what it has, as a proposal."""
    found = anatomy(index, prompt)
    dealer = _Dealer(index, seed, list(places(index, found)))
    have = {place.spell.en for place in dealer.chosen}
    dealt = dealer.deal(dict.fromkeys(found.lacking, 1.0))
    return tuple(place for place in dealt if place.spell.en not in have)


def hint(index: Index, prompt: str, seed: int, dismissed: Collection[Element] = ()) -> Place | None:
    """One spell for the element that a prompt lacks most; None when nothing is missing."""
    proposed = {place.element: place for place in reversed(wand(index, prompt, seed))}
    wanted = [element for element in ORDER_OF_HINTS if element in proposed and element not in dismissed]
    return proposed[wanted[0]] if wanted else None


def spoken(chosen: Sequence[Place], language: Language) -> str:
    """Spells as the text of a prompt."""
    return JOINTS[language].join(place.spell.said(language) for place in chosen)


class _Dealer:
    """Chooses one element after the other, each fitting what is there already."""

    def __init__(self, index: Index, seed: int, chosen: list[Place]) -> None:
        self._index = index
        self._seed = seed
        self.chosen = chosen

    def deal(self, chances: Mapping[Element, float]) -> tuple[Place, ...]:
        """Adds what the chances bring to what is chosen, and orders it by the formula."""
        for element in ORDER_OF_CHOICE:
            # Dice of its own for each element: a lock on one does not throw the others anew.
            thrown = random.Random(f"{self._seed} {element}")
            if thrown.random() < chances.get(element, 0.0) and not self._of(element):
                place = self._choose(element, thrown)
                self.chosen += [place] if place else []
        return tuple(sorted(self.chosen, key=_in_formula))

    def _of(self, element: Element) -> Place | None:
        return next((place for place in self.chosen if place.element == element), None)

    def _kind(self) -> Kind:
        """What the picture is of; a spell from the chapters about people tells of a person."""
        told = [kind_of(place) for place in sorted(self.chosen, key=_in_formula) if _tells(place)]
        return told[0] if told else "any"

    def _choose(self, element: Element, thrown: random.Random) -> Place | None:
        kind = self._kind()
        if element == "subject":
            kind = self._kind_by_chance(thrown) if kind == "any" else kind
            sources = SUBJECTS[kind][1]
        else:
            sources = suited(element, kind, self._of("subject"), self._of("medium"))
        fitting = [place for place in self._from(sources) if self._fits(place, kind, sources)]
        return _one_of(_by_group(fitting, thrown), thrown)

    def _kind_by_chance(self, thrown: random.Random) -> Kind:
        at = thrown.random() * sum(share for share, _ in SUBJECTS.values())
        for kind, (share, _) in SUBJECTS.items():
            at -= share
            if at < 0:
                return kind
        return "person"

    def _from(self, sources: Sources) -> list[Place]:
        return [place for source in sources for place in self._index.sources.get(source, ())]

    def _fits(self, place: Place, kind: Kind, sources: Sources) -> bool:
        text = place.spell.en
        if (text in PECULIAR and text not in sources) or (text in PERSONAL and kind != "person"):
            return False
        return not any(clash(place, other) for other in self.chosen)


def _tells(place: Place) -> bool:
    return place.element == "subject" or place.chapter.part == "character"


def _in_formula(place: Place) -> tuple[int, int]:
    known = place.element in FORMULA
    return (FORMULA.index(place.element) if known else len(FORMULA), place.chapter.order)


def _by_group(fitting: list[Place], thrown: random.Random) -> list[Place]:
    """The fitting spells of one group, each group as likely as the next: the largest would crowd out the others."""
    groups = list(dict.fromkeys(f"{place.chapter.id}/{place.group.id}" for place in fitting))
    if not groups:
        return []
    group = groups[int(thrown.random() * len(groups))]
    return [place for place in fitting if f"{place.chapter.id}/{place.group.id}" == group]


def _one_of(here: Sequence[Place], thrown: random.Random) -> Place | None:
    # random() alone is promised to give the same numbers in every Python.
    return here[int(thrown.random() * len(here))] if here else None
