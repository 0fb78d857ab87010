"""The stage before the UNet's: the words learn to tell what lies where, from captions alone.

A caption says which of two things is to the left long before a picture could teach it: a step without pictures costs
a fraction of one with them, and it takes some hundred thousand captions until "left of" turns from a word like others
into an order of two things. Where the words start from the committed weights, they stay close to what the UNet
already reads, except in the text's last places, which then begin to tell.
"""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pocket.train.common import fast_math, lay_out, load_state, pick_device
from pocket.train.feed import open_feed
from pocket.train.guide import COARSE, Said, Teller, build_teller
from pocket.train.loop import Loop, compiled
from pocket.train.settings import Settings

# The longest captions have 43 words and signs. What lies between them and the last places is always empty.
LONGEST = 44


def places(length: int) -> Tensor:
    """The places of a text that are worth a step's time: where words may be, and the last ones."""
    return torch.tensor([[*range(LONGEST), *range(length - COARSE * COARSE, length)]])


def read(words: Any, said: Said, where: Tensor) -> Tensor:
    """The features of texts without the empty places between."""
    return words(input_ids=said.ids[:, where[0]], position_ids=where).last_hidden_state


def origin(settings: Settings) -> str:
    """What words start from: the committed text encoder as it stands, or nothing."""
    if not settings.from_weights:
        return ""
    return hashlib.sha256((settings.weights / "text_encoder" / "model.safetensors").read_bytes()).hexdigest()


def check_origin(settings: Settings) -> dict[str, Any] | None:
    """What the stage left, if it was run. Words that grew from other weights would undo what has been learned since."""
    path = settings.run / "words.pt"
    state = load_state(path, torch.device("cpu"))
    if state is not None and state["about"] != origin(settings):
        raise SystemExit(
            f"{path} grew from other weights than this run: delete it, and run the stage words anew"
        )
    return state


def take_words(settings: Settings, text_encoder: Any, teller: Teller) -> None:
    """Bring both to where the stage left them, if it was run."""
    state = check_origin(settings)
    if state is not None:
        text_encoder.load_state_dict(state["model"])
        teller.load_state_dict(state["teller"])


class Telling:
    """What the words tell wrong, and how far they have left what they were to the UNet."""

    def __init__(self, settings: Settings, words: Any, teller: Teller) -> None:
        self.s, self.device, self.feed = settings.words, pick_device(), open_feed(settings)
        self.fast, self.teller = compiled(words, settings), teller
        self.before = copy.deepcopy(words).requires_grad_(False) if settings.from_weights else None
        self.where = places(words.config.max_position_embeddings).to(self.device)

    def wrong(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The loss of some captions."""
        self.feed.grow()
        said = self.feed.said(self.s.batch, self.s.pairs, rng)
        with fast_math(self.device):
            now = read(self.fast, said, self.where)
            return {"loss": self.teller.loss(now, said) + self.s.kept * self.left(now, said)}

    def left(self, now: Tensor, said: Said) -> Tensor:
        """How far what the UNet reads already has moved."""
        if self.before is None:
            return now.new_zeros(())
        with torch.no_grad():
            before = read(self.before, said, self.where)
        return (now - before)[:, : -COARSE * COARSE].float().square().mean()


def train_words(settings: Settings, text_encoder: Any) -> None:
    """Train until the budget is used; resumes from the run folder."""
    torch.manual_seed(settings.words.seed)
    check_origin(settings)
    words = lay_out(text_encoder, pick_device())
    teller = lay_out(build_teller(words), pick_device())
    telling = Telling(settings, words, teller)
    loop = Loop("words", settings, settings.words, words, also={"teller": teller}, about=origin(settings))
    loop.run(telling.wrong)
