"""The kinds of regions of presets/regions.yaml, read strictly, as the easel names their colours. No Gradio here."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from studio.entries import Document, Named, Reading
from studio.messages import Bilingual
from studio.settings import ROOT

log = logging.getLogger(__name__)
REGIONS = ROOT / "presets" / "regions.yaml"
_Level = Annotated[int, Field(ge=0, le=255)]


class Region(Named):
    """What fills a region of a map, and the colour that says so."""

    colour: tuple[_Level, _Level, _Level]
    title: Bilingual


def read_regions(path: Path = REGIONS) -> Reading[Region]:
    """The kinds of regions of a file, each colour once; what is wrong is left out and told."""
    document = Document(path)
    once: dict[tuple[int, int, int], Region] = {}
    right = []
    for region, place in document.distinct("regions", Region):
        if once.setdefault(region.colour, region) is region:
            right.append((region, place))
        else:
            document.problem((*place, "colour"), f"is the colour of {once[region.colour].id} already")
    return Reading(tuple(right), tuple(document.problems))


@lru_cache
def shelf() -> list[dict[str, Any]]:
    """What the browser is told of them."""
    reading = read_regions()
    for problem in reading.problems:
        log.warning("%s", problem)
    return [
        {"id": region.id, "colour": region.colour, "title": [region.title.en, region.title.zh]}
        for region, _ in reading.entries
    ]
