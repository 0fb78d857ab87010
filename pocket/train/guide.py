"""What the networks are helped with while they learn: which thing lies in which cell, read from their features.

The world knows of every cell which subject and which colour it shows. Two small heads read that from the UNet's
features on their way up, noisy as the latents may be, and what they get wrong teaches the network places, counts and
whose colour is whose far sooner than pixels alone do. A third reads it from the words alone: each of the text's last
places, empty as they are, tells what one coarse cell will show. By there everything has been said, also which of two
things is to the left, and a cell of the picture needs only look at its own place. The heads are not part of the model
and are left behind when it is exported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pocket.data import CELLS
from pocket.judge import COLOUR_NAMES, SUBJECT_NAMES
from pocket.world import Scene

MOST = 3
# Nothing is asked of a cell.
UNASKED = -100
# How many cells along a side the words alone are asked about, and under which number their features are kept.
COARSE, TEXT = 4, -1
# Subject and colour, or none of them.
KINDS = [1 + len(SUBJECT_NAMES), 1 + len(COLOUR_NAMES)]


@dataclass(frozen=True)
class Layout:
    """Pictures' cells (n, 16, 16) with the number of the thing in each, and every thing's subject and colour.

    Number 0 is none of them, and so is subject 0 and colour 0.
    """

    cells: Tensor
    subjects: Tensor
    colours: Tensor

    def some(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Subject and colour of every cell of some pictures."""
        cells = self.cells[rows].long().flatten(1)
        return tuple(  # type: ignore[return-value]
            table[rows].long().gather(1, cells).view(-1, CELLS, CELLS)
            for table in (self.subjects, self.colours)
        )


@dataclass(frozen=True)
class Said:
    """What was said of some pictures, and the subject and colour of every cell."""

    ids: Tensor
    subjects: Tensor
    colours: Tensor


def read_layout(scenes: list[Scene], device: torch.device) -> Layout:
    """The layout of scenes whose cells are to come."""
    subjects, colours = (np.zeros((len(scenes), MOST + 1), np.int16) for _ in range(2))
    for row, scene in enumerate(scenes):
        grey = "black and white" in scene.defects
        for k, thing in enumerate(scene.things):
            subjects[row, k + 1] = SUBJECT_NAMES.index(thing.subject) + 1
            colours[row, k + 1] = UNASKED if grey else COLOUR_NAMES.index(thing.colour) + 1
    cells = torch.zeros(len(scenes), CELLS, CELLS, dtype=torch.uint8, device=device)
    return Layout(cells, *(torch.from_numpy(table).to(device) for table in (subjects, colours)))


def coarser(cells: Tensor, side: int) -> Tensor:
    """Coarse cells of finer ones: the finer cell at the lower right of a cell's middle stands for it."""
    step = cells.shape[-1] // side
    return cells[:, step // 2 :: step, step // 2 :: step]


def answers_wrong(told: Tensor, subjects: Tensor, colours: Tensor) -> Tensor:
    """What is wrong about cells, told as logits of subject and colour; the truth may lie in finer cells."""
    wanted = (coarser(table, told.shape[-1]) for table in (subjects, colours))
    parts = told.float().split(KINDS, 1)
    wrong = [functional.cross_entropy(a, b, ignore_index=UNASKED) for a, b in zip(parts, wanted, strict=True)]
    return wrong[0] + wrong[1]


def taken_for_another(told: Tensor, subjects: Tensor) -> Tensor:
    """How far the things of a picture are taken for each other, in the cells that show one of them."""
    subjects = coarser(subjects, told.shape[-1])
    there = torch.zeros(len(told), KINDS[0], device=told.device)
    there.scatter_(1, subjects.flatten(1).clamp(min=0), 1.0)
    among = told[:, : KINDS[0]].float().masked_fill(there[..., None, None] == 0, -1e4)
    shown = subjects > 0
    wrong = functional.cross_entropy(among, subjects.clamp(min=0), reduction="none")
    return (wrong * shown).sum() / shown.sum().clamp(min=1)


class Teller(nn.Module):
    """Reads from each of the text's last places what one coarse cell shows."""

    def __init__(self, width: int, end: int) -> None:
        super().__init__()
        self.end, self.head = end, nn.Linear(width, sum(KINDS))

    def forward(self, words: Tensor) -> Tensor:
        """Logits of every coarse cell."""
        told = self.head(words[:, -COARSE * COARSE :]).transpose(1, 2)
        return told.reshape(len(words), -1, COARSE, COARSE)

    def loss(self, words: Tensor, said: Said) -> Tensor:
        """What the words tell wrong; nothing is asked of an empty text."""
        silent = (said.ids[:, 1] == self.end)[:, None, None]
        subjects, colours = (table.masked_fill(silent, UNASKED) for table in (said.subjects, said.colours))
        told = self(words)
        return answers_wrong(told, subjects, colours) + 2 * taken_for_another(told, subjects)


def coarse_layers(unet: Any) -> list[Any]:
    """The layers that decide where things go: at the bottom, where places are coarse, and on the way up from it."""
    return [unet.mid_block.attentions[0], unet.up_blocks[1].attentions[0]]


def build_teller(text_encoder: Any) -> Teller:
    """The reader of a text encoder's words."""
    return Teller(text_encoder.config.hidden_size, text_encoder.config.eos_token_id)


def looked_away(queries: Tensor, keys: Tensor, heads: int) -> Tensor:
    """How little a layer's first head looks from every place at the word that tells the coarse cell it lies in."""
    wide, side = queries.shape[-1] // heads, int(queries.shape[1] ** 0.5)
    scores = queries[..., :wide].float() @ keys[..., :wide].float().transpose(1, 2) * wide**-0.5
    row = torch.arange(side, device=queries.device) * COARSE // side
    place = keys.shape[1] - COARSE * COARSE + (row[:, None] * COARSE + row).flatten()
    return -scores.log_softmax(-1).gather(2, place.expand(len(scores), -1)[..., None]).mean()


class Guide(nn.Module):
    """Heads on the UNet's upward features at 8 x 8 and 16 x 16 cells, one on the words, and a look at where it looks.

    That a place of the picture belongs to one of the text's last places is found by chance late or never, so the
    first head of two layers is told.
    """

    def __init__(self, unet: Any, text_encoder: Any) -> None:
        super().__init__()
        self.teller = build_teller(text_encoder)
        text_encoder.register_forward_hook(self.keep(TEXT))
        layers = [unet.up_blocks[k].attentions[-1] for k in (1, 2)]
        widths = [layer.in_channels for layer in layers]
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Conv2d(w, 96, 1), nn.SiLU(), nn.Conv2d(96, sum(KINDS), 1)) for w in widths
        )
        self.looking = [layer.transformer_blocks[0].attn2 for layer in coarse_layers(unet)]
        self.looks: dict[tuple[int, str], Tensor] = {}
        for k, attention in enumerate(self.looking):
            for name in ("to_q", "to_k"):
                getattr(attention, name).register_forward_hook(self.keep_look(k, name))
        self.seen: dict[int, Tensor] = {}
        for k, layer in enumerate(layers):
            layer.register_forward_hook(self.keep(k))

    def keep(self, k: int) -> Any:
        """A hook that keeps a layer's features for the loss."""

        def hook(_module: nn.Module, _given: Any, out: Any) -> None:
            self.seen[k] = out[0]

        return hook

    def keep_look(self, k: int, name: str) -> Any:
        """A hook that keeps what a layer asks for, or is offered."""

        def hook(_module: nn.Module, _given: Any, out: Any) -> None:
            self.looks[k, name] = out

        return hook

    def looking_away(self) -> Tensor:
        """How little the told layers look at the places that tell."""
        wrong = [
            looked_away(self.looks.pop((k, "to_q")), self.looks.pop((k, "to_k")), attention.heads)
            for k, attention in enumerate(self.looking)
        ]
        return torch.stack(wrong).sum()

    def loss(self, said: Said) -> Tensor:
        """What the heads get wrong about the pictures that the UNet just saw."""
        told = [head(self.seen.pop(k)) for k, head in enumerate(self.heads)]
        total = self.teller.loss(self.seen.pop(TEXT), said) + self.looking_away()
        for cells in told:
            total = total + answers_wrong(cells, said.subjects, said.colours)
        return total
