"""Brings the parts of a checkpoint into memory, whole or not at all; offline, no pickles, no foreign code."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from studio.errors import StudioError
from studio.models.files import file_config, is_file, load_file_part, load_file_settings, plan_file
from studio.models.folders import load_folder_part, load_folder_settings, plan_folder, read_config
from studio.models.parts import Part, is_wide

if TYPE_CHECKING:
    from studio.weights import Hashes

__all__ = ["Part", "load_settings", "load_weights", "plan", "quiet_libraries"]


def quiet_libraries() -> None:
    """Progress bars and advice of the libraries say nothing to anybody in a log."""
    import diffusers
    import transformers

    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()
        library.utils.logging.set_verbosity_error()


def plan(source: Path, family: str, hashes: Hashes) -> tuple[Part, ...]:
    """The parts with weights, read from headers, nothing loaded; what is missing or broken is refused."""
    return (plan_file if is_file(source) else plan_folder)(source, family, hashes)


def load_weights(
    source: Path, family: str, names: Collection[str], device: str, dtype: torch.dtype
) -> dict[str, Any]:
    """These parts on the device, whole or not at all; missing keys are refused."""
    # All are read before any is placed: a failure leaves the device as it was.
    loaded = load_parts(source, family, names, dtype)
    return {name: placed(part, device) for name, part in loaded.items()}


def load_parts(source: Path, family: str, names: Collection[str], dtype: torch.dtype) -> dict[str, Any]:
    """These parts in the host's memory, whole or not at all."""
    return {name: _part(source, family, name, dtype) for name in names}


def load_settings(source: Path, family: str) -> dict[str, Any]:
    """Tokenizers and scheduler: the parts without weights, new objects at each call."""
    return load_file_settings(source, family) if is_file(source) else load_folder_settings(source)


def _part(source: Path, family: str, name: str, dtype: torch.dtype) -> Any:
    single = is_file(source)
    config = file_config(source, family, name) if single else read_config(source, name)
    if dtype == torch.float16 and is_wide(family, name, config):
        dtype = torch.float32
    with told_by_name(source, name):
        return (
            load_file_part(source, family, name, dtype) if single else load_folder_part(source, name, dtype)
        )


@contextlib.contextmanager
def told_by_name(source: Path, part: str) -> Iterator[None]:
    """What the libraries say of weights that do not fit their configuration is told by the part's name."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        if "allocate" in str(error):  # so a CPU says that its memory is full
            raise MemoryError from error
        raise StudioError("weights_unusable", model=source.name, part=part) from error


def placed(part: Any, device: str) -> Any:
    """A part ready to compute on a device."""
    part.eval().requires_grad_(False)
    # Convolutions run faster with channels last; text encoders and transformers have none that matter.
    convolves = any(isinstance(module, torch.nn.Conv2d) for module in part.modules())
    return part.to(device=device, memory_format=torch.channels_last) if convolves else part.to(device)
