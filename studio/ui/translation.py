"""Below the prompt: what a model is given where it does not read the prompt's language. Shown before it is painted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.messages import ModelState, Person, TranslatorState, Trouble
from studio.service import Studio
from studio.ui.answers import AT_ONCE, Answers
from studio.ui.fields import label
from studio.ui.form import Form
from studio.ui.panel import said_note
from studio.ui.parts import act, attributes, hidden_words, icon, live
from studio.ui.words import fetched, html, size_words, t, trouble_words, words

SIDES = ("prompt", "negative")
TEXTS = {"prompt": "translated", "negative": "translated_negative"}
"""The form's field that holds what is painted in place of each."""
QUIET_MILLISECONDS = 900
"""For so long nothing must change before a translator is asked: it takes a device's time."""
LOOK_MILLISECONDS = 1000
AGAIN = (
    "; let waiting; watch('value', () => { clearTimeout(waiting); const said = props.value || '';"
    f" if (said.includes('data-ask=')) waiting = setTimeout(() => trigger('translate', {{}}), {QUIET_MILLISECONDS});"
    f" else if (said.includes('data-look=')) waiting = setTimeout(() => studio.touch(), {LOOK_MILLISECONDS}); }});"
)
"""What the page does by itself once the strip says so: ask the translator, or look how far a download is."""
EDITED = (
    "; setTimeout(() => element.closest('.trbox').addEventListener('input', () => trigger('edited', {})), 0);"
)
"""Gradio's own event for what is typed leaves out what is pasted."""


@dataclass(frozen=True)
class Shown:
    """What a strip shows for the prompt or the negative one."""

    written: str
    text: str
    unknown: tuple[str, ...]
    unasked: tuple[str, ...] = ()
    hands: frozenset[str] = frozenset()
    edited: bool = False
    on: bool = True

    @property
    def painted(self) -> str:
        """What is painted in place of what was written; nothing where that is painted as it is."""
        return self.text if self.on and self.text.strip() else ""


def shown(studio: Studio, form: Form, person: Person) -> dict[str, Shown]:
    """What there is to show: nothing for what the model reads as it is."""
    found = {}
    for side in SIDES:
        written = getattr(form, side)
        try:
            unread = studio.unread(form.model, written, person)
        except StudioError:  # the catalog is empty, which the chip says
            unread = ()
        if unread:
            found[side] = _shown(studio, form, side, unread, person)
    return found


def _shown(studio: Studio, form: Form, side: str, unread: tuple[str, ...], person: Person) -> Shown:
    written, text = getattr(form, side), getattr(form, TEXTS[side])
    if form.translate == "off":
        return Shown(written, "", unread, on=False)
    # Words of a person's own hold for the prompt that they were written for, and for no other.
    if text.strip() and getattr(form, f"{TEXTS[side]}_for") == written:
        return Shown(written, text, studio.unread(form.model, text, person), edited=True)
    made = studio.translate(form.model, written, person)
    hands = frozenset(one.by for one in made.stretches)
    return Shown(written, made.text, made.unknown, made.rest, hands)


def with_translation(form: Form, found: dict[str, Shown]) -> Form:
    """The form with what is painted in place of prompt and negative; what is not shown is not painted."""
    painted = {side: found[side].painted if side in found else "" for side in SIDES}
    return replace(form, translated=painted["prompt"], translated_negative=painted["negative"])


def left(found: dict[str, Shown]) -> tuple[str, ...]:
    """The words that nobody translated, of both."""
    return tuple(dict.fromkeys(word for one in found.values() if one.on for word in one.unknown))


async def asked(studio: Studio, form: Form, person: Person) -> None:
    """Has the translator say what the book does not know; `shown` knows it from then on."""
    for one in shown(studio, form, person).values():
        if one.unasked:
            await studio.translated(form.model, one.written, person)


def fetched_for(studio: Studio, form: Form, person: Person) -> None:
    """Begins to bring the translator here that a model needs."""
    translator = studio.translator(form.model, person)
    if translator:
        studio.fetch_translator(translator.spec.id, person)


def painted_note(found: dict[str, Shown]) -> Any:
    """What is said as painting begins: which words of the prompt nobody translated."""
    words_left = left(found)
    return (
        said_note(words("translation.painted_with", words=_listed(words_left))) if words_left else gr.skip()
    )


# -- how it looks ---------------------------------------------------------------------------------


def head(one: Shown | None, state: ModelState) -> str:
    """The strip's first line: what this is, and the switch."""
    if one is None:
        return ""
    language = t(f"translation.{state.spec.languages[0]}")
    if not one.on:
        return (
            f'<div class="translation off"><p class="told">{icon("info", 14)}'
            f"<span>{t('translation.off', words=_listed(one.unknown))}</span></p>"
            f"{act('turn_on', t('translation.turn_on'), 'btn link')}</div>"
        )
    anew = act("anew", icon("rotate-ccw", 14) + t("translation.anew"), "btn link") if one.edited else ""
    off = act("turn_off", icon("x", 16) + hidden_words(t("translation.turn_off")), "ib bare sm")
    return (
        f'<div class="translation row"><b class="lab0">{language}</b>'
        f'<span class="i3 t12 ell">{_by(one)}</span><span class="sp"></span>{anew}{off}</div>'
    )


def _by(one: Shown) -> str:
    """Whose words they are."""
    if one.edited:
        return t("translation.by_you")
    if "translator" in one.hands:
        return t("translation.by_both" if "book" in one.hands else "translation.by_translator")
    return t("translation.by_book") if "book" in one.hands else ""


def rest(
    one: Shown | None, translator: TranslatorState | None, person: Person, trouble: Trouble | None = None
) -> str:
    """The strip's last line: what is not translated, and what can be done about it."""
    if one is None or not one.on or not one.unknown:
        return ""
    marked = " ".join(f"<mark>{escape(word)}</mark>" for word in one.unknown)
    said = f"<span>{t('translation.left')} {marked}</span>"
    return f'<div class="untranslated t13">{icon("languages", 14)}{said}{_help(one, translator, person, trouble)}</div>'


def _help(one: Shown, translator: TranslatorState | None, person: Person, trouble: Trouble | None) -> str:
    trouble = trouble or (translator.trouble if translator else None)
    if trouble:
        event = "fetch" if translator and translator.place == "hub" else "translate"
        again = act(event, t("translation.again"), "btn link")
        return f'<span class="err">{html(trouble_words(trouble))}</span>{again}'
    if translator is None or one.edited:
        return f'<span class="i2">{t("translation.yourself")}</span>'
    if translator.fetching:
        told = fetched(translator.fetching.done, translator.fetching.total, translator.fetching.rate)
        return f'<span class="i2 num"{attributes(look=next(_looks))}>{told}</span>'
    if translator.place == "hub":
        return _offer(translator, person)
    if one.unasked:
        mark = hashlib.sha256("\n".join(one.unasked).encode()).hexdigest()[:8]
        said = t("translation.asking", translator=translator.spec.title)
        return f'<span class="i2"{attributes(ask=mark)}>{said}</span>'
    return f'<span class="i2">{t("translation.nobody")}</span>'


_looks = iter(range(10**12))
"""Numbers that make the same progress news, so that the page looks again."""


def _offer(translator: TranslatorState, person: Person) -> str:
    if person.role != "admin":
        return f'<span class="i2">{t("translation.yourself")}</span>'
    size = size_words(translator.bytes) if translator.bytes else ""
    offer = t("translation.fetch", translator=translator.spec.title, size=size)
    return act("fetch", icon("download", 14) + offer, "btn link", translator=translator.spec.id)


def _listed(unread: tuple[str, ...]) -> str:
    """The first few of them."""
    return " ".join(unread[:3]) + (" …" if len(unread) > 3 else "")


# -- its components -------------------------------------------------------------------------------


class Strip:
    """The components of one strip: its first line, the text, its last line."""

    def __init__(self, side: str, form: Form) -> None:
        name = TEXTS[side]
        with gr.Column(elem_id=f"{name}_box", elem_classes="trbox"):
            events = ("turn_on", "turn_off", "anew", "edited")
            self.head = live("", *events, elem_id=f"{name}_head", then=EDITED)
            self.text = gr.Textbox(
                getattr(form, name), label=label("form.translated"), show_label=False, lines=2, max_lines=6,
                container=False, interactive=True, elem_id=name, elem_classes="trtext",
            )  # fmt: skip
            self.rest = live("", "translate", "fetch", elem_id=f"{name}_rest", then=AGAIN)


class Translation:
    """Both strips, the switch, and what the form keeps of them."""

    def __init__(self) -> None:
        self.fields: dict[str, gr.components.Component] = {}
        self.strips: dict[str, Strip] = {}

    def build(self, side: str, form: Form) -> None:
        """Lays a strip out where it is called."""
        name = TEXTS[side]
        self.strips[side] = strip = Strip(side, form)
        self.fields[name] = strip.text
        self.fields[f"{name}_for"] = _unseen(f"{name}_for")
        if side == SIDES[0]:
            self.fields["translate"] = _unseen("translate", form.translate)

    @property
    def said(self) -> list[gr.components.Component]:
        """All that follows every change of the form."""
        return [part for strip in self.strips.values() for part in (strip.head, strip.text, strip.rest)]

    def wire(self, ask: Callable[..., Any], fetch: Callable[..., Any], answers: Answers) -> None:
        """What its buttons do; `ask` and `fetch` answer with `said`."""
        for side, strip in self.strips.items():
            mine = self.fields[f"{TEXTS[side]}_for"]
            written = f"() => document.querySelector('#{side} textarea').value"
            # What a person types there is theirs, as long as the prompt above it stays.
            strip.head.edited(None, None, mine, js=written, **AT_ONCE)
            strip.head.anew(None, None, mine, js="() => ''", **AT_ONCE)
            strip.head.turn_off(None, None, self.fields["translate"], js="() => 'off'", **AT_ONCE)
            strip.head.turn_on(None, None, self.fields["translate"], js="() => 'on'", **AT_ONCE)
            answers.wire(strip.rest.translate, ask, self.said)
            answers.wire(strip.rest.fetch, fetch, self.said)


def _unseen(name: str, value: str = "") -> gr.Textbox:
    return gr.Textbox(
        value, visible="hidden", elem_id=name, elem_classes="unseen", label=name, interactive=True
    )


def told(
    studio: Studio,
    form: Form,
    state: ModelState,
    person: Person,
    trouble: Trouble | None = None,
    found: dict[str, Shown] | None = None,
) -> list[Any]:
    """What both strips show now."""
    found = shown(studio, form, person) if found is None else found
    translator = studio.translator(form.model, person) if found else None
    said: list[Any] = []
    for side in SIDES:
        one = found.get(side)
        new = one is not None and one.on and one.text != getattr(form, TEXTS[side])
        said += [
            head(one, state),
            one.text if one and new else gr.skip(),
            rest(one, translator, person, trouble),
        ]
    return said
