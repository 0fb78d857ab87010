"""Tiny VAEs and upscalers with random weights, and entries for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studio.messages import Bilingual, FileSource, LocalSource, Source, UpscalerSpec, VaeSpec

if TYPE_CHECKING:
    import torch


def source_of(path: Path) -> Source:
    """A single file as such, anything else as a folder."""
    return FileSource(path=str(path)) if path.suffix == ".safetensors" else LocalSource(path=str(path))


def vae_spec(
    path: Path, id: str = "soft", families: tuple[str, ...] = ("sd1",), own: bool = False
) -> VaeSpec:
    """A VAE's entry."""
    title = Bilingual(en=id, zh=id)
    return VaeSpec(id=id, title=title, source=source_of(path), licence="test", families=families, own=own)


def upscaler_spec(path: Path, id: str = "large", scale: int = 0) -> UpscalerSpec:
    """An upscaler's entry."""
    title = Bilingual(en=id, zh=id)
    return UpscalerSpec(id=id, title=title, source=source_of(path), licence="test", scale=scale)


def upscaler_weights(scale: int = 4, seed: int = 0) -> dict[str, torch.Tensor]:
    """The weights of a network of the kind that most upscalers are, of one block."""
    import torch
    from spandrel.architectures.ESRGAN.__arch.RRDB import RRDBNet

    torch.manual_seed(seed)
    return dict(RRDBNet(in_nc=3, out_nc=3, num_filters=8, num_blocks=1, scale=scale).state_dict())


def tiny_upscaler(file: Path, scale: int = 4, seed: int = 0) -> Path:
    """An upscaler as one file."""
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(upscaler_weights(scale, seed), file)
    return file
