"""Looks every repository of models.yaml up: `python -m tests.check_catalog [--json PATH] [CATALOG]`.

Exit status: 0, all of it is there; 1, something is not; 2, there is no network, and nothing was checked.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from studio.catalog import Sourced, read_catalog
from studio.downloads.remote import Listing, look_up
from studio.errors import StudioError, say_trouble
from studio.messages import HubSource, ModelScopeSource
from studio.settings import Settings, read_settings
from tests.bench.table import Row, printed, write_json

GOAL = "there"
OFFLINE = {"offline", "offline_alone"}


def main(argv: Sequence[str] | None = None) -> int:
    """Check, print, keep."""
    flags = _flags().parse_args(argv)
    settings = read_settings(models=flags.catalog)
    rows, status = checked(settings)
    print(printed(f"{settings.models.name}, as the hubs have it", rows))
    if status == 2:
        print("There is no network, so nothing was checked.")
    if flags.json:
        write_json(flags.json, rows)
    return status


def checked(settings: Settings) -> tuple[list[Row], int]:
    """A row for each problem of the file and each entry that lies on a hub, and the exit status."""
    catalog = read_catalog(settings.models)
    rows = [Row(problem.key, str(problem), "right", ok=False) for problem in catalog.problems]
    for spec in catalog.sourced:
        if isinstance(spec.source, HubSource | ModelScopeSource):
            try:
                rows.append(_row(spec, settings))
            except StudioError as error:
                if error.code in OFFLINE:
                    return [Row("network", "none", GOAL, ok=False)], 2
                rows.append(Row(spec.id, say_trouble("en", error.trouble), GOAL, ok=False))
    return rows, int(not all(row.ok for row in rows))


def _row(spec: Sourced, settings: Settings) -> Row:
    source = spec.source
    assert isinstance(source, HubSource | ModelScopeSource)
    listing = look_up(spec, settings)
    size = sum(file.size for file in listing.files) / 2**30
    where = f"{source.repo}@{source.revision}, {len(listing.files)} files, {size:.2f} GB"
    lacks = list(_lacks(source, listing))
    return Row(spec.id, "; ".join([where, *lacks]), GOAL, ok=not lacks)


def _lacks(source: HubSource | ModelScopeSource, listing: Listing) -> Iterator[str]:
    if source.variant and not any(f".{source.variant}" in file.name for file in listing.files):
        yield f"no file is of the variant {source.variant}"
    if source.sha256 and not any(file.sha256 == source.sha256 for file in listing.files):
        yield "no file has the sha256 of the entry"
    for file in listing.files:
        if not file.size:
            yield f"{file.name} is empty"


def _flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make check-catalog", description=__doc__)
    parser.add_argument("catalog", nargs="?", type=Path, help="another file than the studio's own")
    parser.add_argument("--json", type=Path, help="write the rows as a list of name, value, goal and ok")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
