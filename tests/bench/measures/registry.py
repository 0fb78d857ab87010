"""What switching between models costs, in memory and in time, on tiny checkpoints in a process of their own."""

from __future__ import annotations

import gc
import json
import math
import statistics
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import register
from tests.bench.apart import measured
from tests.bench.table import Row, at_most

SWITCHES, ROUNDS = 100, 15
PLENTY = 2**40


@register("Switching models")
def switching() -> list[Row]:
    """Memory after a hundred switches, and the time of alternating beside staying."""
    return measured_apart("cpu")


@register("Switching models on a GPU", gpu=True)
def switching_on_a_gpu() -> list[Row]:
    """The same with the device's memory."""
    return measured_apart("cuda")


def measured_apart(device: str) -> list[Row]:
    """In a fresh process, whose memory holds nothing else."""
    found = measured(__name__, device)
    return [
        at_most(f"memory after {SWITCHES} switches / after the first round", found["memory"], 1.02),
        at_most("parts of switched-off models still in memory", found["left"], 0),
        at_most("alternating between two / staying on one", found["time"], 1.02),
    ]


def main(device: str, folder: Path) -> None:
    """Prints what was measured as JSON."""
    import torch

    from tests.tiny import tiny_sd1

    torch.set_num_threads(1)  # threads of tiny layers wait for each other more than they work
    checkpoints = [tiny_sd1(folder / str(number), seed=number) for number in range(3)]
    memory, left = many_switches(device, folder, checkpoints)
    ratio = alternating(device, folder, checkpoints)
    print(json.dumps({"memory": memory, "left": left, "time": ratio}))


def many_switches(device: str, folder: Path, checkpoints: list[Path]) -> tuple[float, int]:
    """Three models in a memory for one: how it grows, and what of the old ones is left."""
    registry, paint = studio_of(device, folder, room_for=1.5, steps=2)
    seen: list[weakref.ref[Any]] = []
    sizes: list[int] = []
    for number in range(SWITCHES):
        spec = spec_of(checkpoints[number % 3], number % 3)
        with registry.lease(spec) as model:
            paint(model)
            seen += [weakref.ref(model.parts[name]) for name in ("unet", "vae", "text_encoder")]
        del model
        if number in (5, SWITCHES - 1):
            sizes.append(memory_of(device))
    registry.unload()
    gc.collect()
    return sizes[1] / sizes[0], sum(ref() is not None for ref in seen)


def alternating(device: str, folder: Path, checkpoints: list[Path]) -> float:
    """The time of painting on two models in turn, beside that of painting on one of them."""
    registry, paint = studio_of(device, folder, room_for=math.inf, steps=8)
    one, two = (spec_of(checkpoints[number], number) for number in range(2))

    def seconds(specs: tuple[Any, ...]) -> float:
        began = time.perf_counter()
        for spec in specs:
            with registry.lease(spec) as model:
                paint(model)
        return time.perf_counter() - began

    seconds((one, two))  # once unmeasured: loads
    turns = [(seconds((one, one)), seconds((one, two)), seconds((two, two))) for _ in range(ROUNDS)]
    return statistics.median(2 * both / (first + second) for first, both, second in turns)


def studio_of(device: str, folder: Path, room_for: float, steps: int) -> tuple[Any, Callable[[Any], object]]:
    """A registry with room for so many tiny models, and what paints on a lease of it.

    A GPU also keeps room for what painting takes, which is many times such a model.
    """
    import torch

    from studio.diffusion.run import Watcher, paint
    from studio.models.devices import Device
    from studio.models.registry import Registry
    from tests.diffusion.painting import request

    probe = Registry(Device(device, torch.float32, PLENTY), folder)
    size = probe.forecast(spec_of(folder / "0" / "checkpoint", 0)).loads
    registry = Registry(Device(device, torch.float32, int(min(size * room_for, PLENTY))), folder)
    watcher = Watcher(lambda *_: None, lambda: False)
    return registry, lambda model: paint(model, request(steps=steps), device, watcher)


def spec_of(checkpoint: Path, number: int) -> Any:
    """A catalog entry for a tiny checkpoint."""
    from tests.diffusion.painting import spec

    return spec(checkpoint, f"tiny{number}")


def memory_of(device: str) -> int:
    """Bytes of the device's memory in use, or of this process on the CPU."""
    import psutil
    import torch

    gc.collect()
    if device != "cpu":
        torch.cuda.synchronize()
        return int(torch.cuda.memory_allocated())
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
