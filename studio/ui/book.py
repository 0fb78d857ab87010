"""The spellbook's tab: its place on the page, and what a scene and styles do to the form. The page draws the book."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from typing import Protocol

from studio.families import FAMILIES
from studio.messages import Bilingual, Language, ModelSpec, ModelState, Person
from studio.service import Studio
from studio.ui.form import FIELDS, Form
from studio.ui.parts import attributes, local, tool
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
    family = FAMILIES.get(spec.family)
    told = attributes(
        languages=languages,
        model=spec.id,
        family=spec.family,
        titles=known,
        negative=form.negative,
        blends="no" if family and not family.emphasis else "yes",
        family_title=family.title if family else "",
        fields=" ".join(FIELDS),
    )
    return f'<div class="anatomy" data-own{told}></div>'


def styled(titles: Sequence[Bilingual], prompt: str) -> str:
    """The styles around a prompt, and what will be painted with them, if it can be; nothing where there are none."""
    if not titles:
        return ""
    names = Bilingual(en=", ".join(one.en for one in titles), zh="、".join(one.zh for one in titles))
    off = local("styles", t("book.no_styles"), "btn link")
    painted = f'<p class="t13 i2">{escape(prompt)}</p>' if prompt else ""
    return (
        f'<div class="styled"><div class="row"><b class="lab0">{t("book.in_styles")}</b>'
        f'<span class="i2 t13 ell">{html(names)}</span><span class="sp"></span>{off}</div>{painted}</div>'
    )


def magic() -> str:
    """The buttons at the prompt that fill it up, or throw a whole one."""
    return tool("wand", "wand-sparkles", "book.wand", "ib bare sm") + tool(
        "dice", "dices", "book.dice_whole", "ib bare sm"
    )


class Style(Protocol):
    """A style as it is told, of the book or of one's own."""

    @property
    def id(self) -> str:
        """Under which the form names it."""

    @property
    def title(self) -> Bilingual:
        """What it is called."""


def titles(studio: Studio, ids: Sequence[str], person: Person) -> list[Bilingual]:
    """What styles are called, of the book and of one's own, in the order they are worn; a gone one by its id."""
    if not ids:
        return []
    every: list[Style] = [*studio.own_book(person).styles]
    every += [style for group in studio.book(person).styles for style in group.styles]
    known = {style.id: style.title for style in every}
    return [known.get(id, Bilingual(en=id, zh=id)) for id in ids]


# -- scenes ---------------------------------------------------------------------------------------


class Lora(Protocol):
    """A LoRA as a scene names it."""

    @property
    def name(self) -> str:
        """What its file is called."""

    @property
    def weights(self) -> tuple[float, ...]:
        """Those that show what it does."""


class Scene(Protocol):
    """A scene as it fills the form, of the book or of one's own."""

    @property
    def id(self) -> str:
        """Under which the page names it."""

    @property
    def title(self) -> Bilingual:
        """What it is called."""

    @property
    def prompt(self) -> Bilingual:
        """What it shows."""

    @property
    def negative(self) -> Bilingual:
        """What it does not."""

    @property
    def aspect(self) -> str:
        """Its shape."""

    @property
    def style(self) -> str:
        """The style it wears; empty: none."""

    @property
    def seed(self) -> int | None:
        """The seed it begins with, where that matters."""

    @property
    def lora(self) -> Lora | None:
        """The LoRA it is made for."""


def scene(studio: Studio, id: str, person: Person) -> Scene | None:
    """A scene of a person's own, or of the book."""
    every: list[Scene] = [*studio.own_book(person).scenes]
    every += [one for group in studio.book(person).scenes for one in group.scenes]
    return next((one for one in every if one.id == id), None)


def with_scene(form: Form, spec: ModelSpec, scene: Scene, language: Language) -> Form:
    """The same form filled by a scene: its words, its shape in the model's own size, its style, its seed."""
    filled = replace(
        form,
        prompt=scene.prompt.said(language),
        negative=scene.negative.said(language) or spec.defaults.negative,
        size=size_text(sizes(spec)[scene.aspect]),
        styles=scene.style,
    )
    return filled if scene.seed is None else replace(filled, seed=scene.seed, lock=True)
