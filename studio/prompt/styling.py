"""Puts styles around a prompt: templates that take up what a person wrote, one after the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from studio.errors import StudioError
from studio.messages import Bilingual, Language
from studio.prompt.parse import refusal
from studio.spellbook.book import SLOT

_COMMAS = ",，"
_BRACKETS = re.compile(r"[\\()\[\]（）{}<>\"“”]|BREAK")


class Template(Protocol):
    """A style as it is applied, of the book or of one's own."""

    @property
    def title(self) -> Bilingual:
        """What it is called."""

    @property
    def prompt(self) -> Bilingual:
        """What goes around a prompt."""

    @property
    def negative(self) -> Bilingual:
        """What goes beside a negative."""

    @property
    def families(self) -> tuple[str, ...]:
        """Of the models it is meant for; empty: all."""


class Texts(NamedTuple):
    """What is asked of a picture, and what of it is not wanted."""

    prompt: str
    negative: str


def apply_styles(prompt: str, negative: str, styles: Sequence[Template], language: Language) -> Texts:
    """Both texts within the styles, the first one closest; what was written stands in them unchanged."""
    for style in styles:
        # A blend is a whole prompt: with words around it nobody could read it.
        inside = refusal(prompt) is None
        prompt = _within(style.prompt.said(language), prompt)
        negative = _beside(negative, style.negative.said(language))
        if inside and refusal(prompt):
            raise StudioError("style_with_blend", style=style.title.said(language))
    return Texts(prompt, negative)


def language_for(languages: Sequence[Language], wanted: Language) -> Language:
    """The language in which a model is given words: the wanted one where it reads that."""
    return wanted if wanted in languages or not languages else languages[0]


def only_language(languages: Sequence[Language]) -> Language | None:
    """The one language that a model reads; None where it reads both, or nobody says."""
    return languages[0] if len(set(languages)) == 1 else None


def _within(template: str, text: str) -> str:
    """A template with the text in its place; without a place the text comes first."""
    if template.count(SLOT) > 1 and text.strip():
        return template.replace(SLOT, text)
    before, slot, after = template.replace(SLOT, "", template.count(SLOT) - 1).partition(SLOT)
    if not slot:
        before, after = "", f", {template}" if template.strip() else ""
    if not text.strip():
        return _joined(before.rstrip(f"{_COMMAS} "), text + after.lstrip(f"{_COMMAS} "))
    return f"{before}{text}{_after(text, after)}"


def _after(text: str, after: str) -> str:
    """What follows a text, without a second comma where the text ends in one."""
    if not text.rstrip().endswith(tuple(_COMMAS)):
        return after
    rest = after.lstrip()
    if rest[:1] not in tuple(_COMMAS):
        return after
    return rest[1:].lstrip() if text[-1:].isspace() else f" {rest[1:].lstrip()}"


def _beside(text: str, template: str) -> str:
    """A negative with a style's added to it; a phrase that stands there already is not said twice."""
    if SLOT in template:
        return _within(template, text)
    if not _BRACKETS.search(template):
        said = {_folded(phrase) for phrase in re.split(f"[{_COMMAS}]", text)}
        phrases = [phrase.strip() for phrase in re.split(f"[{_COMMAS}]", template)]
        template = ", ".join(phrase for phrase in phrases if phrase and _folded(phrase) not in said)
    return _within("", text) if not template.strip() else _joined(text, template)


def _joined(first: str, second: str) -> str:
    if not first.strip() or not second.strip():
        return first + second
    return f"{first}{_after(first, ', ')}{second}"


def _folded(phrase: str) -> str:
    return " ".join(phrase.casefold().split())
