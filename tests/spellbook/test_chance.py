"""Alternatives and wildcards: as people know them, the same for the same seed, and no error for a brace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import StudioError
from studio.prompt import settle, unknown_wildcards

BOOK = {
    "light": ("soft light", "hard light", "{dawn|dusk}"),
    "光线": ("柔和的光线",),
    "self": ("again __self__",),
    "many": (" ".join(["__many2__"] * 60),),
    "many2": (" ".join(["__light__"] * 60),),
}


def wildcards(name: str) -> Sequence[str]:
    return BOOK.get(name, ())


def outcomes(text: str, seeds: int = 300) -> Counter[str]:
    return Counter(settle(text, seed, wildcards) for seed in range(seeds))


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("a {red|blue} cat", {"a red cat", "a blue cat"}),
        ("{red|{dark|pale} blue}", {"red", "dark blue", "pale blue"}),
        ("{ red | blue}.", {"red .", "blue."}),
        ("a {very |}old cat", {"a very old cat", "a old cat"}),
        ("{2$$a|b}", {"a, b", "b, a"}),
        ("{2$$ and $$a | b}", {"a and b", "b and a"}),
        ("{1-2$$a|b}", {"a", "b", "a, b", "b, a"}),
        ("{-1$$a|b}", {"a", "b"}),
        ("{9$$a|b}", {"a, b", "b, a"}),
        ("__light__!", {"soft light!", "hard light!", "dawn!", "dusk!"}),
        ("{2$$__光线__}", {"柔和的光线"}),
        ("{cat|__light__}", {"cat", "soft light", "hard light", "dawn", "dusk"}),
        ("({red|blue}:1.2) <lora:x:{0|1}>", {f"({c}:1.2) <lora:x:{w}>" for c in ("red", "blue") for w in "01"}),
        (r"{a\|b|c}", {"a|b", "c"}),
        (r"\\{a|b}", {r"\\a", r"\\b"}),
    ],
)  # fmt: skip
def test_every_outcome_comes_and_no_other(text: str, texts: set[str]) -> None:
    assert set(outcomes(text)) == texts


def test_weights_count() -> None:
    told = outcomes("{3::red|blue}", 4000)
    assert 2800 < told["red"] < 3200
    assert set(outcomes("{0::red|blue}")) == {"blue"}
    assert set(outcomes("{0::red|0::blue}")) == {"red", "blue"}


def test_two_of_a_wildcard_are_two_different_ones() -> None:
    for text in outcomes("{2$$ / $$__light__}"):
        first, second = text.split(" / ")
        assert first != second


@pytest.mark.parametrize(
    "text",
    [
        "a { cat", "a } cat", "{a|b", "a|b}", "{}", "{prompt}", "a {calm} sea", "[a|b]", "__nobody__", "__",
        "____", "snake_case", "a__ b", "costs $5, 100% {", "#1 cat", "// not a comment", r"\(a\)", r"a \ b", "{$$}",
    ],
)  # fmt: skip
def test_what_offers_no_choice_is_text(text: str) -> None:
    assert set(outcomes(text, 5)) == {text}


def test_signs_can_be_written_as_text() -> None:
    assert settle(r"\{a|b\} \__light__", 1, wildcards) == "{a|b} __light__"


def test_the_same_seed_settles_the_same_way() -> None:
    text = "{a|b|c|d} __light__ {2$$e|f|g}"
    first = [settle(text, seed, wildcards) for seed in range(20)]
    assert first == [settle(text, seed, wildcards) for seed in range(20)]
    assert len(set(first)) > 10


def test_a_seed_means_the_same_in_years_to_come() -> None:
    assert "".join(settle("{a|b|c|d}", seed) for seed in range(10)) == "daccbdddda"


def test_what_never_ends_is_told() -> None:
    for text, code in (("__self__", "chance_too_deep"), ("__many__", "chance_too_many")):
        with pytest.raises(StudioError) as told:
            settle(text, 1, wildcards)
        assert told.value.code == code
    with pytest.raises(StudioError) as told:
        settle("__long__ __long__ __long__", 1, lambda name: ("x" * 9000,))
    assert told.value.code == "prompt_too_long"


@pytest.mark.parametrize(
    "text", ["{" * 20000, "{a|" * 6000, "__a " * 5000, "_" * 20000, "{" * 5000 + "}" * 5000]
)
def test_hostile_text_stays_text(text: str) -> None:
    assert settle(text, 1, wildcards) == text


def test_deep_groups_are_told() -> None:
    with pytest.raises(StudioError) as told:
        settle("{" * 100 + "a" + "|a}" * 100 + "{2$$" * 100 + "a" + "}" * 100, 1)
    assert told.value.code == "chance_too_deep"


def test_unknown_names_are_named_once() -> None:
    assert unknown_wildcards("__light__ __moon__ {__sun__|__moon__}", wildcards) == ("moon", "sun")
    assert unknown_wildcards(r"\__moon__ a_b", wildcards) == ()


def test_strokes_in_the_name_of_a_lora_are_no_wildcard() -> None:
    text = "<lora:my__light__v2:1><LORA:a__b:{0.5|0.5}>{<lora:c__d:1>|<lora:c__d:1>} __light__"
    settled = "<lora:my__light__v2:1><LORA:a__b:0.5><lora:c__d:1> dawn"
    assert settle(text, 1, lambda name: {"light": ["dawn"]}.get(name, [])) == settled
    assert settle("<lora:__light__:1>", 1, lambda name: ["dawn"]) == "<lora:dawn:1>"
    assert unknown_wildcards("<lora:a__b:1><lora:c__d:1> a<b__x__", lambda name: []) == ("x",)


@given(st.text(st.sampled_from("ab{}|$123:_\\ -__"), max_size=60), st.integers(0, 99))
def test_any_text_settles(text: str, seed: int) -> None:
    assert settle(text, seed, wildcards) == settle(text, seed, wildcards)


@given(st.text(st.sampled_from("ab()[]:, |<>.1猫"), max_size=60), st.integers(0, 99))
def test_text_without_braces_is_left_alone(text: str, seed: int) -> None:
    assert settle(text, seed, wildcards) == text
