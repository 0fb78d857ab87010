"""A device that answers, and everything it told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch

from studio.messages import Answered, AnyEvent, AnyRequest, Entry
from studio.models.devices import Device
from studio.models.registry import Registry
from studio.work import Bench

Work = Callable[[tuple[AnyRequest, ...], Mapping[str, Entry], Bench], Iterator[None]]


class Asked:
    """Work on a registry of its own."""

    def __init__(self, work: Work, spec: Entry, data: Path) -> None:
        self.registry = Registry(Device("cpu", torch.float32, 2**40), data)
        self.specs = {spec.id: spec}
        self.data = data
        self.told: list[AnyEvent] = []
        self.unwanted: set[str] = set()
        self._work = work

    def __call__(self, *requests: AnyRequest) -> list[AnyEvent]:
        self.told = []
        bench = Bench(self.registry, self.told.append, self.unwanted.__contains__)
        for _ in self._work(requests, self.specs, bench):
            pass
        return self.told

    def said(self, request: AnyRequest) -> tuple[str, ...]:
        """What comes of a request."""
        answered = self(request)[-1]
        assert isinstance(answered, Answered)
        return answered.texts
