"""Finds spells by English, Chinese, pinyin and the initials of pinyin."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Literal

from studio.messages import Message
from studio.spellbook.book import Spell, Spellbook, SpellLine

How = Literal["exact", "prefix", "initials", "contains"]
_loading = threading.Lock()
HOW: tuple[How, ...] = ("exact", "prefix", "initials", "contains")
"""Ways to match, the best first."""


class Found(Message):
    """A spell that was searched for, where it stands, and how it matched."""

    spell: Spell
    chapter: str
    group: str
    how: How


def fold(text: str) -> str:
    """A text as it is compared: without case, spaces, punctuation and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if letter.isalnum())


def with_keys(line: SpellLine) -> Spell:
    """A line of a chapter with the keys it is found by."""
    sound = pinyin(line.name)
    texts = (line.en, line.zh, line.name, *line.aliases, sound)
    keys = tuple(key for key in dict.fromkeys(fold(text) for text in texts) if key)
    initials = "".join(syllable[0] for syllable in sound.split())
    return Spell(**line.model_dump(), pinyin=sound, initials=initials, keys=keys)


def pinyin(text: str) -> str:
    """How a text sounds, without tones, a space between syllables; what is not Chinese stays as it is."""
    with _loading:
        read = _readings()
    return " ".join(syllable for part in read(text) for syllable in part.lower().split())


@cache
def _readings() -> Callable[[str], list[str]]:
    """What reads Chinese as pinyin without tones."""
    # Loading the table of readings takes tens of megabytes: only who reads a book pays for it.
    from pypinyin import lazy_pinyin, load_phrases_dict, load_single_dict

    # Of things that are drawn, 长 is long; where it is an elder, the table knows the whole word.
    load_single_dict({ord("长"): "cháng,zhǎng"})
    load_phrases_dict({"仇英": [["qiú"], ["yīng"]], "马尾": [["mǎ"], ["wěi"]], "没骨": [["mò"], ["gǔ"]]})
    lazy_pinyin("读")  # its own tables are built with the first word, and not by two threads at a time
    return lazy_pinyin


def search(book: Spellbook, text: str) -> tuple[Found, ...]:
    """The spells that match, best first, across all chapters; nothing is found by nothing."""
    wanted = fold(text)
    if not wanted:
        return ()
    ranked = [
        (*rank, place, Found(spell=spell, chapter=chapter.id, group=group.id, how=HOW[rank[0]]))
        for chapter in book.chapters
        for group in chapter.groups
        for place, spell in enumerate(group.spells)
        if (rank := _rank(spell, wanted)) is not None
    ]
    return tuple(found for *_, found in sorted(ranked, key=lambda one: one[:2]))


def _rank(spell: Spell, wanted: str) -> tuple[int, int] | None:
    """How well it matches, and how much longer it is than what was wanted; smaller is better."""
    inside = [key for key in spell.keys if wanted in key]
    if wanted in inside:
        return HOW.index("exact"), 0
    begins = [len(key) for key in inside if key.startswith(wanted)]
    if begins:
        return HOW.index("prefix"), min(begins)
    if len(wanted) > 1 and spell.initials.startswith(wanted):
        return HOW.index("initials"), len(spell.initials)
    return (HOW.index("contains"), min(map(len, inside))) if inside else None
