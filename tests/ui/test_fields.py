"""What the controls offer: parts by their place, factors, and whatever a recipe names that is not here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.families import FAMILIES
from studio.messages import LANCZOS, LATENT, HubSource, ModelPlace, PartState, UpscalerSpec, VaeSpec
from studio.ui import fields
from studio.ui import form as forms
from studio.ui.words import words
from tests.ui.house import studio_at
from tests.ui.test_form import state


def part(kind: type[VaeSpec] | type[UpscalerSpec], id: str, place: ModelPlace) -> PartState:
    """A VAE or an upscaler in a place."""
    source = HubSource(repo=f"someone/{id}")
    return PartState(spec=kind(id=id, title=words("form.left"), source=source, licence="MIT"), place=place)


OFFERS = fields.Offers(
    (part(VaeSpec, "sharp", "disk"),), (part(UpscalerSpec, "times4", "hub"),), "zh"
)  # fmt: skip


def update(form: forms.Form, name: str) -> Any:
    """What one control is told."""
    told = fields.updates(form, state(), OFFERS)
    assert len(told) == len(forms.FIELDS)
    return told[forms.FIELDS.index(name)]


def test_what_needs_no_weights_stands_first_and_what_must_be_fetched_says_so() -> None:
    form = forms.fresh(state())
    assert [value for _, value in update(form, "vae")["choices"]] == ["", "sharp"]
    assert [value for _, value in update(form, "upscaler")["choices"]] == [LANCZOS, "times4"]
    hires = update(form, "hires_upscaler")["choices"]
    assert [value for _, value in hires] == [LATENT, LANCZOS, "times4"]
    assert hires[-1][0] == "左 · 要先下载"
    assert update(form, "vae")["choices"][-1][0] == "左"


def test_a_part_that_is_gone_stays_chosen_so_that_the_studio_can_say_so() -> None:
    told = update(forms.form_of({"vae": "gone"}, state()), "vae")
    assert told["value"] == "gone"
    assert ("gone", "gone") in told["choices"]


def test_a_factor_that_came_with_a_recipe_stands_last() -> None:
    told = update(forms.form_of({"factor": 3.0}, state()), "factor")
    assert [name for name, _ in told["choices"]] == ["1.5×", "2×", "4×", "3×"]
    assert told["value"] == 3.0


def test_numbers_end_where_the_model_ends() -> None:
    form = forms.fresh(state(largest=640, multiple=64))
    told = fields.updates(form, state(largest=640, multiple=64), OFFERS)
    left = told[forms.FIELDS.index("left")]
    assert (left["maximum"], left["step"]) == (640, 64)
    assert told[forms.FIELDS.index("steps")]["maximum"] == 60


def test_clip_skip_ends_at_the_last_layer_of_the_models_own_text_encoder() -> None:
    three = state().model_copy(update={"layers": 3})
    form = forms.form_of({"clip_skip": 5}, three)
    assert form.clip_skip == 3
    told = fields.updates(form, three, OFFERS)[forms.FIELDS.index("clip_skip")]
    assert (told["value"], told["maximum"]) == (3, 3)


@pytest.mark.parametrize(("family", "has"), [("sd1", True), ("sdxl", True), ("sd3", False), ("none", False)])
def test_clip_skip_is_there_where_the_family_has_it(family: str, has: bool) -> None:
    spec = state().spec.model_copy(update={"family": family})
    assert fields.has_clip_skip(spec) is has


@pytest.mark.parametrize("takes", [True, False])
def test_how_much_a_negative_counts_is_asked_where_it_is_read(
    takes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAMILIES, "sd1", replace(FAMILIES["sd1"], negative=takes))
    told = fields.updates(forms.fresh(state()), state(), OFFERS)[forms.FIELDS.index("negative_counts")]
    assert (told["value"], told["visible"]) == ("full", takes)


def test_a_model_that_nobody_knows_is_offered_with_nothing(tmp_path: Path) -> None:
    studio = studio_at(tmp_path)
    assert fields.offers_of(studio, "unknown", "en") == fields.Offers()
    assert fields.offers_of(studio, "pocket", "en").language == "en"
