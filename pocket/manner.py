"""How a picture was made: a small network that reads style, light and defects from it.

These words show everywhere in a picture and in no single place, as texture, as tone, as what is bent or cut off. So
it has eyes of its own, apart from those that look for things, and reads means, spreads and peaks of what they see.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pocket.world.scene import DEFECTS, LIGHTS, STYLES

MANNERS = {"style": STYLES, "light": LIGHTS, "defects": DEFECTS}
WIDTHS = (16, 32, 64, 96)


def block(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    """Convolution, norm, activation."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Two convolutions beside a straight path."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = block(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """The input plus what the convolutions add."""
        return functional.relu(x + self.second(self.first(x)))


def spread(x: Tensor) -> Tensor:
    """Mean and spread of every channel over the picture."""
    mean = x.mean((2, 3))
    return torch.cat([mean, (x.square().mean((2, 3)) - mean.square()).clamp(min=1e-6).sqrt()], 1)


class Manner(nn.Module):
    """Reads style, light and defects of a batch of 128 pixels between -1 and 1."""

    def __init__(self) -> None:
        super().__init__()
        steps = zip((3, *WIDTHS), WIDTHS, strict=False)
        self.eyes = nn.ModuleList(nn.Sequential(block(a, b, 2), Residual(b)) for a, b in steps)
        stats = 3 * sum(WIDTHS)
        self.whole = nn.Sequential(
            nn.BatchNorm1d(stats, affine=False), nn.Linear(stats, 128), nn.ReLU(inplace=True)
        )
        self.heads = nn.ModuleDict({name: nn.Linear(128, len(words)) for name, words in MANNERS.items()})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Logits of every word."""
        seen = []
        for eye in self.eyes:
            x = eye(x)
            seen += [spread(x), x.amax((2, 3))]
        whole = self.whole(torch.cat(seen, 1))
        return {name: head(whole) for name, head in self.heads.items()}
