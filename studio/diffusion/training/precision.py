"""In which numbers a LoRA learns: its own are whole, the model's as the device multiplies them fast."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import torch

BFLOAT16_SINCE = (8, 0)
"""The first GPUs that compute with bfloat16."""


@dataclass(frozen=True)
class Precision:
    """What goes into the denoiser, and what it is cast to on its way."""

    given: torch.dtype
    cast: torch.dtype | None
    kind: str

    @property
    def scaled(self) -> bool:
        """Whether gradients would vanish unless they are made larger for the way back."""
        return self.cast == torch.float16

    def casting(self) -> contextlib.AbstractContextManager[object]:
        """While the model computes."""
        return torch.autocast(self.kind, self.cast) if self.cast else contextlib.nullcontext()


def precision(device: str, dtype: torch.dtype) -> Precision:
    """Of a device whose models have numbers of a type.

    The float16 that GPUs paint in has no room for gradients, bfloat16 does; what processors paint in they learn in.
    """
    kind = torch.device(device).type
    if kind == "cpu" or dtype == torch.float32:
        return Precision(dtype, None, kind)
    fast = kind == "cuda" and torch.cuda.get_device_capability(device) >= BFLOAT16_SINCE
    return Precision(torch.float32, torch.bfloat16 if fast else torch.float16, kind)
