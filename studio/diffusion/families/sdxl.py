"""Stable Diffusion XL: a U-Net that reads two text encoders, and what they say of the prompt as a whole."""

from __future__ import annotations

from typing import Any

from diffusers import StableDiffusionXLInpaintPipeline, StableDiffusionXLPipeline

from studio.diffusion.families import Painter, guided
from studio.messages import GenerationRequest


def encode(pipe: Any, request: GenerationRequest, device: str) -> dict[str, Any]:
    """The prompt, and its opposite where the picture is painted against one."""
    # An empty opposite is none: these models were trained with zeros there, not with an empty sentence.
    texts = pipe.encode_prompt(
        request.prompt, None, device, 1, guided(pipe, request), request.negative or None
    )
    names = (
        "prompt_embeds",
        "negative_prompt_embeds",
        "pooled_prompt_embeds",
        "negative_pooled_prompt_embeds",
    )
    return dict(zip(names, texts, strict=True))


PAINTER = Painter(
    "sdxl", StableDiffusionXLPipeline, encode, {"add_watermarker": False}, StableDiffusionXLInpaintPipeline
)
