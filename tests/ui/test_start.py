"""Starting from a picture: what the form keeps, what it asks the studio for, what the fold says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.messages import Draft, Mask, Outpaint, Size, Start, TokenCount, Trouble, Upscale, Variation
from studio.ui import drafts, folds, panel, shapes, start
from studio.ui import form as forms
from studio.ui.form import Form
from tests.ui.test_form import state
from tests.ui.test_stage import text

PICTURE, MASK = "a" * 64, "b" * 64
MODEL = state()
SPEC = MODEL.spec


def started(way: str = "redraw", pixels: tuple[int, int] = (1000, 667), **changes: Any) -> Form:
    """A form with a picture to start from."""
    brought = forms.starting_from(
        forms.fresh(MODEL), PICTURE, Size(width=pixels[0], height=pixels[1]), SPEC, way
    )
    return replace(brought, **changes)


# -- sizes ----------------------------------------------------------------------------------------


def test_the_size_follows_the_picture_and_the_page_says_so() -> None:
    form = started()
    assert form.size == "888x592"
    assert "Your picture is 1000 × 667; the model takes 888 × 592." in start.start_says(form, MODEL)
    assert "你的图是 1000 × 667，模型用 888 × 592。" in start.start_says(form, MODEL)
    assert ("888×592", "888x592") in shapes.size_choices(SPEC, form.size)


def test_nothing_is_said_where_the_model_takes_the_picture_as_it_is() -> None:
    assert start.start_says(started(pixels=(512, 768)), MODEL) == ""


def test_what_outpainting_adds_is_kept_to_the_models_multiples() -> None:
    form = started("outpaint", (500, 401), left=24, bottom=10)
    assert start.result_size(form, SPEC) == Size(width=528, height=416)
    assert "500 × 401 becomes 528 × 416." in start.start_says(form, MODEL)


def test_a_masked_region_has_the_models_own_size_and_the_picture_keeps_its() -> None:
    form = forms.shaped_like_picture(started("inpaint", area="masked"), SPEC)
    assert form.size == "512x512"
    said = start.start_says(form, MODEL)
    assert "painted at 512 × 512 and put back; the picture stays 1000 × 667" in said
    assert "the model takes" not in said


# -- what is asked for ----------------------------------------------------------------------------


def test_without_a_picture_no_way_to_start_is_asked_for() -> None:
    draft = drafts.draft_of(replace(forms.fresh(MODEL), way="upscale", mask=MASK, left=64))
    assert (draft.start, draft.mask, draft.outpaint, draft.upscale, draft.base) == (None,) * 4 + (True,)


def test_redraw() -> None:
    draft = drafts.draft_of(started(strength=0.35, fit="stretch"))
    assert draft.start == Start(picture=PICTURE, strength=0.35, fit="stretch")
    assert (draft.width, draft.height, draft.base) == (888, 592, True)


def test_inpaint() -> None:
    form = started("inpaint", mask=MASK, feather=3, invert=True, area="masked", margin=40, fill="noise")
    wanted = Mask(picture=MASK, feather=3, invert=True, area="masked", margin=40, fill="noise")
    assert drafts.draft_of(form).mask == wanted
    assert drafts.lacking(form) is None
    assert drafts.lacking(replace(form, mask="")) == Trouble(code="mask_needed")


def test_outpaint_leaves_the_size_to_the_picture_and_its_sides() -> None:
    draft = drafts.draft_of(started("outpaint", left=64, top=8, edge=24))
    assert draft.outpaint == Outpaint(left=64, top=8, feather=24)
    assert (draft.width, draft.height, draft.mask) == (None, None, None)


def test_upscale_paints_nothing_and_gives_one_picture() -> None:
    draft = drafts.draft_of(
        started("upscale", prompt="a cat", factor=4.0, count=3, hires=True, variation_weight=0.5)
    )
    assert draft.upscale == Upscale(factor=4.0)
    assert (draft.base, draft.count, draft.high_resolution, draft.variation) == (False, 1, None, None)
    assert (draft.prompt, draft.negative) == ("", None)


def test_details_that_are_not_the_models_own() -> None:
    form = replace(
        forms.fresh(MODEL), vae="sharp", clip_skip=2, tiling="both", hires=True, hires_factor=1.5,
        hires_steps=9, hires_upscaler="lanczos", variation_weight=0.2, variation_seed=7,
        negative_counts="needed",
    )  # fmt: skip
    draft = drafts.draft_of(form)
    assert draft.negative_counts == "needed"
    assert (draft.vae, draft.clip_skip, draft.tiling) == ("sharp", 2, "both")
    assert draft.variation == Variation(seed=7, weight=0.2)
    assert draft.high_resolution is not None
    told = draft.high_resolution
    assert (told.factor, told.steps, told.upscaler) == (1.5, 9, "lanczos")


WAYS = [
    started(strength=0.2, fit="stretch"),
    started("inpaint", mask=MASK, feather=0, invert=True, area="masked", margin=0, fill="nothing"),
    started("outpaint", left=8, right=16, top=24, bottom=32, edge=0),
    started("upscale", factor=1.5, upscaler="sharp"),
    replace(forms.fresh(MODEL), hires=True, hires_factor=3.0, vae="sharp", clip_skip=3, tiling="down"),
    replace(forms.fresh(MODEL), variation_weight=0.4, variation_seed=0),
    replace(forms.fresh(MODEL), negative="text", negative_counts="needed"),
]


@pytest.mark.parametrize("form", WAYS, ids=lambda form: form.start or "prompt")
def test_a_recipe_brings_everything_back_into_the_form(form: Form) -> None:
    draft = drafts.draft_of(replace(form, lock=True, seed=5))
    again = drafts.form_from_draft(draft, MODEL, form.start_size)
    assert drafts.draft_of(again) == draft
    assert again.start == form.start


def test_a_recipe_whose_picture_is_gone_is_filled_without_it() -> None:
    draft = drafts.draft_of(started("inpaint", mask=MASK))
    again = drafts.form_from_draft(draft, MODEL, None)
    assert (again.picture, again.mask, again.start) == ("", "", "")
    assert again.prompt == draft.prompt


# How long the first values take says how busy the machine is, and nothing of the form.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    values=st.fixed_dictionaries(
        {},
        optional={
            name: st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9))
            for name in forms.FIELDS
            if name != "model"
        },
    )
)
def test_whatever_a_browser_kept_becomes_a_form_that_can_be_asked_for(values: dict[str, Any]) -> None:
    form = forms.form_of(values, MODEL)
    assert isinstance(drafts.draft_of(form), Draft)
    for name, (least, most) in forms.RANGES.items():
        assert getattr(form, name) is None or least <= getattr(form, name) <= most
    assert forms.form_of(dict(zip(forms.FIELDS, forms.FIELDS, strict=True)), MODEL).picture == ""


# -- moving between ways, models and pictures -----------------------------------------------------


def test_another_picture_takes_neither_mask_nor_sides_of_the_one_before() -> None:
    first = started("outpaint", mask=MASK, left=64)
    second = forms.starting_from(first, "c" * 64, Size(width=300, height=300), SPEC)
    assert (second.picture, second.mask, second.left, second.way) == ("c" * 64, "", 0, "outpaint")
    assert second.size == "360x360"


def test_a_strength_that_nobody_set_is_each_ways_own() -> None:
    assert started("outpaint").strength == forms.STRENGTHS["outpaint"]
    mine = started(strength=0.33)
    assert forms.on_way(mine, "inpaint").strength == 0.33


def test_without_its_picture_the_form_has_one_of_the_models_sizes_again() -> None:
    bare = forms.without_picture(started("inpaint", mask=MASK), SPEC)
    assert (bare.picture, bare.mask, bare.start) == ("", "", "")
    assert bare.size in [value for _, value in shapes.size_choices(SPEC, "512x512")]


def test_another_model_keeps_the_picture_and_takes_it_in_its_own_size() -> None:
    moved = forms.for_model(started("inpaint", mask=MASK), state("large", largest=640, multiple=64))
    assert (moved.picture, moved.mask, moved.size) == (PICTURE, MASK, "640x448")
    assert forms.for_model(started(vae="sharp"), state("large")).vae == ""


def test_quick_buttons_grow_by_a_share_of_the_picture_in_the_models_multiples() -> None:
    form = started("outpaint", (500, 401), left=8)
    told = forms.grown(form, ("left", "right"), 0.25, 8)
    assert told == {"left": 8 + 128, "right": 128, "top": 0, "bottom": 0}
    assert forms.grown(started("outpaint", (9, 9)), ("top",), 0.25, 8)["top"] == 8


# -- what is said ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (forms.fresh(MODEL), "None"),
        (started(), "Redraw · 0.60"),
        (started("inpaint"), "Inpaint · no mask yet"),
        (started("inpaint", mask=MASK), "Inpaint · 0.75"),
        (started("outpaint", left=64, right=64), "Outpaint · +128"),
        (started("upscale"), "Upscale · 2×"),
    ],
)
def test_the_closed_fold_says_what_is_in_it(form: Form, said: str) -> None:
    assert folds.start_summary(form).en == said


def test_the_details_say_what_is_switched_on() -> None:
    form = replace(forms.fresh(MODEL), hires=True, variation_weight=0.1)
    assert folds.details_summary(form, MODEL).en == "Euler · 20 steps · 7.0 · Hi-res pass · Variation"


def test_what_the_model_cannot_do_is_said_with_its_name() -> None:
    blind = MODEL.model_copy(update={"spec": SPEC.model_copy(update={"capabilities": ("text_to_image",)})})
    for way in ("redraw", "inpaint", "outpaint"):
        assert start.cannot(way, blind.spec) is not None
        assert "Another model can" in start.start_says(started(way), blind)
    assert start.cannot("upscale", blind.spec) is None
    masks_only = SPEC.model_copy(update={"capabilities": ("inpaint",)})
    assert start.cannot("redraw", masks_only) is not None
    assert start.picture_needed(forms.fresh(MODEL), masks_only)[0].code == "model_needs_picture"
    assert start.picture_needed(started("inpaint"), masks_only) == ()


def test_the_card_gives_the_easel_what_it_needs() -> None:
    card = start.start_card(started("inpaint", mask=MASK, left=8), SPEC)
    assert f'data-picture="{PICTURE}"' in card
    assert f'data-mask="{MASK}"' in card
    assert 'data-size="1000x667"' in card
    assert "&quot;left&quot;: 8" in card
    assert f"mask-image:url(api/inputs/{MASK})" in card


def test_cropping_is_only_asked_about_where_the_shapes_differ() -> None:
    assert 'data-differs="no"' in start.start_card(started(), SPEC)
    assert 'data-differs="yes"' in start.start_card(started(size="512x512"), SPEC)


def test_notes_about_a_picture_are_said_in_both_languages_where_they_can() -> None:
    plain = start.bring_notes([{"code": "input_on_white", "text": "whatever"}])
    assert "transparent" in text(plain, "en")
    assert "whatever" not in plain
    told = start.bring_notes([{"code": "input_scaled", "text": "It was <b>huge</b>"}])
    assert "It was &lt;b&gt;huge&lt;/b&gt;" in told
    assert start.bring_notes("no list") == ""


def test_the_meter_has_a_tick_at_the_end_of_each_window() -> None:
    told = panel.meter(TokenCount(used=82, window=75, windows=(75, 7)))
    assert "<b>82</b>" in told
    assert "/ 150" in told
    assert 'data-n="75"' in told
    assert 'data-n="150"' in told
    assert "82 of 150 tokens" in text(told, "en")


def test_a_window_that_ends_early_leaves_its_room_empty() -> None:
    told = panel.meter(TokenCount(used=13, window=75, windows=(3, 10)))
    assert told.count("<u ") == 2
    assert "/ 150" in told


def test_the_hires_pass_tells_its_size_or_why_it_does_not_go() -> None:
    assert "1024 × 1024" in panel.hires_says(forms.fresh(MODEL))
    assert "does not go with a mask" in panel.hires_says(started("inpaint", mask=MASK, hires=True))
