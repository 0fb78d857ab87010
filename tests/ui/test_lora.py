"""The LoRAs of the form: read from its text, kept for another model, asked for, back from a recipe, and of scenes."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest

from studio.errors import StudioError
from studio.messages import Bilingual, Draft, LoraCard, LoraUse, Person, Trouble
from studio.spellbook import SceneLora
from studio.ui import drafts, lora_uses
from studio.ui import form as forms
from studio.ui.tabs.loras import Loras
from studio.ui.words import words
from tests.ui.test_book import Scene
from tests.ui.test_form import state

ANN = Person(id="ann")

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


# -- what they are called, and whom scenes mean --------------------------------------------------------


def shown(id: str, title: str, **more: Any) -> LoraCard:
    """A card of a LoRA that is here and fits."""
    return LoraCard(id=id, title=Bilingual(en=title, zh=title), place="disk", **more)


DRAGON = shown("dragon-1a2b3c", "Dragon of spring", name="spring-dragon")
UNFIT = DRAGON.model_copy(update={"trouble": Trouble(code="lora_family", params={})})
AWAY = DRAGON.model_copy(update={"place": "hub"})


def test_a_lora_is_found_by_its_id_its_name_or_its_title() -> None:
    other = shown("other", "dragon-1a2b3c")
    cards = [other, DRAGON]
    for name in ("dragon-1a2b3c", " Spring-Dragon ", "dragon of SPRING"):
        assert lora_uses.named(cards, name) is DRAGON
    assert lora_uses.named(cards, "dragon") is None
    assert lora_uses.named([shown("dragon", "Dragon", kind="embedding")], "dragon") is None


def test_a_recipe_tells_its_loras_with_their_weights() -> None:
    uses = (LoraUse(id="a", name="cat", weight=0.8), LoraUse(id="ink", weight=-0.5, text_encoder_weight=0))
    assert lora_uses.fact(uses) == "cat 0.80 + ink -0.50 / 0.00"


def test_copied_recipes_name_loras_by_their_hashes_where_these_are_known() -> None:
    known = CAT.model_copy(update={"name": "cat"})
    assert lora_uses.hashes((known, INK)) == f'"cat: {"c" * 10}"'
    assert lora_uses.hashes((INK,)) == ""


class Shelf:
    """A studio with one LoRA, whose prompts name what they are told to."""

    def __init__(self, *cards: LoraCard, typed: tuple[LoraUse, ...] = ()) -> None:
        self.cards, self.typed, self.asked = cards, typed, Draft(model="")

    def loras(self, model: str, person: Person) -> tuple[LoraCard, ...]:
        if not model:
            raise StudioError("model_unknown", model=model)
        return self.cards

    def joined_loras(self, draft: Draft, person: Person) -> tuple[LoraUse, ...]:
        self.asked = draft
        if not draft.model:
            raise StudioError("model_unknown", model="")
        return (*draft.loras, *self.typed)

    def lora_troubles(self, id: str, person: Person) -> tuple[Trouble, ...]:
        return tuple(Trouble(code="lora_missing", params={"lora": name}) for name in id.split())


def of_scene(shelf: Shelf, lora: SceneLora | None) -> tuple[forms.Form, Bilingual]:
    """What a scene makes of a form with one LoRA in it."""
    tab: Any = Loras(shelf)  # type: ignore[arg-type]
    told: tuple[forms.Form, Bilingual] = tab.of_scene(
        Scene(lora=lora), form_with(written(CAT)), state().spec, ANN
    )
    return told


TRIED = SceneLora(name="spring-dragon", weights=(0, 1, 0.5))


def test_a_scene_adds_its_lora_at_the_largest_of_its_weights() -> None:
    form, said = of_scene(Shelf(DRAGON), TRIED)
    assert lora_uses.uses_of(form.loras) == (CAT, LoraUse(id=DRAGON.id, weight=1))
    assert said == words("book.filled_with", scene=Scene().title, lora="spring-dragon")


@pytest.mark.parametrize(
    ("cards", "key"),
    [((), "book.filled_without"), ((AWAY,), "book.filled_without"), ((UNFIT,), "book.filled_unfit")],
)
def test_a_scene_goes_without_a_lora_that_cannot_be_used_and_says_so(
    cards: tuple[LoraCard, ...], key: str
) -> None:
    form, said = of_scene(Shelf(*cards), TRIED)
    assert form.loras == written(CAT)
    told = {"scene": Scene().title, "lora": "spring-dragon", "model": state().spec.title}
    assert said == words(key, **told) and "spring-dragon" in said.zh


def test_a_scene_without_a_lora_leaves_those_that_are_chosen() -> None:
    form, said = of_scene(Shelf(DRAGON), None)
    assert form.loras == written(CAT)
    assert said == words("book.filled", scene=Scene().title)


def test_the_browser_is_told_what_the_prompt_names_and_not_what_is_mixed() -> None:
    shelf = Shelf(typed=(INK,))
    tab: Any = Loras(shelf)  # type: ignore[arg-type]
    told = unescape(tab.facts_of(state().spec, Draft(model="a", prompt="x", loras=(CAT,)), ANN))
    assert '"id":"own-ink"' in told and "cat" not in told
    assert shelf.asked.loras == () and shelf.asked.prompt == "x"
    assert 'data-typed="[]"' in unescape(tab.facts_of(state().spec, Draft(model=""), ANN))


def test_what_is_missing_of_a_picture_is_named() -> None:
    tab: Any = Loras(Shelf())  # type: ignore[arg-type]
    assert tab.missing("", ANN) is None
    told = tab.missing("cat ink", ANN)
    assert all(name in text for name in ("cat", "ink") for text in (told.en, told.zh))
