"""Takes the maps of references, for whoever wants to see what a model will follow."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from studio.control.maps import kept_map
from studio.maps import Maps
from studio.messages import Answered, Cancelled, DetectRequest, Entry, Loading
from studio.work import Bench


def detect(requests: tuple[DetectRequest, ...], specs: Mapping[str, Entry], bench: Bench) -> Iterator[None]:
    """Every request ends as answered or cancelled."""
    maps = Maps(bench.registry.data)
    for request in requests:
        if bench.unwanted(request.id):
            bench.tell(Cancelled(request=request.id))
        else:
            bench.tell(_answered(request, specs, bench, maps))
        yield


def _answered(request: DetectRequest, specs: Mapping[str, Entry], bench: Bench, maps: Maps) -> Answered:
    started = time.monotonic()

    def lease(id: str) -> contextlib.AbstractContextManager[Any]:
        told = Loading(request=request.id, model=id)
        return bench.registry.lease(specs[id], lambda: bench.tell(told))

    found = kept_map(request.unit, maps, specs, lease)
    return Answered(request=request.id, input=found, took=time.monotonic() - started)
