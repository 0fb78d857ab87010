"""What the web process and a device's worker say to each other."""

from __future__ import annotations

from studio.messages import AnyEvent, GenerationRequest, Message, ModelSpec


class Setup(Message):
    """First word to a worker: which device, which models, where its folder is, how many bytes it may hold."""

    device: str
    specs: tuple[ModelSpec, ...]
    data: str
    memory_budget: int = 0


class Run(Message):
    """Requests that one device does together."""

    group: str
    requests: tuple[GenerationRequest, ...]


class Cancel(Message):
    """Requests that nobody wants any more."""

    requests: tuple[str, ...]


class Stop(Message):
    """Nothing more will come."""


class Told(Message):
    """Something that happened in a group."""

    group: str
    event: AnyEvent


class Holding(Message):
    """One model on a device, as the page shows it."""

    model: str
    bytes: int


class Holds(Message):
    """What the device holds from now on."""

    holds: tuple[Holding, ...]


class Over(Message):
    """A group is done with, whatever came of it."""

    group: str


class Lost(Message):
    """Said in a worker's place when it ended before its first word."""
