"""Stable Diffusion 1: a U-Net that reads one CLIP text encoder."""

from __future__ import annotations

from typing import Any

from diffusers import StableDiffusionInpaintPipeline, StableDiffusionPipeline

from studio.diffusion.families import Painter, guided
from studio.messages import GenerationRequest


def encode(pipe: Any, request: GenerationRequest, device: str) -> dict[str, Any]:
    """The prompt, and its opposite where the picture is painted against one."""
    against = guided(pipe, request)
    positive, negative = pipe.encode_prompt(
        request.prompt, device, 1, against, request.negative if against else None
    )
    return {"prompt_embeds": positive, "negative_prompt_embeds": negative}


PAINTER = Painter(
    "sd1", StableDiffusionPipeline, encode, {"requires_safety_checker": False}, StableDiffusionInpaintPipeline
)
