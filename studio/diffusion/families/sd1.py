"""Stable Diffusion 1: a U-Net that reads one CLIP text encoder."""

from __future__ import annotations

from typing import Any

from diffusers import StableDiffusionInpaintPipeline, StableDiffusionPipeline

from studio.diffusion.encoding import normed_layer, say
from studio.diffusion.families import Painter, guided
from studio.families import FAMILIES, Family
from studio.messages import GenerationRequest


def encode(
    pipe: Any, request: GenerationRequest, device: str, family: Family = FAMILIES["sd1"]
) -> dict[str, Any]:
    """The prompt, and its opposite where the picture is painted against one."""
    texts = [request.prompt, request.negative] if guided(pipe, request) else [request.prompt]
    encoders = [(pipe.tokenizer, pipe.text_encoder)]
    said = [*say(family, encoders, normed_layer, texts, request, device), None]
    return {"prompt_embeds": said[0].tokens, "negative_prompt_embeds": said[1] and said[1].tokens}


PAINTER = Painter(
    "sd1", StableDiffusionPipeline, encode, {"requires_safety_checker": False}, StableDiffusionInpaintPipeline
)
