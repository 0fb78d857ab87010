"""LoRAs that a prompt names: taken out of it, and nothing else with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.families import FAMILIES
from studio.messages import LARGEST_LORA_WEIGHT, LoraUse, Trouble
from studio.prompt import names_of, parse, remarks, take_loras

NAMES = {"glow": "glow-1a", "Night Glow": "glow-1a", "ink": "ink", "glow-1a": "glow-1a"}


def use(id: str, weight: float, text: float | None = None) -> LoraUse:
    return LoraUse(id=id, weight=weight, text_encoder_weight=text)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("<lora:glow:0.8>", use("glow-1a", 0.8)),
        ("<lora:glow>", use("glow-1a", 1.0)),
        ("<LORA: night glow :.5>", use("glow-1a", 0.5)),
        ("<lyco:ink:-1>", use("ink", -1.0)),
        ("<lora:ink:0.5:0.8>", use("ink", 0.8, 0.5)),
        ("<lora:ink:0.5:0.5>", use("ink", 0.5)),
        ("<lora:ink:1:te=0.25>", use("ink", 1.0, 0.25)),
        ("<lora:ink:1:unet=0>", use("ink", 0.0, 1.0)),
        ("<lora:ink:4:-4>", use("ink", -LARGEST_LORA_WEIGHT, LARGEST_LORA_WEIGHT)),
    ],
)
def test_a_tag_is_read_as_it_is_elsewhere(tag: str, expected: LoraUse) -> None:
    taken = take_loras(f"a cat{tag}, red", NAMES)
    assert (taken.text, taken.uses, taken.troubles) == ("a cat, red", (expected,), ())


def test_a_lora_that_is_named_twice_counts_the_sum_in_either_order() -> None:
    one, other = "<lora:glow:0.5:0.25>", "<lora:Night Glow:0.5>"
    assert take_loras(one + other, NAMES).uses == (use("glow-1a", 0.75, 1.0),)
    assert take_loras(other + one, NAMES).uses == (use("glow-1a", 0.75, 1.0),)
    assert take_loras("<lora:ink:0.1>" * 3, NAMES).uses == (use("ink", 0.3),)


def test_what_is_not_understood_is_told_and_taken_out() -> None:
    taken = take_loras("<lora:gone:1> a<lora:ink:much> cat <lora:gone:2>", NAMES)
    assert taken.text == " a cat "
    assert taken.uses == (use("ink", 1.0),)
    assert taken.troubles == (
        Trouble(code="lora_not_here", params={"lora": "gone"}),
        Trouble(code="lora_weight_unread", params={"tag": "<lora:ink:much>"}),
    )


@pytest.mark.parametrize("tag", ["<lora:ink:99>", "<lora:ink:4:-4.5>", "<lora:ink:1:te=1000>"])
def test_a_weight_beyond_what_is_of_any_use_is_bounded_and_told(tag: str) -> None:
    taken = take_loras(tag, NAMES)
    assert max(abs(taken.uses[0].weight), abs(taken.uses[0].on_text)) == LARGEST_LORA_WEIGHT
    assert taken.troubles == (Trouble(code="lora_weight_bounded", params={"tag": tag, "most": 4}),)


@pytest.mark.parametrize("text", [r"\<lora:glow:1>", "<hypernet:glow:1>", "<lora:>", "a < b > c", "<lora:a"])
def test_what_is_no_tag_of_a_lora_stays(text: str) -> None:
    assert take_loras(text, NAMES) == take_loras(text, {}) and take_loras(text, NAMES).text == text


def test_a_name_that_several_have_means_the_first_and_an_id_always_itself() -> None:
    names = names_of({"a": ("Glow", "b"), "b": ("glow",)})
    assert (names["glow"], names["a"], names["b"]) == ("a", "a", "b")


PLAIN = st.text(st.characters(exclude_characters="<>\\", codec="utf-8"), max_size=20)
WEIGHTS = st.floats(-4, 4).map(lambda number: round(number, 4))
USES = st.builds(use, st.sampled_from(["ink", "glow-1a"]), WEIGHTS, st.none() | WEIGHTS)
PIECES = st.lists(PLAIN | USES, max_size=8)


@given(PIECES)
def test_the_rest_of_a_text_stays_to_the_byte(pieces: list[str | LoraUse]) -> None:
    text = "".join(one if isinstance(one, str) else one.tag for one in pieces)
    taken = take_loras(text, NAMES)
    assert taken.text == "".join(one for one in pieces if isinstance(one, str))
    assert {one.id for one in taken.uses} == {one.id for one in pieces if isinstance(one, LoraUse)}
    assert taken.troubles == ()
    for found in taken.uses:
        same = [one for one in pieces if isinstance(one, LoraUse) and one.id == found.id]
        for part in ("weight", "on_text"):
            whole = sum(getattr(one, part) for one in same)
            if len(same) == 1:
                assert getattr(found, part) == getattr(same[0], part)
            elif all(abs(getattr(one, part)) * len(same) <= LARGEST_LORA_WEIGHT for one in same):
                assert getattr(found, part) == pytest.approx(whole, abs=1e-5)


@given(st.text(st.sampled_from("<>:lora ink0.8\\()"), max_size=60))
def test_whatever_is_typed_nothing_breaks_and_nothing_is_added(text: str) -> None:
    taken = take_loras(text, NAMES)
    left = iter(text)
    assert all(sign in left for sign in taken.text)
    assert {one.id for one in taken.uses} <= set(NAMES.values())
    if not parse(text).tags:
        assert taken.text == text and not taken.uses


@given(st.sampled_from(["glow", "a:b", "a<b", " "]), USES)
def test_a_written_tag_is_read_again(name: str, wanted: LoraUse) -> None:
    named = wanted.model_copy(update={"name": name})
    taken = take_loras(named.tag, {name: wanted.id, wanted.id: wanted.id})
    assert [(one.id, one.weight, one.on_text) for one in taken.uses] == [
        (wanted.id, wanted.weight, wanted.on_text)
    ]


def test_remarks_tell_of_loras_that_nobody_has() -> None:
    sd1 = FAMILIES["sd1"]
    assert remarks("a <lora:ink:1>", sd1, loras=NAMES) == ()
    assert [one.code for one in remarks("a <lora:gone:1>", sd1, loras=NAMES)] == ["lora_not_here"]
    assert [one.code for one in remarks("a <hypernet:ink:1>", sd1, loras=NAMES)] == ["prompt_tag"]
    assert [one.code for one in remarks("a <lora:ink:1>", sd1)] == ["prompt_tag"]
