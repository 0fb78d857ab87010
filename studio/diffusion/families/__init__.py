"""The families that can be painted with: each brings its pipelines; the table is filled by `register`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from studio.models.registry import Loaded

Assemble = Callable[[Loaded, Any], Any]


@dataclass(frozen=True)
class Painter:
    """How a family paints: a pipeline of its own around shared parts, with a scheduler of its own."""

    family: str
    text_to_image: Assemble


PAINTERS: dict[str, Painter] = {}


def register(painter: Painter) -> None:
    """Adds a family's painter; a second one of the same family is refused."""
    if painter.family in PAINTERS:
        raise ValueError(f"family {painter.family} has a painter already")
    PAINTERS[painter.family] = painter


def painter(family: str) -> Painter:
    """The painter of a family; the built-in ones join on first use."""
    from studio.diffusion.families import sd1

    if sd1.PAINTER.family not in PAINTERS:
        register(sd1.PAINTER)
    return PAINTERS[family]
