"""The spellbook's tab: its place on the page, and what a scene and styles do to the form. The page draws the book."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape

from studio.families import FAMILIES
from studio.messages import Bilingual, ModelSpec, ModelState
from studio.ui.form import Form
from studio.ui.parts import attributes, local
from studio.ui.shapes import size_text, sizes
from studio.ui.words import html, t

MOUNT = "; studio.book.mount(element);"
MOUNT_FIGURE = "; studio.book.mountFigure(element);"
PLACE = '<div class="book" data-own></div>'
"""Where the page draws the book."""


def figure(form: Form, spec: ModelSpec, states: Iterable[ModelState]) -> str:
    """Where the page draws the figure of the formula, and what it must know of form and model for both."""
    titles = {family.id: [family.title] * 2 for family in FAMILIES.values()}
    titles |= {state.spec.id: [state.spec.title.en, state.spec.title.zh] for state in states}
    languages, known = " ".join(spec.languages), json.dumps(titles, ensure_ascii=False)
    told = attributes(
        languages=languages, model=spec.id, family=spec.family, titles=known, negative=form.negative
    )
    return f'<div class="anatomy" data-own{told}></div>'


def styled(titles: Sequence[Bilingual], prompt: str) -> str:
    """The styles around a prompt, and what will be painted with them; nothing where there are none."""
    if not titles:
        return ""
    names = Bilingual(en=", ".join(one.en for one in titles), zh="、".join(one.zh for one in titles))
    off = local("styles", t("book.no_styles"), "btn link")
    return (
        f'<div class="styled"><div class="row"><b class="lab0">{t("book.in_styles")}</b>'
        f'<span class="i2 t13 ell">{html(names)}</span><span class="sp"></span>{off}</div>'
        f'<p class="t13 i2">{escape(prompt)}</p></div>'
    )


def with_scene(form: Form, spec: ModelSpec, prompt: str, negative: str, aspect: str, style: str) -> Form:
    """The same form filled by a scene: its words, its shape in the model's own size, its style."""
    return replace(
        form,
        prompt=prompt,
        negative=negative or spec.defaults.negative,
        size=size_text(sizes(spec)[aspect]),
        styles=style,
    )
