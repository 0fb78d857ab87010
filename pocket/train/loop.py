"""The loop that every network here learns in: a step, the progress lines, the checkpoints, the end by the clock.

A training ends by time and not by steps, so that a slow machine gets a whole training with a fallen learning rate
too; with a number of steps one training can be held against another. A network, its optimizer and what else belongs
to the run lie in one checkpoint, and the run goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from pocket.train import curve
from pocket.train.common import Average, Budget, load_state, save_state
from pocket.train.settings import Settings

# What a step got wrong: the first of it is what falls, all of it is told.
Wrong = Callable[[np.random.Generator], dict[str, Tensor]]
# The learning rate of a step, from the highest one.
Pace = Callable[[Budget, float, int], float]
TELL, SAVE = 50, 300.0


class Stage(Protocol):
    """What the settings of every stage have."""

    @property
    def minutes(self) -> float:
        """How long it may take."""

    @property
    def steps(self) -> int:
        """Or how many steps, if not none."""

    @property
    def rate(self) -> float:
        """The highest learning rate."""

    @property
    def seed(self) -> int:
        """Where chance begins."""


def compiled(module: Any, settings: Settings) -> Any:
    """The same weights, run as one program where the settings want it; of every shape one of its own."""
    return torch.compile(module, dynamic=False) if settings.compiled else module


class Loop:
    """A run of one stage; a name is its checkpoint's too."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        stage: Stage,
        learner: nn.Module,
        *,
        also: dict[str, nn.Module] | None = None,
        only: list[nn.Parameter] | None = None,
        decay: float | None = None,
        betas: tuple[float, float] = (0.9, 0.99),
        shrink: float = 0.01,
        most: float = 1.0,
        pace: Pace = Budget.rate,
        about: str = "",
        told: str = "",
    ) -> None:
        """`also` learns beside the network, `only` keeps the rest of it still, `decay` is that of its average,
        `about` what a checkpoint must say for the run to go on from it with all that it has, and `told` what its
        lines call it, if not by its name."""
        self.name, self.told, self.stage, self.learner = name, told or name, stage, learner
        self.path, self.most, self.pace, self.about = settings.run / f"{name}.pt", most, pace, about
        beside = [p for module in (also or {}).values() for p in module.parameters()]
        self.weights = [*(only or learner.parameters()), *beside]
        self.optimizer = torch.optim.AdamW(self.weights, stage.rate, betas, weight_decay=shrink, fused=True)
        self.average = Average(learner, decay) if decay else None
        self.parts: dict[str, Any] = {"model": learner, **(also or {}), "optimizer": self.optimizer}
        if self.average:
            self.parts["average"] = self.average
        self.step, spent = self._restore()
        self.budget = Budget(stage.minutes, spent, stage.steps)
        self.budget.done = self.step
        self.curve = curve.curve_file(settings.run)
        curve.go_back(self.curve, self.told, self.step)

    def _restore(self) -> tuple[int, float]:
        """Bring every part to where the run stood; of a run about something else the network alone."""
        state = load_state(self.path, self.weights[0].device)
        if state is None:
            return 0, 0.0
        if state["about"] != self.about:
            self.learner.load_state_dict(state["model"])
            return 0, 0.0
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        return int(state["step"]), float(state["spent"])

    def save(self) -> None:
        """Write where the run stands: its steps, its seconds, and the state of every part."""
        states = {name: part.state_dict() for name, part in self.parts.items()}
        save_state(self.path, step=self.step, spent=self.budget.spent, about=self.about, **states)

    def learn(self, wrong: Wrong, rng: np.random.Generator) -> dict[str, Tensor]:
        """One step; returns what it got wrong, as numbers that nobody has waited for yet."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.pace(self.budget, self.stage.rate, self.step)
        found = wrong(rng)
        self.optimizer.zero_grad(set_to_none=True)
        next(iter(found.values())).backward()
        nn.utils.clip_grad_norm_(self.weights, self.most)
        self.optimizer.step()
        self.step += 1
        self.budget.done = self.step
        if self.average:
            self.average.update(self.learner, self.step)
        return {name: value.detach() for name, value in found.items()}

    def tell(self, means: dict[str, Tensor]) -> None:
        """A progress line, and a point of the run's curve."""
        said = " ".join(f"{name} {float(value):.4f}" for name, value in means.items())
        spent, rate = self.budget.spent / 60, self.optimizer.param_groups[0]["lr"]
        end = f"{self.stage.steps} steps" if self.stage.steps else f"{self.stage.minutes:.0f} min"
        print(f"{self.told} step {self.step} {said} lr {rate:.2e} {spent:.1f} min of {end}", flush=True)
        wrong = float(next(iter(means.values())))
        curve.add(self.curve, curve.Point(self.told, self.step, round(wrong, 5)))

    def run(self, wrong: Wrong, saved: Callable[[], None] = lambda: None) -> None:
        """Learn until the budget is used; `saved` follows every checkpoint."""
        self.budget.begin()
        rng, last = np.random.default_rng(self.stage.seed + self.step), self.budget.spent
        means: dict[str, Tensor] = {}
        while self.budget.share < 1:
            for name, value in self.learn(wrong, rng).items():
                means[name] = torch.lerp(means.get(name, value), value, 0.02)
            if self.step % TELL == 0:
                self.tell(means)
            if self.budget.spent - last > SAVE:
                self.save()
                saved()
                last = self.budget.spent
        self.save()
        saved()
