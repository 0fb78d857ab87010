"""The book as the page is given it: one small JSON, read once and searched in the browser."""

from __future__ import annotations

from typing import Any

from studio.messages import Bilingual
from studio.spellbook.book import Chapter, Group, Scene, Spell, Spellbook, Style

PAGE_FORMAT = 1


def book_for_page(book: Spellbook) -> dict[str, Any]:
    """Everything the page shows and searches; a spell is a row: en, zh, name, pinyin, aliases."""
    return {
        "format": PAGE_FORMAT,
        "chapters": [_chapter(chapter) for chapter in book.chapters],
        "styles": [
            {"id": group.id, "title": _pair(group.title), "styles": [_style(one) for one in group.styles]}
            for group in book.styles
        ],
        "scenes": [
            {"id": group.id, "title": _pair(group.title), "scenes": [_scene(one) for one in group.scenes]}
            for group in book.scenes
        ],
    }


def _pair(words: Bilingual) -> list[str]:
    return [words.en, words.zh]


def _chapter(chapter: Chapter) -> dict[str, Any]:
    return {
        "id": chapter.id,
        "title": _pair(chapter.title),
        "note": _pair(chapter.note),
        "part": chapter.part,
        "element": chapter.element,
        "groups": [_group(group) for group in chapter.groups],
    }


def _group(group: Group) -> dict[str, Any]:
    one = {"one": True} if group.one else {}
    return {"id": group.id, "title": _pair(group.title), **one, "spells": [_row(s) for s in group.spells]}


def _row(spell: Spell) -> list[str]:
    # A row, because a thousand repeated keys would weigh more than the words; the page makes the
    # initials of the pinyin itself.
    return [spell.en, spell.zh, spell.name, spell.pinyin, *spell.aliases]


def _style(style: Style) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": style.id,
        "title": _pair(style.title),
        "prompt": _pair(style.prompt),
        "negative": _pair(style.negative),
    }
    note = {"note": _pair(style.note)} if style.note else {}
    return told | note | ({"families": list(style.families)} if style.families else {})


def _scene(scene: Scene) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": scene.id,
        "title": _pair(scene.title),
        "prompt": _pair(scene.prompt),
        "negative": _pair(scene.negative),
        "aspect": scene.aspect,
    }
    rest = scene.model_dump(include={"style", "wants", "lora", "seed"}, exclude_defaults=True, mode="json")
    return told | rest
