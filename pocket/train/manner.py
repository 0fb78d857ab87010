"""The judge's eyes for how a picture was made: they learn apart from those for things, which stay as they are."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pocket.data import draw_set
from pocket.judge import SIDE, load_judge
from pocket.models import NATIVE
from pocket.train.common import fast_math, lay_out, older, pick_device, to_pictures
from pocket.train.judge import Learning, examine_and_ship
from pocket.train.latents import load_vae
from pocket.train.lessons import Lessons, Truth, truths
from pocket.train.scenes import anything, learned, sort_of
from pocket.train.settings import Settings
from pocket.world import Scene, sample
from pocket.world.drawing import spoiled
from pocket.world.sampling import settled_manner
from pocket.world.scene import DEFECTS, LIGHTS, STYLES

FIRST = 900_000
STYLED, LIT, SPOILT = 0.7, 0.4, 0.5
# How many of the sound pictures of a batch get a defect, and which more often: some are hard to see.
FRESH = 0.5
HARD = np.array(
    [
        3.0 if name in ("black and white", "deformed", "disfigured", "text", "cropped") else 1.0
        for name in DEFECTS
    ]
)


def manner_lesson(k: int) -> Scene:
    """Scene k: every scene comes twice, made in two manners, so that nothing but the manner tells them apart."""
    rng, kind = random.Random(f"manner-{k}"), (None, None, "pair", "count")[k // 2 % 4]
    scene = sample(FIRST + k // 2, "train", kind)
    style = rng.choice(STYLES) if rng.random() < STYLED else "flat"
    light = rng.choice(LIGHTS) if rng.random() < LIT and scene.background != "night sky" else "day"
    defects = (DEFECTS[k // 2 % len(DEFECTS)],) if rng.random() < SPOILT else ()
    return replace(scene, style=style, light=light if style != "neon" else "day", defects=defects)


@dataclass(frozen=True)
class Spoiling(Lessons):
    """Lessons of which many sound pictures are spoilt anew each time: a thousand would be learned by heart."""

    def changed(
        self, pixels: NDArray[np.uint8], truth: Truth, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], Truth]:
        """The same, and a defect here and there."""
        pixels, truth = super().changed(pixels, truth, rng)
        defects = truth["defects"].copy()
        for row in np.flatnonzero(~defects.any(1) & (rng.random(len(pixels)) < FRESH)):
            which = rng.choice(len(DEFECTS), p=HARD / HARD.sum())
            pixels[row] = spoiled(pixels[row], DEFECTS[which], rng)
            defects[row, which] = 1
        return pixels, {**truth, "defects": defects}


def word_loss(heads: dict[str, Tensor], truth: dict[str, Tensor]) -> Tensor:
    """What is wrong about style, light and defects."""
    loss = 4 * functional.binary_cross_entropy_with_logits(heads["defects"], truth["defects"])
    for name in ("style", "light"):
        loss = loss + functional.cross_entropy(heads[name], truth[name])
    return loss


@torch.no_grad()
def decoded(settings: Settings, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Pictures of the UNet's latents, with a little noise, as rough as painted ones."""
    device, latents = pick_device(), np.load(settings.latents, mmap_mode="r")
    vae, out = lay_out(load_vae(settings), device), []
    torch.manual_seed(settings.manner.seed)
    for i in range(0, len(rows), 32):
        x = torch.from_numpy(latents[rows[i : i + 32]].astype(np.float32)).to(device)
        rough = torch.rand(len(x), 1, 1, 1, device=device) * 0.25 * x.std()
        with fast_math(device):
            drawn = vae.decode(x + rough * torch.randn_like(x)).sample.float()
        out.append(to_pictures(functional.avg_pool2d(drawn, NATIVE // SIDE)))
    return np.concatenate(out)


def painted_lessons(settings: Settings) -> Lessons:
    """Drawings of the base's own lessons, from their latents; the plainest, which have no manner, left out."""
    path, count = settings.run / "decoded.npy", settings.manner.copies
    made_in_some = [k for k in range(settings.pictures) if sort_of(k) in (anything, settled_manner)]
    rows = np.sort(np.random.default_rng(6).choice(made_in_some, count, replace=False))
    made = settings.latents
    if not path.exists() or len(np.load(path, mmap_mode="r")) != count or older(path, made):
        np.save(path, decoded(settings, rows))
    return Lessons([np.load(path, mmap_mode="r")], truths([learned(int(k)) for k in rows]))


def manner_lessons(settings: Settings) -> Lessons:
    """Drawings in every manner, and some that the autoencoder gave back."""
    count, painted = settings.manner.lessons, painted_lessons(settings)
    drawn = draw_set(settings.data / f"manner-{SIDE}.npy", count, SIDE, 0, "manner", make=manner_lesson)
    truth = truths([manner_lesson(k) for k in range(count)])
    both = {k: np.concatenate([v, painted.truth[k]]) for k, v in truth.items()}
    return Spoiling([drawn, *painted.sets], both, settings.manner.copied_share)


def train_manner(settings: Settings) -> None:
    """Train the committed judge's eyes for the manner, then examine the whole judge and write it."""
    torch.manual_seed(settings.manner.seed)
    judge = load_judge(settings.weights / "judge.safetensors")
    if not (settings.run / "manner.pt").exists() and not settings.from_weights:
        judge.manner = type(judge.manner)()
    learning = Learning(settings, settings.manner, judge, "manner", manner_lessons(settings))
    examine_and_ship(settings, learning.run(word_loss))
