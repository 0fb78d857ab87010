"""What is looked up in the book: wildcards by name, phrases in a text."""

from __future__ import annotations

from functools import cache

import pytest

from studio.spellbook import PRESETS, Index, read_spellbook


@cache
def index() -> Index:
    return Index(read_spellbook(PRESETS))


def found(text: str) -> list[tuple[str, str]]:
    return [
        (text[one.start : one.end], one.value.spell.en if one.value else "")
        for one in index().positive.find(text)
    ]


@pytest.mark.parametrize(
    "name", ["hair/hair-colour", "Hair/Hair colour", "发型/发色", "hair/发色", "HAIR/hair_colour"]
)
def test_a_group_is_known_by_its_id_and_its_titles(name: str) -> None:
    assert "black hair" in index().wildcards(name, "en")
    assert "黑发" in index().wildcards(name, "zh")
    assert index().wildcards(name, "en") != index().wildcards("hair", "en")


def test_every_name_offered_is_known() -> None:
    assert all(index().wildcards(name, "en") for name in index().names)
    assert len(index().names) > 50


@pytest.mark.parametrize("name", ["", "nobody", "hair/nobody", "/"])
def test_other_names_are_not_known(name: str) -> None:
    assert index().wildcards(name, "en") == ()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Oil painting, (a lone cat)", [("Oil painting", "oil painting"), ("a lone", ""), ("cat", "cat")]),
        ("long_hair, waist-length hair", [("long_hair", "long hair"), ("waist-length hair",) * 2]),
        ("水墨画，月光", [("水墨画", "ink wash painting"), ("月光", "moonlight")]),
        ("<lora:cat:1> __hair__ cat", [("cat", "cat")]),
        ("catalogue", [("catalogue", "")]),
        ("a flat roof, flat", [("a flat roof", ""), ("flat", "flat illustration")]),
        ("花，某某花某", [("花", "flower"), ("某某花某", "")]),
    ],
)  # fmt: skip
def test_phrases_are_found_where_they_are_whole(text: str, parts: list[tuple[str, str]]) -> None:
    assert found(text) == parts


def test_styles_have_ids_of_their_own() -> None:
    book = index().book
    assert len(index().styles) == sum(len(group.styles) for group in book.styles) >= 100
