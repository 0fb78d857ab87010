"""Helpers: a tiny model that learns from four pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.diffusion.training.lessons import Lessons
from studio.diffusion.training.trainer import Trainer
from studio.inputs import Inputs
from studio.messages import TrainingRequest
from studio.models.registry import Loaded
from tests.diffusion.painting import loaded
from tests.training.bringing import training

FAMILIES = ("sd1", "sd2", "sdxl")


class School:
    """A model, and a data folder with pictures to learn from."""

    def __init__(self, checkpoint: Path, family: str, data: Path) -> None:
        self.model: Loaded[Any] = loaded(checkpoint, family)
        self.data = data

    def asked(self, **changes: object) -> TrainingRequest:
        return training(self.data, self.model.spec, **changes)

    def trainer(self, request: TrainingRequest | None = None) -> Trainer:
        """Ready for its first step."""
        asked = request or self.asked()
        lessons = Lessons(asked, self.model, Inputs(self.data))
        for _ in lessons.prepare(self.model, "cpu"):
            pass
        return Trainer(asked, self.model, lessons)

    def weights(self) -> dict[str, bytes]:
        """Every number of every part, and whether anything asks for gradients or wears an adapter."""
        found = {}
        for name, part in self.model.parts.items():
            for key, tensor in getattr(part, "state_dict", dict)().items():
                found[f"{name}.{key}"] = tensor.numpy().tobytes()
            for key, one in getattr(part, "named_parameters", tuple)():
                found[f"{name}.{key} learns"] = bytes([one.requires_grad])
        return found

    def learn(self, trainer: Trainer, steps: int) -> list[float]:
        """The loss told after each step."""
        with trainer.on(self.model):
            return [trainer.learn(self.model) for _ in range(steps)]


def numbers(trainer: Trainer) -> dict[str, bytes]:
    """All that a LoRA has learned."""
    return {name: matrix.detach().numpy().tobytes() for name, matrix in trainer.adapter.named()}
