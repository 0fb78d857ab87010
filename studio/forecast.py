"""What would happen if a model were wanted: one pure function, asked by the registry and by the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from studio.messages import Forecast, Held


def forecast(
    resident: Iterable[Held],
    model: str,
    parts: Mapping[str, int],
    budget: int,
    room: int = 0,
    must: bool = True,
) -> Forecast:
    """The longest unused of the unpinned go first, and only as many as are needed.

    Parts that two models share count once. `room` is what painting needs beside the weights. Where that is no
    `must`, others go for it, but as much of it as there can be is enough.
    """
    held = {one.model: one for one in resident}
    if not must:
        room = min(room, max(0, budget - _total(_pinned(held), parts)))
    evicts = tuple(_evicted(held, model, parts, budget - room))
    staying = {name: one for name, one in held.items() if name not in evicts}
    if model in held:
        # Its weights are there: what is missing is room to work in, and work will tell whether it is enough.
        return Forecast(fits=True, resident=True, evicts=evicts)
    if _total(staying, parts) + room > budget:
        return Forecast(fits=False, needs=sum(parts.values()) + room, has=budget - _total(staying, {}))
    return Forecast(fits=True, loads=_total(held, parts) - _total(held, {}), evicts=evicts)


def weight(resident: Iterable[Held], parts: Mapping[str, int]) -> int:
    """The bytes of what is there and of some parts more, each once."""
    return _total({one.model: one for one in resident}, parts)


def _evicted(held: Mapping[str, Held], model: str, parts: Mapping[str, int], budget: int) -> list[str]:
    def fits(gone: list[str]) -> bool:
        return _total({name: one for name, one in held.items() if name not in gone}, parts) <= budget

    gone: list[str] = []
    for name in _longest_unused(held, model):
        if fits(gone):
            break
        gone.append(name)
    # One whose parts others share may have gone for nothing: the most recently used come back first.
    for name in reversed(gone):
        without = [other for other in gone if other != name]
        gone = without if fits(without) else gone
    return gone


def _longest_unused(held: Mapping[str, Held], model: str) -> list[str]:
    free = [one for one in held.values() if not one.pinned and one.model != model]
    return [one.model for one in sorted(free, key=lambda one: one.used)]


def _pinned(held: Mapping[str, Held]) -> dict[str, Held]:
    return {name: one for name, one in held.items() if one.pinned}


def _total(held: Mapping[str, Held], wanted: Mapping[str, int]) -> int:
    """Bytes of all parts, each once."""
    every = [*(one.parts for one in held.values()), wanted]
    return sum({key: size for parts in every for key, size in parts.items()}.values())
