"""Reads embeddings (textual inversions): a few vectors that stand for a word of a prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from studio.errors import StudioError
from studio.families import Family
from studio.messages import EmbeddingUse

SHARED_NAME = "emb_params"
NAMES_OF_TWO = ("clip_l", "clip_g")
"""What the tensors for the first and the second of two text encoders are called in a file."""


def read_embeddings(
    uses: Sequence[EmbeddingUse], encoders: Sequence[Any], family: Family
) -> tuple[dict[str, Tensor], ...]:
    """For each text encoder the vectors of every embedding by name; one made for another family is refused."""
    found = [_for_encoders(use, encoders, family) for use in uses]
    names = [use.name for use in uses]
    return tuple(
        dict(zip(names, column, strict=True))
        for column in ([vectors[place] for vectors in found] for place in range(len(encoders)))
    )


def _for_encoders(use: EmbeddingUse, encoders: Sequence[Any], family: Family) -> tuple[Tensor, ...]:
    tensors = _read(use)
    meant = [encoder.config.hidden_size for encoder in encoders]
    chosen = _chosen(use, tensors)
    vectors = tuple(_as_rows(use, tensor) for tensor in chosen)
    if [one.shape[1] for one in vectors] != meant:
        found = "+".join(str(one.shape[1]) for one in vectors)
        needed = "+".join(map(str, meant))
        raise StudioError(
            "embedding_unfit", embedding=use.name, family=family.title, found=found, meant=needed
        )
    return vectors


def _read(use: EmbeddingUse) -> dict[str, Tensor]:
    path = Path(use.path)
    if path.suffix.lower() != ".safetensors":
        raise StudioError("embedding_pickle", embedding=use.name)
    if not path.is_file():
        raise StudioError("embedding_missing", embedding=use.name)
    try:
        return load_file(path)
    except SafetensorError as error:
        raise StudioError("weights_broken", file=path.name) from error


def _chosen(use: EmbeddingUse, tensors: Mapping[str, Tensor]) -> list[Tensor]:
    """The tensors of a file in the order of the encoders; how many there are tells what it was made for."""
    if all(name in tensors for name in NAMES_OF_TWO):
        return [tensors[name] for name in NAMES_OF_TWO]
    if SHARED_NAME in tensors:
        return [tensors[SHARED_NAME]]
    if len(tensors) == 1:
        return list(tensors.values())
    raise StudioError("embedding_unknown", embedding=use.name)


def _as_rows(use: EmbeddingUse, tensor: Tensor) -> Tensor:
    rows = tensor[None] if tensor.ndim == 1 else tensor
    if rows.ndim != 2 or not len(rows) or not rows.is_floating_point():
        raise StudioError("embedding_unknown", embedding=use.name)
    return rows
