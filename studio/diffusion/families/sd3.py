"""Stable Diffusion 3: a transformer that follows a flow; two CLIP text encoders, and T5 where it is there."""

from __future__ import annotations

from typing import Any

from diffusers import StableDiffusion3Pipeline

from studio.diffusion.families import Painter, guided
from studio.messages import GenerationRequest


def encode(pipe: Any, request: GenerationRequest, device: str) -> dict[str, Any]:
    """The prompt, and its opposite where the picture is painted against one."""
    texts = pipe.encode_prompt(
        request.prompt, None, None, device, 1, guided(pipe, request), request.negative or None
    )
    names = (
        "prompt_embeds",
        "negative_prompt_embeds",
        "pooled_prompt_embeds",
        "negative_pooled_prompt_embeds",
    )
    return dict(zip(names, texts, strict=True))


PAINTER = Painter("sd3", StableDiffusion3Pipeline, encode)
