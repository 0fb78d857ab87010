"""Stable Diffusion 2: as the first, with a larger text encoder; many of its models predict velocity.

What a model predicts is told by its scheduler's configuration, which every sampler is made from.
"""

from __future__ import annotations

from functools import partial

from diffusers import StableDiffusionInpaintPipeline, StableDiffusionPipeline

from studio.diffusion.families import Painter
from studio.diffusion.families.sd1 import encode
from studio.families import FAMILIES

PAINTER = Painter(
    "sd2",
    StableDiffusionPipeline,
    partial(encode, family=FAMILIES["sd2"]),
    {"requires_safety_checker": False},
    StableDiffusionInpaintPipeline,
)
