"""A device and how it computes: which number type, how many bytes it may hold."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

SHARE = 0.85
"""How much of a device's memory models may fill when nobody says: the rest is for the painting itself."""
HOST_SHARE = 0.5
"""The same on a machine whose memory others use too."""


@dataclass(frozen=True)
class Device:
    """One device of this machine, with its number type and its budget in bytes."""

    name: str
    dtype: torch.dtype
    budget: int

    @property
    def mode(self) -> str:
        """How pictures made here are recorded."""
        return f"{torch.device(self.name).type} {str(self.dtype).removeprefix('torch.')}"


def open_device(name: str, data: Path, budget: int = 0) -> Device:
    """The device of a name; `auto` is the first GPU there is, else the CPU."""
    name = _best() if name == "auto" else name
    kind = torch.device(name).type
    dtype = _cpu_dtype(data) if kind == "cpu" else torch.float16
    return Device(name, dtype, budget or _room(name))


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda:0"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _room(name: str) -> int:
    if torch.device(name).type == "cuda":
        return int(torch.cuda.get_device_properties(name).total_memory * SHARE)
    return int(_host_memory() * HOST_SHARE)


def _host_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 8 * 2**30


def _cpu_dtype(data: Path) -> torch.dtype:
    """bfloat16 where this CPU is faster with it: measured once, kept in the data folder."""
    path = data / "cpu.json"
    if path.is_file():
        return torch.bfloat16 if json.loads(path.read_text(encoding="utf-8"))["bfloat16"] else torch.float32
    faster = measured_faster(torch.bfloat16, torch.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"bfloat16": faster}), encoding="utf-8")
    return torch.bfloat16 if faster else torch.float32


def measured_faster(one: torch.dtype, other: torch.dtype) -> bool:
    """Whether a convolution like a U-Net's takes clearly less time in one number type than in the other."""
    return min(_seconds(_convolution(one))) < 0.8 * min(_seconds(_convolution(other)))


def _convolution(dtype: torch.dtype) -> Callable[[], object]:
    layer = torch.nn.Conv2d(128, 128, 3, padding=1).to(dtype=dtype, memory_format=torch.channels_last)
    picture = torch.zeros(2, 128, 32, 32, dtype=dtype).to(memory_format=torch.channels_last)
    return lambda: layer(picture)


def _seconds(work: Callable[[], object]) -> list[float]:
    times = []
    with torch.inference_mode():
        for _ in range(6):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    return times[1:]
