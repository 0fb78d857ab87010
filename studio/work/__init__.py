"""What a device does, one generator function each: it yields where other work may come in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio.messages import AnyEvent
from studio.models.registry import Registry

TURN_SECONDS = 5.0


@dataclass(frozen=True)
class Bench:
    """What work is given: the models, a way to tell what happens, and whether a request is still wanted."""

    registry: Registry
    tell: Callable[[AnyEvent], None]
    unwanted: Callable[[str], bool]
    waiting: Callable[[], bool] = lambda: False
    """Whether somebody waits for the device."""
    turn_seconds: float = TURN_SECONDS
    """How long work that takes turns with others may keep them waiting."""
