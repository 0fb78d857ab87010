"""A device that this machine does not have, and boxes that know whether they lie on it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch

from studio.messages import Entry
from studio.models.beside import Beside
from studio.models.devices import Device
from studio.models.parts import Part
from studio.models.registry import Registry
from studio.weights import Hashes

FAR = "meta"
"""Any device but the CPU whose name torch knows; nothing is ever moved to it."""


class FarBox(torch.nn.Module):
    """So many numbers, and where they lie. Without room on the device it stays half way."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__()
        self.numbers = torch.nn.Parameter(torch.zeros(size), requires_grad=False)
        self.name, self.place, self.room = name, "cpu", True

    def to(self, place: str) -> FarBox:  # type: ignore[override]
        self.place = place if self.room or place == "cpu" else "half way"
        if self.place == "half way":
            raise torch.OutOfMemoryError(f"no room for {self.name}")
        return self


class FarBoxes:
    """A loader of such boxes: the source's name says what is in it."""

    def __init__(self) -> None:
        self.full: set[str] = set()
        """For which parts the device has no room, whatever the budget says."""

    def plan(self, spec: Entry, source: Path, hashes: Hashes) -> tuple[Part, ...]:
        return tuple(Part(name=key, key=key, elements=size) for key, size in _sizes(source).items())

    def load_weights(
        self, spec: Entry, source: Path, names: Collection[str], device: str, dtype: torch.dtype
    ) -> dict[str, Any]:
        found = {name: FarBox(name, _sizes(source)[name]) for name in names}
        for name, box in found.items():
            box.room = name not in self.full
        return found

    def load_settings(self, spec: Entry, source: Path) -> dict[str, Any]:
        return {}


def _sizes(source: Path) -> dict[str, int]:
    return {key: int(size) for key, size in (part.split("=") for part in source.name.split("+"))}


def far_registry(
    data: Path, budget: int, loader: FarBoxes | None = None, beside: Beside | None = None, **device: Any
) -> Registry:
    """A registry of the device that is not there."""
    usual: dict[str, Any] = {"name": FAR, "dtype": torch.float32, "is_host": False, "host_budget": 10**6}
    far = Device(budget=budget, **(usual | device))
    return Registry(far, data, loader or FarBoxes(), beside=beside)
