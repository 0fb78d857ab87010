"""The references of the form: read from its text, kept for another model, asked for, and back from a recipe."""

from __future__ import annotations

import json

import pytest

from studio.messages import ControlUnit, Draft
from studio.ui import drafts, reference_units
from studio.ui import form as forms
from tests.ui.test_form import state

ONE, TWO = "a" * 64, "b" * 64
FULL = ControlUnit(
    kind="canny",
    picture=ONE,
    detector="canny",
    settings={"low": 50.0},
    net="edges",
    weight=0.6,
    start=0.1,
    end=0.6,
    balance="prompt",
    fit="stretch",
    muted=True,
)
BARE = ControlUnit(kind="pose", picture=TWO, map=True)


def written(*units: ControlUnit) -> str:
    """References as the browser writes them."""
    return reference_units.text_of_units(units)


def form_with(text: str) -> forms.Form:
    """A form that holds references."""
    return forms.form_of({"controls": text}, state())


def test_references_go_out_with_the_draft_and_come_back_from_a_recipe() -> None:
    draft = drafts.draft_of(form_with(written(FULL, BARE)))
    assert draft.controls == (FULL, BARE)
    again = drafts.form_from_draft(Draft(**draft.model_dump()), state())
    assert reference_units.units_of(again.controls) == (FULL, BARE)


def test_what_is_as_it_is_by_itself_is_not_written() -> None:
    assert json.loads(written(BARE)) == [{"kind": "pose", "picture": TWO, "map": True}]
    assert written() == ""


def test_a_reference_without_a_picture_waits_in_the_form_and_is_not_asked_for() -> None:
    form = form_with(json.dumps([{"kind": "pose", "picture": ""}, {"kind": "canny", "picture": ONE}]))
    assert len(reference_units.read(form.controls)) == 2
    assert [unit.kind for unit in drafts.draft_of(form).controls] == ["canny"]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "{}",
        "[1]",
        "[" * 100_000,
        json.dumps([{"kind": "canny", "picture": "../etc/passwd"}]),
        json.dumps([{"kind": "canny", "picture": ONE, "weight": 9}]),
        json.dumps([{"kind": "canny", "picture": ONE, "shape": "round"}]),
        json.dumps([{"kind": "canny", "picture": ONE}] * 5),
    ],
)
def test_what_cannot_be_read_leaves_the_form_without_references(text: str) -> None:
    assert form_with(text).controls == ""


def test_another_model_keeps_the_references_and_chooses_its_own_nets() -> None:
    moved = forms.for_model(form_with(written(FULL)), state(id="other"))
    assert reference_units.units_of(moved.controls) == (FULL.model_copy(update={"net": ""}),)


def test_enlarging_alone_follows_nothing() -> None:
    form = forms.form_of(
        {"controls": written(FULL), "way": "upscale", "picture": ONE, "picture_size": "64x64"}, state()
    )
    assert drafts.draft_of(form).controls == ()


def test_a_picture_that_is_sent_takes_the_place_that_waits_for_one() -> None:
    waiting = json.dumps([{"kind": "pose", "picture": ""}])
    assert reference_units.units_of(reference_units.with_picture(waiting, ONE, "canny")) == (
        ControlUnit(kind="pose", picture=ONE),
    )
    more = reference_units.with_picture(written(BARE), ONE, "canny")
    assert reference_units.units_of(more) == (BARE, ControlUnit(kind="canny", picture=ONE))


def test_one_that_waits_for_a_model_is_left_out_and_waits_for_the_next_too() -> None:
    waiting = reference_units.with_picture("", ONE, "canny", waits=True)
    assert json.loads(waiting) == [{"kind": "canny", "picture": ONE, "muted": True, "waits": True}]
    assert reference_units.units_of(waiting) == (ControlUnit(kind="canny", picture=ONE, muted=True),)
    assert reference_units.without_nets(waiting) == waiting
    assert not reference_units.readable(waiting.replace("true}", '"yes"}'))


def test_one_that_waits_counts_with_a_model_that_follows_it_and_waits_again_with_one_that_does_not() -> None:
    own = {"kind": "canny", "picture": TWO, "muted": True}
    waiting = reference_units.with_picture(json.dumps([own]), ONE, "canny", waits=True)
    awake = reference_units.roused(waiting, {"canny"})
    assert [unit.muted for unit in reference_units.units_of(awake)] == [True, False]
    assert reference_units.roused(awake, {"pose"}) == waiting


def test_where_there_is_no_room_it_takes_the_place_of_the_last() -> None:
    units = reference_units.units_of(reference_units.with_picture(written(*[BARE] * 4), ONE, "canny"))
    assert units == (*[BARE] * 3, ControlUnit(kind="canny", picture=ONE))


def test_references_whose_picture_is_gone_are_taken_out() -> None:
    left = reference_units.without_gone(written(FULL, BARE), lambda picture: picture == TWO)
    assert reference_units.units_of(left) == (BARE,)
