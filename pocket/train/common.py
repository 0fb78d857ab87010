"""What all stages share: device, clock, weight averages, checkpoints, sample sheets."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn


def pick_device() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def hurry() -> None:
    """Let a GPU round products and try out kernels: good enough to learn with, and never what is measured."""
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True


def lay_out(module: nn.Module, device: torch.device) -> Any:
    """Move a network to its device in the memory order convolutions like."""
    return module.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def fast_math(device: torch.device) -> torch.autocast:
    """bf16 where the hardware multiplies it fast; on other CPUs it would be several times slower."""
    fast = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=fast)


class Budget:
    """A share of a budget of minutes, or of steps, kept over restarts; the learning rate follows it."""

    def __init__(self, minutes: float, spent: float = 0.0, steps: int = 0) -> None:
        self.total, self.before, self.start = minutes * 60, spent, time.monotonic()
        self.steps, self.done = steps, 0

    def begin(self) -> None:
        """Start the clock: what was made ready before it is not counted."""
        self.start = time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds used, earlier runs included."""
        return self.before + time.monotonic() - self.start

    @property
    def share(self) -> float:
        """How much of the budget is used, 0 to 1."""
        return min(1.0, self.done / self.steps if self.steps else self.spent / self.total)

    def rate(self, peak: float, step: int, warmup: int = 100, floor: float = 0.02) -> float:
        """Warm-up by steps, full speed, then a fall to a floor over the second half of the budget."""
        fall = max(floor, min(1.0, (1 - self.share) / 0.5))
        return peak * min(1.0, (step + 1) / warmup) * fall


class Average:
    """An exponential moving average of a network's weights."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {k: v.detach().clone().float() for k, v in module.state_dict().items()}

    def state_dict(self) -> dict[str, Tensor]:
        """The averaged weights."""
        return self.values

    def load_state_dict(self, values: dict[str, Tensor]) -> None:
        """Go on from averaged weights."""
        self.values = values

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move towards the network; early steps move faster."""
        decay = min(self.decay, (1 + step) / (10 + step))
        now = module.state_dict()
        moving = [k for k, v in now.items() if v.is_floating_point()]
        # All of them at once: one by one they keep a GPU waiting.
        torch._foreach_lerp_([self.values[k] for k in moving], [now[k].float() for k in moving], 1 - decay)
        for k in now.keys() - set(moving):
            self.values[k].copy_(now[k])


def save_state(path: Path, **parts: Any) -> None:
    """Write a checkpoint so that a crash never leaves half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rough = path.with_suffix(".part")
    torch.save(parts, rough)
    os.replace(rough, path)


def load_state(path: Path, device: torch.device) -> dict[str, Any] | None:
    """The checkpoint, or None when there is none."""
    return torch.load(path, map_location=device, weights_only=True) if path.exists() else None


def older(path: Path, than: Path) -> bool:
    """Whether a file is of a time before another."""
    return path.stat().st_mtime < than.stat().st_mtime


def to_input(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Pictures (n, h, w, 3) as a batch between -1 and 1."""
    batch = torch.from_numpy(np.array(pixels)).to(device).permute(0, 3, 1, 2)
    return (batch.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def to_pictures(batch: Tensor) -> NDArray[np.uint8]:
    """A batch between -1 and 1 as pictures (n, h, w, 3)."""
    out = ((batch.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return out.permute(0, 2, 3, 1).cpu().numpy()


def save_sheet(path: Path, pictures: NDArray[np.uint8], across: int = 8) -> None:
    """A contact sheet of equally large pictures."""
    n, side = len(pictures), pictures.shape[1]
    sheet = Image.new("RGB", (across * side, math.ceil(n / across) * side), "white")
    for i, pixels in enumerate(pictures):
        sheet.paste(Image.fromarray(pixels), (i % across * side, i // across * side))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
