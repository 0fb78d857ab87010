"""Runs the measures: `python -m tests.bench [--json PATH] [--only WORD] [--within FACTOR] [--gpu]`."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import traceback
from collections.abc import Sequence
from math import inf
from pathlib import Path

from tests.bench import MEASURES, Entry, measures
from tests.bench.table import Row, printed, write_json


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, keep; the exit status tells whether every goal was reached."""
    flags = _flags().parse_args(argv)
    rows: list[Row] = []
    for entry in chosen(flags.only, flags.gpu):
        found = measured(entry)
        print(printed(entry.title, found), end="\n\n", flush=True)
        rows += found
    if flags.json:
        write_json(flags.json, rows)
    return 0 if rows and all(row.within(flags.within) for row in rows) else 1


def chosen(word: str = "", gpu: bool = False) -> list[Entry]:
    """The registered measures whose title holds a word; those of a GPU apart from the others."""
    for module in pkgutil.iter_modules(measures.__path__):
        importlib.import_module(f"{measures.__name__}.{module.name}")
    return [entry for title, entry in sorted(MEASURES.items()) if word in title and entry.gpu == gpu]


def measured(entry: Entry) -> list[Row]:
    """The rows of a measure; one that breaks is a missed row, and the others still run."""
    try:
        return entry.measure()
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return [Row(entry.title, type(error).__name__, "runs", ok=False, beside=inf)]


def _flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures of the studio.")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the rows to a file")
    parser.add_argument("--only", default="", metavar="WORD", help="only measures with this in their title")
    parser.add_argument(
        "--within", type=float, default=1.0, metavar="FACTOR",
        help="fail only where a goal is missed by more than this factor (1.1 on a busy machine)",
    )  # fmt: skip
    parser.add_argument("--gpu", action="store_true", help="the measures that need a GPU instead")
    return parser


if __name__ == "__main__":
    sys.exit(main())
