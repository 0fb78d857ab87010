"""Reads what weights are without loading them: sizes and hashes from safetensors headers, no torch."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from studio.errors import StudioError

LARGEST_HEADER = 100_000_000
"""The format's own bound; a larger claim is a broken or hostile file."""

UNUSED_PARTS = {"safety_checker", "feature_extractor", "image_encoder"}
"""Parts of a checkpoint that the studio's pipelines do without."""
WITHOUT_WEIGHTS = ("scheduler", "tokenizer")
"""How the names of parts begin that are only configured."""


def read_header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file: tensor names to type, shape and place; `__metadata__` beside them."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        if not 0 < length <= min(LARGEST_HEADER, size - 8):
            raise StudioError("weights_broken", file=path.name)
        with _told_as_broken(path):
            header: dict[str, Any] = json.loads(file.read(length))
            _check_tensors(header)
    return header


def _check_tensors(header: dict[str, Any]) -> None:
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            if not 0 <= start <= end or any(side < 0 for side in entry["shape"]):
                raise ValueError(f"{name} lies nowhere")


@contextlib.contextmanager
def _told_as_broken(path: Path) -> Iterator[None]:
    """Whatever of a file is not as its format says is told by the file's name."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise StudioError("weights_broken", file=path.name) from error


def tensor_bytes(path: Path) -> int:
    """The bytes of all tensors of one file; a file shorter than its header says is refused."""
    header = read_header(path)
    ends = [entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"]
    total = sum(end - start for start, end in ends)
    with path.open("rb") as file:
        header_length = 8 + struct.unpack("<Q", file.read(8))[0]
    if path.stat().st_size < header_length + max((end for _, end in ends), default=0):
        raise StudioError("weights_truncated", file=path.name)
    return int(total)


def tensor_elements(path: Path) -> int:
    """How many numbers a file holds, whatever their type."""
    header = read_header(path)
    return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")


def component_folders(checkpoint: Path) -> tuple[Path, ...]:
    """The parts of a checkpoint in diffusers layout that hold weights."""
    index = checkpoint / "model_index.json"
    if not index.is_file():
        raise StudioError("checkpoint_missing", folder=checkpoint.name)
    with _told_as_broken(index):
        parts = json.loads(index.read_text(encoding="utf-8"))
        listed = {name for name, value in parts.items() if isinstance(value, list) and value[0] is not None}
    return tuple(checkpoint / name for name in sorted(listed - UNUSED_PARTS) if has_weights(name))


def has_weights(part: str) -> bool:
    """Whether a part is more than its configuration."""
    return not part.startswith(WITHOUT_WEIGHTS)


def weight_files(component: Path) -> tuple[Path, ...]:
    """The files of one component that are loaded: the shards its index names, or the one file."""
    for index in _plain_first(component.glob("*.safetensors.index.json"))[:1]:
        with _told_as_broken(index):
            names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            return tuple(component / name for name in sorted(names))
    return tuple(_plain_first(component.glob("*.safetensors"))[:1]) or (component / "*.safetensors",)


def _plain_first(paths: Iterable[Path]) -> list[Path]:
    # `model.fp16.safetensors` may lie beside `model.safetensors`: the plain name is what is loaded.
    return sorted(paths, key=lambda path: (path.name.count("."), path.name))


def checkpoint_files(checkpoint: Path) -> tuple[Path, ...]:
    """All weight files of a checkpoint, each of which must be there."""
    files = tuple(file for part in component_folders(checkpoint) for file in weight_files(part))
    for file in files:
        if not file.is_file():
            raise StudioError("weights_missing", file=str(file.relative_to(checkpoint)))
    return files


def checkpoint_bytes(checkpoint: Path) -> int:
    """What a checkpoint weighs as stored."""
    return sum(tensor_bytes(file) for file in checkpoint_files(checkpoint))


def checkpoint_hash(checkpoint: Path) -> str:
    """A short name of a checkpoint's content, from all its weights; ten digits, as other tools show."""
    digest = hashlib.sha256()
    for file in checkpoint_files(checkpoint):
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:10]
