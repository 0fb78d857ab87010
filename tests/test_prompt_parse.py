"""Prompt text means what it means elsewhere, can be written out again, and what is not done is told."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from studio.families import FAMILIES
from studio.messages import Trouble
from studio.prompt import Piece, Tag, embeddings_in, parse, print_prompt, refusal, remarks
from studio.prompt.parse import LARGEST_WEIGHT

SYNTAX = [
    *'()[]（）:：|\\<>"“”.,，+-_ \n\u3000',
    *("BREAK", "AND", "AK", "BRE", "lora", "<lora:", "<lora:x:1>", "LYCO", "<hypernet:a:b:0.5>"),
    *(":1.2)", ":0.5]", "：.9）", ":-3)", ":99)", "1", "0.5", "２", "1.2.3"),
    *('("a", "b").blend(0.3, 0.7)', '").blend(', "(", ")", "a", "red cat", "猫", "É", "\x1c", "\\BREAK"),
]
TEXTS = st.lists(st.sampled_from(SYNTAX), max_size=24).map("".join) | st.text(max_size=30)
TAGS = re.compile(r"<(?:lora|lyco|hypernet):[^<>:]+(?::[^<>:]*)*>", re.IGNORECASE)


def read(text: str) -> list[tuple[str, float]]:
    """Pieces of a prompt without BREAK and blend."""
    (phrase,) = parse(text).phrases
    (chunk,) = phrase.chunks
    return [(piece.text, piece.weight) for piece in chunk.pieces]


def codes(text: str, family: str = "sd1", **more: object) -> list[str]:
    return [trouble.code for trouble in remarks(text, FAMILIES[family], **more)]


@settings(max_examples=1500, deadline=None)
@given(TEXTS)
@example("(<lo:1.0)ra:x:1>")
@example("(BRE:1.0)AK")
@example("[ x [a ) b|c] ]")
@example("[<lo<lora:a:1>ra:b:1>|c]")
@example("(a :1.0)BREAK b")
@example('("a\\\\\\"", "“").blend(1, 2)')
@example("(" * 400 + "a" + ")" * 400)
def test_a_prompt_written_out_and_read_again_is_the_same(text: str) -> None:
    prompt = parse(text)
    assert parse(print_prompt(prompt)) == prompt


@settings(max_examples=1500, deadline=None)
@given(TEXTS)
def test_no_letter_of_a_text_is_lost(text: str) -> None:
    if len(parse(text).phrases) > 1 or ".blend" in text:
        return
    kept = "".join(piece.text for piece in parse(text).pieces)
    assert _letters(kept) == _letters(_without_tags(text))


def _letters(text: str) -> str:
    # Those of BREAK say nothing here: it goes where it stands alone, and stays where it is a part of a word.
    return "".join(letter for letter in text if letter.isalpha() and letter not in "BREAK")


def _without_tags(text: str) -> str:
    # What is escaped begins no tag.
    parts = re.split(rf"(\\[\\()\[\]（）<])|{TAGS.pattern}", text, flags=re.IGNORECASE)
    return "".join(part for part in parts if part)


@given(st.lists(st.sampled_from(["red", "cat", "low", "sea"]), min_size=1, max_size=6))
def test_text_without_signs_is_one_piece_as_it_was_typed(words: list[str]) -> None:
    assert read(", ".join(words)) == [(", ".join(words), 1.0)]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("a (cat)", [("a ", 1.0), ("cat", 1.1)]),
        ("((cat))", [("cat", 1.21)]),
        ("(cat:1.2)", [("cat", 1.2)]),
        ("( cat : 1.2 )", [(" cat ", 1.2)]),
        ("(cat:.5)", [("cat", 0.5)]),
        ("(cat:-1)", [("cat", -1.0)]),
        ("[cat]", [("cat", 0.9091)]),
        ("[[cat]]", [("cat", 0.8264)]),
        ("([cat])", [("cat", 1.0)]),
        ("((cat:1.2):2)", [("cat", 2.4)]),
        ("(red (cat:1.5))", [("red ", 1.1), ("cat", 1.65)]),
        ("(a, b:1.2), c", [("a, b", 1.2), (", c", 1.0)]),
        ("(a:b:1.2)", [("a:b", 1.2)]),
        ("(cat:1)", [("cat", 1.0)]),
        ("a (cat:1.0) b", [("a cat b", 1.0)]),
        (r"\(cat\)", [("(cat)", 1.0)]),
        (r"\[cat\]", [("[cat]", 1.0)]),
        (r"(cat \(sitting\):1.3)", [("cat (sitting)", 1.3)]),
        (r"a\\b", [(r"a\b", 1.0)]),
        (r"a\b", [(r"a\b", 1.0)]),
        ("(cat", [("(cat", 1.0)]),
        ("cat)", [("cat)", 1.0)]),
        ("cat:1.2)", [("cat:1.2)", 1.0)]),
        ("((cat)", [("(", 1.0), ("cat", 1.1)]),
        ("(cat]", [("(cat]", 1.0)]),
        ("(a [b) c]", [("a [b", 1.1), (" c]", 1.0)]),
        (r"\BREAK dance", [("BREAK dance", 1.0)]),
        ("BREAKING", [("BREAKING", 1.0)]),
        ("a|b : c", [("a|b : c", 1.0)]),
    ],
)
def test_emphasis_means_what_it_means_elsewhere(text: str, pieces: list[tuple[str, float]]) -> None:
    assert read(text) == pieces


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("（猫：1.3）", "(猫:1.3)"),
        ("（（猫））", "((猫))"),
        ("（猫:1.3)", "(猫:1.3)"),
        (r"\（猫\）", "\\(猫\\)"),
    ],
)
def test_full_width_brackets_mean_the_same(wide: str, narrow: str) -> None:
    weights = [weight for _, weight in read(narrow)]
    assert [weight for _, weight in read(wide)] == weights
    assert read(r"\（猫\）") == [("（猫）", 1.0)]


def test_a_weight_has_a_bound_however_deep_it_is_nested() -> None:
    assert read("(" * 9000 + "cat" + ")" * 9000) == [("cat", LARGEST_WEIGHT)]
    assert read("[" * 9000 + "cat" + "]" * 9000) == [("cat", 0.0)]
    assert codes("(cat:99)") == ["prompt_weight"] and codes("(cat:2)") == []


def test_break_parts_a_prompt_wherever_it_stands() -> None:
    (phrase,) = parse("a cat BREAK (a dog BREAK a sea:1.2)").phrases
    assert [chunk.pieces for chunk in phrase.chunks] == [
        (Piece("a cat"),),
        (Piece("a dog", 1.2),),
        (Piece("a sea", 1.2),),
    ]


def test_a_blend_holds_its_phrases_and_their_shares() -> None:
    prompt = parse('("a (cat:1.2)", “a dog”).blend(1, 3) ')
    assert [phrase.plain for phrase in prompt.phrases] == ["a cat", "a dog"]
    assert prompt.shares == (0.25, 0.75)
    assert refusal('("a", "b").blend(1, 1)') is None and len(parse('("a").blend(0.5)').phrases) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('a sea, ("a cat", "a dog").blend(1, 1)', "blend_not_whole"),
        ('("a cat", "a dog").blend(1, 1), a sea', "blend_not_whole"),
        ('("a cat", "a dog").blend()', "blend_not_whole"),
        ('("(\\"a\\", \\"b\\").blend(1, 1)", "c").blend(1, 1)', "blend_not_whole"),
        ('("a cat", "a dog").blend(1)', "blend_weights"),
        ('("a cat", "a dog").blend(0, 0)', "blend_weights"),
        ('("a cat", "a dog").blend(1, -1)', "blend_weights"),
    ],
)
def test_a_blend_that_is_no_whole_one_is_refused_in_words(text: str, code: str) -> None:
    refused = refusal(text)
    assert refused and refused.code == code
    assert codes(text)[0] == code


def test_tags_are_taken_out_of_the_text_and_told() -> None:
    prompt = parse("a cat <lora:Night Glow:0.6> in the sea<LyCO:b:1:te=0.5>")
    assert prompt.tags == (Tag("lora", "Night Glow", ("0.6",)), Tag("lyco", "b", ("1", "te=0.5")))
    assert [tag.weight for tag in prompt.tags] == [0.6, 1.0]
    assert prompt.plain == "a cat  in the sea"
    assert remarks("<lora:glow:0.6>", FAMILIES["sd1"]) == (
        Trouble(code="prompt_tag", params={"kind": "lora", "name": "glow"}),
    )
    assert parse(r"\<lora:x:1>").tags == ()


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        ("a [cat:dog:0.5]", "a cat, dog", "prompt_schedule"),
        ("[cat::12]", "cat", "prompt_schedule"),
        ("[dog:0.5]", "dog", "prompt_schedule"),
        ("[(red:1.3) cat:[dog:0.2]:0.5]", "red cat, dog", "prompt_schedule"),
        ("[cat|dog|(sea)]", "cat, dog, sea", "prompt_alternation"),
        ("a cat AND a dog", "a cat AND a dog", "prompt_and"),
    ],
)
def test_what_is_not_done_here_is_said_and_its_numbers_are_no_words(text: str, words: str, code: str) -> None:
    assert parse(text).plain == words
    assert codes(text) == [code]


def test_plain_words_have_nothing_to_be_told() -> None:
    for family in FAMILIES:
        assert codes("a red cat, and a dog (sitting)".replace("(", "").replace(")", ""), family) == []
    assert codes("(a:1.2) [b] BREAK c") == []


def test_what_a_family_cannot_do_is_told_of_that_family_alone() -> None:
    asked = {
        "(a:1.2)": "emphasis_not_here",
        "a BREAK b": "break_not_here",
        '("a", "b").blend(1, 1)': "blend_not_here",
    }
    for text, code in asked.items():
        assert (codes(text, "sd3"), codes(text, "sdxl")) == ([code], [])
    assert codes("a", "sd3", clip_skip=2) == ["clip_skip_not_here"]
    assert codes("a glow", "sd3", embeddings=["glow"]) == ["embedding_not_here"]
    assert codes("a glow", "sd2", clip_skip=2, embeddings=["glow"]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a cat, EasyNegative", ("EasyNegative",)),
        ("(easynegative:1.2), embedding:bad-hands-5", ("EasyNegative", "bad-hands-5")),
        ("bad-hands", ("bad-hands",)),
        ("bad-hands-50, EasyNegatives, notEasyNegative", ()),
        ("猫EasyNegative，<toy>", ("EasyNegative", "<toy>")),
        ("<lora:EasyNegative:1>", ()),
        ("[a|bad-hands]", ("bad-hands",)),
    ],
)
def test_embeddings_are_found_by_their_names(text: str, found: tuple[str, ...]) -> None:
    assert embeddings_in(text, ["bad-hands", "bad-hands-5", "EasyNegative", "<toy>"]) == found


def test_no_embeddings_are_found_where_there_are_none() -> None:
    assert embeddings_in("a cat", []) == ()
