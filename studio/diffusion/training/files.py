"""What a training writes: its state, to go on from, and its LoRA in the end; each file whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from studio.diffusion.training.trainer import Trainer
from studio.errors import StudioError
from studio.messages import ModelSpec, TrainingRequest
from studio.training import Kept, Outcome, header, kept_whole

FORMAT = "1"


def keep_state(kept: Kept, request: TrainingRequest, trainer: Trainer, beside: Mapping[str, str]) -> None:
    """Writes down how far a training is, and what its work wants to know again."""
    tensors, words = trainer.state()
    about = {"format": FORMAT, "request": _digest(request)}
    _write(kept.state, tensors, {**words, **beside, **about})


def read_state(kept: Kept, request: TrainingRequest) -> tuple[dict[str, Tensor], dict[str, str]] | None:
    """How far a training was when it was written down; None if it never was."""
    if not kept.state.is_file():
        return None
    try:
        with safe_open(kept.state, "pt") as file:
            words = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 it is no mapping
    except (SafetensorError, OSError) as error:
        raise StudioError("training_state") from error
    if (words.get("format"), words.get("request")) != (FORMAT, _digest(request)):
        raise StudioError("training_state")
    return tensors, words


def write_lora(kept: Kept, request: TrainingRequest, trainer: Trainer, spec: ModelSpec, took: float) -> Path:
    """The LoRA in the folder of LoRAs, its newest sample beside it as its picture."""
    path = kept.lora(request.name)
    if kept.sample.is_file():  # first: whoever finds the LoRA finds its picture too
        with kept_whole(path.with_suffix(".preview.png")) as unfinished:
            unfinished.write_bytes(kept.sample.read_bytes())
    outcome = Outcome(trainer.step, trainer.loss, took, trainer.prediction)
    _write(path, trainer.adapter.kohya(spec.family), header(request, spec, outcome))
    return path


def _write(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    with kept_whole(path) as unfinished:
        save_file(dict(tensors), unfinished, dict(about))


def _digest(request: TrainingRequest) -> str:
    # Whether it is to end early is asked in its midst.
    return hashlib.sha256(request.model_copy(update={"early": False}).model_dump_json().encode()).hexdigest()
