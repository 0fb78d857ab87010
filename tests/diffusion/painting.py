"""Helpers: a loaded tiny model and a request for it."""

from __future__ import annotations

from pathlib import Path

from studio.messages import (
    GenerationDefaults,
    GenerationLimits,
    GenerationRequest,
    LocalSource,
    ModelSpec,
    Size,
)
from studio.models.registry import Loaded


def spec(checkpoint: Path, id: str = "tiny") -> ModelSpec:
    return ModelSpec(
        id=id,
        title={"en": id, "zh": id},
        family="sd1",
        source=LocalSource(path=str(checkpoint)),
        licence="test",
        defaults=GenerationDefaults(size=Size(width=64, height=64), steps=3, guidance=4, sampler="euler"),
        limits=GenerationLimits(smallest=64, largest=128, steps=50, guidance=20),
    )


def loaded(checkpoint: Path) -> Loaded:
    import torch

    from studio.models.loading import load_parts

    return Loaded(spec(checkpoint), load_parts(checkpoint, "cpu", torch.float32), 0, "", checkpoint)


def request(**changes: object) -> GenerationRequest:
    whole = GenerationRequest(
        id="j-1",
        job="j",
        person="p",
        model="tiny",
        prompt="a red cat",
        negative="low quality",
        width=64,
        height=64,
        steps=3,
        guidance=4.0,
        sampler="dpmpp_2m_karras",
        seed=7,
    )
    return whole.model_copy(update=changes)
