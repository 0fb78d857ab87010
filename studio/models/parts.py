"""A part of a checkpoint, and what every checkpoint is checked for, in whatever layout it lies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from studio.errors import StudioError
from studio.families import FAMILIES


@dataclass(frozen=True)
class Part:
    """A part with weights, as its headers tell it; nothing of it is loaded."""

    name: str
    key: str
    """The same content has the same key, whatever checkpoint it lies in."""
    elements: int
    """How many numbers it holds: its bytes on a device are these times the size of one."""
    wide: bool = False
    """It stays in float32 where the others take float16: its bytes are twice theirs there."""


def is_wide(family: str, part: str, config: Mapping[str, object]) -> bool:
    """Whether a decoder overflows in float16, as its family's do unless its configuration says otherwise.

    The library widens such a decoder for each picture and narrows it again; shared weights stay as they are.
    """
    return part == "vae" and FAMILIES[family].wide_vae and bool(config.get("force_upcast", True))


def check_parts(model: str, family: str, names: Collection[str]) -> None:
    """A checkpoint without a part its family needs is refused."""
    for part in FAMILIES[family].parts:
        if part not in names:
            raise StudioError("part_missing", model=model, part=part)


def check_denoiser(model: str, family: str, config: Mapping[str, object]) -> None:
    """A denoiser of another family is refused: it would fail in the middle, or paint noise."""
    facts = FAMILIES[family]
    if any((config.get(key) or None) != (value or None) for key, value in facts.told_by.items()):
        raise StudioError("family_wrong", model=model, family=facts.title)


def check_missing(model: str, part: str, keys: Collection[str]) -> None:
    """Weights that no file holds would stay random."""
    if keys:
        first = min(keys)
        raise StudioError("weights_incomplete", model=model, part=part, key=first, count=len(keys))
