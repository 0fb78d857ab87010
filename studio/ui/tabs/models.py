"""The Models page: what is in memory, what could be, and for admins the buttons that change it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.messages import ModelState, Person
from studio.service import Studio
from studio.ui import header
from studio.ui.answers import QUIET
from studio.ui.form import offered
from studio.ui.models_view import ONLY, draw
from studio.ui.parts import live
from studio.ui.session import text_sent, who
from studio.ui.shelf import Shelf, Verb, seen_by
from studio.ui.tabs.create import note_html

PATIENCE = 900.0
"""Seconds after which an order that changed nothing is not shown any more."""


@dataclass(frozen=True)
class Order:
    """What was asked for, where the model was then, and when."""

    verb: Verb
    place: str
    moment: float


class Orders:
    """Loads and unloads that were asked for and have not been seen to happen yet."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}

    def give(self, verb: Verb, state: ModelState) -> None:
        """Notes an order."""
        self._orders[state.spec.id] = Order(verb, state.place, time.monotonic())

    def open(self, states: tuple[ModelState, ...]) -> dict[str, Verb]:
        """The orders that are still under way; what has happened, or failed, is forgotten."""
        places = {state.spec.id: state for state in states}
        for model, order in list(self._orders.items()):
            if model not in places or self._over(order, places[model]):
                self._orders.pop(model, None)
        return {model: order.verb for model, order in self._orders.items()}

    def _over(self, order: Order, state: ModelState) -> bool:
        late = time.monotonic() - order.moment > PATIENCE
        if order.verb == "load":
            return late or state.place == "resident" or state.trouble is not None
        return late or state.place != order.place


class Models:
    """One page's components and what they do."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.orders = Orders()

    def build(self, model: gr.Textbox, tools: gr.HTML, note: gr.HTML) -> None:
        """Lays the page out and wires it; `model` is the form's."""
        picked, only = gr.State(""), gr.State("all")
        self.view = live("", "look", "bring", "halt", "drop", "free", elem_id="models")
        given, shown = [model, picked, only], [self.view, tools, picked, only, note]
        answers = {"bring": self.bring, "halt": self.halt, "drop": self.drop, "free": self.free}
        for name, answer in answers.items():
            getattr(self.view, name)(answer, given, shown, queue=False, trigger_mode="multiple", **QUIET)
        self.view.look(self.look, given, shown, queue=False, trigger_mode="always_last", **QUIET)
        tools.look(self.glance, model, tools, queue=False, trigger_mode="always_last", **QUIET)

    # -- what the page asks ----------------------------------------------------------------------

    def glance(self, model: str, request: gr.Request) -> str:
        """The header's chip as things are now."""
        return self.chip(model, who(self.studio, request))

    def chip(self, model: str, person: Person) -> str:
        """The right end of the header."""
        states = offered(seen_by(self.studio.models(person), person))
        return header.tools(states, model, self.studio.devices(person))

    def look(self, event: gr.EventData, model: str, picked: str, only: str, request: gr.Request) -> list[Any]:
        """The page as things are now; a row or a narrowing may be picked with it."""
        picked = text_sent(event, "model") or picked
        only = text_sent(event, "only") or only
        return self._shown(model, picked, only if only in ONLY else "all", who(self.studio, request))

    def bring(
        self, event: gr.EventData, model: str, picked: str, only: str, request: gr.Request
    ) -> list[Any]:
        """Sends a model's load off and answers at once."""
        return self._order("load", self.studio.load, text_sent(event, "model"), model, only, request)

    def halt(self, event: gr.EventData, model: str, picked: str, only: str, request: gr.Request) -> list[Any]:
        """Lets go of a model's download."""
        wanted, person, note = text_sent(event, "model"), who(self.studio, request), gr.skip()
        try:
            self.studio.stop_fetching(wanted, person)
        except StudioError as error:
            note = note_html(error.trouble)
        return self._shown(model, wanted, only, person, note)

    def drop(self, event: gr.EventData, model: str, picked: str, only: str, request: gr.Request) -> list[Any]:
        """Sends an unload off and answers at once."""
        return self._order("unload", self.studio.unload, text_sent(event, "model"), model, only, request)

    def free(self, model: str, picked: str, only: str, request: gr.Request) -> list[Any]:
        """Takes out of memory whatever nobody paints with."""
        person, note = who(self.studio, request), gr.skip()
        try:
            self.studio.unload_all(person)
        except StudioError as error:
            note = note_html(error.trouble)
        return self._shown(model, picked, only, person, note)

    def _order(
        self, verb: Verb, do: Callable[[str, Person], None], wanted: str, model: str, only: str,
        request: gr.Request,
    ) -> list[Any]:  # fmt: skip
        person, note = who(self.studio, request), gr.skip()
        before = {state.spec.id: state for state in self.studio.models(person)}
        try:
            do(wanted, person)
            # A download tells of itself; what follows it is shown once it has come.
            if wanted in before and before[wanted].place != "hub":
                self.orders.give(verb, before[wanted])
        except StudioError as error:
            note = note_html(error.trouble)
        return self._shown(model, wanted, only, person, note)

    # -- what it is told -------------------------------------------------------------------------

    def _shown(self, model: str, picked: str, only: str, person: Person, note: Any = None) -> list[Any]:
        shelf = self.shelf(model, picked, only, person)
        chip = header.tools(offered(shelf.states), model, shelf.devices)
        return [draw(shelf), chip, picked, only, gr.skip() if note is None else note]

    def shelf(self, model: str, picked: str, only: str, person: Person) -> Shelf:
        """All there is to know, as a person may see it."""
        states, admin = self.studio.models(person), person.role == "admin"
        settings = self.studio.settings
        return Shelf(
            states=seen_by(states, person),
            devices=self.studio.devices(person),
            admin=admin,
            chosen=model,
            picked=picked,
            only=only,
            orders=self.orders.open(states),
            refused=self.studio.refused(person) if admin else (),
            idle_minutes=settings.idle_minutes,
            memory_mode=settings.memory_mode,
            now=time.time(),
        )
