"""How far a LoRA counts by its header: the library keeps what its trainers set there, and nowhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from studio.loras.layers import DENOISER, ENCODERS

PARTS = (DENOISER, *ENCODERS)
SETTINGS = "lora_adapter_metadata"
"""The key of a header under which the settings of all parts stand, `unet.r` for one, as JSON."""
LARGEST_SETTINGS = 2_000_000
LARGEST_RANK = 4096
LARGEST_SCALE = 64.0
"""Alpha by rank. Trainers take 1 or 2, and up to 32 for the narrowest; beyond this a LoRA paints nothing but noise,
however little weight a person gives it, so that such a number is no setting but a mistake or a trap.
"""
UNKEPT = {"use_dora": "DoRA", "use_rslora": "rsLoRA"}
"""Settings that make something else of the weights, and what that is called."""
_PLAIN = re.compile(r"\^?[\w.]+")
"""What names layers, or their ends. The library takes any regular expression, which a stranger's file must not run."""


class _Part(BaseModel):
    """All that is read of the settings of one part; what is left out is what the library would take."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")
    r: int = Field(default=8, ge=1, le=LARGEST_RANK)
    lora_alpha: FiniteFloat = 8
    rank_pattern: dict[str, int] = {}
    alpha_pattern: dict[str, FiniteFloat] = {}
    use_dora: bool = False
    use_rslora: bool = False


@dataclass(frozen=True)
class Scale:
    """How far a change to one layer counts: alpha by rank."""

    rank: int
    alpha: float

    @property
    def is_sound(self) -> bool:
        """Whether it is one that somebody may have trained with."""
        return 0 < self.alpha <= LARGEST_SCALE * self.rank


class _Pattern:
    """Numbers for some layers: as the library has it, the first counts whose name a layer's name ends in."""

    def __init__(self, told: Mapping[str, float], usual: float) -> None:
        self._usual = usual
        self._told = {name: (at, value) for at, (name, value) in enumerate(told.items())}

    def of(self, layer: str) -> float:
        """The number of a layer."""
        found = [self._told[name] for name in _ends(layer) if name in self._told]
        return min(found)[1] if found else self._usual


def _ends(layer: str) -> Iterator[str]:
    """All by which a layer may be named: as a whole, or by its last words."""
    words = layer.split(".")
    yield f"^{layer}"
    yield from (".".join(words[at:]) for at in range(len(words)))


@dataclass(frozen=True)
class Scales:
    """What a header says of the scales of a LoRA."""

    parts: Mapping[str, tuple[_Pattern, _Pattern]] = field(default_factory=dict)
    kind: str = ""
    """What it makes of the weights, where that is no plain LoRA."""
    unread: str = ""
    """The setting of which nothing can be made."""

    def of(self, part: str, layer: str) -> Scale | None:
        """Of a layer, by its name in the file; None where nothing is said of its part."""
        if part not in self.parts:
            return None
        ranks, alphas = self.parts[part]
        return Scale(int(ranks.of(layer)), alphas.of(layer))


def read_scales(header: Mapping[str, str]) -> Scales:
    """Four numbers a part and nothing else: whatever more stands there reaches nothing."""
    text = header.get(SETTINGS, "")
    if not text:
        return Scales()
    try:
        said = json.loads(text) if len(text) <= LARGEST_SETTINGS else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return Scales(unread=SETTINGS)
    try:
        parts = {part: _Part.model_validate(own) for part in PARTS if (own := _of_part(said, part))}
    except ValidationError as error:
        return Scales(unread=str(error.errors()[0]["loc"][0]))
    return _scales(parts)


def _of_part(said: Mapping[str, Any], part: str) -> dict[str, Any]:
    return {name.removeprefix(f"{part}."): one for name, one in said.items() if name.startswith(f"{part}.")}


def _scales(parts: Mapping[str, _Part]) -> Scales:
    kinds = [kind for name, kind in UNKEPT.items() if any(getattr(one, name) for one in parts.values())]
    unread = [
        name
        for one in parts.values()
        for name in ("rank_pattern", "alpha_pattern")
        if not all(map(_PLAIN.fullmatch, getattr(one, name)))
    ]
    patterns = {
        part: (_Pattern(one.rank_pattern, one.r), _Pattern(one.alpha_pattern, one.lora_alpha))
        for part, one in parts.items()
    }
    return Scales(patterns, "".join(kinds[:1]), "".join(unread[:1]))
