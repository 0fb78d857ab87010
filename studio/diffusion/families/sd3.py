"""Stable Diffusion 3: a transformer that follows a flow; two CLIP text encoders, and T5 where it is there."""

from __future__ import annotations

from typing import Any

from diffusers import StableDiffusion3Pipeline

from studio.diffusion.encoding import plain
from studio.diffusion.families import Painter, guided
from studio.messages import GenerationRequest


def encode(pipe: Any, request: GenerationRequest, device: str) -> dict[str, Any]:
    """The prompt, and its opposite where the picture is painted against one."""
    # As the library does it: weights and windows say nothing to the third encoder, and what is left out is told.
    prompt, negative = plain(request.prompt), plain(request.negative) or None
    texts = pipe.encode_prompt(prompt, None, None, device, 1, guided(pipe, request), negative)
    names = (
        "prompt_embeds",
        "negative_prompt_embeds",
        "pooled_prompt_embeds",
        "negative_pooled_prompt_embeds",
    )
    return dict(zip(names, texts, strict=True))


PAINTER = Painter("sd3", StableDiffusion3Pipeline, encode)
