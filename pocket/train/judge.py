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
from torch import Tensor
from torch.nn import functional

from pocket.judge import Judge
from pocket.train.common import Budget, fast_math, lay_out, pick_device
from pocket.train.exam import examine, quick_look, report
from pocket.train.lessons import Grid, Lessons, open_lessons, to_grid
from pocket.train.loop import Loop
from pocket.train.settings import JudgeSettings, Settings
from pocket.world.scene import DEFECTS

# Without colour there is none to name.
GREY = DEFECTS.index("black and white")
WARMUP, FLOOR = 100, 0.01
# What the heads get wrong, as one number.
Loss = Callable[[dict[str, Tensor], dict[str, Tensor]], Tensor]


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


def pace(budget: Budget, peak: float, step: int) -> float:
    """Warm-up by steps, then half a cosine over the time."""
    fallen = FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * budget.share)) / 2
    return peak * min(1.0, (step + 1) / WARMUP) * fallen


class Learning:
    """A run of the whole judge, or of a part of it that learns alone."""

    def __init__(
        self, settings: Settings, s: JudgeSettings, judge: Judge, part: str, lessons: Lessons
    ) -> None:
        self.settings, self.s, self.part, self.device = settings, s, part, pick_device()
        self.lessons, self.judge = lessons, lay_out(judge, self.device)
        self.learner = self.judge.get_submodule(part)
        self.loop = Loop(
            part or "judge", settings, s, self.learner,
            decay=s.decay, betas=(0.9, 0.999), shrink=0.03, most=5.0, pace=pace,
        )  # fmt: skip

    def averaged(self) -> Judge:
        """The judge with the averaged weights, ready to read."""
        assert self.loop.average is not None
        judge = copy.deepcopy(self.judge)
        judge.get_submodule(self.part).load_state_dict(self.loop.average.values)
        return judge.eval()

    def run(self, loss: Loss) -> Judge:
        """Train until the minutes are used."""

        def wrong(rng: np.random.Generator) -> dict[str, Tensor]:
            x, truth = self.lessons.batch(self.s.batch, rng, self.device)
            with fast_math(self.device):
                heads = self.learner(x)
            return {"loss": loss({k: v.float() for k, v in heads.items()}, truth)}

        self.learner.train()
        self.loop.run(wrong, lambda: print(quick_look(self.settings, self.averaged()), flush=True))
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
    """Train until the budget is used, then examine the judge and write it."""
    torch.manual_seed(settings.judge.seed)
    learning = Learning(settings, settings.judge, Judge(), "", open_lessons(settings, pixels))
    examine_and_ship(settings, learning.run(judge_loss))
