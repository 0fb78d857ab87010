"""What a LoRA has learned so far, apart from the model that it learns on."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from studio.diffusion.adapters import KEPT, Halves, Pair, layers_in
from studio.loras.layers import BODY, DENOISER, ENCODERS, classic_names
from studio.messages import TrainingSettings
from studio.models.registry import Loaded

NAME = "lora_in_training"
ATTENTION = ".attentions."
CONVOLVING = (".resnets.", "samplers.")
WITHIN_ENCODER = ".layers."


class Adapter:
    """Two narrow matrices for every layer that is changed. The first is random, the second nothing at first."""

    def __init__(self, model: Loaded[Any], settings: TrainingSettings, device: str) -> None:
        self.parts = changed_parts(model, settings)
        layers = layers_in({name: model.parts[name] for name in self.parts})
        self._all = {part: tuple(shapes) for part, shapes in layers.parts.items()}
        dice = torch.Generator().manual_seed(settings.seed)
        self.halves: Halves = {
            part: {
                layer: _fresh(shape, settings.rank, dice, device)
                for layer, shape in shapes.items()
                if _is_changed(part, layer, settings)
            }
            for part, shapes in layers.parts.items()
        }

    def on(self, model: Loaded[Any]) -> contextlib.AbstractContextManager[None]:
        """On the parts of the model; off again at the end, whatever happens."""
        return KEPT.learning(model, NAME, self.halves)

    def named(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Every matrix by a name of its own."""
        for part, layers in self.halves.items():
            for layer, pair in layers.items():
                for half, matrix in zip(("down", "up"), pair, strict=True):
                    yield f"{part}.{layer}.{half}", matrix

    def of(self, part: str) -> list[nn.Parameter]:
        """The matrices that change a part."""
        return [matrix for pair in self.halves[part].values() for matrix in pair]

    def kohya(self, family: str) -> dict[str, Tensor]:
        """What is written into the LoRA's file: as most other tools write and read it."""
        found: dict[str, Tensor] = {}
        for part, layers in self.halves.items():
            names = _kohya_names(family, part, self._all[part])
            for layer, (down, up) in layers.items():
                found[f"{names[layer]}.lora_down.weight"] = _written(down)
                found[f"{names[layer]}.lora_up.weight"] = _written(up)
                found[f"{names[layer]}.alpha"] = torch.tensor(float(down.shape[0]), dtype=torch.float16)
        return found


def changed_parts(model: Loaded[Any], settings: TrainingSettings) -> tuple[str, ...]:
    """The parts of a model that a training changes."""
    encoders = [name for name in ENCODERS if isinstance(model.parts.get(name), nn.Module)]
    return (DENOISER, *(encoders if settings.text_encoder else ()))


def _is_changed(part: str, layer: str, settings: TrainingSettings) -> bool:
    if part != DENOISER:
        return WITHIN_ENCODER in layer
    return ATTENTION in layer or (settings.convolutions and any(mark in layer for mark in CONVOLVING))


def _fresh(shape: tuple[int, ...], rank: int, dice: torch.Generator, device: str) -> Pair:
    outlet, inlet, *kernel = shape
    down = torch.empty(rank, inlet, *kernel)
    nn.init.kaiming_uniform_(down, a=math.sqrt(5), generator=dice)
    up = torch.zeros(outlet, rank, *[1] * len(kernel))
    return nn.Parameter(down.to(device)), nn.Parameter(up.to(device))


def _written(matrix: nn.Parameter) -> Tensor:
    return matrix.detach().to("cpu", torch.float16).contiguous()


def _kohya_names(family: str, part: str, layers: tuple[str, ...]) -> Mapping[str, str]:
    if part != DENOISER:
        prefix = "lora_te" if family != "sdxl" else f"lora_te{ENCODERS.index(part) + 1}"
        return {layer: f"{prefix}_{_flat(BODY + layer.removeprefix(BODY))}" for layer in layers}
    # Tools know XL by the names of its first release alone, the others by the library's.
    names = {new: old for old, new in classic_names(layers)} if family == "sdxl" else {}
    return {layer: f"lora_unet_{_flat(names.get(layer, layer))}" for layer in layers}


def _flat(name: str) -> str:
    return name.replace(".", "_")
