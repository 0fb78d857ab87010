"""How much a step of learning may keep in memory, and what is done where that is too little."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from studio.models.devices import available_memory

SHARE = 0.6
"""Of what is free a step may fill so much: what is kept is measured, what comes and goes is not."""


@dataclass
class Room:
    """How many pictures are learned from at once, and whether the denoiser computes twice to keep less."""

    together: int
    twice: bool = False

    def shrink(self) -> bool:
        """The next way that needs less; whether there was one."""
        if self.together > 1:
            self.together //= 2
        elif not self.twice:
            self.twice = True
        else:
            return False
        return True


def room_for(batch: int, kept: int, free: int) -> Room:
    """Pictures one after the other before anything is computed twice: that takes a third longer."""
    together = int(free * SHARE) // max(1, kept)
    return Room(min(batch, together)) if together else Room(1, twice=True)


def kept_bytes(denoiser: Any, run: Callable[[], Tensor]) -> int:
    """What a pass keeps for the way back beside the weights."""
    weights = {one.untyped_storage().data_ptr() for one in denoiser.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    # What is kept stays alive until the result goes, so that no two things lie at one address.
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = run()
    del result
    return sum(kept.values())


def free_bytes(device: str) -> int:
    """What is free on a device now."""
    if torch.device(device).type != "cuda":
        return available_memory()
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0]) + unused


@contextlib.contextmanager
def computing_twice(denoiser: Any, wanted: bool) -> Iterator[None]:
    """A denoiser that keeps little and computes it again on the way back, for a while."""
    if not wanted:
        yield
        return
    denoiser.enable_gradient_checkpointing()
    try:
        yield
    finally:
        denoiser.disable_gradient_checkpointing()
