"""What a LoRA that is still learning paints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PIL import Image

from studio.diffusion.run import Watcher, paint
from studio.diffusion.training.adapter import NAME
from studio.messages import GenerationRequest, LoraUse, TrainingRequest
from studio.models.registry import Loaded


def sample(
    model: Loaded[Any], request: TrainingRequest, prompt: str, step: int, unwanted: Callable[[], bool]
) -> Image.Image:
    """A picture of the LoRA that is on the model, out of the same noise every time."""
    usual = model.spec.defaults
    # Where encoders learn, what they say now must not be taken for what they say without the LoRA.
    learning = (LoraUse(id=NAME, sha256=f"{request.id} {step}"),) if request.settings.text_encoder else ()
    asked = GenerationRequest(
        id=request.id,
        job=request.job,
        person=request.person,
        model=model.spec.id,
        prompt=prompt,
        negative=usual.negative,
        width=request.sample_size.width,
        height=request.sample_size.height,
        steps=usual.steps,
        guidance=usual.guidance,
        sampler=usual.sampler,
        seed=request.settings.seed,
        loras=learning,
    )
    return paint(model, asked, model.device, Watcher(lambda *_: None, unwanted))
