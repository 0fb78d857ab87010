"""Checkpoints as a folder in diffusers layout: what is in one, and its parts brought into memory."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError
from studio.families import FAMILIES
from studio.models.parts import Part, check_denoiser, check_missing, check_parts, is_wide
from studio.weights import UNUSED_PARTS, has_weights, tensor_bytes, tensor_elements, variant_of, weight_files

if TYPE_CHECKING:
    import torch

    from studio.weights import Hashes

LIBRARIES = {"diffusers", "transformers"}
VOCABULARIES = ("vocab.json", "spiece.model")
PICKLES = ("*.bin", "*.ckpt", "*.pt", "*.pth")


def plan_folder(folder: Path, family: str, hashes: Hashes) -> tuple[Part, ...]:
    """The parts with weights, from headers; whatever could not be loaded is refused here by its name."""
    _check_settings(folder)
    names = [name for name in part_classes(folder) if has_weights(name)]
    denoiser = FAMILIES[family].denoiser
    check_denoiser(folder.name, family, read_config(folder, denoiser) if denoiser in names else {})
    check_parts(folder.name, family, names)
    files = {name: part_files(folder, name) for name in sorted(names)}
    return tuple(_planned(folder, family, name, files[name], hashes) for name in files)


def _planned(folder: Path, family: str, name: str, files: tuple[Path, ...], hashes: Hashes) -> Part:
    wide = is_wide(family, name, read_config(folder, name))
    return Part(name, part_key(folder / name, files, hashes), elements_of(files), wide)


def load_folder_part(folder: Path, name: str, dtype: torch.dtype) -> Any:
    """One part of a folder in memory, every weight of it from the files."""
    return load_whole(part_classes(folder)[name], folder / name, dtype, folder.name, name)


def load_whole(
    kind: Any, folder: Path, dtype: torch.dtype, model: str, part: str, unused: tuple[str, ...] = ()
) -> Any:
    """A library's network from a folder, every weight of it but those whose names begin as unused ones do."""
    named = {"transformers": "dtype", "diffusers": "torch_dtype"}[kind.__module__.split(".")[0]]
    network, told = kind.from_pretrained(
        str(folder),
        variant=variant_of(folder) or None,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        **{named: dtype},
    )
    # Without this a network that lacks a key makes noise and nobody is told.
    check_missing(model, part, [key for key in told["missing_keys"] if not key.startswith(unused)])
    return network


def load_folder_settings(folder: Path) -> dict[str, Any]:
    """The parts that are only configured: tokenizers and the scheduler."""
    return {
        name: kind.from_pretrained(str(folder), subfolder=name, local_files_only=True)
        for name, kind in part_classes(folder).items()
        if not has_weights(name)
    }


def part_classes(folder: Path) -> dict[str, Any]:
    """The library's class of every part; code that came with the checkpoint is refused."""
    return {name: _class(folder, name, *value) for name, value in _listed(folder)}


def _class(folder: Path, name: str, library: str, class_name: str) -> Any:
    # The classes that choose a class by the configuration would take one from the checkpoint's own code.
    if library not in LIBRARIES or (library == "transformers" and class_name.startswith("Auto")):
        raise StudioError("part_foreign", part=name, library=library, model=folder.name)
    kind = getattr(importlib.import_module(library), class_name, None)
    if kind is None:
        raise StudioError("part_foreign", part=name, library=f"{library}.{class_name}", model=folder.name)
    return kind


def _listed(folder: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    if not (folder / "model_index.json").is_file():
        raise StudioError("checkpoint_missing", folder=folder.name)
    for name, value in _json(folder / "model_index.json").items():
        if isinstance(value, list) and len(value) == 2 and value[0] is not None and name not in UNUSED_PARTS:
            yield name, (str(value[0]), str(value[1]))


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise StudioError("part_missing", model=path.parent.parent.name, part=path.parent.name)
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise StudioError("settings_broken", file=f"{path.parent.name}/{path.name}") from error


def _check_settings(folder: Path) -> None:
    """The library makes an empty tokenizer of a folder that is not there, and paints what nobody wrote."""
    for name, _ in _listed(folder):
        files = ("scheduler_config.json",) if name == "scheduler" else ("tokenizer.json", *VOCABULARIES)
        if not has_weights(name) and not any((folder / name / file).is_file() for file in files):
            raise StudioError("part_missing", model=folder.name, part=name)


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """The configuration of one part."""
    return _json(folder / name / "config.json")


def part_files(folder: Path, name: str) -> tuple[Path, ...]:
    """The weight files of one part, each there and whole."""
    files = weight_files(folder / name)
    for file in files:
        if not file.is_file():
            found = sorted(path.name for kind in PICKLES for path in (folder / name).glob(kind))
            if found:
                raise StudioError("weights_pickled", file=f"{name}/{found[0]}")
            raise StudioError("weights_missing", file=f"{name}/{file.name}")
        tensor_bytes(file)  # tells a truncated file before anything is read
    return files


def elements_of(files: tuple[Path, ...]) -> int:
    """How many numbers they hold together."""
    return sum(tensor_elements(file) for file in files)


def part_key(component: Path, files: tuple[Path, ...], hashes: Hashes) -> str:
    """The same weights under another configuration are another part: a decoder is scaled by it."""
    # What begins with an underscore tells where a part came from; the class is what it is.
    config = {
        key: value
        for key, value in _json(component / "config.json").items()
        if key == "_class_name" or not key.startswith(("_", "transformers_version", "torch_dtype", "dtype"))
    }
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for file in files:
        digest.update(hashes.of(file).encode())
    return digest.hexdigest()
