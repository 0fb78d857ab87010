"""Stable Diffusion XL: a U-Net that reads two text encoders, and what they say of the prompt as a whole."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import StableDiffusionXLInpaintPipeline, StableDiffusionXLPipeline

from studio.diffusion.encoding import Said, plain, say, unnormed_layer
from studio.diffusion.families import Painter, guided
from studio.families import FAMILIES
from studio.messages import GenerationRequest


def encode(pipe: Any, request: GenerationRequest, device: str) -> dict[str, Any]:
    """The prompt, and its opposite where the picture is painted against one."""
    against = guided(pipe, request)
    zeros = not plain(request.negative).strip() and pipe.config.force_zeros_for_empty_prompt
    texts = [request.prompt, request.negative] if against and not zeros else [request.prompt]
    encoders = [(pipe.tokenizer, pipe.text_encoder), (pipe.tokenizer_2, pipe.text_encoder_2)]
    said = say(FAMILIES["sdxl"], encoders, unnormed_layer, texts, request, device)
    if against and zeros:
        said.append(_nothing(said[0]))
    return _named("", said[0]) | _named("negative_", said[1] if against else None)


def _nothing(beside: Said) -> Said:
    # An empty opposite is none: these models were trained with zeros there, not with an empty sentence.
    return Said(torch.zeros_like(beside.tokens), torch.zeros_like(beside.whole))


def _named(prefix: str, said: Said | None) -> dict[str, Any]:
    return {
        f"{prefix}prompt_embeds": said and said.tokens,
        f"{prefix}pooled_prompt_embeds": said and said.whole,
    }


PAINTER = Painter(
    "sdxl", StableDiffusionXLPipeline, encode, {"add_watermarker": False}, StableDiffusionXLInpaintPipeline
)
