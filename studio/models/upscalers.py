"""Learned upscalers: one file of weights, whose network `spandrel` knows by the names and shapes in it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from studio.errors import StudioError
from studio.models.files import check_file, read_tensors
from studio.models.parts import Part
from studio.weights import read_header, tensor_elements

if TYPE_CHECKING:
    from studio.weights import Hashes

NAME = "upscaler"
COLOURS = 3


class Upscaler(torch.nn.Module):
    """An upscaler's network, with what it says of itself; pictures go in and come out between 0 and 1."""

    def __init__(self, described: Any) -> None:
        super().__init__()
        self.network: torch.nn.Module = described.model
        self.scale = int(described.scale)
        # What pads a picture to the sizes that the network takes, and cuts the padding off again.
        self._call = described

    @property
    def dtype(self) -> torch.dtype:
        """The type it computes in now."""
        return next(self.network.parameters()).dtype

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """The picture, larger by its scale: batch, colours, rows, columns."""
        enlarged: torch.Tensor = self._call(picture)
        return enlarged


@dataclass(frozen=True)
class _Facts:
    """What is known of an upscaler before it is loaded."""

    scale: int
    narrow: tuple[torch.dtype, ...]


def plan_upscaler(file: Path, hashes: Hashes) -> tuple[Part, ...]:
    """Its one part; what is missing, broken or no upscaler that is known is refused."""
    check_file(file)
    facts = _facts(file)
    return (Part(NAME, hashes.of(file), tensor_elements(file), narrow=facts.narrow),)


def load_upscaler(file: Path, dtype: torch.dtype) -> Upscaler:
    """The upscaler in memory, in the type that it takes on a device which computes in another one."""
    described = _described(read_tensors(file), file.name)
    kept = Part(NAME, "", 0, narrow=_narrow(described)).dtype(dtype)
    return Upscaler(described).to(kept)


def _facts(file: Path) -> _Facts:
    state = file.stat()
    return _facts_of(file, (state.st_size, state.st_mtime_ns))


@functools.lru_cache(maxsize=64)
def _facts_of(file: Path, stamp: tuple[int, int]) -> _Facts:
    described = _outlined(file) or _described(read_tensors(file), file.name)
    return _Facts(described.scale, _narrow(described))


def _outlined(file: Path) -> Any:
    """The network without its weights, from the header; None where the network asks for their values."""
    header = read_header(file)
    shapes = {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}
    try:
        with torch.device("meta"):
            return _described({name: torch.empty(shape) for name, shape in shapes.items()}, file.name)
    except StudioError as error:
        if error.code == "upscaler_unknown":
            raise
        return None


def _described(weights: Mapping[str, torch.Tensor], name: str) -> Any:
    import spandrel

    try:
        found = spandrel.MAIN_REGISTRY.load(spandrel.canonicalize_state_dict(dict(weights)))
    except spandrel.UnsupportedModelError as error:
        raise StudioError("upscaler_unknown", file=name) from error
    except (RuntimeError, ValueError, LookupError, AssertionError, TypeError) as error:
        raise StudioError("weights_unusable", model=name, part=NAME) from error
    enlarges = getattr(found, "purpose", "") == "SR" and found.scale > 1
    if not enlarges or {found.input_channels, found.output_channels} != {COLOURS}:
        raise StudioError("upscaler_unknown", file=name)
    return found


def _narrow(described: Any) -> tuple[torch.dtype, ...]:
    half = (torch.float16,) if described.supports_half else ()
    return half + ((torch.bfloat16,) if described.supports_bfloat16 else ())
