"""LoRAs in a draft: taken out of its prompts, joined with those beside them, or refused in words."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from studio.errors import StudioError, say_trouble
from studio.limits import Around, draft_of, lora_remarks, resolve, unsettled
from studio.messages import (
    MOST_LORAS,
    Draft,
    GenerationRequest,
    LoraUse,
    Person,
    Size,
    Start,
    Trouble,
    Upscale,
)
from studio.prompt import Texts
from tests.samples import spec

ANN, SPEC = Person(id="ann"), spec()
NAMES = {"glow": "glow-1a", "glow-1a": "glow-1a", "ink": "ink", "big": "big"}
NAMES |= {f"l{number}": f"l{number}" for number in range(12)}
SHA = "ab" * 32


def here(use: LoraUse) -> LoraUse:
    """A LoRA of this test's house, where `big` fits no model."""
    if use.id not in NAMES:
        raise StudioError("lora_missing", lora=use.name or use.id)
    if use.id == "big":
        raise StudioError("lora_sizes", lora="big", model="Tiny", wrong=3, of=4)
    return use.model_copy(update={"name": use.id.partition("-")[0]})


AROUND = Around(
    size_of=lambda picture: Size(width=64, height=64),
    lora_names=NAMES,
    lora=here,
    hashed=lambda use: use.model_copy(update={"sha256": SHA}),
    wildcards=lambda name: ("red <lora:ink:0.5>", "blue <lora:glow:0.5>") if name == "light" else (),
)


def use(id: str, weight: float = 1.0, text: float | None = None, **more: Any) -> LoraUse:
    return LoraUse(id=id, weight=weight, text_encoder_weight=text, **more)


def resolved(*loras: LoraUse, **asked: Any) -> GenerationRequest:
    return resolve(Draft(model="tiny", loras=loras, **asked), SPEC, "job", ANN, AROUND)[0]


def refused(*loras: LoraUse, **asked: Any) -> StudioError:
    with pytest.raises(StudioError) as told:
        resolved(*loras, **asked)
    assert "{" not in say_trouble("en", told.value.trouble) + say_trouble("zh", told.value.trouble)
    return told.value


def weights(request: GenerationRequest) -> dict[str, tuple[float, float]]:
    return {use.id: (use.weight, use.on_text) for use in request.loras}


def test_tags_are_taken_out_of_prompt_and_negative_and_kept_as_written() -> None:
    whole = resolved(prompt="a cat<lora:glow:0.8>, red", negative="<lora:ink:0.2:-0.5>blurry")
    assert (whole.prompt, whole.negative) == ("a cat, red", "blurry")
    assert whole.as_written == ("a cat<lora:glow:0.8>, red", "<lora:ink:0.2:-0.5>blurry")
    assert weights(whole) == {"glow-1a": (0.8, 0.8), "ink": (-0.5, 0.2)}
    assert {(one.name, one.sha256) for one in whole.loras} == {("glow", SHA), ("ink", SHA)}
    assert set(whole.parts) == {"glow-1a", "ink"}


def test_what_stands_in_the_prompt_and_beside_it_is_one_and_counts_the_sum() -> None:
    both = resolved(use("glow-1a", 0.5, 0.25), prompt="a cat <lora:glow:0.3>")
    assert weights(both) == {"glow-1a": (0.8, 0.55)}
    assert [one.name for one in both.loras] == ["glow"]


def test_weight_zero_is_as_good_as_not_there() -> None:
    away = resolved(use("ink", 0.0), use("glow-1a", 0.4), prompt="a cat<lora:glow:-0.4><lora:big:0>", seed=1)
    assert away.loras == away.parts == ()
    plain = resolved(prompt="a cat", seed=1)
    same = {"written": "", "written_negative": "", "written_loras": ()}
    assert away.model_copy(update=same) == plain
    assert weights(resolved(use("ink", 0.0, 0.5))) == {"ink": (0.0, 0.5)}


def test_order_changes_neither_which_there_are_nor_how_much_they_count() -> None:
    uses, tags = [use("l1", 0.3), use("l2", -0.5)], ["<lora:l3:0.7>", "<lora:l1:0.2:0.1>"]
    found = [
        weights(resolved(*loras, prompt="".join(prompt)))
        for loras in itertools.permutations(uses)
        for prompt in itertools.permutations(tags)
    ]
    assert len(found) == 4 and all(one == found[0] for one in found)


def test_an_alternative_brings_its_own_lora_and_only_that() -> None:
    draft = Draft(model="tiny", prompt="a {cat <lora:glow:1>|dog <lora:ink:1>}, __light__", count=4, seed=3)
    all = resolve(draft, SPEC, "job", ANN, AROUND)
    for one in all:
        asked = {"glow-1a": "cat" in one.prompt, "ink": "dog" in one.prompt}
        asked = {
            "glow-1a": asked["glow-1a"] or "blue" in one.prompt,
            "ink": asked["ink"] or "red" in one.prompt,
        }
        assert set(weights(one)) == {id for id, wanted in asked.items() if wanted}
        assert "<lora" not in one.prompt
    assert len({tuple(weights(one)) for one in all}) > 1


def test_nothing_is_looked_up_before_the_words_are_chosen() -> None:
    def never(use: LoraUse) -> LoraUse:
        raise AssertionError

    around = Around(lora_names=NAMES, lora=never)
    draft = Draft(model="tiny", prompt="a <lora:glow:1>", loras=(use("ink"),))
    assert unsettled(draft, SPEC, "job", ANN, around)[1] == 1


def test_a_picture_asks_for_itself_again() -> None:
    whole = resolved(use("ink", 0.5), use("l1", 0.0), prompt="a <lora:glow:1> cat", seed=9)
    again = draft_of(whole)
    assert again.prompt == "a <lora:glow:1> cat"
    assert again.loras == (use("ink", 0.5, name="ink", sha256=SHA), use("l1", 0.0))
    assert resolve(again, SPEC, "job", ANN, AROUND)[0] == whole


def test_a_picture_that_is_only_enlarged_is_painted_with_none() -> None:
    start = Start(picture="b" * 64)
    whole = resolved(use("big"), prompt="<lora:glow:1>", base=False, start=start, upscale=Upscale())
    assert whole.parts == whole.loras == () and whole.written_loras == (use("big"),)


def test_an_unknown_name_in_a_tag_is_left_out_and_one_beside_the_prompt_is_not() -> None:
    assert resolved(prompt="a cat<lora:gone:1>").loras == ()
    assert refused(use("gone")).code == "lora_missing"
    assert refused(use("gone", name="Old Glow")).params == {"lora": "Old Glow"}


def test_what_does_not_fit_is_refused_wherever_it_stands() -> None:
    assert refused(use("big")).code == refused(prompt="<lora:big:0.1>").code == "lora_sizes"


def test_more_than_eight_are_refused_and_eight_are_not() -> None:
    tags = "".join(f"<lora:l{number}:0.1>" for number in range(MOST_LORAS - 1))
    assert len(resolved(use("ink"), prompt=tags).loras) == MOST_LORAS
    told = refused(use("ink"), use("glow-1a"), prompt=tags)
    assert (told.code, told.params) == ("loras_too_many", {"count": MOST_LORAS + 1, "most": MOST_LORAS})


# -- before anything is painted -------------------------------------------------------------------


def told(*beside: LoraUse, prompt: str = "", negative: str = "") -> tuple[Trouble, ...]:
    return lora_remarks(beside, Texts(prompt, negative), AROUND)


def test_before_painting_it_is_told_what_would_be_refused() -> None:
    assert told(use("ink"), prompt="a cat<lora:glow:1>") == ()
    codes = [one.code for one in told(use("gone"), prompt="<lora:big:1>", negative="<lora:ink:1>")]
    assert codes == ["lora_missing", "lora_sizes"]
    assert told(use("gone", 0.0), prompt="<lora:big:0>") == ()
    many = "".join(f"<lora:l{number}:0.1>" for number in range(9))
    assert [one.code for one in told(prompt=many)] == ["loras_too_many"]


def test_before_painting_it_is_told_what_both_together_count() -> None:
    (both,) = told(use("glow-1a", 0.5, name="Glow"), use("ink"), prompt="<lora:glow:0.25>")
    assert (both.code, both.params) == ("lora_twice", {"lora": "Glow", "weight": 0.75})
    assert told(use("glow-1a", 0.5), prompt="{<lora:glow:0.25>|dog}") == ()
