"""Pickles that the catalog names by their sha256, made safetensors once; nothing in them can run."""

from __future__ import annotations

import hashlib
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors.torch import save_file

from studio.catalog import PICKLE, Sourced, source_path
from studio.errors import StudioError
from studio.files import whole
from studio.messages import HubSource, ModelScopeSource

WRAPPINGS = (
    "params_ema",
    "params-ema",
    "params",
    "state_dict",
    "model_state_dict",
    "model",
    "depth_model",
    "net",
)
"""Under which names training programs keep the weights themselves."""
SETTINGS = (".json", ".spm", ".txt")
"""How the files end that lie beside the weights of a folder and belong to them."""


def weights_of(spec: Sourced, data: Path) -> Path:
    """Where an entry's weights lie in a form that is safe to read."""
    path, source = source_path(spec, data), spec.source
    if isinstance(source, HubSource | ModelScopeSource) and path.is_file() and path.suffix != ".safetensors":
        return converted(path, source.sha256, data)
    if isinstance(source, HubSource | ModelScopeSource) and source.sha256 and _is_pickled(path):
        return converted_folder(path, source.sha256, data)
    return path


def _is_pickled(folder: Path) -> bool:
    return (folder / PICKLE).is_file() and not any(folder.glob("*.safetensors"))


def converted_folder(folder: Path, sha256: str, data: Path) -> Path:
    """A folder whose weights are such a pickle, with its settings, written once."""
    target = data / "converted" / sha256
    if not (target / "model.safetensors").is_file():
        weights = _checked(folder / PICKLE, sha256)
        target.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            if file.is_file() and file.suffix in SETTINGS:
                shutil.copyfile(file, target / file.name)
        # Last, because a folder with weights is taken for whole.
        _write(_once(weights), target / "model.safetensors", sha256)
    return target


def converted(path: Path, sha256: str, data: Path) -> Path:
    """A pickle of a known hash as safetensors in the data folder, written once, whole or not at all."""
    target = data / "converted" / f"{sha256}.safetensors"
    if not target.is_file():
        _write(_own_memory(_checked(path, sha256)), target, sha256)
    return target


def _checked(path: Path, sha256: str) -> dict[str, torch.Tensor]:
    with path.open("rb") as stream:
        # The file that was checked is the one that is read, even if its name gets another meanwhile.
        if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
            raise StudioError("hash_wrong", file=path.name)
        stream.seek(0)
        return _weights(stream, path.name)


def _weights(stream: BinaryIO, name: str) -> dict[str, torch.Tensor]:
    try:
        content = torch.load(stream, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError, AttributeError) as error:
        raise StudioError("pickle_refused", file=name) from error
    tensors = {str(key): value for key, value in _unwrapped(content).items() if torch.is_tensor(value)}
    if not tensors:
        raise StudioError("pickle_refused", file=name)
    return {key: value.detach() for key, value in tensors.items()}


def _own_memory(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Two names can share one memory, or a tensor be a view into a larger one: each gets its own."""
    return {key: value.contiguous().clone() for key, value in weights.items()}


def _once(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What is the same tensor under several names stands under the first: the network ties the others to it."""
    first: dict[tuple[Any, ...], str] = {}
    for key, value in weights.items():
        first.setdefault((value.data_ptr(), value.dtype, value.shape, value.stride()), key)
    return _own_memory({key: weights[key] for key in first.values()})


def _unwrapped(content: Any) -> Mapping[Any, Any]:
    while isinstance(content, Mapping):
        inner = next((content[key] for key in WRAPPINGS if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            return content
        content = inner
    return {}


def _write(weights: dict[str, torch.Tensor], target: Path, sha256: str) -> None:
    with whole(target) as unfinished:
        save_file(weights, str(unfinished), metadata={"format": "pt", "converted_from": sha256})
