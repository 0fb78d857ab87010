"""The registry: loaded when wanted, never twice, by bytes, and as it was when a load fails."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.errors import StudioError
from studio.messages import ModelSpec
from studio.models.devices import Device
from studio.models.loading import load_parts
from studio.models.registry import Registry, footprint
from tests.diffusion.painting import spec


class Loads:
    """Counts loads, and can be told to fail."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None

    def __call__(self, folder: Path, device: str, dtype: torch.dtype) -> dict[str, Any]:
        self.count += 1
        if self.error:
            raise self.error
        return load_parts(folder, device, dtype)


def models(checkpoint: Path, *ids: str) -> list[ModelSpec]:
    return [spec(checkpoint, id) for id in ids]


def registry(budget: int, loads: Loads | None = None) -> Registry:
    return Registry(Device("cpu", torch.float32, budget), loads or Loads())


def size(checkpoint: Path) -> int:
    return footprint(load_parts(checkpoint, "cpu", torch.float32))


def held(kept: Registry) -> list[str]:
    return [one.model for one in kept.held()]


def test_nothing_is_loaded_until_it_is_wanted_and_never_twice(tiny_checkpoint: Path) -> None:
    loads = Loads()
    kept = registry(10**9, loads)
    (one,) = models(tiny_checkpoint, "one")
    assert loads.count == 0
    for _ in range(3):
        with kept.lease(one):
            pass
    assert loads.count == 1


def test_whoever_waits_for_a_load_shares_it(tiny_checkpoint: Path) -> None:
    loads = Loads()
    kept = registry(10**9, loads)
    (one,) = models(tiny_checkpoint, "one")
    seen: list[int] = []

    def use() -> None:
        with kept.lease(one) as model:
            seen.append(id(model.parts["unet"]))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads.count == 1 and len(seen) == 6 and len(set(seen)) == 1


def test_the_longest_unused_goes_first_and_its_memory_with_it(tiny_checkpoint: Path) -> None:
    kept = registry(int(size(tiny_checkpoint) * 2.5))
    one, two, three = models(tiny_checkpoint, "one", "two", "three")
    for wanted in (one, two):
        with kept.lease(wanted) as model:
            gone = weakref.ref(model.parts["unet"]) if wanted is two else None
    with kept.lease(one):
        pass
    del model
    with kept.lease(three):
        pass
    gc.collect()
    assert held(kept) == ["one", "three"]
    assert gone is not None and gone() is None


def test_a_pinned_model_never_goes(tiny_checkpoint: Path) -> None:
    kept = registry(int(size(tiny_checkpoint) * 1.5))
    one, two = models(tiny_checkpoint, "one", "two")
    with kept.lease(one):
        with pytest.raises(StudioError, match="memory_budget"), kept.lease(two):
            pass
        assert held(kept) == ["one"] and not kept.unload("one")
    with kept.lease(two):
        assert held(kept) == ["two"]


def test_a_model_larger_than_the_budget_is_refused_before_anything_goes(tiny_checkpoint: Path) -> None:
    loads = Loads()
    kept = registry(1000, loads)
    with pytest.raises(StudioError, match="memory_budget"), kept.lease(spec(tiny_checkpoint)):
        pass
    assert loads.count == 0


def test_a_load_that_fails_leaves_the_registry_as_it_was(tiny_checkpoint: Path) -> None:
    loads = Loads()
    kept = registry(10**9, loads)
    one, two = models(tiny_checkpoint, "one", "two")
    with kept.lease(one):
        pass
    loads.error = StudioError("weights_broken", file="x")
    with pytest.raises(StudioError, match="weights_broken"), kept.lease(two):
        pass
    assert held(kept) == ["one"]
    loads.error = None
    with kept.lease(two):
        assert held(kept) == ["one", "two"]


def test_an_error_inside_a_lease_lets_go_of_the_pin(tiny_checkpoint: Path) -> None:
    kept = registry(10**9)
    with pytest.raises(RuntimeError), kept.lease(spec(tiny_checkpoint)):
        raise RuntimeError
    assert not any(one.pinned for one in kept.held())


def test_the_bytes_foreseen_are_the_bytes_held(tiny_checkpoint: Path) -> None:
    kept = registry(10**9)
    foreseen = kept.forecast(spec(tiny_checkpoint)).loads
    with kept.lease(spec(tiny_checkpoint)) as model:
        assert abs(model.bytes - foreseen) < 0.01 * foreseen
    assert kept.forecast(spec(tiny_checkpoint)).loads == 0
