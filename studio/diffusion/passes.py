"""One pass of a denoiser: from noise, or from what there is already, to latents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from studio.diffusion.control import Reference, following
from studio.diffusion.latents import noise
from studio.diffusion.negatives import counting
from studio.diffusion.samplers import Late, noised
from studio.messages import GenerationRequest, Size

OnStep = Callable[[int, int, Tensor], None]
"""Told of every step: which, of how many, and the latents after it."""


@dataclass(frozen=True)
class Kept:
    """What of a picture stays: its latents, and how much of each cell is painted anew."""

    latents: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Pass:
    """What one pass is to do."""

    size: Size
    steps: int
    strength: float = 1.0
    start: Tensor | None = None
    kept: Kept | None = None
    masked: tuple[Image.Image, Image.Image] | None = None
    """Picture and mask, for a denoiser that reads them beside the noise."""

    @property
    def begins_late(self) -> bool:
        """Whether something of a picture is there to begin with."""
        return self.start is not None and self.strength < 1


def denoise(
    pipe: Any,
    texts: dict[str, Any],
    request: GenerationRequest,
    wanted: Pass,
    device: str,
    on_step: OnStep,
    references: Sequence[Reference] = (),
    nothing: dict[str, Any] | None = None,
) -> Tensor:
    """The latents of a picture. One generator draws all noise: the first and what samplers add on their way.

    `nothing` is what the pipe would be told of no words, where only as much of the negative counts as is needed.
    """
    generator = torch.Generator("cpu").manual_seed(request.seed)
    if wanted.start is not None:
        pipe.scheduler = Late(pipe.scheduler, wanted.strength)
    shape = (1, *_cells(pipe, wanted.size))
    drawn = noise(request, shape, generator).to(device, texts["prompt_embeds"].dtype)
    call = {
        **texts,
        "width": wanted.size.width,
        "height": wanted.size.height,
        "num_inference_steps": wanted.steps,
        "guidance_scale": request.guidance,
        "generator": generator,
        "latents": _first(pipe, wanted, drawn, device),
        "output_type": "latent",
        "callback_on_step_end": _after_each_step(wanted, drawn, on_step),
    }
    if wanted.masked:
        # All of the strength is in the latents already.
        call |= {"image": wanted.masked[0], "mask_image": wanted.masked[1], "strength": 1.0}
    with following(pipe, references, wanted.size, device), counting(pipe, nothing, request.guidance):
        return pipe(**call).images


def _cells(pipe: Any, size: Size) -> tuple[int, int, int]:
    factor = pipe.vae_scale_factor
    return pipe.vae.config.latent_channels, size.height // factor, size.width // factor


def _first(pipe: Any, wanted: Pass, drawn: Tensor, device: str) -> Tensor:
    """What the pass begins with: noise alone, or as much of it over the start as its strength asks for."""
    if not wanted.begins_late or wanted.start is None:
        return drawn
    pipe.scheduler.set_timesteps(wanted.steps, device=device)
    begun = noised(pipe.scheduler, wanted.start.to(drawn), drawn, pipe.scheduler.timesteps[0])
    # Pipelines of U-Nets bring noise to their scheduler's spread; here that is done.
    return begun / float(pipe.scheduler.init_noise_sigma) if hasattr(pipe, "unet") else begun


def _after_each_step(wanted: Pass, drawn: Tensor, on_step: OnStep) -> Callable[..., dict[str, Any]]:
    def on_end(pipe: Any, number: int, _: Any, given: dict[str, Any]) -> dict[str, Any]:
        if wanted.kept:
            given = given | {"latents": _with_kept(pipe, number, given["latents"], wanted.kept, drawn)}
        # PNDM calls back once more than there are steps, so the pipe's own count is told.
        on_step(number + 1, pipe.num_timesteps, given["latents"])
        return given

    return on_end


def _with_kept(pipe: Any, number: int, latents: Tensor, kept: Kept, drawn: Tensor) -> Tensor:
    """Under the mask what was painted, beside it the picture with the noise of the step to come."""
    there, left = kept.latents.to(latents), pipe.scheduler.timesteps[number + 1 :]
    if len(left):
        there = noised(pipe.scheduler, there, drawn, left[0])
    mask = kept.mask.to(latents)
    return there * (1 - mask) + latents * mask
