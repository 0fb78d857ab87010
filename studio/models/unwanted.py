"""What ends the writing of a network in the middle, once nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


class Unwanted:
    """Ends a text within one piece of it once nobody waits for it."""

    def __init__(self, unwanted: Callable[[], bool]) -> None:
        self._unwanted = unwanted

    def __call__(self, pieces: torch.Tensor, scores: Any, **more: Any) -> torch.Tensor:
        return torch.full((pieces.shape[0],), self._unwanted(), dtype=torch.bool, device=pieces.device)
