"""What the form asks the studio: an answer for what is there, and one that a page can show for what is not."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from studio.messages import Draft, Person, Size
from studio.ui.form import FIELDS
from studio.ui.known import Known
from tests.ui.house import studio_at

ANN = Person(id="local", role="admin")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """What is known of a studio with two models."""
    return Known(studio_at(tmp_path_factory.mktemp("known"), step_seconds=0.01, models=2))


def draft(known: Known, **changes: Any) -> Draft:
    """A draft for the first model."""
    return Draft(model=known.models(ANN)[0].spec.id, prompt="a fox").model_copy(update=changes)


def test_of_a_model_that_is_not_there_the_first_is_shown(known: Known) -> None:
    first, second = known.models(ANN)
    assert known.state(second.spec.id, ANN) == second
    assert known.state("gone", ANN) == first
    assert known.now(("gone", *[None] * (len(FIELDS) - 1)), ANN)[0] == first


def test_a_picture_that_was_brought_has_a_size_and_one_that_is_gone_has_none(known: Known) -> None:
    png = io.BytesIO()
    Image.new("RGB", (48, 32)).save(png, "png")
    kept = known.studio.keep_input(png.getvalue(), ANN)
    assert known.size_of(kept.picture, ANN) == Size(width=48, height=32)
    assert known.size_of("0" * 64, ANN) is None


def test_of_a_model_that_is_not_there_nothing_is_said_of_prompts_and_references(known: Known) -> None:
    assert known.measured("gone", "a fox") is None
    assert known.kinds("gone") == ()
    assert known.kinds(known.models(ANN)[0].spec.id) != ()


def test_a_style_that_is_gone_can_be_taken_off(known: Known) -> None:
    told = known.styled(draft(known, styles=("watercolour", "own-gone")), ANN)
    assert 'data-local="styles"' in told and "own-gone" in told and "<p" not in told
    assert "<p" in known.styled(draft(known, styles=("watercolour",)), ANN)
    assert known.styled(draft(known), ANN) == ""
