"""The Create page: the form at the left, the stage at the right, and what fills the form."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.messages import ModelSpec, ModelState, Person, TokenCount
from studio.service import Studio
from studio.sizes import size_like
from studio.ui import book, details_fold, reference, start_fold, translation
from studio.ui.answers import OF_ONE_PICTURE, QUIET, WITH_FORM, Answers
from studio.ui.drafts import draft_of, vary
from studio.ui.fields import label, offers_of, updates
from studio.ui.folds import default_negative, negative_summary, takes_negative
from studio.ui.form import (
    FIELDS,
    LARGEST_SEED,
    SIDES,
    Form,
    for_model,
    form_of,
    fresh,
    grown,
    kept_fields,
    most_count,
    on_way,
    shaped_like_picture,
    starter_language,
    starting_from,
    without_picture,
)
from studio.ui.known import Known
from studio.ui.painting import Painting
from studio.ui.panel import (
    footer,
    meter,
    note_html,
    remarks,
    said_note,
    size_label,
    starters,
    summary,
    use_default,
)
from studio.ui.parts import live
from studio.ui.reference_units import roused, with_picture
from studio.ui.session import language_of, sent, text_sent, who
from studio.ui.shapes import nearest_size, read_size, size_choices, size_text
from studio.ui.sheets import StageView
from studio.ui.stage import draw
from studio.ui.start import GROW, bring_notes, picture_needed, start_card
from studio.ui.tabs.loras import Loras
from studio.ui.words import html, t, words

SLIGHT = 0.2
"""The weight of the other seed in a picture's variations, until a person says otherwise."""

_NOBODY = Person(id="")
"""Asks for what is the same for everybody, as the page is built."""


class Create:
    """One page's components and what they do."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.known = Known(studio)
        self.painting = Painting(self.known)
        self.start = start_fold.StartFold()
        self.details = details_fold.DetailsFold()
        self.translation = translation.Translation()
        self.loras = Loras(studio)
        self.fields: dict[str, gr.components.Component] = {}

    # -- laying out ------------------------------------------------------------------------------

    def build(self, tools: gr.HTML, note: gr.HTML) -> None:
        """Lays the page out and wires it."""
        self.tools, self.note = tools, note
        state = self.known.state("", _NOBODY)
        form = fresh(state)
        with gr.Row(elem_id="create", equal_height=False):
            with gr.Column(elem_id="left", elem_classes="card"):
                self.card = live("", "open", elem_id="result")
                with gr.Tabs(elem_id="ltabs"):
                    with gr.Tab(label("page.prompt"), id="prompt"):
                        self._prompt_tab(form, state)
                    with gr.Tab(label("page.book"), id="book", render_children=True):
                        self.book = live(book.PLACE, "scene", "negative", elem_id="book", then=book.MOUNT)
                    with gr.Tab(
                        label("page.reference"), id="reference", elem_id="tab_reference", render_children=True
                    ):
                        place = self.known.references(state.spec, _NOBODY)
                        self.reference = live(place, "take_size", elem_id="reference", then=reference.MOUNT)
                    self.loras.build()
                self._footer()
            with gr.Column(elem_id="right"):
                self.stage = live(
                    draw(StageView()), "paint", "cancel", "take_seed", "smaller", "send", elem_id="stage"
                )
                gr.HTML('<div class="host" data-own></div>', apply_default_css=False, elem_id="easel")
                self.loras.build_training()
        self.fields |= self.start.fields | self.details.fields | self.translation.fields
        self._wire()

    def _prompt_tab(self, form: Form, state: ModelState) -> None:
        offers = offers_of(self.studio, form.model, "en")
        with gr.Column(elem_id="sheet"):
            self._prompt_box(form, state.spec)
            self._size_and_count(form, state.spec)
            with gr.Column(elem_id="folds"):
                self._negative(form, state)
                self.start.build(form, state, offers)
                self.details.build(form, state, offers)
            self.starters = live(starters(state.spec), "start", elem_id="starters")
        self.model = self.fields["model"] = _unseen("model", form.model)
        self.fields["styles"] = _unseen("styles", form.styles)
        self.fields["controls"] = _unseen("controls", form.controls)
        self.drawn = _unseen("drawn", "")
        self.answers = Answers(self.fields)
        self.fields["loras"] = _unseen("loras", form.loras)
        self.loras.build_facts(state.spec)

    def _prompt_box(self, form: Form, spec: ModelSpec) -> None:
        with gr.Column(elem_id="pblock"):
            with gr.Column(elem_id="pbox"):
                self.prompt = self.fields["prompt"] = gr.Textbox(
                    form.prompt, label=label("form.prompt"), placeholder=label("form.prompt_hint"),
                    show_label=False, lines=4, max_lines=9, container=False, interactive=True, elem_id="prompt",
                )  # fmt: skip
                self.meter = live(meter(TokenCount(used=0, window=75)), "clear", elem_id="meter")
            self.translation.build("prompt", form)
            self.remarks = live("", elem_id="remarks")
            self.styled = live("", elem_id="styled")
            figure = book.figure(form, spec, self.known.models(_NOBODY))
            self.figure = live(figure, "back", elem_id="anatomy", then=book.MOUNT_FIGURE)

    def _size_and_count(self, form: Form, spec: ModelSpec) -> None:
        with gr.Row(elem_id="shape"):
            with gr.Column(elem_id="sizes", min_width=100):
                self.size_label = live(size_label(form, spec), elem_id="size_label")
                self.size = self.fields["size"] = gr.Radio(
                    size_choices(spec, form.size), value=form.size, label=label("form.size"), show_label=False,
                    container=False, interactive=True, elem_id="size",
                )  # fmt: skip
            with gr.Column(elem_id="counts", min_width=100):
                gr.HTML(f'<div class="lab" id="count_name">{t("form.count")}</div>', apply_default_css=False)
                self.fields["count"] = gr.Radio(
                    list(range(1, most_count(spec) + 1)), value=form.count, label=label("form.count"),
                    show_label=False, container=False, interactive=True, elem_id="count", elem_classes="segm",
                )  # fmt: skip

    def _negative(self, form: Form, state: ModelState) -> None:
        with gr.Column(elem_classes="fold"):
            self.negative_sum = live(
                summary(html(negative_summary(form.negative, state.spec))), elem_id="negative_sum"
            )
            with gr.Accordion(label("form.negative"), open=False, elem_id="negative_fold"):
                self.negative = self.fields["negative"] = gr.Textbox(
                    form.negative, label=label("form.negative"), placeholder=label("form.negative_hint"),
                    show_label=False, lines=2, max_lines=5, container=False, interactive=True, elem_id="negative",
                )  # fmt: skip
                self.translation.build("negative", form)
                self.default_negative = live(
                    use_default(form.negative, state.spec), "use", elem_id="use_default"
                )
                self._negative_counts(form, state.spec)

    def _negative_counts(self, form: Form, spec: ModelSpec) -> None:
        counts = start_fold.segments(
            form,
            "negative_counts",
            "form.negative_counts",
            start_fold.answers("negative_counts", "form.negative_counts"),
        )
        counts.visible = takes_negative(spec)
        counts.info = label("form.negative_counts_hint")
        self.fields["negative_counts"] = counts

    def _footer(self) -> None:
        with gr.Column(elem_id="footer"):
            self.trouble = live("", elem_id="trouble")
            self.foot = live(footer(None), "generate", "skip", "touch", elem_id="foot")

    @property
    def controls(self) -> list[gr.components.Component]:
        """The form's components, in the order of its fields."""
        return [self.fields[name] for name in FIELDS]

    @property
    def filled(self) -> list[gr.components.Component]:
        """All that changes with a whole form: its controls, the chip, the starters."""
        return [*self.controls, self.tools, self.starters, self.figure, self.reference, self.loras.facts]

    @property
    def sent(self) -> list[gr.components.Component]:
        """All that changes when a picture is sent to the form, the folds that open and the note included."""
        return [
            *self.filled,
            self.start.fold,
            self.details.fold,
            self.start.card,
            self.start.notes,
            self.note,
        ]

    @property
    def begun(self) -> list[gr.components.Component]:
        """What changes with the picture to start from, and nothing that a person may be setting meanwhile."""
        own = [self.fields[name] for name in OF_ONE_PICTURE]
        return [*own, self.size, self.start.fold, self.start.card, self.start.notes, self.note]

    # -- wiring ----------------------------------------------------------------------------------

    def _wire(self) -> None:
        self._wire_work()
        self._wire_smaller()
        self._wire_form()
        self._wire_seed()
        self._wire_start()

    def _wire_work(self) -> None:
        shown = [self.stage, self.card, self.tools, self.trouble, self.drawn, self.note]
        streaming: dict[str, Any] = QUIET | {"trigger_mode": "multiple"}
        self.foot.generate(
            self.painting.generate, self.controls, shown, api_name="paint_form", **WITH_FORM, **streaming
        )
        # A seed that was set meanwhile is locked, and stays.
        free = "(drawn, seed, lock) => [lock && seed !== null && seed !== '' ? seed : Number(drawn)]"
        seed, lock = self.fields["seed"], self.fields["lock"]
        self.drawn.change(None, [self.drawn, seed, lock], seed, js=free, **QUIET)
        self.stage.paint(self.painting.paint, [self.model], shown, **streaming)
        self.stage.cancel(self.painting.cancel, None, self.note, queue=False, **streaming)
        self.foot.skip(self.painting.skip, None, self.note, queue=False, **streaming)

    def _wire_smaller(self) -> None:
        smaller = self.answers.wire(self.stage.smaller, self.smaller, [self.size])
        smaller.then(None, None, None, js="() => { studio.press(); }", **QUIET)

    def _wire_form(self) -> None:
        said = [
            self.size_label,
            self.negative_sum,
            self.default_negative,
            self.foot,
            self.meter,
            self.remarks,
            self.styled,
        ]
        said += [*self.start.said, *self.details.said, *self.translation.said, self.loras.facts]
        # The browser waits for a pause in the changes and then asks once, whatever was changed.
        wire = self.answers.wire
        wire(self.foot.touch, self.touched, said, trigger_mode="always_last")
        keep = [control.change for control in self.controls]
        gr.on(keep, None, self.controls, None, js="(...values) => { studio.keep(values); }", **QUIET)
        self.meter.clear(None, None, self.prompt, js="() => ''", **QUIET)
        self.translation.wire(self.ask_translator, self.fetch_translator, self.answers)
        wire(self.default_negative.use, self.use_default, [self.negative])
        wire(self.starters.start, self.starter, [self.prompt, self.fields["seed"], self.fields["lock"]])
        wire(self.tools.choose, self.choose, self.filled)
        for part in (self.book, self.loras.view):
            part.negative(None, None, self.negative, js="() => studio.book.negative()", **QUIET)
        numbers = [self.fields[name] for name in ("sampler", "steps", "guidance")]
        self.loras.view.wants(None, None, numbers, js="() => studio.lora.wanted()", **QUIET)
        wire(self.book.scene, self.scene, [*self.filled, self.note])
        wire(self.figure.back, self.back, [*self.filled, self.note])

    def _wire_seed(self) -> None:
        seed, lock = self.fields["seed"], self.fields["lock"]
        self.answers.wire(self.stage.take_seed, self.take_seed, [seed, lock])
        self.answers.wire(self.details.seed_tools.reuse, self.take_seed, [seed, lock])
        self.details.seed_tools.dice(
            None, None, [seed, lock], js=f"() => [Math.floor(Math.random() * {LARGEST_SEED}), true]", **QUIET
        )
        seed.input(None, seed, lock, js="(seed) => seed !== null && seed !== ''", **QUIET)

    def _wire_start(self) -> None:
        fields, told, wire = self.start.fields, self.start.sum, self.answers.wire
        wire(told.brought, self.brought, self.begun)
        wire(self.start.tools.remove, self.remove, self.begun)
        # Without the server, so that what was painted last is in the form when Generate is pressed.
        told.masked(None, None, fields["mask"], js="() => studio.mask()", **QUIET)
        sides = [fields[name] for name in SIDES]
        told.framed(None, None, sides, js="() => studio.sides()", **QUIET)
        wire(self.start.frame_tools.grow, self.grow, sides)
        another = partial(gr.on, [fields["way"].input, fields["area"].input])
        wire(another, self.way, [fields["strength"], self.size])
        wire(self.reference.take_size, self.take_size, [self.size])
        self.wire_send(self.stage.send)

    def wire_send(self, send: Callable[..., Any]) -> None:
        """Lets a part of the page send a picture to the form."""
        self.answers.wire(send, self.send, self.sent).then(
            None, None, None, js="() => { studio.sent(); }", **QUIET
        )

    def wire_load(self, load: Callable[..., Any], kept: gr.JSON) -> Any:
        """Lets the page find the unsent form of the last visit again as it opens."""
        js = "(kept, ...values) => [studio.kept(), ...studio.answers.asked(values)]"
        return self.answers.wire(load, self.restore, [*self.filled, self.note], js=js, before=[kept])

    # -- the form --------------------------------------------------------------------------------

    def restore(self, event: gr.EventData, request: gr.Request, kept: Any, *values: Any) -> list[Any]:
        """The unsent form of the last visit, or a fresh one; a picture that is gone is dropped with a word."""
        return self._restored(kept, who(self.studio, request))

    def _restored(self, kept: Any, person: Person) -> list[Any]:
        given = kept_fields(kept)
        state = self.known.state(str(given.get("model") or ""), person)
        form = form_of(given, state)
        note: Any = gr.skip()
        if form.picture and self.known.size_of(form.picture, person) is None:
            form, note = without_picture(form, state.spec), said_note(words("form.picture_gone"))
        left = self.known.with_references(form, person)
        if left != form:
            form, note = left, said_note(words("form.references_gone"))
        return [*self._filled(form, state, person), note]

    def choose(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """Another model: its own numbers, the words kept."""
        person = who(self.studio, request)
        state = self.known.state(text_sent(event, "model"), person)
        before, old = self.known.now(values, person)
        return self._filled(for_model(old, state, before.spec.defaults.negative), state, person)

    def fill(self, picture: str, person: Person) -> list[Any]:
        """A picture's recipe in the form, with what it started from; said where that is gone."""
        draft = self.studio.redraft(picture, person)
        form, state = self.known.form_from(draft, person)
        gone = draft.start is not None and not form.picture
        note = said_note(words("form.picture_gone")) if gone else gr.skip()
        left = self.known.with_references(form, person)
        if left != form:
            form, note = left, said_note(words("form.references_gone"))
        if missing := self.loras.missing(picture, person):
            note = said_note(missing)
        return [*self._filled(form, state, person), note]

    def _filled(self, form: Form, state: ModelState, person: Person) -> list[Any]:
        followed = {kind.kind for kind in self.known.kinds(state.spec.id) if kind.fits}
        form = replace(form, controls=roused(form.controls, followed))
        offers = self.known.offers(form.model, person)
        figure = book.figure(form, state.spec, self.known.models(person))
        told = [starters(state.spec), figure, self.known.references(state.spec, person)]
        told.append(self.loras.facts_of(state.spec, draft_of(form), person))
        return [*updates(form, state, offers), self.known.chip(person, form.model), *told]

    def touched(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """What the closed folds say, the size in numbers, how long it will take, and what the prompt is made of."""
        person = who(self.studio, request)
        state, form = self.known.now(values, person)
        strips = translation.shown(self.studio, form, person)
        draft = draft_of(translation.with_translation(form, strips))
        return [
            size_label(form, state.spec),
            summary(html(negative_summary(form.negative, state.spec))),
            use_default(form.negative, state.spec),
            footer(self.studio.estimate(draft, person)),
            meter(self.known.measured(form.model, draft.translated or form.prompt)),
            remarks((*picture_needed(form, state.spec), *self.known.remarks(draft, person))),
            self.known.styled(draft, person),
            *start_fold.said(form, state),
            *details_fold.said(form, state),
            *translation.told(self.studio, form, state, person, found=strips),
            self.loras.facts_of(state.spec, draft, person),
        ]

    def scene(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """A scene of the book: the form filled in one click."""
        person = who(self.studio, request)
        state, form = self.known.now(values, person)
        scene = book.scene(self.studio, text_sent(event, "scene"), person)
        if scene is None:
            return [gr.skip() for _ in (*self.filled, self.note)]
        language = starter_language(state.spec, language_of(request))
        form = book.with_scene(form, state.spec, scene, language)
        form, said = self.loras.of_scene(scene, form, state.spec, person)
        return [*self._filled(form, state, person), said_note(said)]

    def back(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """The form as it was before a scene or a starter filled it."""
        return self._restored(json.loads(text_sent(event, "form") or "null"), who(self.studio, request))

    async def ask_translator(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """Has the translator say what the book does not know."""
        person = who(self.studio, request)
        state, form = self.known.now(values, person)
        trouble = None
        try:
            await translation.asked(self.studio, form, person)
        except StudioError as error:
            trouble = error.trouble
        return translation.told(self.studio, form, state, person, trouble)

    def fetch_translator(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """Brings the translator here that the model needs."""
        person = who(self.studio, request)
        state, form = self.known.now(values, person)
        trouble = None
        try:
            translation.fetched_for(self.studio, form, person)
        except StudioError as error:
            trouble = error.trouble
        return translation.told(self.studio, form, state, person, trouble)

    def use_default(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[str]:
        """The model's own negative prompt, or what its family mostly does well without."""
        return [default_negative(self.known.state(str(values[0]), who(self.studio, request)).spec)]

    def starter(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """A starter: its prompt in a language the model reads, and its seed."""
        spec = self.known.state(str(values[0]), who(self.studio, request)).spec
        index = int(sent(event).get("index", 0))
        if not 0 <= index < len(spec.examples):
            return [gr.skip(), gr.skip(), gr.skip()]
        example = spec.examples[index]
        prompt = example.prompt.said(starter_language(spec, language_of(request)))
        return [prompt, example.seed, example.seed is not None]

    def smaller(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """The size that an error offered; the browser then asks for the picture again."""
        spec = self.known.state(str(values[0]), who(self.studio, request)).spec
        size = text_sent(event, "size")
        choices = size_choices(spec, size)
        value = size if size in dict(choices).values() else nearest_size(size, spec)
        return [gr.update(choices=choices, value=value)]

    def take_seed(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """The seed of the picture on the stage, kept from now on."""
        seed = text_sent(event, "seed")
        return [int(seed), True] if seed.isdigit() else [gr.skip(), gr.skip()]

    # -- the picture to start from ---------------------------------------------------------------

    def brought(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """A picture that the browser handed in, in the form from now on."""
        person = who(self.studio, request)
        state, form = self.known.now(values, person)
        picture = text_sent(event, "picture")
        size = self.known.size_of(picture, person)
        if size is None:
            return [*(gr.skip() for _ in self.begun[:-1]), said_note(words("form.picture_gone"))]
        form = starting_from(form, picture, size, state.spec)
        return self._begun(form, state, bring_notes(sent(event).get("notes")))

    def remove(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """Back to painting from the prompt alone."""
        state, form = self.known.now(values, who(self.studio, request))
        return self._begun(without_picture(form, state.spec), state, "")

    def _begun(self, form: Form, state: ModelState, notes: str) -> list[Any]:
        own = [gr.update(value=getattr(form, name)) for name in OF_ONE_PICTURE]
        size = gr.update(choices=size_choices(state.spec, form.size), value=form.size)
        return [*own, size, gr.update(open=True), start_card(form, state.spec), notes, gr.skip()]

    def send(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """A picture of the person's own, sent to the form to start from or to be varied."""
        person = who(self.studio, request)
        try:
            return self._send(text_sent(event, "picture"), text_sent(event, "way"), values, person)
        except StudioError as error:
            return [*(gr.skip() for _ in self.sent[:-1]), note_html(error.trouble)]

    def _send(self, picture: str, way: str, values: tuple[Any, ...], person: Person) -> list[Any]:
        if way == "variations":
            form, state = self.known.form_from(self.studio.redraft(picture, person), person)
            varied = vary(form, SLIGHT, secrets.randbelow(LARGEST_SEED + 1))
            varied = replace(varied, count=most_count(state.spec))
            return self._sent(varied, state, person, "", said_note(words("stage.sent_variations")))
        state, form = self.known.now(values, person)
        kept = self.studio.input_from_picture(picture, person)
        if way == "reference":
            first = reference.first_kind(self.known.kinds(form.model))
            told = with_picture(form.controls, kept.picture, first.kind, waits=not first.fits)
            form = replace(form, controls=told)
            return self._sent(form, state, person, "", said_note(words("stage.sent_reference")))
        form = starting_from(form, kept.picture, kept.size, state.spec, way)
        return self._sent(form, state, person, "", said_note(words("stage.sent")))

    def _sent(self, form: Form, state: ModelState, person: Person, notes: str, note: Any) -> list[Any]:
        varied = bool(form.variation_weight)
        folds = [gr.update(open=True) if is_open else gr.skip() for is_open in (bool(form.picture), varied)]
        return [*self._filled(form, state, person), *folds, start_card(form, state.spec), notes, note]

    def grow(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[int]:
        """A quick button: some sides grow by a share of the picture, or none is left."""
        state, form = self.known.now(values, who(self.studio, request))
        named = text_sent(event, "sides").split()
        sides = tuple(name for name in SIDES if name in named)
        told = grown(form, sides, GROW, state.spec.limits.multiple) if sides else dict.fromkeys(SIDES, 0)
        return [told[name] for name in SIDES]

    def way(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """The strength that suits a way to start, where nobody set another, and the size that goes with it."""
        state, form = self.known.now(values, who(self.studio, request))
        form = shaped_like_picture(on_way(form, form.way), state.spec)
        sizes = size_choices(state.spec, form.size)
        return [form.strength, gr.update(choices=sizes, value=form.size)]

    # -- references ------------------------------------------------------------------------------

    def take_size(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """The size of a reference, as the model takes it."""
        state, form = self.known.now(values, who(self.studio, request))
        size = read_size(text_sent(event, "size"))
        wanted = size_text(size_like(size, state.spec)) if size else form.size
        return [gr.update(choices=size_choices(state.spec, wanted), value=wanted)]


def _unseen(name: str, value: str) -> gr.Textbox:
    """A field of the form that people set by other means than typing."""
    return gr.Textbox(
        value, visible="hidden", elem_id=name, elem_classes="unseen", label=name, interactive=True
    )
