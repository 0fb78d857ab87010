"""The judge's last step: the words of the whole picture, learned on from features that no longer change.

The features cost nearly all of the time. With them kept, hundreds of passes over thousands of pictures take a minute.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pocket.judge import Judge
from pocket.train.lessons import Lessons
from pocket.train.settings import JudgeSettings

BATCH, CHUNK, EPOCHS, PEAK = 256, 64, 60, 3e-3
Kept = tuple[Tensor, dict[str, Tensor]]


def word_loss(heads: dict[str, Tensor], truth: dict[str, Tensor]) -> Tensor:
    """What the heads of the whole picture get wrong."""
    loss = 6 * functional.binary_cross_entropy_with_logits(heads["defects"], truth["defects"])
    for name in ("background", "style", "light"):
        loss = loss + 1.5 * functional.cross_entropy(heads[name], truth[name])
    return loss


@torch.no_grad()
def keep(judge: Judge, lessons: Lessons, s: JudgeSettings, device: torch.device) -> Kept:
    """The features of many pictures, and what the judge should say of them."""
    rng, stats, truths = np.random.default_rng(s.seed), [], []
    for k in range(0, s.kept, CHUNK):
        x, truth = lessons.batch(CHUNK, rng, device)
        stats.append(judge.stats(judge.parts(x)))
        truths.append(truth)
        if k % 3200 == 0:
            print(f"kept the features of {k} of {s.kept}", flush=True)
    return torch.cat(stats), {k: torch.cat([t[k] for t in truths]) for k in truths[0]}


def finish(judge: Judge, lessons: Lessons, s: JudgeSettings, device: torch.device) -> Judge:
    """Teach the heads of the whole picture anew and to the end; everything else stays."""
    stats, truth = keep(judge, lessons, s, device)
    norm, heads = judge.whole[0], nn.ModuleList([judge.whole[1], *judge.heads.values()])
    norm.running_mean.copy_(stats.mean(0))
    norm.running_var.copy_(stats.var(0))
    for layer in heads:
        layer.reset_parameters()
    optimizer = torch.optim.AdamW(heads.parameters(), PEAK, weight_decay=0.05)
    steps = EPOCHS * len(stats) // BATCH
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK, steps)
    for step in range(steps):
        rows = torch.randint(len(stats), (BATCH,), device=device)
        loss = word_loss(judge.words(stats[rows]), {k: v[rows] for k, v in truth.items()})
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        plan.step()
        if step % 500 == 0:
            print(f"finish step {step} of {steps} loss {loss.item():.4f}", flush=True)
    return judge
