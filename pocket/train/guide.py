"""What the networks are helped with while they learn: which thing lies in which cell, read from their features.

The world knows of every cell which subject and which colour it shows. Two small heads read that from the UNet's
features on their way up, noisy as the latents may be, and what they get wrong teaches the network places, counts and
whose colour is whose far sooner than pixels alone do. A third reads it, for coarse cells, from the words alone: at the
text's end everything has been said, also which of two things is to the left. The heads are not part of the model and
are left behind when it is exported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pocket.data import CELLS
from pocket.judge import COLOUR_NAMES, SUBJECT_NAMES
from pocket.world import Scene

MOST = 3
# Nothing is asked of a cell.
UNASKED = -100
# How many cells along a side the words alone are asked about, and under which number their features are kept.
TOLD, TEXT = 4, -1


@dataclass(frozen=True)
class Layout:
    """Pictures' cells (n, 16, 16) with the number of the thing in each, and every thing's subject and colour.

    Number 0 is none of them, and so is subject 0 and colour 0.
    """

    cells: NDArray[np.uint8]
    subjects: NDArray[np.int16]
    colours: NDArray[np.int16]

    def some(self, rows: NDArray[np.int64], device: torch.device) -> tuple[Tensor, Tensor]:
        """Subject and colour of every cell of some pictures."""
        cells = torch.from_numpy(self.cells[rows].astype(np.int64)).flatten(1)
        return tuple(  # type: ignore[return-value]
            torch.from_numpy(table[rows].astype(np.int64)).gather(1, cells).view(-1, CELLS, CELLS).to(device)
            for table in (self.subjects, self.colours)
        )


def read_layout(scenes: list[Scene], cells: NDArray[np.uint8]) -> Layout:
    """The layout of scenes whose cells are known."""
    subjects, colours = (np.zeros((len(scenes), MOST + 1), np.int16) for _ in range(2))
    for row, scene in enumerate(scenes):
        grey = "black and white" in scene.defects
        for k, thing in enumerate(scene.things):
            subjects[row, k + 1] = SUBJECT_NAMES.index(thing.subject) + 1
            colours[row, k + 1] = UNASKED if grey else COLOUR_NAMES.index(thing.colour) + 1
    return Layout(cells, subjects, colours)


def answers_wrong(told: Tensor, subjects: Tensor, colours: Tensor) -> Tensor:
    """What is wrong about cells, told as logits of subject and colour; the truth may lie in finer cells."""
    step = subjects.shape[-1] // told.shape[-1]
    # The finer cell at the lower right of a cell's middle stands for it.
    wanted = (table[:, step // 2 :: step, step // 2 :: step] for table in (subjects, colours))
    parts = told.float().split([1 + len(SUBJECT_NAMES), 1 + len(COLOUR_NAMES)], 1)
    wrong = [functional.cross_entropy(a, b, ignore_index=UNASKED) for a, b in zip(parts, wanted, strict=True)]
    return wrong[0] + wrong[1]


class Guide(nn.Module):
    """Heads on the UNet's upward features at 8 x 8 and 16 x 16 cells, and one on the end of the text."""

    def __init__(self, unet: Any, text_encoder: Any) -> None:
        super().__init__()
        kinds = 1 + len(SUBJECT_NAMES) + 1 + len(COLOUR_NAMES)
        self.end = text_encoder.config.eos_token_id
        self.text = nn.Sequential(
            nn.Linear(text_encoder.config.hidden_size, 192), nn.SiLU(), nn.Linear(192, kinds * TOLD * TOLD)
        )
        text_encoder.register_forward_hook(self.keep(TEXT))
        layers = [unet.up_blocks[k].attentions[-1] for k in (1, 2)]
        widths = [layer.in_channels for layer in layers]
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Conv2d(w, 96, 1), nn.SiLU(), nn.Conv2d(96, kinds, 1)) for w in widths
        )
        self.seen: dict[int, Tensor] = {}
        for k, layer in enumerate(layers):
            layer.register_forward_hook(self.keep(k))

    def keep(self, k: int) -> Any:
        """A hook that keeps a layer's features for the loss."""

        def hook(_module: nn.Module, _given: Any, out: Any) -> None:
            self.seen[k] = out[0]

        return hook

    def loss(self, subjects: Tensor, colours: Tensor, ids: Tensor) -> Tensor:
        """What the heads get wrong about the pictures that the UNet just saw."""
        told = [head(self.seen.pop(k)) for k, head in enumerate(self.heads)]
        total = self.text_loss(self.seen.pop(TEXT), subjects, colours, ids)
        for cells in told:
            total = total + answers_wrong(cells, subjects, colours)
        return total

    def text_loss(self, words: Tensor, subjects: Tensor, colours: Tensor, ids: Tensor) -> Tensor:
        """What cannot be read from where the text has ended; nothing is asked of an empty one."""
        ended = (ids == self.end).to(words.dtype)[..., None]
        told = self.text((words * ended).sum(1) / ended.sum(1)).view(len(words), -1, TOLD, TOLD)
        silent = (ids[:, 1] == self.end)[:, None, None]
        return answers_wrong(told, *(table.masked_fill(silent, UNASKED) for table in (subjects, colours)))
