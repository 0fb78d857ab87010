"""Who runs requests. An engine has lanes, one a device; each does one group of requests at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from studio.messages import AnyEvent, AnyRequest, DeviceState, Entry, Trouble


class Engine(Protocol):
    """What jobs need of whoever runs them."""

    @property
    def lanes(self) -> tuple[str, ...]:
        """The devices' names."""
        ...

    def start(self) -> None:
        """Gets ready in the background; returns at once."""
        ...

    def run(
        self, lane: str, requests: tuple[AnyRequest, ...], specs: tuple[Entry, ...]
    ) -> Iterator[AnyEvent]:
        """Events of a group as they happen; each request ends in one Finished, Answered, Failed or Cancelled."""
        ...

    def cancel(self, lane: str, requests: tuple[str, ...]) -> None:
        """Lets go of requests that a device was given, at the next step at the latest."""
        ...

    def ahead(self, lane: str, spec: Entry) -> None:
        """Tells a device what will be wanted next."""
        ...

    def load(self, spec: Entry) -> None:
        """Brings a model to a device in the background."""
        ...

    def unload(self, models: tuple[str, ...] = ()) -> None:
        """Takes models out of memory in the background; none named: all."""
        ...

    def devices(self) -> tuple[DeviceState, ...]:
        """The devices and what they hold, as far as they have said."""
        ...

    def troubles(self) -> dict[str, Trouble]:
        """Why models that were to be loaded could not be, by model."""
        ...

    def close(self) -> None:
        """Ends the workers."""
        ...
