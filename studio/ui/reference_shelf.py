"""The ready references of presets/references.yaml, read strictly, as the Reference tab offers them. No Gradio here."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field

from studio.entries import Document, Named, Reading
from studio.i18n import TABLES
from studio.messages import Bilingual
from studio.settings import ROOT

log = logging.getLogger(__name__)
REFERENCES = ROOT / "presets" / "references.yaml"


class Ready(Named):
    """A reference to try: a picture for one kind, or the map that a net of this kind reads."""

    kind: str
    title: Bilingual
    picture: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*\.(png|webp)$")
    map: bool = False


def read_references(path: Path = REFERENCES) -> Reading[Ready]:
    """The references of a file, whose pictures lie beside it; what is wrong is left out and told."""
    document = Document(path)
    right = []
    for ready, place in document.distinct("references", Ready):
        wrong = _wrong(ready, path.with_suffix(""))
        if wrong:
            document.problem((*place, wrong), f"there is no {getattr(ready, wrong)}")
        else:
            right.append((ready, place))
    return Reading(tuple(right), tuple(document.problems))


def _wrong(ready: Ready, folder: Path) -> str:
    """The key that names what is not there; empty: all is."""
    if f"control.{ready.kind}" not in TABLES["en"]:
        return "kind"
    return "" if (folder / ready.picture).is_file() else "picture"


@lru_cache
def _shelf() -> tuple[Ready, ...]:
    reading = read_references()
    for problem in reading.problems:
        log.warning("%s", problem)
    return tuple(ready for ready, _ in reading.entries)


def shelf() -> list[dict[str, Any]]:
    """What the browser is told of them."""
    return [ready.model_dump() | {"title": [ready.title.en, ready.title.zh]} for ready in _shelf()]


def picture(name: str) -> Path | None:
    """The file of one of their pictures; nothing else of the folder is given out."""
    known = any(ready.picture == name for ready in _shelf())
    return REFERENCES.with_suffix("") / name if known else None
