"""From latents to colours: every family's decoder, with its own scale and shift."""

from __future__ import annotations

from typing import Any

import torch


def decode(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Pictures of -1 to 1 in float32, channels first, as a decoder makes them of a denoiser's latents."""
    weight = next(vae.parameters())
    return vae.decode(_unscaled(vae.config, latents).to(weight.dtype), return_dict=False)[0].float()


def _unscaled(config: Any, latents: torch.Tensor) -> torch.Tensor:
    # Denoisers work on latents of about the same spread; decoders on what their encoder made.
    mean, spread = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    if mean is not None and spread is not None:
        by_channel = (1, -1, 1, 1)
        scaled = latents * torch.tensor(spread).view(by_channel).to(latents) / config.scaling_factor
        return scaled + torch.tensor(mean).view(by_channel).to(latents)
    return latents / config.scaling_factor + (getattr(config, "shift_factor", None) or 0.0)
