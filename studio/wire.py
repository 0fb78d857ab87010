"""What the web process and a device's worker say to each other."""

from __future__ import annotations

from studio.messages import AnyEvent, AnyRequest, DeviceState, Entry, Message, Trouble


class Setup(Message):
    """First word to a worker: its device, its folder, and how it may use its memory."""

    device: str
    data: str
    memory_budget: int = 0
    memory_mode: str = "auto"
    host_budget: int = 0
    idle_seconds: float = 0.0
    turn_seconds: float = 5.0


class Run(Message):
    """Requests that one device does together, and every entry they need."""

    group: str
    requests: tuple[AnyRequest, ...]
    specs: tuple[Entry, ...]


class Cancel(Message):
    """Requests that nobody wants any more."""

    requests: tuple[str, ...]


class Load(Message):
    """Bring an entry to the device though nobody works with it yet."""

    spec: Entry


class Ahead(Message):
    """Read an entry that the next request will want, beside the work at hand."""

    spec: Entry


class Unload(Message):
    """Take models off the device and out of the host's memory; none named: all."""

    models: tuple[str, ...] = ()


class Stop(Message):
    """Nothing more will come."""


class Told(Message):
    """Something that happened in a group."""

    group: str
    event: AnyEvent


class Holds(Message):
    """What the device is and holds from now on."""

    device: DeviceState


class LoadFailed(Message):
    """Why a model that was asked for alone could not be brought."""

    model: str
    trouble: Trouble


class Over(Message):
    """A group is done with, whatever came of it."""

    group: str


class Lost(Message):
    """Said in a worker's place when it ended before its first word."""
