"""`python -m studio.spellbook`: what the book holds; exit status 1 where something is wrong with it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from studio.spellbook.book import Spellbook
from studio.spellbook.counts import counts, table, totals
from studio.spellbook.reading import PRESETS, read_spellbook


def main(arguments: list[str] | None = None) -> int:
    """Prints counts and problems."""
    parser = argparse.ArgumentParser(prog="python -m studio.spellbook", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=PRESETS)
    parser.add_argument("--json", type=Path, metavar="PATH", help="writes the counts there too")
    chosen = parser.parse_args(arguments)
    book = read_spellbook(chosen.folder)
    if chosen.json:
        chosen.json.write_text(json.dumps(_as_data(book), ensure_ascii=False, indent=2), encoding="utf-8")
    sys.stdout.write(table(book) + "\n")
    sys.stdout.writelines(f"{problem}\n" for problem in book.problems)
    return 1 if book.problems else 0


def _as_data(book: Spellbook) -> dict[str, object]:
    lines = [line._asdict() for line in counts(book)]
    return {**totals(book), "chapters": lines, "problems": [str(problem) for problem in book.problems]}


if __name__ == "__main__":
    sys.exit(main())
