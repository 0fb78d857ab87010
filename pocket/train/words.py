"""The stage before the UNet's: the words learn to tell what lies where, from captions alone.

A caption says which of two things is to the left long before a picture could teach it: a step without pictures costs
a fraction of one with them, and it takes some hundred thousand captions until "left of" turns from a word like others
into an order of two things. Where the words start from the committed weights, they stay close to what the UNet
already reads, except in the text's last places, which then begin to tell.
"""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pocket.train.common import Budget, fast_math, lay_out, load_run, load_state, pick_device, save_state
from pocket.train.feed import open_feed
from pocket.train.guide import COARSE, Said, Teller, build_teller
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


def check_origin(state: dict[str, Any], settings: Settings, path: Path) -> None:
    """Words that grew from other weights would undo what has been learned since."""
    if state.get("origin") != origin(settings):
        raise SystemExit(
            f"{path} grew from other weights than this run: delete it, and run the stage words anew"
        )


def take_words(settings: Settings, text_encoder: Any, teller: Teller) -> None:
    """Bring both to where the stage left them, if it was run."""
    path = settings.run / "words.pt"
    state = load_state(path, torch.device("cpu"))
    if state is not None:
        check_origin(state, settings, path)
        text_encoder.load_state_dict(state["words"])
        teller.load_state_dict(state["teller"])


class WordsTrainer:
    """The state of the run and its loop."""

    def __init__(self, settings: Settings, text_encoder: Any) -> None:
        self.s, self.device = settings.words, pick_device()
        torch.manual_seed(self.s.seed)
        self.path, self.feed = settings.run / "words.pt", open_feed(settings)
        self.words = lay_out(text_encoder, self.device)
        self.before = copy.deepcopy(self.words).requires_grad_(False) if settings.from_weights else None
        self.teller = lay_out(build_teller(self.words), self.device)
        self.fast = torch.compile(self.words) if settings.compiled else self.words
        self.where = places(self.words.config.max_position_embeddings).to(self.device)
        self.weights = [*self.words.parameters(), *self.teller.parameters()]
        self.optimizer = torch.optim.AdamW(self.weights, self.s.rate, betas=(0.9, 0.99), weight_decay=0.01)
        self.parts = {"words": self.words, "teller": self.teller, "optimizer": self.optimizer}
        self.origin, state = origin(settings), load_state(self.path, torch.device("cpu"))
        if state is not None:
            check_origin(state, settings, self.path)
        self.step, spent = load_run(self.path, self.device, **self.parts)
        self.budget = Budget(self.s.minutes, spent)

    def loss(self, said: Said) -> Tensor:
        """What the words tell wrong, and how far they have left what they were to the UNet."""
        now = read(self.fast, said, self.where)
        wrong = self.teller.loss(now, said)
        if self.before is None:
            return wrong
        with torch.no_grad():
            before = read(self.before, said, self.where)
        return wrong + self.s.kept * (now - before)[:, : -COARSE * COARSE].float().square().mean()

    def learn(self, rng: np.random.Generator) -> float:
        """One step; returns its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.budget.rate(self.s.rate, self.step)
        said = self.feed.said(self.s.batch, self.s.pairs, rng, self.device)
        with fast_math(self.device):
            loss = self.loss(said)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    def save(self) -> None:
        """Write where the run stands, and what it started from."""
        states = {name: part.state_dict() for name, part in self.parts.items()}
        save_state(self.path, step=self.step, spent=self.budget.spent, origin=self.origin, **states)

    def run(self) -> None:
        """Train until the minutes are used."""
        rng, mean = np.random.default_rng(self.s.seed + self.step), 0.0
        while self.budget.share < 1:
            mean = 0.98 * mean + 0.02 * self.learn(rng)
            if self.step % 100 == 0:
                print(f"words step {self.step} loss {mean:.4f} {self.budget.spent / 60:.1f} min", flush=True)
            if self.step % 400 == 0:
                self.save()
        self.save()


def train_words(settings: Settings, text_encoder: Any) -> None:
    """Train until the budget of minutes is used; resumes from the run folder."""
    WordsTrainer(settings, text_encoder).run()
