"""What a page asks to be painted, and how it follows what is at work."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.messages import Person
from studio.ui import translation
from studio.ui.drafts import draft_of, lacking
from studio.ui.following import Turns, first_view, views
from studio.ui.form import LARGEST_SEED, Form
from studio.ui.known import Known
from studio.ui.panel import field_trouble, note_html
from studio.ui.session import sent, text_sent, who
from studio.ui.stage import draw, draw_card


class Painting:
    """The handlers between the form and the stage."""

    def __init__(self, known: Known) -> None:
        self.known, self.studio = known, known.studio
        self.turns = Turns()

    async def generate(
        self, event: gr.EventData, request: gr.Request, *values: Any
    ) -> AsyncIterator[list[Any]]:
        """Asks for pictures and follows them."""
        person = who(self.studio, request)
        _, form = self.known.now(values, person)
        strips = translation.shown(self.studio, form, person)
        form, note = translation.with_translation(form, strips), translation.painted_note(strips)
        trouble, drawn = "", gr.skip()
        try:
            job = self._submit(form, person)
            drawn = drawn if form.lock else str(self.studio.job(job, person).paintings[0].seed)
        except StudioError as error:
            trouble = field_trouble(error.trouble)
        async for shown in self._follow(event, request, person, form.model):
            yield [*shown, trouble, drawn, note if not trouble else gr.skip()]
            drawn = note = gr.skip()

    def _submit(self, form: Form, person: Person) -> str:
        lack = lacking(form)
        if lack:
            raise StudioError(lack.code, **lack.params)
        if form.variation_weight and form.variation_seed is None:
            form = replace(form, variation_seed=secrets.randbelow(LARGEST_SEED + 1))
        return self.studio.submit(draft_of(form), person)

    async def paint(self, event: gr.EventData, request: gr.Request, model: str) -> AsyncIterator[list[Any]]:
        """Follows what is at work; where asked to, it first takes up a job that was left."""
        person, note = who(self.studio, request), gr.skip()
        try:
            if job := text_sent(event, "resume"):
                self.studio.resume(job, person)
        except StudioError as error:
            note = note_html(error.trouble)
        async for shown in self._follow(event, request, person, model):
            yield [*shown, gr.skip(), gr.skip(), note]
            note = gr.skip()

    async def _follow(
        self, event: gr.EventData, request: gr.Request, person: Person, model: str
    ) -> AsyncIterator[list[Any]]:
        """Stage, card and header as they change, until nothing is at work or a newer follower took over."""
        page = str(request.session_hash)
        turn = self.turns.take(page)
        dismissed = tuple(str(job) for job in sent(event).get("dismissed") or ())
        before: Any = None
        async for view in views(self.studio, person, first_view(self.studio, person, dismissed)):
            if not self.turns.holds(page, turn):
                return
            # Models move when a job begins, loads or ends, not with every step.
            now = [(sheet.job, sheet.phase) for sheet in view.sheets]
            tools = gr.skip() if now == before else self.known.chip(person, model)
            yield [draw(view), draw_card(view), tools]
            before = now

    def cancel(self, event: gr.EventData, request: gr.Request) -> Any:
        """Stops a job; returns at once, the follower shows the end."""
        return self._told(lambda person: self.studio.cancel(text_sent(event, "job"), person), request)

    def skip(self, event: gr.EventData, request: gr.Request) -> Any:
        """Skips the picture being painted."""
        return self._told(lambda person: self.studio.skip(text_sent(event, "job"), person), request)

    def _told(self, do: Callable[[Person], None], request: gr.Request) -> Any:
        try:
            do(who(self.studio, request))
        except StudioError as error:
            return note_html(error.trouble)
        return gr.skip()

    def closed(self, request: gr.Request) -> None:
        """The page is gone; its jobs go on."""
        self.turns.forget(str(request.session_hash))
