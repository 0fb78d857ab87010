"""What text encoders say of captions: as words, without the signs by which prompts weigh and blend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from studio.diffusion.encoding import Reader, Said, normed_layer, unnormed_layer
from studio.families import FAMILIES
from studio.loras.layers import ENCODERS
from studio.models.registry import Loaded
from studio.prompt import Chunk, Phrase, Piece, Window

TOKENIZERS = ("tokenizer", "tokenizer_2")
READS = {"sd1": normed_layer, "sd2": normed_layer, "sdxl": unnormed_layer}


class Captions:
    """The captions of a training, each cut into as many windows as the longest of them has."""

    def __init__(self, texts: Sequence[str], model: Loaded[Any]) -> None:
        self._size = FAMILIES[model.spec.family].window
        self._windows: list[list[tuple[Window, ...]]] = []
        for reader in _readers(model):
            self._windows.append([reader.windows(_phrase(text), self._size) for text in texts])
        self._count = max(len(windows) for row in self._windows for windows in row)

    def said(self, model: Loaded[Any], which: Sequence[int], device: str) -> Said:
        """What a model's encoders say of some of the captions, in one batch; gradients reach the encoders."""
        found = [
            self._read(reader, [row[at] for at in which], device)
            for reader, row in zip(_readers(model), self._windows, strict=True)
        ]
        wholes = [one.whole for one in found if one.whole is not None]
        tokens = torch.cat([one.tokens.float() for one in found], dim=-1)
        return Said(tokens, wholes[-1].float() if wholes else None)

    def _read(self, reader: Reader, texts: Sequence[tuple[Window, ...]], device: str) -> Said:
        filled = [[*windows, *[()] * (self._count - len(windows))] for windows in texts]
        ids = torch.tensor(
            [reader.marked(window, self._size) for windows in filled for window in windows], device=device
        )
        said = reader.read(reader.encoder, ids, 1)
        tokens = said.tokens.reshape(len(texts), -1, said.tokens.shape[-1])
        # What is said as a whole is said by the first window.
        whole = None if said.whole is None else said.whole.reshape(len(texts), self._count, -1)[:, 0]
        return Said(tokens, whole)


def _readers(model: Loaded[Any]) -> list[Reader]:
    parts, read = model.parts, READS[model.spec.family]
    names = [(first, second) for first, second in zip(TOKENIZERS, ENCODERS, strict=True) if parts.get(second)]
    return [Reader(parts[tokenizer], parts[encoder], read, {}) for tokenizer, encoder in names]


def _phrase(text: str) -> Phrase:
    return Phrase((Chunk((Piece(text),)),))


def silence(beside: Said) -> Said:
    """No caption at all, as XL paints without a prompt: not an empty sentence, but nothing."""
    return Said(
        torch.zeros_like(beside.tokens), None if beside.whole is None else torch.zeros_like(beside.whole)
    )


def joined(said: Sequence[Said]) -> Said:
    """Several in one batch."""
    wholes = [one.whole for one in said if one.whole is not None]
    return Said(torch.cat([one.tokens for one in said]), torch.cat(wholes) if wholes else None)
