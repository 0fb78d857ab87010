"""Anatomy, hints, dice, random prompts and the wand, on the book that ships."""

from __future__ import annotations

from collections import Counter

import pytest

from studio.spellbook import FORMULA, Place, anatomy, dice, hint, random_prompt, spoken, wand
from studio.spellbook import fitting as table
from studio.spellbook.fitting import clash, kind_of
from tests.spellbook.test_index import index

MANY = range(150)


def chosen(seed: int, *locks: str) -> tuple[Place, ...]:
    return random_prompt(index(), seed, locks)


def texts(places: tuple[Place, ...]) -> list[str]:
    return [place.spell.en for place in places]


# -- anatomy --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prompt",
    [
        "oil painting, (red fox:1.2), forest, moonlight",
        "油画，(赤狐:1.2)，森林，月光",
        "油画, red fox, 森林, 月光",
    ],
)
def test_the_same_spells_are_seen_in_both_languages(prompt: str) -> None:
    seen = anatomy(index(), prompt)
    assert {element: [m.spell.en for m in marks] for element, marks in seen.elements.items()} == {
        "medium": ["oil painting"],
        "subject": ["red fox"],
        "place": ["forest"],
        "light": ["moonlight"],
    }
    assert seen.lacking == ("detail", "action", "colour", "framing", "style", "clarity")
    assert seen.free == ()


def test_a_mark_says_where_it_stands() -> None:
    prompt = "my best day, Soft Light"
    seen = anatomy(index(), prompt)
    light = seen.elements["light"][-1]
    assert prompt[light.start : light.end] == "Soft Light"
    assert (light.chapter, light.spell.en) == ("light", "soft light")


def test_words_the_book_does_not_know_are_taken_for_the_subject() -> None:
    assert "subject" not in anatomy(index(), "a zorblax").lacking
    assert "subject" not in anatomy(index(), "佐布拉克斯兽").lacking
    assert "subject" in anatomy(index(), "soft light, 1.2").lacking
    assert anatomy(index(), "").lacking == FORMULA


def test_what_is_not_wanted_is_no_part_of_the_picture() -> None:
    assert anatomy(index(), "worst quality").marks == ()


# -- hints ----------------------------------------------------------------------------------------


def test_one_hint_at_a_time_and_what_helps_most_first() -> None:
    assert hint(index(), "", 1).element == "subject"  # type: ignore[union-attr]
    first = hint(index(), "red fox", 1)
    assert first and first.element == "light"
    after = hint(index(), f"red fox, {first.spell.en}", 1)
    assert after and after.element == "place"
    dismissed = hint(index(), "red fox", 1, dismissed={"light", "place"})
    assert dismissed and dismissed.element == "style"


def test_hints_end() -> None:
    prompt = "red fox"
    for _ in FORMULA:
        told = hint(index(), prompt, 3)
        if told is None:
            break
        prompt += f", {told.spell.en}"
    assert hint(index(), prompt, 3) is None


# -- dice -----------------------------------------------------------------------------------------


def test_dice_throw_one_of_a_chapter() -> None:
    thrown = {seed: dice(index(), "light", seed) for seed in range(200)}
    assert {place.chapter.id for place in thrown.values() if place} == {"light"}
    assert thrown == {seed: dice(index(), "light", seed) for seed in range(200)}
    assert len({place.spell.en for place in thrown.values() if place}) > 40


def test_dice_keep_to_a_group_and_leave_out_what_is_there() -> None:
    colours = [place.spell.en for place in index().places if place.group.id == "hair-colour"]
    left = dice(index(), "hair", 1, "hair-colour", besides=colours[1:])
    assert left and left.spell.en == colours[0]
    assert dice(index(), "hair", 1, "hair-colour", besides=colours) is None
    assert dice(index(), "nobody", 1) is None


# -- random prompts -------------------------------------------------------------------------------


def test_a_random_prompt_has_one_subject_and_one_of_each_element() -> None:
    for seed in MANY:
        elements = [place.element for place in chosen(seed)]
        assert elements.count("subject") == 1
        assert max(Counter(elements).values()) == 1
        assert elements == [element for element in FORMULA if element in elements]


def test_nothing_in_a_random_prompt_excludes_another() -> None:
    for seed in MANY:
        places = chosen(seed)
        assert not [(a.spell.en, b.spell.en) for n, a in enumerate(places) for b in places[:n] if clash(a, b)]


def test_only_people_get_what_belongs_to_people() -> None:
    kinds = Counter()
    for seed in MANY:
        places = chosen(seed)
        (subject,) = [place for place in places if place.element == "subject"]
        kind = kind_of(subject)
        kinds[kind] += 1
        if kind not in ("person", "animal"):
            assert not [place.spell.en for place in places if place.chapter.part == "character"]
            assert not table.PERSONAL & set(texts(places))
    assert len(kinds) == len(table.SUBJECTS)


def test_random_prompts_differ_and_come_again() -> None:
    assert len({tuple(texts(chosen(seed))) for seed in MANY}) == len(MANY)
    assert [chosen(seed) for seed in range(5)] == [chosen(seed) for seed in range(5)]


def test_what_is_locked_stays_and_the_rest_fits_it() -> None:
    locks = ("giant panda", "bamboo forest")
    for seed in range(60):
        places = chosen(seed, *locks)
        assert set(locks) <= set(texts(places))
        assert [place.spell.en for place in places if place.element in ("subject", "place")] == list(locks)
    assert len({tuple(texts(chosen(seed, *locks))) for seed in range(60)}) > 50


def test_a_lock_leaves_the_other_dice_alone() -> None:
    places = chosen(7)
    for kept in texts(places):
        again = texts(chosen(7, kept))
        assert kept in again
    subject = next(place.spell.en for place in places if place.element == "subject")
    assert texts(chosen(7, subject)) == texts(places)


def test_a_random_prompt_is_said_in_both_languages() -> None:
    places = chosen(3)
    assert anatomy(index(), spoken(places, "en")).lacking == anatomy(index(), spoken(places, "zh")).lacking
    assert spoken(places, "zh").count("，") == len(places) - 1


def test_the_table_of_what_fits_names_only_what_the_book_has() -> None:
    known = {place.chapter.id for place in index().places} | {place.spell.en for place in index().places}
    known |= {f"{place.chapter.id}/{place.group.id}" for place in index().places}
    suits = [*table.SUITED.values(), *table.SUITED_GROUPS.values(), table.GENERAL]
    named = {source for suit in suits for sources in suit.values() for source in sources}
    named |= {source for _, sources in table.SUBJECTS.values() for source in sources}
    named |= {source for sources in table.STYLES.values() for source in sources} | set(table.STYLES_OF_TODAY)
    named |= set(table.SUITED_GROUPS) | set(table.STYLES) | table.PECULIAR | table.PERSONAL
    assert named - known == set()


# -- the wand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prompt", ["a zorblax", "oil painting, red fox, snow, moonlight", "一位年轻女子，水墨画", ""]
)
def test_the_wand_brings_only_what_is_lacking(prompt: str) -> None:
    for seed in range(20):
        seen = anatomy(index(), prompt)
        proposed = wand(index(), prompt, seed)
        assert proposed == wand(index(), prompt, seed)
        assert {place.element for place in proposed} <= set(seen.lacking)
        have = [place for place in index().places if place.spell.en in {m.spell.en for m in seen.marks}]
        assert not [(a.spell.en, b.spell.en) for a in proposed for b in have if clash(a, b)]
        assert len(proposed) >= 3


def test_the_wand_is_done_when_all_is_there() -> None:
    prompt = spoken(wand(index(), "red fox", 1), "en") + ", red fox"
    assert set(wand(index(), prompt, 2)) == set()


def test_the_wand_knows_a_person_by_the_hair() -> None:
    actions = [
        place.chapter.id
        for seed in range(20)
        for place in wand(index(), "zorblax with long hair", seed)
        if place.element == "action"
    ]
    assert actions and set(actions) <= {"character-action", "pose"}
