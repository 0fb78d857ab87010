"""The LoRA tab: its place on the page, what the browser must know to draw it, and what LoRAs do to the form."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.messages import Bilingual, Draft, LoraCard, LoraUse, ModelSpec, Person
from studio.service import Studio
from studio.ui.book import Scene
from studio.ui.form import Form
from studio.ui.lora_uses import named, with_lora
from studio.ui.parts import act, attributes, live
from studio.ui.words import trouble_words, words

MOUNT = "; studio.lora.mount(element);"
MOUNT_FACTS = "; studio.lora.mountFacts(element);"
PLACE = '<div class="loras" data-own></div><span hidden>' + act("negative", "") + act("wants", "") + "</span>"
"""Where the browser draws the tab, and what it presses when a word goes into the negative prompt, or when sampler,
steps and guidance are set as a LoRA wants them."""
BARE: dict[str, Any] = {"loras": ()}
"""A draft's prompts alone, without what is mixed to them."""


class Loras:
    """The tab's components; everything on it is drawn by the browser."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def build(self) -> None:
        """Lays the tab out where it is called. Nothing of it is on the page before it is opened."""
        with gr.Tab("LoRA", id="lora", elem_id="tab_lora", render_children=True):
            self.view = live(PLACE, "negative", "wants", elem_id="lora", then=MOUNT)

    def build_training(self) -> None:
        """What lies over the stage while a LoRA is trained; the browser draws it there."""
        gr.HTML('<div class="host" data-own></div>', apply_default_css=False, elem_id="training")

    def build_facts(self, spec: ModelSpec) -> None:
        """What the browser must know of the form also while the tab was never opened; not shown."""
        self.facts = live(facts(spec), elem_id="lora_facts", elem_classes="unseen", then=MOUNT_FACTS)

    def facts_of(self, spec: ModelSpec, draft: Draft, person: Person) -> str:
        """The model, and the LoRAs that the prompt names."""
        return facts(spec, self._typed(draft, person))

    def _typed(self, draft: Draft, person: Person) -> tuple[LoraUse, ...]:
        try:
            return self.studio.joined_loras(draft.model_copy(update=BARE), person)
        except StudioError:  # the remarks under the prompt say why
            return ()

    def missing(self, picture: str, person: Person) -> Bilingual | None:
        """Which LoRAs of a picture are not here any more, or are others by now; None where all are as they were."""
        told = [trouble_words(trouble) for trouble in self.studio.lora_troubles(picture, person)]
        if not told:
            return None
        return Bilingual(en=" ".join(one.en for one in told), zh="".join(one.zh for one in told))

    def of_scene(self, scene: Scene, form: Form, spec: ModelSpec, person: Person) -> tuple[Form, Bilingual]:
        """The same form with the LoRA that a scene is made for, if it can be used; and in words what was done."""
        if scene.lora is None:
            return form, words("book.filled", scene=scene.title)
        told = {"scene": scene.title, "lora": scene.lora.name}
        card = named(self.cards(form.model, person), scene.lora.name)
        if card is None or card.place in ("hub", "missing"):
            return form, words("book.filled_without", **told)
        if not card.fits:
            return form, words("book.filled_unfit", **told, model=spec.title)
        use = LoraUse(id=card.id, weight=max(scene.lora.weights))
        return replace(form, loras=with_lora(form.loras, use)), words("book.filled_with", **told)

    def cards(self, model: str, person: Person) -> tuple[LoraCard, ...]:
        """The shelf; empty while there is no model."""
        try:
            return self.studio.loras(model, person)
        except StudioError:
            return ()


def facts(spec: ModelSpec, typed: Iterable[LoraUse] = ()) -> str:
    """The same as HTML."""
    uses = [use.model_dump(mode="json") for use in typed]
    told = attributes(model=spec.id, title=_json([spec.title.en, spec.title.zh]), typed=_json(uses))
    return f"<i{told}></i>"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
