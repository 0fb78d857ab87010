"""The loop of every training: goes on where it stood, ends by the clock, averages, and keeps the rest still."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pocket.train import curve
from pocket.train.settings import Settings

torch = pytest.importorskip("torch")

from pocket.train.loop import Loop  # noqa: E402


@dataclass(frozen=True)
class Stage:
    """The settings of a stage that is over soon."""

    minutes: float = 0.01
    steps: int = 0
    rate: float = 0.05
    seed: int = 3


@pytest.fixture(autouse=True)
def even_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by a millisecond with every look at it, whatever the machine does meanwhile."""
    ticks = count()
    clock = SimpleNamespace(monotonic=lambda: next(ticks) / 1000)
    monkeypatch.setattr("pocket.train.common.time", clock)


def line() -> torch.nn.Module:
    """Something to learn: two layers, so that one can be kept still."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.Linear(4, 1))


def doubled(module: torch.nn.Module):
    """How far a network is from doubling numbers."""

    def wrong(rng: np.random.Generator) -> dict[str, torch.Tensor]:
        x = torch.from_numpy(rng.normal(size=(16, 1)).astype(np.float32))
        return {"loss": (module(x) - 2 * x).square().mean(), "x": x.mean()}

    return wrong


def test_a_run_learns_until_its_time_is_over_and_another_finds_it_done(tmp_path: Path) -> None:
    settings, module = Settings(run=tmp_path), line()
    wrong, rng = doubled(module), np.random.default_rng(0)
    before = float(wrong(rng)["loss"].detach())
    loop = Loop("line", settings, Stage(), module, decay=0.9)
    loop.run(wrong)
    assert loop.step > 20 and float(wrong(rng)["loss"].detach()) < before / 4
    again = Loop("line", settings, Stage(), line(), decay=0.9)
    assert (again.step, again.budget.share) == (loop.step, 1.0)
    assert torch.equal(again.learner[0].weight, module[0].weight)
    assert loop.average is not None and again.average is not None
    assert torch.equal(again.average.values["0.weight"], loop.average.values["0.weight"])


def test_what_is_not_named_stays_as_it_is_and_what_is_beside_learns_along(tmp_path: Path) -> None:
    module, beside = line(), torch.nn.Linear(1, 1)
    still, moved, other = (p.detach().clone() for p in (module[0].weight, module[1].weight, beside.weight))

    def wrong(rng: np.random.Generator) -> dict[str, torch.Tensor]:
        return {"loss": (module(beside(torch.ones(4, 1))) - 3).square().mean()}

    Loop(
        "line",
        Settings(run=tmp_path),
        Stage(),
        module,
        also={"beside": beside},
        only=[*module[1].parameters()],
    ).run(wrong)
    assert torch.equal(module[0].weight, still)
    assert not torch.equal(module[1].weight, moved) and not torch.equal(beside.weight, other)


def test_of_a_run_about_something_else_only_the_network_is_taken(tmp_path: Path) -> None:
    settings, module = Settings(run=tmp_path), line()
    Loop("line", settings, Stage(), module, about="all of it").run(doubled(module))
    other = Loop(
        "line", settings, replace(Stage(), minutes=1.0), line(), only=[*line().parameters()], about="a part"
    )
    assert torch.equal(other.learner[0].weight, module[0].weight)
    assert (other.step, other.optimizer.state) == (0, {}) and other.budget.share < 0.5


def test_every_checkpoint_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr("pocket.train.loop.SAVE", 0.05)
    monkeypatch.setattr("pocket.train.loop.TELL", 5)
    module, told = line(), []
    loop = Loop("line", Settings(run=tmp_path), Stage(), module)
    loop.run(doubled(module), lambda: told.append(loop.path.exists()))
    assert len(told) >= 2 and all(told)
    assert "line step 5 loss " in capsys.readouterr().out


def test_a_run_of_so_many_steps_takes_them_whatever_the_clock_says(tmp_path: Path) -> None:
    settings, rates = Settings(run=tmp_path), []
    loop = Loop("line", settings, Stage(steps=250, minutes=1e-6), line())
    wrong = doubled(loop.learner)

    def watched(rng: np.random.Generator) -> dict[str, torch.Tensor]:
        rates.append(loop.optimizer.param_groups[0]["lr"])
        return wrong(rng)

    loop.run(watched)
    assert loop.step == 250
    assert max(rates) == rates[110] == Stage.rate and rates[-1] < Stage.rate / 20
    again = Loop("line", settings, Stage(steps=250), line())
    assert again.budget.share == 1.0


def test_every_line_is_a_point_of_the_curve_and_a_run_that_goes_on_leaves_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pocket.train.loop.TELL", 10)
    settings = Settings(run=tmp_path)
    loop = Loop("line", settings, Stage(steps=25), line(), told="lines")
    loop.run(doubled(loop.learner))
    path = curve.curve_file(tmp_path)
    curve.add(path, curve.Point("lines", 30, 9.0))
    on = Loop("line", settings, Stage(steps=40), line(), told="lines")
    on.run(doubled(on.learner))
    points = curve.read(path)
    assert [(p.stage, p.step) for p in points] == [("lines", step) for step in (10, 20, 30, 40)]
    assert points[-1].wrong < points[0].wrong
