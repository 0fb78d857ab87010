"""Stage four: the judge, on drawn truth alone."""

from __future__ import annotations

import json

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pocket.data import draw_set, scenes
from pocket.judge import Judge, read_truth
from pocket.train.common import Budget, fast_math, lay_out, load_state, pick_device, save_state, to_input
from pocket.train.settings import Settings

CHECKS = 1500
Truth = dict[str, NDArray[np.float32]]


def truths(first: int, count: int, split: str) -> Truth:
    """The truths of a drawn set, stacked by head."""
    rows = [read_truth(scene) for scene in scenes(count, first, split)]
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


def soften(x: Tensor) -> Tensor:
    """Some pictures a little soft or noisy, as a decoder leaves them; never enough to look blurry."""
    which = torch.rand(len(x), 1, 1, 1, device=x.device)
    soft = functional.avg_pool2d(functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    mixed = torch.lerp(x, soft, torch.rand_like(which) * 0.8)
    noisy = x + torch.randn_like(x) * 0.04
    return torch.where(which < 0.4, mixed, torch.where(which < 0.6, noisy, x))


def judge_loss(heads: dict[str, Tensor], truth: dict[str, Tensor]) -> Tensor:
    """The sum of what every head gets wrong."""
    there = truth["count"] > 0
    loss = functional.cross_entropy(heads["count"].flatten(0, 1), truth["count"].flatten()) * 6
    loss = loss + functional.cross_entropy(heads["colour"][there], truth["colour"][there])
    loss = loss + 6 * functional.l1_loss(heads["place"][there], truth["place"][there])
    for name in ("background", "style"):
        loss = loss + 0.5 * functional.cross_entropy(heads[name], truth[name])
    return loss + 2 * functional.binary_cross_entropy_with_logits(heads["defects"], truth["defects"])


@torch.no_grad()
def accuracy(judge: Judge, pixels: NDArray[np.uint8], truth: Truth, device: torch.device) -> dict[str, float]:
    """How often each head is right on drawn truth."""
    judge.eval()
    parts = [judge(to_input(pixels[i : i + 64], device)) for i in range(0, len(pixels), 64)]
    heads = {k: torch.cat([p[k] for p in parts]).cpu().numpy() for k in parts[0]}
    judge.train()
    there = truth["count"] > 0
    counts = heads["count"].argmax(-1)
    return {
        "subjects": float(((counts > 0) == there).all(-1).mean()),
        "counts": float((counts == truth["count"]).all(-1).mean()),
        "colours": float((heads["colour"].argmax(-1) == truth["colour"])[there].mean()),
        "places": float((np.abs(heads["place"] - truth["place"])[there] < 0.12).all(-1).mean()),
        "background": float((heads["background"].argmax(-1) == truth["background"]).mean()),
        "style": float((heads["style"].argmax(-1) == truth["style"]).mean()),
        "defects": float(((heads["defects"] > 0) == (truth["defects"] > 0)).all(-1).mean()),
    }


def checks(settings: Settings, judge: Judge, device: torch.device) -> dict[str, dict[str, float]]:
    """Accuracy on held-out drawings: all of them, and those without defects in plain light."""
    path = settings.data / f"held-{settings.side}.npy"
    pixels, truth = draw_set(path, CHECKS, settings.side, 0, "held_out"), truths(0, CHECKS, "held_out")
    clean = np.array([not s.defects and s.light == "day" for s in scenes(CHECKS, 0, "held_out")])
    return {
        "all": accuracy(judge, np.asarray(pixels), truth, device),
        "clean": accuracy(judge, np.asarray(pixels)[clean], {k: v[clean] for k, v in truth.items()}, device),
    }


def train_judge(settings: Settings, pixels: NDArray[np.uint8]) -> None:
    """Train until the budget of minutes is used, then print and keep the accuracy."""
    s, device, path = settings.judge, pick_device(), settings.run / "judge.pt"
    torch.manual_seed(s.seed)
    judge, truth = lay_out(Judge(), device), truths(0, len(pixels), "train")
    optimizer = torch.optim.AdamW(judge.parameters(), s.rate, weight_decay=0.02)
    state, step, spent = load_state(path, device), 0, 0.0
    if state:
        judge.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
    rng, budget = np.random.default_rng(s.seed + step), Budget(s.minutes, spent)
    while budget.share < 1:
        for group in optimizer.param_groups:
            group["lr"] = budget.rate(s.rate, step)
        rows = np.sort(rng.integers(0, len(pixels), s.batch))
        wanted = {k: torch.from_numpy(v[rows]).to(device) for k, v in truth.items()}
        with fast_math(device):
            heads = judge(soften(to_input(pixels[rows], device)))
        loss = judge_loss({k: v.float() for k, v in heads.items()}, wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        step += 1
        if step % 200 == 0:
            print(
                f"judge step {step} loss {loss.item():.4f} {budget.spent / 60:.1f} of {s.minutes:.0f} min",
                flush=True,
            )
    save_state(
        path, model=judge.state_dict(), optimizer=optimizer.state_dict(), step=step, spent=budget.spent
    )
    report = checks(settings, judge, device)
    (settings.run / "judge.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1), flush=True)
