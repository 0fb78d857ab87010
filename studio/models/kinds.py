"""How each kind of entry is brought into memory: a table from what the catalog calls it to what reads it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from studio.messages import (
    CaptionerSpec,
    ControlSpec,
    DetectorSpec,
    EncoderSpec,
    Entry,
    ModelSpec,
    TranslatorSpec,
    UpscalerSpec,
    VaeSpec,
)
from studio.models import captioners, controls, detectors, encoders, loading, translators, upscalers, vaes
from studio.models.parts import Part

if TYPE_CHECKING:
    from studio.weights import Hashes


@dataclass(frozen=True)
class Kind:
    """What brings the parts of one kind of entry."""

    plan: Callable[[Any, Path, Hashes], tuple[Part, ...]]
    load: Callable[[Any, Path, Collection[str], torch.dtype], dict[str, Any]]
    """These parts in the host's memory, whole or not at all."""
    settings: Callable[[Any, Path], dict[str, Any]]


KINDS: dict[type, Kind] = {}


def register(entry: type, kind: Kind) -> None:
    """Adds a kind of entry; a second one of the same type is refused."""
    if entry in KINDS:
        raise ValueError(f"{entry.__name__} is brought by something already")
    KINDS[entry] = kind


def plan(spec: Entry, source: Path, hashes: Hashes) -> tuple[Part, ...]:
    """The parts with weights, from headers; what is missing or broken is refused."""
    return KINDS[type(spec)].plan(spec, source, hashes)


def load_weights(
    spec: Entry, source: Path, names: Collection[str], device: str, dtype: torch.dtype
) -> dict[str, Any]:
    """These parts on the device, whole or not at all; missing keys are refused."""
    loaded = KINDS[type(spec)].load(spec, source, names, dtype)
    return {name: loading.placed(part, device) for name, part in loaded.items()}


def load_settings(spec: Entry, source: Path) -> dict[str, Any]:
    """The parts without weights, new objects at each call."""
    return KINDS[type(spec)].settings(spec, source)


def _model(spec: ModelSpec, source: Path, names: Collection[str], dtype: torch.dtype) -> dict[str, Any]:
    return loading.load_parts(source, spec.family, names, dtype)


def _vae(spec: VaeSpec, source: Path, names: Collection[str], dtype: torch.dtype) -> dict[str, Any]:
    with loading.told_by_name(source, vaes.NAME):
        return {name: vaes.load_vae(spec, source, dtype) for name in names}


def _upscaler(spec: UpscalerSpec, source: Path, names: Collection[str], dtype: torch.dtype) -> dict[str, Any]:
    with loading.told_by_name(source, upscalers.NAME):
        return {name: upscalers.load_upscaler(source, dtype) for name in names}


def _translator(
    spec: TranslatorSpec, source: Path, names: Collection[str], dtype: torch.dtype
) -> dict[str, Any]:
    with loading.told_by_name(source, translators.NAME):
        return {name: translators.load_translator(source, dtype) for name in names}


def _tokenizer(spec: TranslatorSpec, source: Path) -> dict[str, Any]:
    with loading.told_by_name(source, "tokenizer"):
        return {"tokenizer": translators.load_tokenizer(source)}


def _captioner(
    spec: CaptionerSpec, source: Path, names: Collection[str], dtype: torch.dtype
) -> dict[str, Any]:
    with loading.told_by_name(source, captioners.NAME):
        return {name: captioners.load_captioner(source, dtype) for name in names}


def _seeing(spec: CaptionerSpec, source: Path) -> dict[str, Any]:
    with loading.told_by_name(source, "processor"):
        return {"processor": captioners.load_processor(source)}


def _control(spec: ControlSpec, source: Path, names: Collection[str], dtype: torch.dtype) -> dict[str, Any]:
    with loading.told_by_name(source, controls.NAME):
        return {name: controls.load_control(spec, source, dtype) for name in names}


def _encoder(spec: EncoderSpec, source: Path, names: Collection[str], dtype: torch.dtype) -> dict[str, Any]:
    with loading.told_by_name(source, encoders.NAME):
        return {name: encoders.load_encoder(source, dtype) for name in names}


def _detector(spec: DetectorSpec, source: Path, names: Collection[str], dtype: torch.dtype) -> dict[str, Any]:
    with loading.told_by_name(source, detectors.NAME):
        return {name: detectors.load_detector(spec, source) for name in names}


def _processor(spec: DetectorSpec, source: Path) -> dict[str, Any]:
    with loading.told_by_name(source, detectors.NAME):
        return detectors.load_processor(spec, source)


def _none(spec: Entry, source: Path) -> dict[str, Any]:
    return {}


register(
    ModelSpec,
    Kind(
        lambda spec, source, hashes: loading.plan(source, spec.family, hashes),
        _model,
        lambda spec, source: loading.load_settings(source, spec.family),
    ),
)
register(VaeSpec, Kind(vaes.plan_vae, _vae, _none))
register(
    UpscalerSpec,
    Kind(lambda spec, source, hashes: upscalers.plan_upscaler(source, hashes), _upscaler, _none),
)
register(
    TranslatorSpec,
    Kind(lambda spec, source, hashes: translators.plan_translator(source, hashes), _translator, _tokenizer),
)
register(
    CaptionerSpec,
    Kind(lambda spec, source, hashes: captioners.plan_captioner(source, hashes), _captioner, _seeing),
)
register(ControlSpec, Kind(controls.plan_control, _control, _none))
register(
    EncoderSpec, Kind(lambda spec, source, hashes: encoders.plan_encoder(source, hashes), _encoder, _none)
)
register(DetectorSpec, Kind(detectors.plan_detector, _detector, _processor))
