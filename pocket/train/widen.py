"""Grows a trained UNet into a wider one that paints the same at first, so that what was learned is not learned again.

Every channel becomes several that are alike, and what reads them shares its weight among them, unevenly, so that the
copies soon part ways. Norms see the same spread, since copies stay in their group.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# A stretch of channels that belong together, with its width before and after.
Stretch = tuple[int, int]


def up_stretches(key: str, before: tuple[int, ...], after: tuple[int, ...]) -> list[Stretch]:
    """Where an upward layer reads what comes from below beside what was kept on the way down."""
    block, layer = int(key.split(".")[1]), int(key.split(".")[3])
    levels = len(before)
    own, below = levels - 1 - block, min(levels - block, levels - 1)
    kept = max(own - 1, 0) if layer == 1 else own
    return [(before[k], after[k]) for k in (below if layer == 0 else own, kept)]


def stretches(
    key: str, axis: int, size: Stretch, before: tuple[int, ...], after: tuple[int, ...]
) -> list[Stretch]:
    """The stretches along one axis of a weight."""
    joined = ("norm1.weight", "norm1.bias", "conv1.weight", "conv_shortcut.weight")
    reads = axis == 1 or "norm1" in key
    if key.startswith("up_blocks") and ".resnets." in key and key.endswith(joined) and reads:
        return up_stretches(key, before, after)
    if "ff.net.0.proj" in key and axis == 0:  # values and gates lie one behind the other
        return [(size[0] // 2, size[1] // 2)] * 2
    return [size]


def sources(parts: list[Stretch]) -> Tensor:
    """For every channel of the wide net the channel that it copies."""
    out, start = [], 0
    for before, after in parts:
        out.append(start + torch.arange(after) * before // after)
        start += before
    return torch.cat(out)


def shares(source: Tensor) -> Tensor:
    """How much of its original's weight every copy carries; uneven, together one."""
    rough = 0.5 + torch.rand(len(source))
    total = torch.zeros(int(source.max()) + 1).index_add_(0, source, rough)
    return rough / total[source]


def grow(key: str, old: Tensor, new: Tensor, before: tuple[int, ...], after: tuple[int, ...]) -> Tensor:
    """One weight at its new size."""
    if old.shape == new.shape:
        return old
    for axis, size in enumerate(zip(old.shape, new.shape, strict=True)):
        source = sources(stretches(key, axis, size, before, after))
        old = old.index_select(axis, source)
        if axis == 1 and key == "time_embedding.linear_1.weight":
            # The wide net's waves lie twice as close: every other one is the narrow net's.
            old = old * (torch.arange(size[1]) % (size[1] // size[0]) == 0)
        elif axis == 1 and size[0] != size[1]:
            old = old * shares(source).view(1, -1, *[1] * (old.dim() - 2))
    return old


@torch.no_grad()
def widen(narrow: Any, wide: Any) -> Any:
    """Give the wide UNet what the narrow one has learned."""
    before, after = (tuple(net.config.block_out_channels) for net in (narrow, wide))
    fresh = wide.state_dict()
    grown = {
        key: grow(key, old.float(), fresh[key], before, after) for key, old in narrow.state_dict().items()
    }
    for key, value in grown.items():
        if "to_q" in key:  # more channels a head make its products larger
            value *= (narrow.state_dict()[key].shape[0] / value.shape[0]) ** 0.5
    wide.load_state_dict(grown)
    return wide
