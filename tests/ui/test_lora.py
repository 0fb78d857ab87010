"""The LoRAs of the form: read from its text, kept for another model, asked for, and back from a recipe."""

from __future__ import annotations

import json

import pytest

from studio.messages import Draft, LoraUse
from studio.ui import drafts, lora_uses
from studio.ui import form as forms
from tests.ui.test_form import state

CAT = LoraUse(id="cat", weight=0.8, text_encoder_weight=0.4, sha256="c" * 64)
INK = LoraUse(id="own-ink")
MUTED = json.dumps([{"id": "cat", "weight": 0.8, "muted": True}, {"id": "own-ink"}])


def written(*uses: LoraUse) -> str:
    """LoRAs as the browser writes them."""
    return lora_uses.text_of_uses(uses)


def form_with(text: str) -> forms.Form:
    """A form that holds LoRAs."""
    return forms.form_of({"loras": text}, state())


def test_loras_go_out_with_the_draft_and_come_back_from_a_recipe() -> None:
    draft = drafts.draft_of(form_with(written(CAT, INK)))
    assert draft.loras == (CAT, INK)
    again = drafts.form_from_draft(Draft(**draft.model_dump()), state())
    assert lora_uses.uses_of(again.loras) == (CAT, INK)


def test_what_is_as_it_is_by_itself_is_not_written() -> None:
    assert json.loads(written(INK)) == [{"id": "own-ink"}]
    assert written() == ""


def test_a_muted_lora_stays_in_the_form_and_is_not_asked_for() -> None:
    form = form_with(MUTED)
    assert form.loras == MUTED
    assert drafts.draft_of(form).loras == (INK,)


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "{}",
        "[1]",
        "[" * 100_000,
        json.dumps([{"weight": 1}]),
        json.dumps([{"id": "cat", "weight": 99}]),
        json.dumps([{"id": "cat", "muted": "yes"}]),
        json.dumps([{"id": "cat", "scale": 1}]),
        json.dumps([{"id": "cat"}, {"id": "cat"}]),
        json.dumps([{"id": f"cat-{number}"} for number in range(9)]),
    ],
)
def test_what_cannot_be_read_leaves_the_form_without_loras(text: str) -> None:
    assert form_with(text).loras == ""


def test_another_model_keeps_the_loras() -> None:
    moved = forms.for_model(form_with(MUTED), state(id="other"))
    assert moved.loras == MUTED


def test_enlarging_alone_paints_with_none() -> None:
    form = forms.form_of(
        {"loras": written(CAT), "way": "upscale", "picture": "a" * 64, "picture_size": "64x64"}, state()
    )
    assert drafts.draft_of(form).loras == ()


def test_one_more_joins_the_others_and_one_that_is_there_changes_in_its_place() -> None:
    text = lora_uses.with_lora(written(CAT), INK)
    assert lora_uses.uses_of(text) == (CAT, INK)
    heavier = CAT.model_copy(update={"weight": 1.2})
    assert lora_uses.uses_of(lora_uses.with_lora(text, heavier)) == (heavier, INK)


def test_choosing_one_that_is_muted_uses_it_again() -> None:
    again = lora_uses.with_lora(MUTED, LoraUse(id="cat"))
    assert lora_uses.uses_of(again) == (LoraUse(id="cat"), INK)


def test_where_there_is_no_room_it_takes_the_last_place() -> None:
    full = written(*(LoraUse(id=f"lora-{number}") for number in range(lora_uses.MOST)))
    ids = [use.id for use in lora_uses.uses_of(lora_uses.with_lora(full, CAT))]
    assert ids == [*(f"lora-{number}" for number in range(lora_uses.MOST - 1)), "cat"]


def test_a_recipe_that_names_one_twice_keeps_it_once() -> None:
    assert lora_uses.uses_of(written(INK, CAT, INK)) == (INK, CAT)
