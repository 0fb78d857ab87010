"""The book as the page is given it: one small JSON, read once and searched in the browser."""

from __future__ import annotations

from typing import Any

from studio.messages import Bilingual, Message
from studio.spellbook.book import Chapter, Group, Scene, Spell, Spellbook, Style
from studio.spellbook.finding import pinyin
from studio.spellbook.personal import OwnItem, OwnScene, PersonalBook

PAGE_FORMAT = 1


def book_for_page(book: Spellbook) -> dict[str, Any]:
    """Everything the page shows and searches; a spell is a row: en, zh, name, pinyin, aliases."""
    return {
        "format": PAGE_FORMAT,
        "chapters": [_chapter(chapter) for chapter in book.chapters],
        "styles": [
            {
                "id": group.id,
                "title": _pair(group.title),
                "styles": [_style(one, book) for one in group.styles],
            }
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


def _card(one: Style | Scene | OwnItem) -> dict[str, Any]:
    """What everything with a title and a prompt has."""
    return {"id": one.id} | {name: _pair(getattr(one, name)) for name in ("title", "prompt", "negative")}


def _style(style: Style, book: Spellbook) -> dict[str, Any]:
    note = {"note": _pair(style.note)} if style.note else {}
    shown = {"thumbnail": True} if style.id in book.thumbnails else {}
    return _card(style) | note | shown | _rest(style, "families")


def _scene(scene: Scene | OwnScene) -> dict[str, Any]:
    return _card(scene) | {"aspect": scene.aspect} | _rest(scene, "style", "wants", "lora", "seed")


def _rest(one: Message, *names: str) -> dict[str, Any]:
    """What is only told where it is set."""
    return one.model_dump(include=set(names), exclude_defaults=True, mode="json")


# -- a person's own book --------------------------------------------------------------------------


def own_for_page(book: PersonalBook) -> dict[str, Any]:
    """The same of a person's own things, with their favourites and what was used last."""
    return {
        "spells": [_card(spell) | {"pinyin": pinyin(spell.name)} for spell in book.spells],
        "styles": [_card(style) | _rest(style, "families") for style in book.styles],
        "scenes": [_scene(scene) for scene in book.scenes],
        "favourites": list(book.favourites),
        "recent": list(book.recent),
    }
