"""What would happen if a model were wanted: one pure function, asked by the registry and by the page."""

from __future__ import annotations

from collections.abc import Iterable

from studio.messages import Forecast, Held


def forecast(resident: Iterable[Held], model: str, size: int, budget: int) -> Forecast:
    """The least recently used of the unpinned go first, and only as many as are needed."""
    held = list(resident)
    if any(one.model == model for one in held):
        return Forecast(fits=True, resident=True)
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
