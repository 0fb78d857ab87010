"""Chinese typed for a model that reads English: a strip shows what is painted, and what nobody translated."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.engine.fake import FakeEngine
from studio.messages import Answered, Person, TranslateRequest
from studio.service import Studio
from studio.ui import translation
from studio.ui.drafts import draft_of, form_from_draft
from studio.ui.form import Form, fresh
from tests.test_languages import entry, here, studio_with

ANN, GUEST = Person(id="ann", role="admin"), Person(id="bob")
SPEAKS = {"一只橘猫追着佐布": "A ginger cat chases Zobo."}
GONE = entry("{kind: hub, repo: a/mt}")


def answer(self: FakeEngine, request: TranslateRequest) -> Iterator[Answered]:
    texts = tuple(SPEAKS.get(text, "佐布") for text in request.texts)
    yield Answered(request=request.id, texts=texts)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setattr(FakeEngine, "_answer", answer)
    studio = studio_with(tmp_path, here(tmp_path / "translator"))
    studio.start()
    yield studio
    studio.close()


@pytest.fixture
def without(tmp_path: Path) -> Iterator[Studio]:
    studio = studio_with(tmp_path, GONE)
    studio.start()
    yield studio
    studio.close()


def form(studio: Studio, model: str = "tiny", **changes: Any) -> Form:
    state = next(state for state in studio.models(ANN) if state.spec.id == model)
    return replace(fresh(state), **{"negative": "", **changes})


def said(studio: Studio, given: Form, person: Person = ANN) -> list[str]:
    """The strip below the prompt: its first line, its text, its last line."""
    state = next(state for state in studio.models(ANN) if state.spec.id == given.model)
    return translation.told(studio, given, state, person)[:3]


def painted(studio: Studio, given: Form) -> str:
    found = translation.shown(studio, given, ANN)
    return draft_of(translation.with_translation(given, found)).translated


def test_nothing_is_shown_for_what_the_model_reads(studio: Studio) -> None:
    for given in (form(studio, prompt="a cat"), form(studio, "both", prompt="一只佐布"), form(studio)):
        assert said(studio, given)[0] == said(studio, given)[2] == ""
        assert painted(studio, given) == ""


def test_what_the_book_knows_is_shown_and_painted(studio: Studio) -> None:
    given = form(studio, prompt="一只橘猫，(月光:1.2)", negative="月光")
    head, text, rest = said(studio, given)
    assert (text, rest) == ("a ginger cat, (moonlight:1.2)", "") and "by the spellbook" in head
    found = translation.with_translation(given, translation.shown(studio, given, ANN))
    draft = draft_of(found)
    assert (draft.prompt, draft.translated) == ("一只橘猫，(月光:1.2)", "a ginger cat, (moonlight:1.2)")
    assert (draft.negative, draft.translated_negative) == ("月光", "moonlight")


def test_what_is_left_is_marked_and_its_translator_asked(studio: Studio) -> None:
    given = form(studio, prompt="一只橘猫追着佐布，佐布")
    rest = said(studio, given)[2]
    assert "<mark>追着佐布</mark>" in rest and "<mark>佐布</mark>" in rest and "data-ask=" in rest
    asyncio.run(translation.asked(studio, given, ANN))
    head, text, rest = said(studio, given)
    assert text == "a ginger cat chases Zobo, 佐布" and "by the translator" in head
    assert "<mark>佐布</mark>" in rest and "data-ask=" not in rest and "has no words for it" in rest


def test_a_translator_that_is_not_here_is_offered_to_who_may_fetch_it(without: Studio) -> None:
    given = form(without, prompt="佐布")
    rest = said(without, given)[2]
    assert 'data-do="fetch"' in rest and "0.32 GB" in rest
    assert 'data-do="fetch"' not in said(without, given, GUEST)[2]


def test_words_of_ones_own_hold_for_the_prompt_they_were_written_for(studio: Studio) -> None:
    own = {"translated": "Zobo, 佐布", "translated_for": "佐布"}
    given = form(studio, prompt="佐布", **own)
    assert painted(studio, given) == "Zobo, 佐布"
    head, _, rest = said(studio, given)
    assert 'data-do="anew"' in head and "<mark>佐布</mark>" in rest
    assert painted(studio, replace(given, prompt="月光")) == "moonlight"
    assert painted(studio, replace(given, translated=" ")) == "佐布"


def test_it_can_be_turned_off(studio: Studio) -> None:
    given = form(studio, prompt="月光，佐布", translate="off")
    head, _, rest = said(studio, given)
    assert 'data-do="turn_on"' in head and rest == "" and painted(studio, given) == ""
    assert translation.left(translation.shown(studio, given, ANN)) == ()


def test_a_recipe_brings_its_translation_back(studio: Studio) -> None:
    given = form(studio, prompt="月光", translated="the moon", translated_for="月光")
    draft = draft_of(translation.with_translation(given, translation.shown(studio, given, ANN)))
    state = next(state for state in studio.models(ANN) if state.spec.id == "tiny")
    again = form_from_draft(draft, state)
    assert (again.translated, again.translated_for) == ("the moon", "月光")
    assert painted(studio, again) == "the moon"


def test_what_a_person_types_is_escaped(studio: Studio) -> None:
    given = form(studio, prompt="佐<b>布</b>")
    assert "<b>" not in said(studio, given)[2]
