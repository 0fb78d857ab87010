"""Paints one request on a leased model: encode, denoise with a callback, decode."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from studio.diffusion.families import painter
from studio.diffusion.latents import decode
from studio.diffusion.preview import LatentColours, latent_colours
from studio.diffusion.samplers import scheduler
from studio.errors import StudioError
from studio.families import FAMILIES
from studio.messages import GenerationRequest, Media
from studio.models.registry import Loaded

PREVIEW_SECONDS = 0.1
"""Previews come no faster than a page can show them."""


class Stopped(Exception):
    """Raised at a step when nobody wants the picture any more."""

    def __init__(self, step: int) -> None:
        super().__init__(f"stopped at step {step}")
        self.step = step


@dataclass(frozen=True)
class Watcher:
    """Who follows the painting: told of every step, asked whether the picture is still wanted."""

    on_step: Callable[[int, int, bytes | None], None]
    unwanted: Callable[[], bool]


@torch.inference_mode()
def paint(model: Loaded, request: GenerationRequest, device: str, watcher: Watcher) -> Media:
    """One picture as raw pixels. The same request gives the same bytes."""
    # 1. A pipe and a scheduler of our own: two jobs must not count steps in one scheduler.
    _check_reads_noise_alone(model)
    family = painter(model.spec.family)
    pipe = family.text_to_image(model.parts, scheduler(request.sampler, model.parts["scheduler"]))
    # 2. Noise from the CPU's generator, so that a seed means the same picture on every device.
    generator = torch.Generator("cpu").manual_seed(request.seed)
    with model.attached(pipe):
        colours = latent_colours(pipe.vae, model.folder, device)
        # 3. The prompt, and its opposite where guidance asks for it.
        texts = family.encode(pipe, request, device)
        # 4. Denoise; the callback shows each step and lets go where nobody waits.
        latents = pipe(
            **texts,
            width=request.width,
            height=request.height,
            num_inference_steps=request.steps,
            guidance_scale=request.guidance,
            generator=generator,
            output_type="latent",
            callback_on_step_end=_callback(colours, watcher),
        ).images
        # 5. Decode.
        return _media(decode(pipe.vae, latents)[0])


def _check_reads_noise_alone(model: Loaded) -> None:
    """A denoiser that reads a masked picture beside the noise would fail in its first layer."""
    denoiser = model.parts[FAMILIES[model.spec.family].denoiser]
    if denoiser.config.in_channels != model.parts["vae"].config.latent_channels:
        raise StudioError("needs_picture", model=model.spec.id)


def tokens_over_window(model: Loaded, text: str, window: int) -> int:
    """How many tokens of a text the model's window has no room for."""
    if model.parts.get("tokenizer_3"):  # T5 reads on where the others stop
        return 0
    ids = model.parts["tokenizer"](text, add_special_tokens=False, truncation=False, verbose=False).input_ids
    return max(0, len(ids) - window)


def _callback(colours: LatentColours, watcher: Watcher) -> Callable[..., dict[str, Any]]:
    last = 0.0

    def on_step(pipe: Any, number: int, _: Any, given: dict[str, Any]) -> dict[str, Any]:
        nonlocal last
        if watcher.unwanted():
            raise Stopped(number + 1)
        due = time.monotonic() - last >= PREVIEW_SECONDS
        preview = colours.jpeg(given["latents"][0]) if due else None
        last = time.monotonic() if due else last
        # PNDM calls back once more than there are steps, so the pipe's own count is told.
        watcher.on_step(number + 1, pipe.num_timesteps, preview)
        return given

    return on_step


def _media(picture: torch.Tensor) -> Media:
    pixels = (picture / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0)
    height, width = pixels.shape[:2]
    return Media.of("rgb", width, height, pixels.cpu().contiguous().numpy().tobytes())
