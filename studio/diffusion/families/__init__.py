"""The families that can be painted with: each brings its pipeline; the table is filled by `register`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.messages import GenerationRequest

Encode = Callable[[Any, GenerationRequest, str], dict[str, Any]]

BUILT_IN = ("sd1", "sd2", "sdxl", "sd3")
"""The families of this package, one file each; they join the table when first asked for."""


@dataclass(frozen=True)
class Painter:
    """How a family paints: its pipeline, and what the pipeline wants to know of a prompt."""

    family: str
    pipeline: Any
    encode: Encode
    settings: Mapping[str, Any] = field(default_factory=dict)
    inpainting: Any = None
    """The pipeline for denoisers that read a masked picture beside the noise, where the family has such."""

    @property
    def parts(self) -> set[str]:
        """The names of all parts that the pipeline has a place for."""
        return _places(self.pipeline)

    def pipe(self, parts: Mapping[str, Any], scheduler: Any, reads_mask: bool = False) -> Any:
        """A pipeline of one's own around the shared weights; under a millisecond, nothing is copied or cast."""
        kind = self.inpainting if reads_mask else self.pipeline
        # The library's own from_pipe casts the shared modules; a part that is absent is None there.
        given = {name: parts.get(name) for name in _places(kind)}
        pipe = kind(**given | {"scheduler": scheduler} | dict(self.settings))
        pipe.set_progress_bar_config(disable=True)
        return pipe


def _places(pipeline: Any) -> set[str]:
    return set(pipeline._get_signature_keys(pipeline)[0])


PAINTERS: dict[str, Painter] = {}


def register(painter: Painter) -> None:
    """Adds a family's painter; a second one of the same family is refused."""
    if painter.family in PAINTERS:
        raise ValueError(f"family {painter.family} has a painter already")
    PAINTERS[painter.family] = painter


def painter(family: str) -> Painter:
    """The painter of a family."""
    if family in BUILT_IN and family not in PAINTERS:
        register(importlib.import_module(f"{__name__}.{family}").PAINTER)
    return PAINTERS[family]


def guided(pipe: Any, request: GenerationRequest) -> bool:
    """Whether a picture is painted against its opposite; distilled models take guidance as a number, or none."""
    unet = getattr(pipe, "unet", None)
    return request.guidance > 1 and (unet is None or unet.config.time_cond_proj_dim is None)
