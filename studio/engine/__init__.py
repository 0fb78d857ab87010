"""Who runs requests. An engine has lanes, one a device; each does one group of requests at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from studio.messages import AnyEvent, GenerationRequest
from studio.wire import Holding


class Engine(Protocol):
    """What jobs need of whoever runs them."""

    @property
    def lanes(self) -> tuple[str, ...]:
        """The devices' names."""
        ...

    def start(self) -> None:
        """Gets ready in the background; returns at once."""
        ...

    def run(self, lane: str, requests: tuple[GenerationRequest, ...]) -> Iterator[AnyEvent]:
        """Events of a group as they happen; each request ends in one Finished, Failed or Cancelled."""
        ...

    def cancel(self, requests: tuple[str, ...]) -> None:
        """Lets go of requests, at the next step at the latest; unknown ones are ignored."""
        ...

    def holds(self) -> tuple[Holding, ...]:
        """The models on the devices, as far as they have said."""
        ...

    def close(self) -> None:
        """Ends the workers."""
        ...
