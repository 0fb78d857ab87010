"""Pictures that continue beside themselves: convolutions that look round the edge to the other side."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from studio.messages import Tiling


@contextlib.contextmanager
def seamless(modules: Iterable[nn.Module], tiling: Tiling) -> Iterator[None]:
    """For a while, every convolution of the modules reads across the chosen edges."""
    if tiling == "none":
        yield
        return
    found = [one for module in modules for one in module.modules() if _reaches_out(one)]
    try:
        for convolution in found:
            # On the instance alone: the class serves every other model too.
            convolution._conv_forward = _Round(convolution, tiling)
        yield
    finally:
        for convolution in found:
            convolution.__dict__.pop("_conv_forward", None)


def _reaches_out(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.padding not in ((0, 0), 0, "valid")


class _Round:
    """One convolution's work with its padding taken from the opposite edge; torch pads both ways or none."""

    def __init__(self, convolution: Any, tiling: Tiling) -> None:
        self._convolution = convolution
        self._across, self._down = tiling in ("both", "across"), tiling in ("both", "down")

    def __call__(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        one = self._convolution
        down, across = one.padding
        x = functional.pad(x, (across, across, 0, 0), mode="circular" if self._across else "constant")
        x = functional.pad(x, (0, 0, down, down), mode="circular" if self._down else "constant")
        return torch.conv2d(x, weight, bias, one.stride, 0, one.dilation, one.groups)
