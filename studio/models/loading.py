"""Brings the parts of a checkpoint into memory, whole or not at all; offline, no pickles, no foreign code."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from studio.models.files import load_file_part, load_file_settings, plan_file
from studio.models.folders import load_folder_part, load_folder_settings, plan_folder
from studio.models.parts import Part
from studio.weights import checkpoint_bytes, component_folders

if TYPE_CHECKING:
    from studio.weights import Hashes

SUFFIXES = {".safetensors", ".ckpt", ".pt", ".pth", ".bin"}

__all__ = ["Part", "load_parts", "load_settings", "load_weights", "plan", "quiet_libraries"]


def quiet_libraries() -> None:
    """Progress bars and advice of the libraries say nothing to anybody in a log."""
    import diffusers
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()
        library.utils.logging.set_verbosity_error()


def plan(source: Path, family: str, hashes: Hashes) -> tuple[Part, ...]:
    """The parts with weights, read from headers, nothing loaded; what is missing or broken is refused."""
    return (plan_file if _is_file(source) else plan_folder)(source, family, hashes)


def load_weights(
    source: Path, family: str, names: Collection[str], device: str, dtype: torch.dtype
) -> dict[str, Any]:
    """These parts on the device, whole or not at all; missing keys are refused."""
    # All are read before any is placed: a failure leaves the device as it was.
    loaded = {name: _part(source, family, name, dtype) for name in names}
    return {name: _placed(part, device) for name, part in loaded.items()}


def load_settings(source: Path, family: str) -> dict[str, Any]:
    """Tokenizers and scheduler: the parts without weights, new objects at each call."""
    return load_file_settings(source, family) if _is_file(source) else load_folder_settings(source)


def load_parts(checkpoint: Path, device: str, dtype: torch.dtype) -> dict[str, Any]:
    """Every part of a checkpoint by its name, on the device."""
    checkpoint_bytes(checkpoint)  # tells a missing or truncated file by name before anything is read
    names = [folder.name for folder in component_folders(checkpoint)]
    return load_weights(checkpoint, "", names, device, dtype) | load_settings(checkpoint, "")


def _is_file(source: Path) -> bool:
    # What is not there is told as what it was meant to be.
    return source.is_file() or (not source.is_dir() and source.suffix in SUFFIXES)


def _part(source: Path, family: str, name: str, dtype: torch.dtype) -> Any:
    if _is_file(source):
        return load_file_part(source, family, name, dtype)
    return load_folder_part(source, name, dtype)


def _placed(part: Any, device: str) -> Any:
    part.eval().requires_grad_(False)
    # Convolutions run faster with channels last; text encoders and transformers have none that matter.
    convolves = any(isinstance(module, torch.nn.Conv2d) for module in part.modules())
    return part.to(device=device, memory_format=torch.channels_last) if convolves else part.to(device)
