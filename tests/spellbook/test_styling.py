"""Styles take up what a person wrote, and never drop any of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import StudioError
from studio.prompt import apply_styles, language_for, parse, refusal
from studio.spellbook import Style
from studio.spellbook.book import Words


def style(en: str, negative: str = "", zh: str = "画，{prompt}") -> Style:
    return Style(
        id="one",
        title=Words(en="One", zh="一"),
        prompt=Words(en=en, zh=zh),
        negative={"en": negative, "zh": ""},
    )


OIL = style("oil painting of {prompt}, impasto", "photo, blurry")
FRAMED = style("{prompt}, in a gilded frame", "blurry, cropped")


def test_styles_stack_in_order() -> None:
    assert apply_styles("a cat", "text", [OIL, FRAMED], "en") == (
        "oil painting of a cat, impasto, in a gilded frame",
        "text, photo, blurry, cropped",
    )
    assert apply_styles("a cat", "", [FRAMED, OIL], "en").prompt == (
        "oil painting of a cat, in a gilded frame, impasto"
    )


def test_a_style_speaks_the_language_of_the_model() -> None:
    assert apply_styles("一只猫", "", [OIL], "zh") == ("画，一只猫", "")
    assert language_for(("en",), "zh") == "en"
    assert language_for(("en", "zh"), "zh") == "zh"


@pytest.mark.parametrize(
    ("prompt", "whole"),
    [
        ("", "oil painting of, impasto"),
        ("a cat, ", "oil painting of a cat, impasto"),
        ("a cat，", "oil painting of a cat， impasto"),
        ("(a cat, asleep:1.2)", "oil painting of (a cat, asleep:1.2), impasto"),
        ("a {red|blue} cat", "oil painting of a {red|blue} cat, impasto"),
        ("a {prompt} cat", "oil painting of a {prompt} cat, impasto"),
        ("a cat BREAK a dog", "oil painting of a cat BREAK a dog, impasto"),
        ("a cat <lora:ink:0.8>", "oil painting of a cat <lora:ink:0.8>, impasto"),
    ],
)
def test_what_was_written_stands_in_the_style(prompt: str, whole: str) -> None:
    assert apply_styles(prompt, "", [OIL], "en").prompt == whole


def test_a_blend_takes_no_style_and_says_so() -> None:
    blend = '("a cat", "a dog").blend(0.3, 0.7)'
    with pytest.raises(StudioError) as told:
        apply_styles(blend, "", [OIL], "en")
    assert (told.value.code, told.value.params) == ("style_with_blend", {"style": "One"})
    assert apply_styles(blend, "x", [], "en") == (blend, "x")
    assert apply_styles(blend, "x", [style("{prompt}", "photo")], "en") == (blend, "x, photo")


def test_a_style_can_be_a_blend() -> None:
    mixed = apply_styles("a cat", "", [style('("{prompt}", "fog").blend(2, 1)')], "en").prompt
    assert refusal(mixed) is None
    assert [phrase.plain for phrase in parse(mixed).phrases] == ["a cat", "fog"]


def test_weights_of_a_negative_stay_with_their_group() -> None:
    first = "(lowres, low quality:1.2), (text:1.2)"
    assert apply_styles("a", first, [FRAMED], "en").negative == f"{first}, blurry, cropped"
    grouped = style("{prompt}", "(blurry, text:1.2), blurry")
    assert apply_styles("a", "blurry", [grouped], "en").negative == "blurry, (blurry, text:1.2), blurry"


TYPED = st.text(st.sampled_from('ab,，(){}[]<>:|_\\$" \n.12BREAK猫'), max_size=40)
TEMPLATES = st.sampled_from(
    [OIL, FRAMED, style("{prompt}"), style("(old, {prompt}:1.1) BREAK film"), style("{prompt} <lora:a:1>")]
)


@given(TYPED, TYPED, st.lists(TEMPLATES, max_size=3))
def test_nothing_typed_is_ever_dropped(prompt: str, negative: str, styles: list[Style]) -> None:
    try:
        made = apply_styles(prompt, negative, styles, "en")
    except StudioError as told:
        assert told.code == "style_with_blend"
        return
    assert prompt in made.prompt
    assert negative in made.negative
    if not styles:
        assert made == (prompt, negative)
