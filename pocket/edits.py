"""What the evaluation asks beside prompts: image-to-image and inpaint, by diffusers' own pipelines."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from pocket.models import NATIVE
from pocket.painter import GUIDANCE
from pocket.prompts import LANGUAGES, say
from pocket.train.common import pick_device, to_input, to_pictures
from pocket.world import SUBJECTS, Scene, draw, is_held_out, sample
from pocket.world.scene import COLOURS

BATCH = 20


@dataclass(frozen=True)
class Edit:
    """A drawn picture and the prompt that should change it into another scene."""

    source: Scene
    target: Scene
    text: str
    seed: int

    @property
    def image(self) -> Image.Image:
        """The drawing."""
        return draw(self.source, NATIVE).image

    @property
    def mask(self) -> Image.Image:
        """White over the subject and a little around it."""
        thing, side = self.source.things[0], NATIVE
        reach = thing.size * 1.1
        box = [round(v * side) for v in (thing.x - reach, thing.y - reach, thing.x + reach, thing.y + reach)]
        mask = Image.new("L", (side, side))
        mask.paste(255, (max(0, box[0]), max(0, box[1]), min(side, box[2]), min(side, box[3])))
        return mask


def edits(count: int) -> list[Edit]:
    """Held-out single subjects that turn into other ones in their place; languages by turns."""
    return [make_edit(60_000 + k, LANGUAGES[k % 2]) for k in range(count)]


def make_edit(seed: int, lang: str) -> Edit:
    """One edit: the same place and background, another subject that is held out there."""
    source, rng = sample(seed, "held_out", "single", plain=True), random.Random(seed)
    while True:
        subject = rng.choice([s for s in SUBJECTS if s != source.things[0].subject])
        thing = replace(source.things[0], subject=subject, colour=rng.choice(list(COLOURS)))
        target = replace(source, things=(thing,))
        if is_held_out(target):
            return Edit(source, target, say("colours", target, lang), seed)


def open_pipeline(kind: str, weights: Path) -> Any:
    """A standard pipeline on the weights, in float32."""
    import diffusers

    pipe = getattr(diffusers, kind).from_pretrained(
        weights, safety_checker=None, use_safetensors=True, dtype=torch.float32
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(pick_device())


def run(pipe: Any, some: list[Edit], steps: int, **each: list[Any] | float) -> NDArray[np.uint8]:
    """The pipeline's pictures; lists among the arguments hold one entry an edit."""
    out = []
    for i in range(0, len(some), BATCH):
        part = some[i : i + BATCH]
        given = {k: v[i : i + BATCH] if isinstance(v, list) else v for k, v in each.items()}
        generators = [torch.Generator().manual_seed(e.seed) for e in part]
        made = pipe(
            prompt=[e.text for e in part],
            generator=generators,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            output_type="np",
            **given,
        ).images
        out.append((made * 255).round().astype(np.uint8))
    return np.concatenate(out)


def repaint(weights: Path, some: list[Edit], steps: int, strength: float) -> NDArray[np.uint8]:
    """Image-to-image: the drawings, changed by their prompts at a strength."""
    pipe = open_pipeline("StableDiffusionImg2ImgPipeline", weights)
    enough = max(steps, math.ceil(1 / strength))
    return run(pipe, some, enough, image=[e.image for e in some], strength=strength)


def fill(weights: Path, some: list[Edit], steps: int) -> NDArray[np.uint8]:
    """Inpaint: what the prompts ask for, where the masks are."""
    pipe = open_pipeline("StableDiffusionInpaintPipeline", weights)
    images, masks = [e.image for e in some], [e.mask for e in some]
    return run(pipe, some, steps, image=images, mask_image=masks, strength=1.0)


@torch.no_grad()
def there_and_back(vae: Any, some: list[Edit]) -> NDArray[np.uint8]:
    """The drawings through the autoencoder: what an untouched part must look like."""
    x = to_input(np.stack([np.asarray(e.image) for e in some]), vae.device)
    return to_pictures(vae.decode(vae.encode(x).latent_dist.mode()).sample)


def drift(vae: Any, some: list[Edit], made: NDArray[np.uint8]) -> float:
    """How far the pictures moved outside their masks, in steps of 255."""
    before = there_and_back(vae, some).astype(float)
    outside = [np.asarray(e.mask) == 0 for e in some]
    gaps = [np.abs(a - b)[o].mean() for a, b, o in zip(before, made.astype(float), outside, strict=True)]
    return float(np.mean(gaps))
