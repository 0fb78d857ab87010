"""What would happen if a model were wanted: one pure function, asked by the registry and by the page."""

from __future__ import annotations

from collections.abc import Iterable

from studio.messages import Message


class Held(Message):
    """A model on a device: its bytes, whether work holds it, and when it was last used."""

    model: str
    bytes: int
    pinned: bool = False
    used: float = 0.0


class Forecast(Message):
    """Whether a wanted model fits, what has to be loaded, and what has to go first."""

    fits: bool
    loads: int = 0
    evicts: tuple[str, ...] = ()
    needs: int = 0
    has: int = 0


def forecast(resident: Iterable[Held], model: str, size: int, budget: int) -> Forecast:
    """The least recently used of the unpinned go first, and only as many as are needed."""
    held = list(resident)
    if any(one.model == model for one in held):
        return Forecast(fits=True)
    free = budget - sum(one.bytes for one in held)
    evicts: list[str] = []
    for one in sorted((one for one in held if not one.pinned), key=lambda one: one.used):
        if free >= size:
            break
        evicts.append(one.model)
        free += one.bytes
    if free < size:
        return Forecast(fits=False, needs=size, has=free)
    return Forecast(fits=True, loads=size, evicts=tuple(evicts))
