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


def made(translated: Translated) -> tuple[str, tuple[str, ...]]:
    assert "".join(one.text for one in translated.stretches) == translated.text
    return translated.text, translated.unknown


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
        ("一只{红色|蓝色}猫", "a {red|blue} cat"),
        ("(猫)(月光)、((猫))月光", "(cat) (moonlight), ((cat)) moonlight"),
        ("猫<lora:水(墨):1>月光__光线__猫", "cat <lora:水(墨):1>moonlight __光线__ cat"),
        ("a cat, 3 dogs", "a cat, 3 dogs"),
        ("", ""),
    ],
)
def test_what_the_book_knows_is_translated_and_the_rest_stays(chinese: str, text: str) -> None:
    assert made(english(chinese)) == (text, ())


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
    assert made(english(chinese)) == (text, unknown)


def test_english_goes_into_chinese_too() -> None:
    found = translator("zh").translate("an oil painting, (red fox:1.2), a zorblax BREAK <lora:ink:1>")
    assert made(found) == ("油画, (赤狐:1.2), a zorblax BREAK <lora:ink:1>", ("a zorblax",))
    assert found.rest == ("a zorblax",)


def test_every_spell_of_the_book_is_put_over_whole() -> None:
    for place in index().places:
        spell = place.spell
        assert made(english(spell.zh)) == (spell.en, ())
        assert made(translator("zh").translate(spell.en)) == (spell.zh, ())


SOME = [place.spell.zh for place in index().places[::40]]
PHRASES = st.one_of(st.sampled_from(SOME), st.sampled_from(["佐布", "cat", "一只", "的", "和", "猫"]))
JOINTS = st.sampled_from(
    [", ", "，", "、", "", " ", " BREAK ", "(", ":1.2)", ")", "[", "]", "<lora:水:1>", "{", "|", "}"]
)


@settings(deadline=None)
@given(st.lists(st.tuples(PHRASES, JOINTS), max_size=12), st.booleans())
def test_signs_and_weights_come_through(parts: list[tuple[str, str]], translated: bool) -> None:
    text = "".join(phrase + joint for phrase, joint in parts)
    found = translator("en").translate(text, told=spoken if translated else unsaid)
    signs = r"[()\[\]{}|:<>]|BREAK|[0-9]\.[0-9]|lora"
    assert re.findall(signs, found.text) == re.findall(signs, text)
    assert [len(phrase.chunks) for phrase in parse(found.text).phrases] == [
        len(phrase.chunks) for phrase in parse(text).phrases
    ]
    assert parse(found.text).tags == parse(text).tags
    assert made(found)[0] == found.text
    left = "".join(re.findall("[\u3400-\u9fff]", re.sub("<[^<>]*>", "", found.text)))
    assert set(left) <= set("".join(found.unknown)) | {"的"}
    assert not (translated and found.unknown)


def spoken(clause: str) -> str:
    return "zobo"


def unsaid(clause: str) -> None:
    return None


# -- what is no word -------------------------------------------------------------------------------

NAMES = re.compile(r"(?<!\w)(?:easynegative|水墨风|森林，2)(?!\w)")
ASIDE = (
    "<lora:水墨，二:0.8>",
    "__光线，夜__",
    "easynegative",
    "水墨风",
    "森林，2",
    "{",
    "|",
    "}",
    "BREAK",
    ":1.2)",
    "(",
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*SOME, "佐布", "猫", "cat"]), st.sampled_from(ASIDE)), max_size=8))
def test_tags_names_and_wildcards_stay_to_the_byte(parts: list[tuple[str, str]]) -> None:
    text = "，".join(f"{phrase}, {aside} " for phrase, aside in parts)
    for told in (unsaid, spoken):
        found = translator("en").translate(text, NAMES, told).text
        for aside in ASIDE:
            assert found.count(aside) == text.count(aside)


@given(st.text(alphabet="abc ,，。()[]{}|:_<>.\n\\", max_size=40))
def test_what_needs_no_translation_stays_to_the_byte(text: str) -> None:
    assert made(english(text)) == (text, ())


# -- a translator for the rest ---------------------------------------------------------------------


def by(found: Translated) -> list[tuple[str, str]]:
    return [(one.text, one.by) for one in found.stretches]


def test_each_stretch_says_whose_words_it_is() -> None:
    found = english("一只橘猫追着佐布，(月光:1.2), cat")
    assert by(found) == [
        ("a", "book"), (" ", "person"), ("ginger cat", "book"), (" ", "person"), ("追着佐布", "nobody"),
        (", (", "person"), ("moonlight", "book"), (":1.2), cat", "person"),
    ]  # fmt: skip


def test_a_clause_with_unknown_words_is_for_a_translator_whole() -> None:
    assert english("一只橘猫追着佐布，(月光:1.2)，{红色|佐布}的猫 BREAK 3只佐布 cat").rest == (
        "一只橘猫追着佐布", "佐布", "3只佐布",
    )  # fmt: skip


def test_what_a_translator_said_takes_the_place_of_its_clause() -> None:
    said = {"一只橘猫追着佐布": "A ginger cat chases Zobo", "佐布": "Zobo"}
    found = translator("en").translate("一只橘猫追着佐布，(佐布:1.2)，月光 佐布", told=said.get)
    assert found.text == "A ginger cat chases Zobo, (Zobo:1.2), moonlight 佐布"
    assert (found.unknown, found.rest) == (("佐布",), ("月光 佐布",))
    assert ("Zobo", "translator") in by(found) and ("moonlight", "book") in by(found)


def test_words_that_are_not_read_are_named_but_no_tags_and_names() -> None:
    text = "佐布, cat, <lora:水墨:1>, __光线__, 水墨风, (红色:1.2)"
    assert translator("en").unread(text, NAMES) == ("佐布", "红色")
    assert translator("zh").unread(text, NAMES) == ("cat",)
