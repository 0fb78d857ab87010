"""Reads what others made: a book as YAML, or AUTOMATIC1111's styles.csv with all its habits."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from studio.entries import Document
from studio.errors import StudioError
from studio.messages import Trouble
from studio.spellbook.book import SLOT
from studio.spellbook.personal import KINDS, LONGEST_NAME, OwnItem, OwnStyle, Said, checked

LARGEST = 2_000_000
"""Bytes; thousands of styles are a tenth of that."""
MOST_TOLD = 20
ENCODINGS = ("utf-8-sig", "gb18030")
"""What people save such files in; a byte order mark tells of UTF-16."""
MARKS_UTF16 = (b"\xff\xfe", b"\xfe\xff")
PROMPTS = ("prompt", "text")
NEGATIVES = ("negative_prompt", "negative prompt", "negative", "neg_prompt")
Items = tuple[list[OwnItem], tuple[Trouble, ...]]


def read_items(data: bytes) -> Items:
    """What a file holds, and what of it could not be read; which of the two kinds it is shows in its first line."""
    if len(data) > LARGEST:
        raise StudioError("import_too_large", most=LARGEST // 1_000_000)
    text = _decoded(data)
    rows = _rows(text)
    items, troubles = _from_csv(rows) if rows else _from_yaml(text)
    if not items and not troubles:
        raise StudioError("import_empty")
    return items, troubles[:MOST_TOLD]


def _decoded(data: bytes) -> str:
    encodings = ("utf-16",) if data[:2] in MARKS_UTF16 else ENCODINGS
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise StudioError("import_unread")


# -- styles.csv -----------------------------------------------------------------------------------


def _rows(text: str) -> list[list[str]]:
    """The rows of a CSV file with a header that names what we look for; none for anything else."""
    first = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)  # spreadsheets write what their country uses
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    except csv.Error:
        return []
    head = [_head(cell) for cell in rows[0]] if rows else []
    return rows if "name" in head and set(head) & set(PROMPTS) else []


def _head(cell: str) -> str:
    return cell.strip().casefold()


def _from_csv(rows: Sequence[Sequence[str]]) -> Items:
    head = [_head(cell) for cell in rows[0]]
    items: list[OwnItem] = []
    troubles: list[Trouble] = []
    for row in rows[1:]:
        cells = dict(zip(head, row, strict=False))
        name, prompt, negative = cells.get("name", "").strip(), _cell(cells, PROMPTS), _cell(cells, NEGATIVES)
        if not prompt.strip() and not negative.strip():
            continue  # a heading between styles, or "None"
        try:
            items.append(_style(name, prompt, negative))
        except StudioError:
            troubles.append(Trouble(code="import_left_out", params={"name": _short(name)}))
    return items, tuple(troubles)


def _cell(cells: dict[str, str], names: Sequence[str]) -> str:
    return next((cells[name] for name in names if cells.get(name)), "")


def _style(name: str, prompt: str, negative: str) -> OwnItem:
    """There a style without a place for the prompt is put behind it."""
    prompt = prompt.strip()
    if SLOT not in prompt:
        prompt = f"{SLOT}, {prompt}" if prompt else SLOT
    said = {"prompt": Said.of(prompt).model_dump(), "negative": Said.of(negative.strip()).model_dump()}
    return checked(OwnStyle, {"name": _short(name), **said})


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


# -- YAML -----------------------------------------------------------------------------------------


def _from_yaml(text: str) -> Items:
    _check_plain(text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "import.yaml")
        path.write_text(text, encoding="utf-8")
        document = Document(path)
    items = [item for name in KINDS for item in _listed(document, name)]
    if not items and not set(document.data) & set(KINDS):
        raise StudioError("import_unread")
    told = [
        Trouble(code="import_problem", params={"line": one.line, "key": one.key, "what": one.what})
        for one in document.problems
    ]
    return items, tuple(told)


def _listed(document: Document, name: str) -> Iterator[OwnItem]:
    if name in document.data:
        for item, _ in document.entries(name, KINDS[name]).entries:
            yield item.model_copy(update={"id": ""})


def _check_plain(text: str) -> None:
    """Refuses what a book never holds and a hostile file may: references that multiply, bottomless nesting."""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent) or depth > 10:
                raise StudioError("import_unread")
    except (yaml.YAMLError, RecursionError):
        raise StudioError("import_unread") from None
