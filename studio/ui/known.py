"""What the form asks the studio: models and their states, what fields stand for, pictures, references, remarks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PIL import Image

from studio.errors import StudioError
from studio.messages import ControlState, Draft, ModelSpec, ModelState, Person, Size, TokenCount, Trouble
from studio.service import Studio
from studio.ui import book, header, reference, translation
from studio.ui.drafts import form_from_draft
from studio.ui.fields import Offers, offers_of
from studio.ui.form import Form, form_of, no_model, offered
from studio.ui.reference_units import without_gone
from studio.ui.shelf import seen_by


class Known:
    """The studio as the form of a page sees it."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    # -- models ----------------------------------------------------------------------------------

    def models(self, person: Person) -> tuple[ModelState, ...]:
        """The models that the page offers."""
        return offered(seen_by(self.studio.models(person), person))

    def state(self, model: str, person: Person) -> ModelState:
        """A model's state; of one that is not there, that of the first."""
        states = self.models(person)
        found = [state for state in states if state.spec.id == model]
        return (*found, *states, no_model())[0]

    def chip(self, person: Person, model: str) -> str:
        """The header's tools, with the model in use."""
        return header.tools(self.models(person), model, self.studio.devices(person))

    def offers(self, model: str, person: Person) -> Offers:
        """What a model's fields can be set to."""
        return offers_of(self.studio, model, person.language)

    # -- forms -----------------------------------------------------------------------------------

    def now(self, values: tuple[Any, ...], person: Person) -> tuple[ModelState, Form]:
        """The model and the form that a page's fields stand for."""
        state = self.state(str(values[0]), person)
        return state, form_of(values, state)

    def form_from(self, draft: Draft, person: Person) -> tuple[Form, ModelState]:
        """The form that a draft came of."""
        state = self.state(draft.model, person)
        start = self.size_of(draft.start.picture, person) if draft.start else None
        form = form_from_draft(draft, state, start)
        as_written = not draft.translated and translation.shown(self.studio, form, person)
        return replace(form, translate="off") if as_written else form, state

    def size_of(self, picture: str, person: Person) -> Size | None:
        """The size of a picture that was brought; none where it is gone."""
        try:
            with Image.open(self.studio.input_file(picture, person)) as image:
                return Size(width=image.width, height=image.height)
        except StudioError:
            return None

    # -- references ------------------------------------------------------------------------------

    def kinds(self, model: str) -> tuple[ControlState, ...]:
        """The kinds of reference, as far as a model can follow them."""
        try:
            return self.studio.controls(model)
        except StudioError:  # no such model: the catalog is empty
            return ()

    def references(self, spec: ModelSpec, person: Person) -> str:
        """Where references are shown."""
        return reference.place(spec, self.kinds(spec.id), self.models(person))

    def with_references(self, form: Form, person: Person) -> Form:
        """The same form without references whose picture is not here any more."""
        left = without_gone(form.controls, lambda picture: self.size_of(picture, person) is not None)
        return replace(form, controls=left)

    # -- what is said of a form ------------------------------------------------------------------

    def measured(self, model: str, text: str) -> TokenCount | None:
        """How much of what the model can read a prompt takes."""
        try:
            return self.studio.count_tokens(model, text)
        except StudioError:
            return None

    def remarks(self, draft: Draft, person: Person) -> tuple[Trouble, ...]:
        """What somebody should know before it is painted."""
        try:
            return self.studio.remarks(draft, person)
        except StudioError:  # the catalog is empty, which the chip says
            return ()

    def styled(self, draft: Draft, person: Person) -> str:
        """The styles that are worn, with what they make of the prompt."""
        titles = book.titles(self.studio, draft.styles, person)
        try:
            return book.styled(titles, self.studio.expanded(draft, person).prompt if titles else "")
        except StudioError:  # the remarks beside it say why; what cannot be worn must come off
            return book.styled(titles, "")
