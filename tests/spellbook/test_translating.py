"""Chinese typed for a model that reads English: the book's phrases are put over, and the rest is named."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.messages import Language
from studio.prompt import parse
from studio.spellbook import Translated, Translator
from tests.spellbook.test_index import index


@cache
def translator(to: Language) -> Translator:
    return Translator(index(), to)


def english(text: str) -> Translated:
    return translator("en").translate(text)


@pytest.mark.parametrize(
    ("chinese", "text"),
    [
        ("水墨画，一只橘猫，(月光:1.2)，森林", "ink wash painting, a ginger cat, (moonlight:1.2), forest"),
        ("（猫：1.3）、狗。", "（cat：1.3）, dog."),
        ("一只(赤狐:1.2)", "a (red fox:1.2)"),
        ("一只大象", "an elephant"),
        ("猫和狗", "cat and dog"),
        ("{红色|蓝色}的猫，[月光]", "{red|blue} cat, [moonlight]"),
        ("red猫 blue", "red cat blue"),
        ("猫，\n森林，", "cat,\nforest,"),
        ("猫 BREAK 森林", "cat BREAK forest"),
        ('("一只猫", "一只狗").blend(0.3,0.7)', '("a cat", "a dog").blend(0.3,0.7)'),
        ("<lora:水墨:0.8> __光线__ 猫", "<lora:水墨:0.8> __光线__ cat"),
        ("a cat, 3 dogs", "a cat, 3 dogs"),
        ("", ""),
    ],
)
def test_what_the_book_knows_is_translated_and_the_rest_stays(chinese: str, text: str) -> None:
    assert english(chinese) == Translated(text=text)


@pytest.mark.parametrize(
    ("chinese", "text", "unknown"),
    [
        ("一只橘猫追着佐布，月光", "a ginger cat 追着佐布, moonlight", ("追着佐布",)),
        ("佐布，佐布，猫", "佐布, 佐布, cat", ("佐布",)),
        ("佐布的猫兽", "佐布的猫兽", ("佐布", "猫兽")),
        ("佐布 zorblax", "佐布 zorblax", ("佐布",)),
    ],
)
def test_what_could_not_be_translated_is_named(chinese: str, text: str, unknown: tuple[str, ...]) -> None:
    assert english(chinese) == Translated(text=text, unknown=unknown)


def test_english_goes_into_chinese_too() -> None:
    made = translator("zh").translate("an oil painting, (red fox:1.2), a zorblax, <lora:ink:1>")
    assert made == Translated(text="油画, (赤狐:1.2), a zorblax, <lora:ink:1>", unknown=("a zorblax",))


def test_every_spell_of_the_book_is_put_over_whole() -> None:
    for place in index().places:
        spell = place.spell
        assert english(spell.zh) == Translated(text=spell.en)
        assert translator("zh").translate(spell.en) == Translated(text=spell.zh)


SOME = [place.spell.zh for place in index().places[::40]]
PHRASES = st.one_of(st.sampled_from(SOME), st.sampled_from(["佐布", "cat", "一只", "的", "和", "猫"]))
JOINTS = st.sampled_from(
    [", ", "，", "、", "", " ", " BREAK ", "(", ":1.2)", ")", "[", "]", "<lora:水:1>", "{", "|", "}"]
)


@settings(deadline=None)
@given(st.lists(st.tuples(PHRASES, JOINTS), max_size=12))
def test_signs_and_weights_come_through(parts: list[tuple[str, str]]) -> None:
    text = "".join(phrase + joint for phrase, joint in parts)
    made = english(text)
    signs = r"[()\[\]{}|:<>]|BREAK|[0-9]\.[0-9]|lora"
    assert re.findall(signs, made.text) == re.findall(signs, text)
    assert [len(phrase.chunks) for phrase in parse(made.text).phrases] == [
        len(phrase.chunks) for phrase in parse(text).phrases
    ]
    assert parse(made.text).tags == parse(text).tags
    left = "".join(re.findall("[\u3400-\u9fff]", re.sub("<[^<>]*>", "", made.text)))
    assert set(left) <= set("".join(made.unknown)) | {"的"}
