"""Brings the parts of a checkpoint in diffusers layout into memory, whole or not at all."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import torch

from studio.errors import StudioError
from studio.weights import UNUSED_PARTS, checkpoint_bytes, has_weights


def quiet_libraries() -> None:
    """Progress bars of the libraries say nothing to anybody in a log."""
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()


def load_parts(checkpoint: Path, device: str, dtype: torch.dtype) -> dict[str, Any]:
    """Every part of a checkpoint by its name, on the device. Offline; no pickles, no foreign code."""
    checkpoint_bytes(checkpoint)  # tells a missing or truncated file by name before anything is read
    index = json.loads((checkpoint / "model_index.json").read_text(encoding="utf-8"))
    parts: dict[str, Any] = {}
    for name, value in index.items():
        if isinstance(value, list) and value[0] is not None and name not in UNUSED_PARTS:
            parts[name] = _load_part(checkpoint, name, value, device, dtype)
    return parts


def _load_part(checkpoint: Path, name: str, value: list[str], device: str, dtype: torch.dtype) -> Any:
    library, class_name = value
    if library not in {"diffusers", "transformers"}:
        raise StudioError("part_foreign", part=name, library=library, model=checkpoint.name)
    kind = getattr(importlib.import_module(library), class_name, None)
    if kind is None:
        raise StudioError("part_foreign", part=name, library=f"{library}.{class_name}", model=checkpoint.name)
    if not has_weights(name):
        return kind.from_pretrained(str(checkpoint), subfolder=name, local_files_only=True)
    return _load_weights(kind, checkpoint, name, device, dtype)


def _load_weights(kind: Any, checkpoint: Path, name: str, device: str, dtype: torch.dtype) -> Any:
    arguments = {"transformers": {"dtype": dtype}, "diffusers": {"torch_dtype": dtype}}
    library = kind.__module__.split(".")[0]
    part, told = kind.from_pretrained(
        str(checkpoint),
        subfolder=name,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        **arguments[library],
    )
    # Without this a checkpoint that lacks a key paints noise and nobody is told.
    missing = sorted(told["missing_keys"])
    if missing:
        raise StudioError(
            "weights_incomplete", model=checkpoint.name, part=name, key=missing[0], count=len(missing)
        )
    part.eval().requires_grad_(False)
    return (
        part.to(device=device, memory_format=torch.channels_last)
        if name != "text_encoder"
        else part.to(device)
    )
