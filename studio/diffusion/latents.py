"""Between pictures and latents: every family's encoder and decoder, with its own scale and shift; and noise."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from studio.messages import GenerationRequest

ALMOST_PARALLEL = 0.9995
"""Above this cosine two directions are mixed in a straight line: the arc between them vanishes."""


def decode(vae: Any, latents: Tensor) -> Tensor:
    """Pictures of -1 to 1 in float32, channels first, as a decoder makes them of a denoiser's latents."""
    weight = next(vae.parameters())
    return vae.decode(_unscaled(vae.config, latents).to(weight.dtype), return_dict=False)[0].float()


def encode(vae: Any, pictures: Tensor) -> Tensor:
    """A denoiser's latents in float32 of pictures of -1 to 1; the likeliest ones, so that twice is the same."""
    weight = next(vae.parameters())
    found = vae.encode(pictures.to(weight.dtype)).latent_dist.mode()
    return _scaled(vae.config, found.float())


def _unscaled(config: Any, latents: Tensor) -> Tensor:
    # Denoisers work on latents of about the same spread; decoders on what their encoder made.
    mean, spread = _by_channel(config, latents)
    return latents * spread / config.scaling_factor + mean


def _scaled(config: Any, latents: Tensor) -> Tensor:
    mean, spread = _by_channel(config, latents)
    return (latents - mean) * config.scaling_factor / spread


def _by_channel(config: Any, latents: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the spread of what the encoder makes, where its configuration tells them."""
    mean, spread = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    if mean is None or spread is None:
        mean, spread = [getattr(config, "shift_factor", None) or 0.0], [1.0]
    return torch.tensor(mean).view(1, -1, 1, 1).to(latents), torch.tensor(spread).view(1, -1, 1, 1).to(
        latents
    )


@contextlib.contextmanager
def in_full_precision(vae: Any) -> Iterator[None]:
    """A decoder in float32 for a while; back from there every weight is what it was."""
    dtype = next(vae.parameters()).dtype
    _cast(vae, torch.float32)
    try:
        yield
    finally:
        _cast(vae, dtype)


def _cast(vae: Any, dtype: torch.dtype) -> None:
    # Weights made in inference mode could never be changed outside it, by a LoRA for one.
    with torch.inference_mode(False):
        vae.to(dtype)


@contextlib.contextmanager
def in_tiles(vae: Any) -> Iterator[None]:
    """A decoder that works tile by tile for a while: slower, in a fraction of the memory."""
    vae.enable_tiling()
    try:
        yield
    finally:
        vae.disable_tiling()


# -- pictures -------------------------------------------------------------------------------------


def tensor_of(picture: Image.Image, device: str) -> Tensor:
    """An RGB picture as a batch of one, -1 to 1."""
    pixels = torch.from_numpy(np.array(picture, np.uint8)).to(device)
    return (pixels.permute(2, 0, 1).float() / 127.5 - 1)[None]


def picture_of(decoded: Tensor) -> Image.Image:
    """One decoded picture, channels first, -1 to 1, as RGB."""
    pixels = (decoded / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0)
    return Image.fromarray(pixels.cpu().contiguous().numpy(), "RGB")


def mask_of(mask: Image.Image, latents: Tensor) -> Tensor:
    """How much of every latent cell is painted anew, 0 to 1: the mean of its pixels."""
    height, width = latents.shape[-2:]
    cells = np.array(mask.convert("L").resize((width, height), Image.Resampling.BOX), np.float32) / 255
    return torch.from_numpy(cells)[None, None].to(latents)


def filled(there: Tensor, mask: Tensor, fill: str, seed: int) -> Tensor:
    """What lies under a mask as painting starts: the picture, noise, or nothing."""
    if fill not in ("noise", "nothing"):
        return there
    # Another noise than the one the pass adds: the same twice would only be stronger.
    drawn = torch.randn(there.shape, generator=torch.Generator("cpu").manual_seed(seed + 1))
    under = drawn.to(there) if fill == "noise" else torch.zeros_like(there)
    return there * (1 - mask) + under * mask


# -- noise ----------------------------------------------------------------------------------------


def noise(request: GenerationRequest, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """What a picture is painted out of; drawn in float32 on the CPU, so that a seed means the same anywhere."""
    own = torch.randn(shape, generator=generator)
    if request.variation is None or request.variation.weight == 0:
        return own
    other = torch.randn(shape, generator=torch.Generator("cpu").manual_seed(request.variation.seed))
    return along_the_arc(own, other, request.variation.weight)


def along_the_arc(one: Tensor, other: Tensor, weight: float) -> Tensor:
    """Between two noises on the sphere they lie on: a straight mix would be weaker than any noise."""
    # Written by hand: the library keeps its own inside a pipeline of its examples.
    cosine = (one.flatten() @ other.flatten() / (one.norm() * other.norm())).clamp(-1, 1)
    if cosine > ALMOST_PARALLEL:
        return torch.lerp(one, other, weight)
    angle = torch.acos(cosine)
    return (torch.sin((1 - weight) * angle) * one + torch.sin(weight * angle) * other) / torch.sin(angle)
