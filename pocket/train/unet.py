"""Stage three: the UNet and the text encoder, trained together on latents."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import DDPMScheduler
from numpy.typing import NDArray
from torch import Tensor, nn

from pocket.models import build_text_encoder, build_unet
from pocket.painter import BETAS, Painter
from pocket.tokens import build_backend
from pocket.train.common import (
    Average,
    Budget,
    fast_math,
    lay_out,
    load_state,
    pick_device,
    save_sheet,
    save_state,
)
from pocket.train.latents import load_vae
from pocket.train.settings import Settings, UnetSettings

SHEET_PROMPTS = (
    "a red cat in a meadow",
    "一只蓝色的狗在雪地里",
    "a yellow star in the night sky",
    "紫色的城堡，森林",
    "一条橙色的鱼在大海上",
    "a girl in a pink dress in a meadow, waving",
    "a red heart on a plain background",
    "two black cats in the city",
)


class Both(nn.Module):
    """UNet and text encoder as one network, so that one optimizer and one average hold both."""

    def __init__(self, unet: Any, text_encoder: Any) -> None:
        super().__init__()
        self.unet, self.text_encoder = unet, text_encoder

    def forward(self, x: Tensor, t: Tensor, ids: Tensor) -> Tensor:
        """The predicted velocity."""
        words = self.text_encoder(input_ids=ids).last_hidden_state
        return self.unet(x, t, words).sample


@dataclass
class Feed:
    """Latents with their captions, in memory."""

    latents: NDArray[np.float16]
    captions: NDArray[np.int16]
    empty: NDArray[np.int16]
    scale: float
    chances: NDArray[np.float64]

    def batch(self, s: UnetSettings, rng: np.random.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
        """Some latents and for each one of its captions, or none."""
        rows = rng.choice(len(self.latents), s.batch, p=self.chances)
        ids = self.captions[rows, rng.integers(0, self.captions.shape[1], s.batch)].copy()
        ids[rng.random(s.batch) < s.empty] = self.empty
        x = torch.from_numpy(self.latents[rows].astype(np.float32) * self.scale)
        return (
            x.to(device).contiguous(memory_format=torch.channels_last),
            torch.from_numpy(ids.astype(np.int64)).to(device),
        )


def chances(general: int, settled: int, settled_share: float) -> NDArray[np.float64]:
    """How likely each picture is: the settled ones together make up their share of the feed."""
    parts = [np.full(general, (1 - settled_share) / general), np.full(settled, settled_share / settled)]
    return np.concatenate(parts)


def open_feed(settings: Settings) -> Feed:
    """The feed of the run folder: the world at large, then its plainest scenes."""
    run = settings.run
    scale = json.loads((run / "latents.json").read_text())["scaling_factor"]
    latents = [np.load(run / name) for name in ("latents.npy", "latents-settled.npy")]
    captions = [np.load(run / name) for name in ("captions.npy", "captions-settled.npy")]
    share = chances(len(latents[0]), len(latents[1]), settings.unet.settled_share)
    empty = np.array([0, 1] + [1] * 75, np.int16)
    return Feed(np.concatenate(latents), np.concatenate(captions), empty, scale, share)


def build_both(settings: Settings) -> Both:
    """Fresh networks, or those of the committed weights."""
    if settings.from_weights:
        from diffusers import UNet2DConditionModel
        from transformers import CLIPTextModel

        folder = settings.weights
        return Both(
            UNet2DConditionModel.from_pretrained(folder / "unet").float(),
            CLIPTextModel.from_pretrained(folder / "text_encoder").float(),
        )
    return Both(build_unet(), build_text_encoder(build_backend().get_vocab_size(), 0, 1))


def draw_times(count: int, device: torch.device) -> Tensor:
    """Times of a batch: half of them anywhere, half where the noise is strong and the words decide what comes."""
    anywhere = torch.randint(0, 1000, (count,), device=device)
    late = torch.randint(600, 1000, (count,), device=device)
    return torch.where(torch.rand(count, device=device) < 0.5, late, anywhere)


def velocity_loss(both: Both, noise_plan: DDPMScheduler, x: Tensor, ids: Tensor) -> Tensor:
    """Mean squared error of the predicted velocity at random times."""
    noise = torch.randn_like(x)
    t = draw_times(len(x), x.device)
    target = noise_plan.get_velocity(x, noise, t)
    with fast_math(x.device):
        guess = both(noise_plan.add_noise(x, noise, t), t, ids)
    return (guess.float() - target).square().mean()


@torch.no_grad()
def show(settings: Settings, average: Average, vae: Any, step: int, device: torch.device) -> None:
    """A sheet of the averaged weights' pictures for fixed prompts and seeds."""
    both = lay_out(build_both(settings), device).eval()
    both.load_state_dict(average.values)
    painter = Painter(build_backend(), both.text_encoder, both.unet, vae)
    pictures = painter.paint(list(SHEET_PROMPTS), list(range(len(SHEET_PROMPTS))), steps=14)
    save_sheet(settings.run / "sheets" / f"unet-{step:06d}.png", pictures)


class Trainer:
    """The state of the run and its loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.s, self.device = settings, settings.unet, pick_device()
        torch.manual_seed(self.s.seed)
        self.path = settings.run / "unet.pt"
        self.both = lay_out(build_both(settings), self.device)
        self.average = Average(self.both, self.s.decay)
        self.optimizer = torch.optim.AdamW(
            self.both.parameters(), self.s.rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True
        )
        self.step = 0
        self.budget = Budget(self.s.minutes, self.restore())
        self.vae = lay_out(load_vae(settings), self.device)
        self.feed = open_feed(settings)
        self.vae.register_to_config(scaling_factor=self.feed.scale)

    def restore(self) -> float:
        """Load the run's checkpoint if there is one; returns the seconds already spent."""
        state = load_state(self.path, self.device)
        if state is None:
            return 0.0
        self.both.load_state_dict(state["model"])
        self.average.values = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        return float(state["spent"])

    def save(self) -> None:
        """Write the checkpoint and a sheet."""
        save_state(
            self.path,
            model=self.both.state_dict(),
            average=self.average.values,
            optimizer=self.optimizer.state_dict(),
            step=self.step,
            spent=self.budget.spent,
        )
        show(self.settings, self.average, self.vae, self.step, self.device)

    def learn(self, x: Tensor, ids: Tensor, plan: DDPMScheduler) -> float:
        """One step."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.budget.rate(self.s.rate, self.step, 200)
        loss = velocity_loss(self.both, plan, x, ids)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.both.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self.average.update(self.both, self.step)
        return float(loss.detach())

    def run(self) -> None:
        """Train until the minutes are used."""
        plan = DDPMScheduler(num_train_timesteps=1000, prediction_type="v_prediction", **BETAS)
        rng, mean, saved = np.random.default_rng(self.s.seed + self.step), 0.0, self.budget.spent
        while self.budget.share < 1:
            loss = self.learn(*self.feed.batch(self.s, rng, self.device), plan)
            mean = loss if mean == 0.0 else 0.99 * mean + 0.01 * loss
            if self.step % 100 == 0:
                rate = self.optimizer.param_groups[0]["lr"]
                print(
                    f"unet step {self.step} loss {mean:.4f} lr {rate:.2e} {self.budget.spent / 60:.1f} of "
                    f"{self.s.minutes:.0f} min",
                    flush=True,
                )
            if self.budget.spent - saved > 360:
                self.save()
                saved = self.budget.spent
        self.save()


def train_unet(settings: Settings) -> None:
    """Train until the budget of minutes is used; resumes from the run folder."""
    Trainer(settings).run()
