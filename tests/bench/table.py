"""Rows of measured values, and how they are printed and kept."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path

Value = float | int | str


@dataclass(frozen=True)
class Row:
    """One measured value beside its goal; without a goal it only informs."""

    name: str
    value: Value
    goal: str = ""
    ok: bool = True
    beside: float = 1.0
    """The value as a multiple of its goal, such that more is worse."""

    def within(self, factor: float) -> bool:
        """Whether the goal is reached, or missed by no more than a factor: on a busy machine, say."""
        return self.ok or self.beside <= factor


def at_most(name: str, value: float, goal: float) -> Row:
    """A value that should not exceed its goal."""
    return Row(name, value, f"<= {goal:g}", value <= goal, value / goal if goal else inf)


def at_least(name: str, value: float, goal: float) -> Row:
    """A value that should reach its goal."""
    return Row(name, value, f">= {goal:g}", value >= goal, goal / value if value else inf)


def width(text: str) -> int:
    """Columns a text takes in a terminal; Han characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shown(value: Value) -> str:
    """A value as people read it: three figures are enough."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def printed(title: str, rows: list[Row]) -> str:
    """An aligned table with its title."""
    cells = [("", "value", "goal", "")]
    cells += [
        (r.name, shown(r.value), r.goal, "" if not r.goal else "ok" if r.ok else "MISSED") for r in rows
    ]
    wide = [max(width(line[i]) for line in cells) for i in range(4)]
    lines = ["  ".join(_padded(cell, wide[i], i == 1) for i, cell in enumerate(line)) for line in cells]
    return "\n".join([title, *(f"  {line}".rstrip() for line in lines)])


def _padded(text: str, to: int, right: bool) -> str:
    space = " " * (to - width(text))
    return space + text if right else text + space


def write_json(path: Path, rows: list[Row]) -> None:
    """The rows as a list of {name, value, goal, ok}."""
    told = [{name: value for name, value in asdict(row).items() if name != "beside"} for row in rows]
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
