"""Styles, alternatives and wildcards on their way into a request, and back out of its recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from studio.errors import StudioError
from studio.limits import Around, draft_of, expanded, resolve
from studio.messages import Draft, EmbeddingUse, GenerationRequest, Person, Recipe, Start, Upscale
from studio.metadata import parameters_text
from studio.prompt import LONGEST_PROMPT
from tests.samples import spec
from tests.spellbook.test_styling import FRAMED, OIL

ANN = Person(id="ann")
SPEC = spec()
LIGHTS = ("soft light", "hard light", "dawn", "dusk", "moonlight", "noon")


def lights(name: str) -> Sequence[str]:
    return LIGHTS if name == "light" else ()


AROUND = Around(style={"oil": OIL, "framed": FRAMED}.get, wildcards=lights)


def resolved(around: Around = AROUND, **asked: Any) -> tuple[GenerationRequest, ...]:
    return resolve(Draft(model="tiny", **asked), SPEC, "job", ANN, around)


def test_every_picture_of_a_batch_chooses_for_itself() -> None:
    many = [
        one for first in (0, 4, 8, 12) for one in resolved(prompt="a hut, __light__", seed=first, count=4)
    ]
    assert {one.prompt for one in many} == {f"a hut, {light}" for light in LIGHTS}
    assert {one.written for one in many} == {"a hut, __light__"}


def test_a_fixed_seed_chooses_the_same_again() -> None:
    written = "{red|blue|green|grey} hut, __light__"
    third = resolved(prompt=written, negative="{a|b|c}", seed=7, count=3)[2]
    (alone,) = resolved(prompt=written, negative="{a|b|c}", seed=9)
    assert (alone.prompt, alone.negative) == (third.prompt, third.negative)


def test_a_longer_prompt_leaves_the_negative_as_it_was() -> None:
    negatives = {
        resolved(prompt=prompt, negative="{a|b|c|d|e|f|g|h}", seed=3)[0].negative
        for prompt in ("a", "a {b|c}", "{2$$a|b|c} __light__")
    }
    assert len(negatives) == 1


def test_styles_go_around_before_the_seed_chooses() -> None:
    (one,) = resolved(prompt="a {red|blue} cat", negative="text", styles=("framed", "oil"), seed=1)
    colour = "red" if "red" in one.prompt else "blue"
    assert one.prompt == f"oil painting of a {colour} cat, in a gilded frame, impasto"
    assert one.negative == "text, blurry, cropped, photo"
    assert (one.written, one.written_negative) == ("a {red|blue} cat", "text")
    assert one.styles == ("framed", "oil")


def test_styles_are_shown_expanded_with_their_choices_open() -> None:
    shown = expanded(Draft(model="tiny", prompt="a {red|blue} cat", styles=("oil",)), SPEC, AROUND)
    assert shown == ("oil painting of a {red|blue} cat, impasto", "low quality, photo, blurry")


def test_styles_and_wildcards_speak_the_models_language() -> None:
    chinese = replace(AROUND, language="zh")
    assert resolved(chinese, prompt="猫", styles=("oil",))[0].prompt == "画，猫"


@pytest.mark.parametrize(
    "asked",
    [
        {"prompt": "a {red|blue} cat", "negative": "{x|y}", "seed": 5},
        {"prompt": "", "negative": "", "styles": ("oil",), "seed": 5},
        {"prompt": "a cat", "styles": ("oil", "framed"), "seed": 5},
        {"prompt": "{|}", "negative": "", "seed": 5},
        {"prompt": "a cat", "negative": "{|}", "seed": 5},
        {"prompt": r"\{a\}", "seed": 5},
    ],
)
def test_a_recipe_brings_back_what_was_written_and_paints_the_same(asked: dict[str, Any]) -> None:
    (one,) = resolved(**asked)
    draft = draft_of(one)
    assert (draft.prompt, draft.styles) == (asked["prompt"], asked.get("styles", ()))
    assert draft.negative == asked.get("negative", SPEC.defaults.negative)
    (again,) = resolve(draft, SPEC, "job", ANN, AROUND)
    assert again == one


def test_other_tools_read_what_was_painted() -> None:
    (one,) = resolved(prompt="a {red|red} cat", styles=("oil",), seed=5)
    text = parameters_text(Recipe(request=one, model_title="Tiny"))
    assert text.splitlines()[:2] == [
        "oil painting of a red cat, impasto",
        "Negative prompt: low quality, photo, blurry",
    ]


def test_embeddings_are_those_of_the_chosen_words() -> None:
    def named(text: str) -> tuple[EmbeddingUse, ...]:
        return tuple(EmbeddingUse(name=word, path=word) for word in ("fog", "rain") if word in text)

    around = replace(AROUND, embeddings=named)
    for one in resolved(around, prompt="a {fog|rain}", seed=0, count=4):
        assert [use.name for use in one.embeddings] == [one.prompt.removeprefix("a ")]


def refused(**asked: Any) -> StudioError:
    with pytest.raises(StudioError) as told:
        resolved(**asked)
    return told.value


def test_what_cannot_be_is_said_before_it_waits() -> None:
    assert refused(styles=("gone",)).params == {"style": "gone"}
    blend = '("a cat", "a dog").blend(1, 2)'
    assert refused(prompt=blend, styles=("oil",)).code == "style_with_blend"
    assert refused(prompt=f"{{a {blend}|b {blend}}}").code == "blend_not_whole"
    assert refused(prompt="a" * LONGEST_PROMPT, styles=("oil",)).code == "prompt_too_long"


def test_a_blend_may_leave_words_open() -> None:
    (one,) = resolved(prompt='("a {red|red} cat", "a dog").blend(1, 2)')
    assert one.prompt == '("a red cat", "a dog").blend(1, 2)'


def test_what_is_only_enlarged_is_not_settled() -> None:
    around = replace(AROUND, size_of=lambda picture: SPEC.defaults.size)
    start = Start(picture="0" * 64)
    (one,) = resolved(around, prompt="{a|b}", styles=("gone",), start=start, base=False, upscale=Upscale())
    assert (one.prompt, one.written) == ("{a|b}", "")
