"""Live previews: a linear map from latents to colours, fitted to the checkpoint's own decoder."""

from __future__ import annotations

import io
import json
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from studio.diffusion.latents import decode

SIDE = 256
"""The longest side of a preview in pixels; the page enlarges it."""
PATCHES, PATCH = 24, 8


@dataclass(frozen=True)
class LatentColours:
    """A matrix and an offset from one latent cell to one colour of 0 to 1."""

    matrix: torch.Tensor
    offset: torch.Tensor

    def jpeg(self, latent: torch.Tensor) -> bytes:
        """A small picture of one latent, channels first."""
        colours = torch.einsum("chw,ck->hwk", latent.detach().float().cpu(), self.matrix) + self.offset
        pixels = (colours.clamp(0, 1) * 255).to(torch.uint8).numpy()
        buffer = io.BytesIO()
        _enlarged(Image.fromarray(pixels)).save(buffer, format="JPEG", quality=70)
        return buffer.getvalue()


_fitted: weakref.WeakKeyDictionary[Any, LatentColours] = weakref.WeakKeyDictionary()


def latent_colours(vae: Any, checkpoint: Path | None, device: str = "cpu") -> LatentColours:
    """The map of a decoder: the one that came with the checkpoint, else fitted once and remembered."""
    if vae not in _fitted:
        path = checkpoint / "preview.json" if checkpoint else None
        _fitted[vae] = _given(path) if path and path.is_file() else fit(vae, device)
    return _fitted[vae]


def _given(path: Path) -> LatentColours:
    found = json.loads(path.read_text(encoding="utf-8"))
    return LatentColours(torch.tensor(found["matrix"]), torch.tensor(found["bias"]))


@torch.inference_mode()
def fit(vae: Any, device: str = "cpu") -> LatentColours:
    """Least squares between smooth random latents and the mean colours they decode to."""
    latents = _smooth_latents(vae.config.latent_channels)
    # The device is told, not asked of the weights: they may lie in the host's memory until their turn.
    decoded = decode(vae, latents.to(device)).cpu()
    colours = torch.nn.functional.adaptive_avg_pool2d(decoded / 2 + 0.5, PATCH)
    cells = latents.permute(0, 2, 3, 1).reshape(-1, latents.shape[1])
    known = torch.cat([cells, torch.ones(len(cells), 1)], dim=1)
    solution = torch.linalg.lstsq(known, colours.permute(0, 2, 3, 1).reshape(-1, 3)).solution
    return LatentColours(solution[:-1], solution[-1])


def _smooth_latents(channels: int) -> torch.Tensor:
    # Latents of real pictures vary slowly; white noise would decode to texture that says nothing of colour.
    coarse = torch.randn(PATCHES, channels, 2, 2, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse, size=PATCH, mode="bilinear", align_corners=True)


def _enlarged(small: Image.Image) -> Image.Image:
    factor = max(1, SIDE // max(small.size))
    return small.resize((small.width * factor, small.height * factor), Image.Resampling.BICUBIC)
