"""One device's models: loaded when first wanted, never twice, by bytes, the longest unused going first."""

from __future__ import annotations

import contextlib
import gc
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from studio.catalog import source_folder
from studio.errors import StudioError
from studio.forecast import forecast
from studio.messages import Forecast, Held, ModelSpec
from studio.models.devices import Device
from studio.models.loading import load_parts
from studio.weights import checkpoint_files, checkpoint_hash, tensor_elements

Load = Callable[[Path, str, torch.dtype], dict[str, Any]]


@dataclass
class Loaded:
    """A model on the device: its parts by name, its bytes there, its checkpoint's short hash."""

    spec: ModelSpec
    parts: dict[str, Any]
    bytes: int
    hash: str
    folder: Path
    used: int = 0
    pins: int = field(default=0)


class Registry:
    """All work shares it; nothing else holds weights."""

    def __init__(
        self,
        device: Device,
        load: Load = load_parts,
        on_change: Callable[[tuple[Held, ...]], None] = lambda held: None,
    ) -> None:
        self.device = device
        self._load = load
        self._on_change = on_change
        self._models: dict[str, Loaded] = {}
        self._clock = itertools.count(1)
        # One lock around looking up and loading: whoever waits for a load finds it done.
        self._lock = threading.RLock()

    def held(self) -> tuple[Held, ...]:
        """What is on the device now."""
        with self._lock:
            return tuple(
                Held(model=id, bytes=one.bytes, pinned=one.pins > 0, used=one.used)
                for id, one in self._models.items()
            )

    def forecast(self, spec: ModelSpec) -> Forecast:
        """What wanting a model would do."""
        return forecast(self.held(), spec.id, self._size(spec), self.device.budget)

    @contextlib.contextmanager
    def lease(self, spec: ModelSpec, on_load: Callable[[], None] = lambda: None) -> Iterator[Loaded]:
        """The model, pinned for as long as the lease lasts."""
        with self._lock:
            model = self._models.get(spec.id) or self._bring(spec, on_load)
            model.used, model.pins = next(self._clock), model.pins + 1
        try:
            yield model
        finally:
            with self._lock:
                model.pins -= 1

    def unload(self, id: str) -> bool:
        """Takes a model off the device unless work holds it."""
        with self._lock:
            model = self._models.get(id)
            if model is None or model.pins:
                return False
            del self._models[id]
            self._on_change(self.held())
        del model
        _give_back()
        return True

    def _bring(self, spec: ModelSpec, on_load: Callable[[], None]) -> Loaded:
        size = self._size(spec)
        expected = forecast(self.held(), spec.id, size, self.device.budget)
        if not expected.fits:
            raise StudioError("memory_budget", model=spec.id, needs=_gb(size), has=_gb(expected.has))
        on_load()
        for id in expected.evicts:
            self.unload(id)
        folder = source_folder(spec)
        parts = self._load(folder, self.device.name, self.device.dtype)
        model = Loaded(spec, parts, footprint(parts), checkpoint_hash(folder), folder)
        self._models[spec.id] = model
        self._on_change(self.held())
        return model

    def _size(self, spec: ModelSpec) -> int:
        """Bytes on the device: every number there takes the type that is computed in."""
        elements = sum(map(tensor_elements, checkpoint_files(source_folder(spec))))
        return elements * self.device.dtype.itemsize


def footprint(parts: dict[str, Any]) -> int:
    """The bytes that a model's weights really take."""
    modules = [part for part in parts.values() if isinstance(part, torch.nn.Module)]
    tensors = {
        tensor.data_ptr(): tensor.numel() * tensor.element_size()
        for module in modules
        for tensor in itertools.chain(module.parameters(), module.buffers())
    }
    return sum(tensors.values())


def _give_back() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _gb(size: int) -> float:
    return round(size / 2**30, 2)
