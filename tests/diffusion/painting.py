"""Helpers: a loaded tiny model and a request for it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from studio.diffusion.run import Watcher, paint
from studio.families import FAMILIES
from studio.messages import (
    GenerationDefaults,
    GenerationLimits,
    GenerationRequest,
    LocalSource,
    Media,
    ModelSpec,
    Size,
)
from studio.models.loading import load_settings, load_weights, plan
from studio.models.modes import WHOLE
from studio.models.registry import Loaded
from studio.weights import Hashes
from tests import samples


def spec(checkpoint: Path, id: str = "tiny", family: str = "sd1") -> ModelSpec:
    return ModelSpec(
        id=id,
        title={"en": id, "zh": id},
        family=family,
        source=LocalSource(path=str(checkpoint)),
        licence="test",
        defaults=GenerationDefaults(
            size=Size(width=64, height=64), steps=3, guidance=4, sampler=FAMILIES[family].samplers[0].id
        ),
        limits=GenerationLimits(smallest=64, largest=128, steps=50, guidance=20),
    )


def loaded(checkpoint: Path, family: str = "sd1") -> Loaded:
    """A model as a lease hands it out, without a registry."""
    with tempfile.TemporaryDirectory() as data:  # the checkpoint may be the repository's own
        names = [part.name for part in plan(checkpoint, family, Hashes(Path(data)))]
    parts = load_weights(checkpoint, family, names, "cpu", torch.float32)
    parts |= load_settings(checkpoint, family)
    return Loaded(spec(checkpoint, family=family), parts, {}, WHOLE, "", checkpoint, "cpu")


def request(**changes: object) -> GenerationRequest:
    """A request that a tiny model paints in no time."""
    plain = {"id": "j-1", "job": "j", "prompt": "a red cat", "width": 64, "height": 64, "guidance": 4.0}
    return samples.request(**(plain | changes))


SILENT = Watcher(lambda *_: None, lambda: False)


def quietly(model: Loaded, asked: GenerationRequest, device: str = "cpu", **given: Any) -> Media:
    """The picture, with nobody watching."""
    return pixels(paint(model, asked, device, SILENT, **given))


def pixels(picture: Image.Image) -> Media:
    """A picture as work hands it over."""
    return Media.of("rgb", picture.width, picture.height, picture.tobytes())
