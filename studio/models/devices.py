"""A device and how it computes: which number type, how many bytes it may hold."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from studio.errors import Beside, StudioError
from studio.files import write_whole
from studio.messages import DeviceState
from studio.models.cgroups import shares
from studio.wire import Setup

SHARE = 0.85
"""How much of a device's memory models may fill when nobody says: the rest is for the painting itself."""
FLOAT8_SINCE = (8, 9)
"""The first GPUs that compute with eight-bit floats."""
TURNS = 30
HOST_SHARE = 0.5
"""The same on a machine whose memory others use too."""


@dataclass(frozen=True)
class Device:
    """One device of this machine: its number type, its budget in bytes, and how models may lie there."""

    name: str
    dtype: torch.dtype
    budget: int
    memory_mode: str = "auto"
    host_budget: int = 0
    is_host: bool = True

    @property
    def mode(self) -> str:
        """How pictures made here are recorded."""
        return f"{torch.device(self.name).type} {str(self.dtype).removeprefix('torch.')}"

    def state(self) -> DeviceState:
        """The device as the page shows it, with nothing on it."""
        return DeviceState(
            name=self.name,
            title=_title(self.name),
            budget=self.budget,
            total=_total(self.name),
            itemsize=self.dtype.itemsize,
            host_budget=self.host_budget,
            ready=True,
        )


def open_device(setup: Setup) -> Device:
    """The device that a worker was set up for; `auto` is the first GPU there is, else the CPU."""
    name = _best() if setup.device == "auto" else setup.device
    kind = torch.device(name).type
    dtype = _cpu_dtype(Path(setup.data)) if kind == "cpu" else torch.float16
    _check_mode(name, setup.memory_mode)
    return Device(
        name=name,
        dtype=dtype,
        budget=setup.memory_budget or int(_total(name) * (HOST_SHARE if kind == "cpu" else SHARE)),
        memory_mode=setup.memory_mode,
        host_budget=0 if kind == "cpu" else setup.host_budget or int(_host_memory() * HOST_SHARE),
        is_host=kind == "cpu",
    )


def _check_mode(name: str, mode: str) -> None:
    on_gpu = torch.device(name).type == "cuda"
    known = {"auto", "device"} | ({"offload", "group"} if on_gpu else set())
    if on_gpu and torch.cuda.get_device_capability(name) >= FLOAT8_SINCE:
        known.add("fp8")
    if mode not in known:
        raise StudioError("mode_unusable", mode=mode, device=name, known=", ".join(sorted(known)))


def _title(name: str) -> str:
    return torch.cuda.get_device_name(name) if torch.device(name).type == "cuda" else name.upper()


def _total(name: str) -> int:
    if torch.device(name).type == "cuda":
        return int(torch.cuda.get_device_properties(name).total_memory)
    return _host_memory()


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda:0"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _host_memory() -> int:
    # A container that takes more than it may is killed, however much its host has.
    return min((int(psutil.virtual_memory().total), *(share.limit for share in shares())))


def available_memory() -> int:
    """Bytes of the host's memory that are free or can be made so."""
    left = (share.limit - share.used for share in shares())
    return max(0, min((int(psutil.virtual_memory().available), *left)))


def _cpu_dtype(data: Path) -> torch.dtype:
    """bfloat16 where this CPU is faster with it: measured once, kept in the data folder if that can be written."""
    path = data / "cpu.json"
    faster = _known_faster(path)
    if faster is None:
        faster = measured_faster(torch.bfloat16, torch.float32)
        told = json.dumps({"bfloat16": faster})
        Beside(path.name).wrote(lambda: write_whole(path, told))
    return torch.bfloat16 if faster else torch.float32


def _known_faster(path: Path) -> bool | None:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8"))["bfloat16"])
    except (OSError, ValueError, LookupError, TypeError):  # a disk that was full leaves it empty
        return None


def measured_faster(one: torch.dtype, other: torch.dtype) -> bool:
    """Whether a convolution like a U-Net's takes clearly less time in one number type than in the other."""
    works = _convolution(one), _convolution(other)
    with torch.inference_mode():
        # In turn, and the best of many: other work on the machine slows both down now and then.
        turns = [tuple(map(_seconds, works)) for _ in range(TURNS)]
    return min(turn[0] for turn in turns) < 0.8 * min(turn[1] for turn in turns)


def _convolution(dtype: torch.dtype) -> Callable[[], object]:
    layer = torch.nn.Conv2d(128, 128, 3, padding=1).to(dtype=dtype, memory_format=torch.channels_last)
    picture = torch.zeros(2, 128, 32, 32, dtype=dtype).to(memory_format=torch.channels_last)
    return lambda: layer(picture)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
