"""How much the book holds, as a table whose columns stand in line in both scripts."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from studio.spellbook.book import Spellbook

GAP = 2


class Count(NamedTuple):
    """How many there are of something, and in how many groups."""

    kind: str
    id: str
    title: str
    groups: int
    entries: int


def counts(book: Spellbook) -> list[Count]:
    """One line for each chapter of spells, each group of styles and each group of scenes."""
    lines = [
        Count(chapter.part, chapter.id, chapter.title.zh, len(chapter.groups), len(chapter.spells))
        for chapter in book.chapters
    ]
    lines += [Count("styles", one.id, one.title.zh, 1, len(one.styles)) for one in book.styles]
    return lines + [Count("scenes", one.id, one.title.zh, 1, len(one.scenes)) for one in book.scenes]


def totals(book: Spellbook) -> dict[str, int]:
    """Spells, styles and scenes in all."""
    return {
        "spells": len(book.spells),
        "styles": sum(len(group.styles) for group in book.styles),
        "scenes": sum(len(group.scenes) for group in book.scenes),
    }


def table(book: Spellbook) -> str:
    """The counts for a terminal, the sums below."""
    rows = [["part", "chapter", "章节", "groups", "entries"]]
    rows += [[str(cell) for cell in line] for line in counts(book)]
    rows += [[f"all {kind}", "", "", "", str(count)] for kind, count in totals(book).items()]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: list[str], widths: list[int]) -> str:
    texts, numbers = row[:3], row[3:]
    cells = [text + " " * (wide - width(text)) for text, wide in zip(texts, widths, strict=False)]
    cells += [number.rjust(wide) for number, wide in zip(numbers, widths[3:], strict=True)]
    return (" " * GAP).join(cells)


def width(text: str) -> int:
    """Columns a text takes in a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
