"""Measures of the studio: small registered functions whose rows are printed as one table.

A speed is only ever a ratio of two things timed side by side in the same run, so that a table means the
same on a laptop and on a busy server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.table import Row

Measure = Callable[[], list[Row]]


@dataclass(frozen=True)
class Entry:
    """A measure, its title, and whether it waits for a GPU."""

    title: str
    measure: Measure
    gpu: bool = False


MEASURES: dict[str, Entry] = {}


def register(title: str, gpu: bool = False) -> Callable[[Measure], Measure]:
    """Put a measure into the table of measures; the built-in ones use nothing else."""

    def put(measure: Measure) -> Measure:
        if title in MEASURES:
            raise ValueError(f"two measures are called '{title}'")
        MEASURES[title] = Entry(title, measure, gpu)
        return measure

    return put
