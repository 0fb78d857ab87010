"""Stage four: the judge's eyes for things, on drawn truth alone; those for the manner learn apart, in manner.py."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from pocket.judge import Judge
from pocket.train.common import (
    Average,
    Budget,
    fast_math,
    lay_out,
    load_run,
    pick_device,
    save_run,
)
from pocket.train.exam import examine, quick_look, report
from pocket.train.lessons import Grid, Lessons, open_lessons, to_grid
from pocket.train.settings import JudgeSettings, Settings
from pocket.world.scene import DEFECTS

# Without colour there is none to name.
GREY = DEFECTS.index("black and white")
WARMUP, FLOOR = 100, 0.01
SHOW, SAVE = 100, 300.0
# What the heads get wrong, as one number.
Wrong = Callable[[dict[str, Tensor], dict[str, Tensor]], Tensor]


def centre_loss(logits: Tensor, grid: Grid, valid: Tensor) -> Tensor:
    """Focal loss on the centres: cells beside a centre are nearly right and cost little."""
    sure = logits.sigmoid().clamp(1e-4, 1 - 1e-4)
    hit = grid.peak * (1 - sure).square() * sure.log()
    miss = ~grid.peak * (1 - grid.centre) ** 4 * sure.square() * (1 - sure).log()
    return -((hit + miss) * valid[:, None, None]).sum() / (grid.peak * valid[:, None, None]).sum().clamp(
        min=1
    )


def cell_loss(logits: Tensor, names: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy over the cells of things."""
    return (functional.cross_entropy(logits, names, reduction="none") * weight).sum() / weight.sum().clamp(
        min=1
    )


def judge_loss(heads: dict[str, Tensor], truth: dict[str, Tensor]) -> Tensor:
    """The sum of what every head gets wrong."""
    grid, valid = to_grid(truth["things"]), ~truth["moved"]
    weight = grid.weight * valid[:, None, None]
    coloured = weight * (truth["defects"][:, GREY] == 0)[:, None, None]
    loss = centre_loss(heads["centre"], grid, valid)
    loss = loss + cell_loss(heads["subject"], grid.subject, weight)
    loss = loss + cell_loss(heads["colour"], grid.colour, coloured)
    return loss + 1.5 * functional.cross_entropy(heads["background"], truth["background"])


def rate(peak: float, step: int, share: float) -> float:
    """Warm-up by steps, then half a cosine over the time."""
    return peak * min(1.0, (step + 1) / WARMUP) * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * share)) / 2)


class Trainer:
    """The state of the run and its loop: of the whole judge, or of a part of it that learns alone."""

    def __init__(
        self, settings: Settings, s: JudgeSettings, judge: Judge, part: str, lessons: Lessons
    ) -> None:
        self.settings, self.s, self.part, self.device = settings, s, part, pick_device()
        self.path, self.lessons = settings.run / f"{part or 'judge'}.pt", lessons
        self.judge = lay_out(judge, self.device)
        self.learner = self.judge.get_submodule(part)
        self.average = Average(self.learner, s.decay)
        self.optimizer = torch.optim.AdamW(self.learner.parameters(), s.rate, weight_decay=0.03, fused=True)
        self.parts = {"model": self.learner, "average": self.average, "optimizer": self.optimizer}
        self.step, spent = load_run(self.path, self.device, **self.parts)
        self.budget = Budget(s.minutes, spent)

    def save(self) -> None:
        """Write the checkpoint."""
        save_run(self.path, self.step, self.budget.spent, **self.parts)

    def averaged(self) -> Judge:
        """The judge with the averaged weights, ready to read."""
        judge = copy.deepcopy(self.judge)
        judge.get_submodule(self.part).load_state_dict(self.average.values)
        return judge.eval()

    def learn(self, x: Tensor, truth: dict[str, Tensor], wrong: Wrong) -> float:
        """One step."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.s.rate, self.step, self.budget.share)
        with fast_math(self.device):
            heads = self.learner(x)
        loss = wrong({k: v.float() for k, v in heads.items()}, truth)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.learner.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        self.average.update(self.learner, self.step)
        return float(loss.detach())

    def tell(self, mean: float) -> None:
        """A progress line."""
        spent = f"{self.budget.spent / 60:.1f} of {self.s.minutes:.0f} min"
        print(f"{self.part or 'judge'} step {self.step} loss {mean:.4f} {spent}", flush=True)

    def run(self, wrong: Wrong) -> Judge:
        """Train until the minutes are used."""
        self.learner.train()
        rng, mean, saved = np.random.default_rng(self.s.seed + self.step), 0.0, self.budget.spent
        while self.budget.share < 1:
            loss = self.learn(*self.lessons.batch(self.s.batch, rng, self.device), wrong)
            mean = loss if mean == 0.0 else 0.98 * mean + 0.02 * loss
            if self.step % SHOW == 0:
                self.tell(mean)
            if self.budget.spent - saved > SAVE:
                self.save()
                print(quick_look(self.settings, self.averaged()), flush=True)
                saved = self.budget.spent
        self.save()
        return self.averaged()


def ship(settings: Settings, judge: Judge, marks: dict[str, Any]) -> None:
    """Write the judge in fp16 with its scores beside it: they say what it may judge."""
    small = {k: v.half() if v.is_floating_point() else v for k, v in judge.cpu().state_dict().items()}
    settings.weights.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in small.items()}, settings.weights / "judge.safetensors")
    (settings.weights / "judge.json").write_text(json.dumps(marks, indent=1) + "\n")


def examine_and_ship(settings: Settings, judge: Judge) -> None:
    """Examine the judge on held-out drawings as it ships, in half precision, and write it."""
    judge = judge.half().float()
    marks = examine(settings, judge)
    ship(settings, judge, marks)
    print(report(marks), flush=True)


def train_judge(settings: Settings, pixels: NDArray[np.uint8]) -> None:
    """Train until the budget of minutes is used, then examine the judge and write it."""
    torch.manual_seed(settings.judge.seed)
    trainer = Trainer(settings, settings.judge, Judge(), "", open_lessons(settings, pixels))
    examine_and_ship(settings, trainer.run(judge_loss))
