"""The form and its way to a draft and back, by a model's own defaults and limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.messages import (
    Draft,
    GenerationDefaults,
    GenerationLimits,
    LocalSource,
    ModelSpec,
    ModelState,
    SamplerSpec,
    Size,
)
from studio.ui import drafts, folds, shapes
from studio.ui import form as forms
from studio.ui.words import words


def state(id: str = "m", side: int = 512, largest: int = 1024, **limits: Any) -> ModelState:
    """A model as the page knows it."""
    spec = ModelSpec(
        id=id,
        title=words("form.none"),
        family="sd1",
        source=LocalSource(path="x"),
        licence="Apache-2.0",
        defaults=GenerationDefaults(
            size=Size(width=side, height=side),
            steps=20,
            guidance=7.0,
            sampler="euler",
            negative="blurry, text",
        ),
        limits=GenerationLimits(
            **(
                {"smallest": side // 4, "largest": largest, "multiple": 8, "steps": 60, "guidance": 20.0}
                | limits
            )
        ),
    )
    return ModelState(spec=spec, place="disk", samplers=(SamplerSpec(id="euler", title="Euler"),))


@given(
    side=st.integers(16, 2048),
    largest=st.integers(64, 4096),
    smallest=st.integers(16, 512),
    multiple=st.sampled_from([8, 16, 64]),
)
def test_sizes_keep_to_limits_and_multiples(side: int, largest: int, smallest: int, multiple: int) -> None:
    smallest = min(smallest, largest // 2)
    if -(-smallest // multiple) > largest // multiple:
        return  # no multiple fits between the two
    spec = state(side=side, largest=largest, smallest=smallest, multiple=multiple).spec
    for size in shapes.sizes(spec).values():
        for length in (size.width, size.height):
            assert length % multiple == 0
            assert smallest <= length <= largest


def test_sizes_keep_the_area_and_the_shape() -> None:
    sizes = shapes.sizes(state().spec)
    assert sizes["1:1"] == Size(width=512, height=512)
    assert sizes["16:9"] == Size(width=680, height=384)
    assert sizes["9:16"] == Size(width=384, height=680)


def test_a_limit_on_the_long_side_shrinks_both() -> None:
    size = shapes.sizes(state(side=512, largest=512).spec)["16:9"]
    assert (size.width, size.height) == (512, 288)


def test_a_fresh_form_is_the_models_own_and_goes_out_complete() -> None:
    draft = drafts.draft_of(forms.fresh(state()))
    assert draft == Draft(
        model="m",
        negative="blurry, text",
        width=512,
        height=512,
        steps=20,
        guidance=7.0,
        sampler="euler",
        count=1,
        clip_skip=1,
        negative_counts="full",
    )


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"count": "many", "steps": None, "seed": -5, "size": "0x0", "lock": "yes"},
        {"count": 99, "steps": 10**9, "guidance": float("nan"), "seed": 2**80, "size": "99999x99999"},
        {"count": 10**400, "steps": -(10**400), "guidance": 10**400, "seed": 10**400},
        {"count": True, "steps": True, "prompt": 7, "size": "drop table", "sampler": None},
    ],
)
def test_what_a_browser_kept_is_never_trusted(values: dict[str, Any]) -> None:
    found = forms.form_of(values, state())
    limits = state().spec.limits
    assert 1 <= found.count <= 4
    assert 1 <= found.steps <= limits.steps
    assert 0 <= found.guidance <= limits.guidance
    assert found.seed is None or 0 <= found.seed <= forms.LARGEST_SEED
    assert shapes.read_size(found.size) is not None
    assert isinstance(found.prompt, str)


def test_the_words_of_a_form_outlive_a_version_with_other_fields() -> None:
    kept = ["m", "a cat", "no hats"]
    assert forms.FIELDS[: len(forms.LASTING)] == forms.LASTING
    assert forms.kept_fields([*kept, "512x512", True]) == dict(zip(forms.LASTING, kept, strict=True))
    assert forms.form_of(forms.kept_fields(["m", 7, "no hats"]), state()).negative == "no hats"
    assert list(forms.kept_fields(list(forms.FIELDS))) == list(forms.FIELDS)
    assert forms.kept_fields(None) == forms.kept_fields({"prompt": "x"}) == {}


def test_another_model_keeps_words_and_shape_and_brings_its_own_numbers() -> None:
    mine = forms.form_of({"prompt": "a cat", "size": "680x384", "steps": 55, "count": 3}, state())
    moved = forms.for_model(mine, state("large", side=1024, largest=2048))
    assert (moved.model, moved.prompt, moved.count, moved.steps) == ("large", "a cat", 3, 20)
    assert moved.size == "1368x768"


@pytest.mark.parametrize(
    ("written", "there"), [("no hats", "no hats"), (" lowres ", "blurry, text"), (" ", "blurry, text")]
)
def test_a_negative_that_somebody_wrote_outlives_another_model(written: str, there: str) -> None:
    mine = forms.form_of({"negative": written, "translated_negative_for": written}, state())
    moved = forms.for_model(mine, state("large"), usual_negative="lowres")
    assert moved.negative == there
    assert moved.translated_negative_for == (written if there == written else "")


def test_a_recipe_comes_back_with_its_seed_locked_and_its_own_size() -> None:
    draft = Draft(
        model="m", prompt="a cat", negative="", width=200, height=520, steps=7, guidance=3.5, seed=9
    )
    found = drafts.form_from_draft(draft, state())
    assert (found.size, found.negative, found.seed, found.lock) == ("200x520", "", 9, True)
    assert shapes.size_choices(state().spec, found.size)[-1] == ("200×520", "200x520")
    again = drafts.draft_of(found)
    assert (again.width, again.height, again.seed, again.negative) == (200, 520, 9, "")


def test_without_the_lock_every_job_draws_its_own_seed() -> None:
    assert drafts.draft_of(forms.form_of({"seed": 5, "lock": False}, state())).seed is None
    assert drafts.draft_of(forms.form_of({"seed": 5, "lock": True}, state())).seed == 5


def test_choices_stand_in_the_order_of_the_page() -> None:
    names = [name for name, _ in shapes.size_choices(state().spec, "512x512")]
    assert names == ["1:1", "3:4", "4:3", "9:16", "16:9"]


def test_shapes_that_a_model_cannot_tell_apart_are_offered_once() -> None:
    narrow = state(side=512, largest=512, smallest=512)
    assert len(shapes.size_choices(narrow.spec, "512x512")) == 1


def test_closed_folds_say_what_is_in_them() -> None:
    spec = state().spec
    assert folds.negative_summary("", spec).en == "None"
    assert folds.negative_summary("blurry, text", spec).en == "Sensible default · 2 terms"
    assert folds.negative_summary("模糊，文字，水印", spec).zh == "自己写的 · 3 条"
    assert folds.details_summary(forms.fresh(state()), state()).en == "Euler · 20 steps · 7.0"
