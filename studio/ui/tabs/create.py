"""The Create page: the form at the left, the stage at the right, and the handlers between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import escape
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.messages import ModelSpec, ModelState, Person, Trouble
from studio.service import Studio
from studio.ui import header
from studio.ui.following import Turns, first_view, views
from studio.ui.form import (
    FIELDS,
    LARGEST_SEED,
    Form,
    details_summary,
    draft_of,
    for_model,
    form_from_draft,
    form_of,
    fresh,
    most_count,
    nearest_size,
    negative_summary,
    no_model,
    offered,
    size_choices,
    starter_language,
)
from studio.ui.parts import act, hidden_words, icon, live, local
from studio.ui.session import language_of, who
from studio.ui.sheets import StageView
from studio.ui.shelf import seen_by
from studio.ui.stage import draw, draw_card
from studio.ui.words import LABELS, about, html, t, trouble_words

QUIET: dict[str, Any] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    "concurrency_limit": None,
}
"""Every handler of the page: no veil over its outputs, not part of the API, no queue but the studio's."""


_NOBODY = Person(id="")
"""Asks for what is the same for everybody, as the page is built."""
_I18N = gr.I18n()


def label(key: str) -> Any:
    """A label that Gradio words in the browser."""
    return _I18N(LABELS + key.replace(".", "_"))


class Create:
    """One page's components and what they do."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.turns = Turns()

    # -- laying out ------------------------------------------------------------------------------

    def build(self, tools: gr.HTML, note: gr.HTML) -> None:
        """Lays the page out and wires it."""
        self.tools, self.note = tools, note
        state = self._default_state()
        form = fresh(state)
        with gr.Row(elem_id="create", equal_height=False):
            with gr.Column(elem_id="left", elem_classes="card"):
                self.card = live("", "open", elem_id="result")
                with gr.Tabs(elem_id="ltabs"), gr.Tab(label("page.prompt"), id="prompt"):
                    self._prompt_tab(form, state)
                self._footer(form)
            with gr.Column(elem_id="right"):
                self.stage = live(
                    draw(StageView()), "paint", "cancel", "take_seed", "smaller", elem_id="stage"
                )
        self._wire()

    def _default_state(self) -> ModelState:
        return (*self._models(_NOBODY), no_model())[0]

    def _prompt_tab(self, form: Form, state: ModelState) -> None:
        with gr.Column(elem_id="sheet"):
            self._prompt_box(form)
            self._size_and_count(form, state.spec)
            with gr.Column(elem_id="folds"):
                self._negative(form, state)
                self._details(form, state)
            self.starters = live(starters(state.spec), "start", elem_id="starters")
        self.model = gr.Textbox(
            form.model, visible="hidden", elem_id="model", label="model", interactive=True
        )

    def _prompt_box(self, form: Form) -> None:
        with gr.Column(elem_id="pbox"):
            self.prompt = gr.Textbox(
                form.prompt, label=label("form.prompt"), placeholder=label("form.prompt_hint"), show_label=False,
                lines=4, max_lines=9, container=False, interactive=True, elem_id="prompt",
            )  # fmt: skip
            self.meter = live(meter(0, 75), "clear", elem_id="meter")

    def _size_and_count(self, form: Form, spec: ModelSpec) -> None:
        with gr.Row(elem_id="shape"):
            with gr.Column(elem_id="sizes", min_width=100):
                self.size_label = live(size_label(form), elem_id="size_label")
                self.size = gr.Radio(
                    size_choices(spec, form.size), value=form.size, label=label("form.size"), show_label=False,
                    container=False, interactive=True, elem_id="size",
                )  # fmt: skip
            with gr.Column(elem_id="counts", min_width=100):
                gr.HTML(f'<div class="lab" id="count_name">{t("form.count")}</div>', apply_default_css=False)
                self.count = gr.Radio(
                    list(range(1, most_count(spec) + 1)), value=form.count, label=label("form.count"),
                    show_label=False, container=False, interactive=True, elem_id="count",
                )  # fmt: skip

    def _negative(self, form: Form, state: ModelState) -> None:
        with gr.Column(elem_classes="fold"):
            self.negative_sum = live(
                summary(html(negative_summary(form.negative, state.spec))), elem_id="negative_sum"
            )
            with gr.Accordion(label("form.negative"), open=False, elem_id="negative_fold"):
                self.negative = gr.Textbox(
                    form.negative, label=label("form.negative"), placeholder=label("form.negative_hint"),
                    show_label=False, lines=2, max_lines=5, container=False, interactive=True, elem_id="negative",
                )  # fmt: skip
                self.default_negative = live(
                    _use_default(form.negative, state.spec), "use", elem_id="use_default"
                )

    def _details(self, form: Form, state: ModelState) -> None:
        with gr.Column(elem_classes="fold"):
            self.details_sum = live(summary(html(details_summary(form, state))), elem_id="details_sum")
            with gr.Accordion(label("form.details"), open=False, elem_id="details_fold"):
                self.sampler = gr.Dropdown(
                    _samplers(state), value=form.sampler, label=label("form.sampler"), interactive=True,
                    elem_id="sampler", min_width=100, filterable=False,
                )  # fmt: skip
                with gr.Row(elem_classes="pair"):
                    self.steps = gr.Slider(
                        1, state.spec.limits.steps, form.steps, step=1, label=label("form.steps"), interactive=True,
                        elem_id="steps", min_width=100, buttons=[],
                    )  # fmt: skip
                    self.guidance = gr.Slider(
                        0, state.spec.limits.guidance, form.guidance, step=0.5, label=label("form.guidance"),
                        interactive=True, elem_id="guidance", min_width=100, buttons=[],
                    )  # fmt: skip
                self._seed(form)

    def _seed(self, form: Form) -> None:
        with gr.Row(elem_id="seeds"):
            self.seed = gr.Number(
                form.seed, label=label("form.seed"), placeholder=label("form.seed_random"), precision=0, minimum=0,
                maximum=LARGEST_SEED, interactive=True, elem_id="seed", min_width=60,
            )  # fmt: skip
            self.seed_tools = live(_seed_tools(), "dice", "reuse", elem_id="seed_tools")
            self.lock = gr.Checkbox(
                form.lock, label=label("form.seed_lock"), interactive=True, elem_id="lock", container=False,
                min_width=36,
            )  # fmt: skip

    def _footer(self, form: Form) -> None:
        with gr.Column(elem_id="footer"):
            self.trouble = live("", elem_id="trouble")
            self.foot = live(footer(None), "generate", "skip", "touch", elem_id="foot")

    @property
    def controls(self) -> list[gr.components.Component]:
        """The form's components, in the order of its fields."""
        return [getattr(self, name) for name in FIELDS]

    # -- wiring ----------------------------------------------------------------------------------

    def _wire(self) -> None:
        self._wire_work()
        self._wire_smaller()
        self._wire_form()
        self._wire_seed()

    def _wire_work(self) -> None:
        shown = [self.stage, self.card, self.tools, self.trouble, self.seed, self.note]
        streaming: dict[str, Any] = QUIET | {"trigger_mode": "multiple"}
        self.foot.generate(self.generate, self.controls, shown, api_name="paint_form", **streaming)
        self.stage.paint(self.paint, [self.model], shown, **streaming)
        self.stage.cancel(self.cancel, None, self.note, queue=False, **streaming)
        self.foot.skip(self.skip, None, self.note, queue=False, **streaming)

    def _wire_smaller(self) -> None:
        smaller = self.stage.smaller(self.smaller, self.model, self.size, queue=False, **QUIET)
        smaller.then(None, None, None, js="() => { studio.press(); }", **QUIET)

    def _wire_form(self) -> None:
        said = [
            self.size_label,
            self.negative_sum,
            self.default_negative,
            self.details_sum,
            self.foot,
            self.meter,
        ]
        # The browser waits for a pause in the changes and then asks once, whatever was changed.
        quick: dict[str, Any] = QUIET | {"queue": False, "trigger_mode": "always_last"}
        self.foot.touch(self.touched, self.controls, said, **quick)
        keep = [getattr(self, name).change for name in FIELDS]
        gr.on(keep, None, self.controls, None, js="(...values) => { studio.keep(values); }", **QUIET)
        self.meter.clear(None, None, self.prompt, js="() => ''", **QUIET)
        self.default_negative.use(self.use_default, self.model, self.negative, queue=False, **QUIET)
        self.starters.start(self.start, self.model, [self.prompt, self.seed, self.lock], queue=False, **QUIET)
        filled = [*self.controls, self.tools, self.starters]
        self.tools.choose(self.choose, self.controls, filled, queue=False, **QUIET)

    def _wire_seed(self) -> None:
        given = [self.seed, self.lock]
        self.stage.take_seed(self.take_seed, None, given, queue=False, **QUIET)
        self.seed_tools.reuse(self.take_seed, None, given, queue=False, **QUIET)
        self.seed_tools.dice(
            None, None, given, js=f"() => [Math.floor(Math.random() * {LARGEST_SEED}), true]", **QUIET
        )
        self.seed.input(None, self.seed, self.lock, js="(seed) => seed !== null && seed !== ''", **QUIET)

    def on_load(self, kept: gr.JSON) -> tuple[Any, ...]:
        """What the page needs as it opens: the handler, its input and its outputs."""
        return self.restore, [kept], [*self.controls, self.tools, self.starters]

    # -- the form --------------------------------------------------------------------------------

    def restore(self, kept: Any, request: gr.Request) -> list[Any]:
        """The unsent form of the last visit, or a fresh one."""
        person = who(self.studio, request)
        values = (
            dict(zip(FIELDS, kept, strict=True))
            if isinstance(kept, list) and len(kept) == len(FIELDS)
            else {}
        )
        state = self._state(str(values.get("model") or ""), person)
        return self._filled(form_of(values, state), state, person)

    def choose(self, event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
        """Another model: its own numbers, the words kept."""
        person = who(self.studio, request)
        state = self._state(str(_data(event).get("model", "")), person)
        old = form_of(values, self._state(str(values[0]), person))
        return self._filled(for_model(old, state), state, person)

    def fill(self, picture: str, person: Person) -> list[Any]:
        """A picture's recipe in the form."""
        draft = self.studio.redraft(picture, person)
        state = self._state(draft.model, person)
        return self._filled(form_from_draft(draft, state), state, person)

    def _filled(self, form: Form, state: ModelState, person: Person) -> list[Any]:
        spec = state.spec
        updates = [
            gr.update(value=form.model),
            gr.update(value=form.prompt),
            gr.update(value=form.negative),
            gr.update(choices=size_choices(spec, form.size), value=form.size),
            gr.update(choices=list(range(1, most_count(spec) + 1)), value=form.count),
            gr.update(choices=_samplers(state), value=form.sampler),
            gr.update(maximum=spec.limits.steps, value=form.steps),
            gr.update(maximum=spec.limits.guidance, value=form.guidance),
            gr.update(value=form.seed),
            gr.update(value=form.lock),
        ]
        return [*updates, self._chip(person, spec.id), starters(spec)]

    def touched(self, request: gr.Request, *values: Any) -> list[Any]:
        """What the closed folds say, the size in numbers, how long it will take, and how much of the window is used."""
        person = who(self.studio, request)
        state = self._state(str(values[0]), person)
        form = form_of(values, state)
        seconds = self.studio.estimate(draft_of(form), person)
        return [
            size_label(form),
            summary(html(negative_summary(form.negative, state.spec))),
            _use_default(form.negative, state.spec),
            summary(html(details_summary(form, state))),
            footer(seconds),
            self._measured(form),
        ]

    def _measured(self, form: Form) -> str:
        try:
            count = self.studio.count_tokens(form.model, form.prompt)
        except StudioError:
            return meter(0, 0)
        return meter(count.used, count.window)

    def use_default(self, model: str, request: gr.Request) -> str:
        """The model's own negative prompt."""
        return self._state(model, who(self.studio, request)).spec.defaults.negative

    def start(self, event: gr.EventData, model: str, request: gr.Request) -> list[Any]:
        """A starter: its prompt in a language the model reads, and its seed."""
        spec = self._state(model, who(self.studio, request)).spec
        index = int(_data(event).get("index", 0))
        if not 0 <= index < len(spec.examples):
            return [gr.skip(), gr.skip(), gr.skip()]
        example = spec.examples[index]
        prompt = example.prompt.said(starter_language(spec, language_of(request)))
        return [prompt, example.seed, example.seed is not None]

    def smaller(self, event: gr.EventData, model: str, request: gr.Request) -> Any:
        """The size that an error offered; the browser then asks for the picture again."""
        spec = self._state(model, who(self.studio, request)).spec
        size = str(_data(event).get("size", ""))
        choices = size_choices(spec, size)
        return gr.update(
            choices=choices, value=size if size in dict(choices).values() else nearest_size(size, spec)
        )

    def take_seed(self, event: gr.EventData) -> list[Any]:
        """The seed of the picture on the stage, kept from now on."""
        seed = str(_data(event).get("seed", ""))
        return [int(seed), True] if seed.isdigit() else [gr.skip(), gr.skip()]

    def _models(self, person: Person) -> tuple[ModelState, ...]:
        return offered(seen_by(self.studio.models(person), person))

    def _chip(self, person: Person, model: str) -> str:
        return header.tools(self._models(person), model, self.studio.devices(person))

    def _state(self, model: str, person: Person) -> ModelState:
        states = self._models(person)
        found = [state for state in states if state.spec.id == model]
        return (*found, *states, no_model())[0]

    # -- work ------------------------------------------------------------------------------------

    async def generate(
        self, event: gr.EventData, request: gr.Request, *values: Any
    ) -> AsyncIterator[list[Any]]:
        """Asks for pictures and follows them."""
        person = who(self.studio, request)
        form = form_of(values, self._state(str(values[0]), person))
        trouble, seed = "", gr.skip()
        try:
            job = self.studio.submit(draft_of(form), person)
            seed = seed if form.lock else self.studio.job(job, person).requests[0].seed
        except StudioError as error:
            trouble = field_trouble(error.trouble)
        async for shown in self._follow(event, request, person, form.model):
            yield [*shown, trouble, seed, gr.skip()]
            seed = gr.skip()

    async def paint(self, event: gr.EventData, request: gr.Request, model: str) -> AsyncIterator[list[Any]]:
        """Follows what is at work; where asked to, it first takes up a job that was left."""
        person, note = who(self.studio, request), gr.skip()
        try:
            if _data(event).get("resume"):
                self.studio.resume(str(_data(event)["resume"]), person)
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
        dismissed = tuple(str(job) for job in _data(event).get("dismissed") or ())
        before: Any = None
        async for view in views(self.studio, person, first_view(self.studio, person, dismissed)):
            if not self.turns.holds(page, turn):
                return
            # Models move when a job begins, loads or ends, not with every step.
            now = [(sheet.job, sheet.phase) for sheet in view.sheets]
            tools = gr.skip() if now == before else self._chip(person, model)
            yield [draw(view), draw_card(view), tools]
            before = now

    def cancel(self, event: gr.EventData, request: gr.Request) -> Any:
        """Stops a job; returns at once, the follower shows the end."""
        return self._told(
            lambda person: self.studio.cancel(str(_data(event).get("job", "")), person), request
        )

    def skip(self, event: gr.EventData, request: gr.Request) -> Any:
        """Skips the picture being painted."""
        return self._told(lambda person: self.studio.skip(str(_data(event).get("job", "")), person), request)

    def _told(self, do: Any, request: gr.Request) -> Any:
        try:
            do(who(self.studio, request))
        except StudioError as error:
            return note_html(error.trouble)
        return gr.skip()

    def closed(self, request: gr.Request) -> None:
        """The page is gone; its jobs go on."""
        self.turns.forget(str(request.session_hash))


# -- small drawings -------------------------------------------------------------------------------


def meter(used: int, window: int) -> str:
    """The token meter under the prompt, a tick at the end of each window, and the button that clears."""
    clear = act("clear", icon("trash-2") + hidden_words(t("form.clear")), "ib bare sm")
    if not window:  # nobody knows how this model counts
        return f'<div class="ft"><span class="sp"></span>{clear}</div>'
    room = max(1, -(-used // window)) * window
    scale = room / 0.79  # the last tick needs space for its number
    ticks = "".join(_tick(n, scale) for n in range(window, room + 1, window))
    bar = (
        f'<div class="meter" aria-hidden="true"><u style="width:{100 * used / scale:.1f}%"></u>{ticks}</div>'
    )
    said = f'<span class="sr">{t("form.tokens", used=used, window=room)}</span>'
    count = f'<span class="num t13" aria-hidden="true"><b>{used}</b> <span class="i2">/ {room}</span></span>{said}'
    return f'<div class="ft">{bar}{count}{clear}</div>'


def _tick(n: int, scale: float) -> str:
    return f'<s style="left:{100 * n / scale:.1f}%" data-n="{n}"></s>'


def size_label(form: Form) -> str:
    """The word Size and the size in numbers."""
    numbers = escape(form.size.replace("x", " × "))
    return f'<div class="lab"><span id="size_name">{t("form.size")}</span> <span class="i3 num">{numbers}</span></div>'


def summary(inner: str) -> str:
    """What a closed fold says at its right end."""
    return f'<span class="sum num">{inner}</span>'


def footer(seconds: float | None) -> str:
    """All buttons of the footer; the stylesheet shows those that make sense now."""
    estimate = html(about(seconds)) if seconds is not None else ""
    go = local("generate", f"{t('form.generate')}<small>{estimate}</small><kbd>Ctrl ↵</kbd>", "go idle")
    stop_words = f'<span class="say-stop">{t("form.stop")}</span><span class="say-stopping">{t("form.stopping")}</span>'
    stop = local("stop", f"{icon('square')}{stop_words}<kbd>Esc</kbd>", "go stop busy")
    starting = local("none", t("form.starting"), "go stop starting", disabled=True)
    skip = act("skip", icon("skip-forward", 16) + f"<span>{t('form.skip')}</span>", "btn tall busy several")
    more = local("generate", icon("plus", 16) + f"<span>{t('form.another')}</span>", "btn tall busy")
    return f'<div class="foot">{go}{starting}{stop}{skip}{more}</div>'


def starters(spec: ModelSpec) -> str:
    """Examples of the model as cards; four at a time."""
    if not spec.examples:
        return ""
    cards = "".join(_starter(index, spec) for index in range(len(spec.examples)))
    turn = local("more", icon("shuffle", 16) + t("form.more"), "btn link") if len(spec.examples) > 4 else ""
    head = f'<div class="row"><b class="lab0">{t("form.starters")}</b><span class="sp"></span>{turn}</div>'
    return f'<div class="starters">{head}<div class="cards">{cards}</div></div>'


def _starter(index: int, spec: ModelSpec) -> str:
    example = spec.examples[index]
    first_words = html(example.prompt)
    inner = f"<b>{html(example.title)}</b><small>{first_words}</small>"
    return act("start", inner, "starter" + (" away" if index >= 4 else ""), index=index)


def _seed_tools() -> str:
    dice = act("dice", icon("dices") + hidden_words(t("form.seed_new")), "ib")
    reuse = act("reuse", icon("history") + hidden_words(t("form.seed_reuse")), "ib")
    return f'<div class="row">{dice}{reuse}</div>'


def _use_default(negative: str, spec: ModelSpec) -> str:
    if negative.strip() == spec.defaults.negative.strip():
        return ""
    return act("use", icon("rotate-ccw", 14) + t("form.use_default"), "btn link")


_notes = iter(range(10**12))
"""Numbers that make the same words news when they are said twice."""


def field_trouble(trouble: Trouble) -> str:
    """An error of the form, beside the button that was pressed."""
    said = f"{icon('triangle-alert', 16)}<span>{html(trouble_words(trouble))}</span>"
    return f'<p class="err" role="alert" data-n="{next(_notes)}">{said}</p>'


def note_html(trouble: Trouble) -> str:
    """A short note that appears and goes."""
    return f'<span data-n="{next(_notes)}">{html(trouble_words(trouble))}</span>'


def _samplers(state: ModelState) -> list[tuple[str, str]]:
    return [(sampler.title, sampler.id) for sampler in state.samplers]


def _data(event: gr.EventData) -> dict[str, Any]:
    data = event._data
    return data if isinstance(data, dict) else {}
