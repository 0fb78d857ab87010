"""A part of a checkpoint, and what every checkpoint is checked for, in whatever layout it lies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch

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
    narrow: tuple[torch.dtype, ...] | None = None
    """The half-wide types it can compute in, the best first, where it has a mind of its own."""

    def dtype(self, device: torch.dtype) -> torch.dtype:
        """The type it is kept in on a device that computes in another one."""
        if self.narrow is None:
            return torch.float32 if self.wide and device == torch.float16 else device
        # float16 is what GPUs compute in. The bfloat16 of processors is too coarse for a picture's colours.
        usable = self.narrow if device == torch.float16 else ()
        return next(iter(usable), torch.float32)


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
