"""Parts of models in memory, each once however many models use it: on the device, or in the host's memory."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch

Place = Literal["device", "host"]


@dataclass
class Shelved:
    """One part in memory."""

    key: str
    module: Any
    bytes: int
    place: Place


class Shelf:
    """Moves parts and keeps count of them; what to keep is the registry's to say."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._parts: dict[str, Shelved] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def add(self, key: str, module: Any, place: Place) -> Shelved:
        """Takes a part on; one of the same content must not be there yet."""
        if key in self._parts:
            raise ValueError(f"part {key} is on the shelf already")
        self._parts[key] = Shelved(key, module, footprint(module), place)
        return self._parts[key]

    def get(self, key: str) -> Shelved:
        """A part that is there."""
        return self._parts[key]

    def move(self, keys: Iterable[str], place: Place) -> None:
        """Brings parts to the device or into the host's memory: all of them or, where that fails, none."""
        going = [part for part in map(self.get, keys) if part.place != place]
        begun: list[Shelved] = []
        try:
            for part in going:
                begun.append(part)
                self._bring(part, place)
        except BaseException:
            for part in begun:  # a part can lie half here and half there by now
                self._bring(part, part.place)
            raise
        for part in going:
            part.place = place

    def _bring(self, part: Shelved, place: Place) -> None:
        # What is moved in the middle of somebody's work must not be bound to that one's mode.
        with torch.inference_mode(False):
            part.module.to(self._device if place == "device" else "cpu")

    def drop_all_but(self, keys: Iterable[str]) -> None:
        """Lets go of every part that nobody names; `give_back` returns its memory."""
        wanted = set(keys)
        self._parts = {key: part for key, part in self._parts.items() if key in wanted}

    def bytes(self, place: Place) -> int:
        """What lies at a place."""
        return sum(part.bytes for part in self._parts.values() if part.place == place)


def footprint(module: Any) -> int:
    """The bytes that a part's weights take, tied ones once."""
    tensors = {id(one): one for one in (*module.parameters(), *module.buffers())}
    return sum(one.numel() * one.element_size() for one in tensors.values())


def give_back() -> None:
    """Returns freed memory to the device, so that others and the numbers see it."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
