"""Stage three: the UNet and the text encoder, trained together on latents."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from diffusers import DDPMScheduler
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from torch.nn import functional

from pocket.models import build_text_encoder, build_unet
from pocket.painter import BETAS, Painter
from pocket.start import start_bilingual
from pocket.tokens import build_backend
from pocket.train.common import Budget, fast_math, lay_out, load_state, pick_device, save_sheet
from pocket.train.feed import Batch, open_feed
from pocket.train.guide import Guide
from pocket.train.latents import load_vae
from pocket.train.loop import Loop, compiled
from pocket.train.settings import Settings, UnetSettings
from pocket.train.widen import widen
from pocket.train.words import places, read, take_words

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
# Times with so much noise that the words decide what comes, and with so little that only details are open.
LATE, FINE = (600, 1000), (20, 600)
# From this time on some of what the networks see is nothing but noise. Even the last time leaves a trace of the
# picture, enough to see where things are: a network that is never without it asks the noise and not the words where
# to put them, also when it paints and there is no picture yet.
BLIND = 800
WARMUP = 200
# How much every place counts, before what goes on there is added, which is 1 in the mean.
EVEN = 0.8


class Both(nn.Module):
    """UNet and text encoder as one network, so that one optimizer and one average hold both."""

    def __init__(self, unet: Any, text_encoder: Any) -> None:
        super().__init__()
        self.unet, self.text_encoder = unet, text_encoder

    def forward(self, x: Tensor, t: Tensor, ids: Tensor) -> Tensor:
        """The predicted velocity."""
        words = self.text_encoder(input_ids=ids).last_hidden_state
        return self.unet(x, t, words).sample


def build_both(settings: Settings) -> Both:
    """Fresh networks, or those of the committed weights, wider where the design has become wider."""
    if settings.from_weights:
        from diffusers import UNet2DConditionModel
        from transformers import CLIPTextModel

        folder = settings.weights
        unet = UNet2DConditionModel.from_pretrained(folder / "unet").float()
        return Both(widen(unet, build_unet()), CLIPTextModel.from_pretrained(folder / "text_encoder").float())
    backend = build_backend()
    text_encoder = build_text_encoder(backend.get_vocab_size(), 0, 1)
    return Both(build_unet(), start_bilingual(text_encoder, backend))


def load_averaged(settings: Settings) -> Both:
    """The averaged networks of the run."""
    state = load_state(settings.run / "unet.pt", torch.device("cpu"))
    if state is None:
        raise SystemExit(f"no UNet in {settings.run}: run the stage unet first")
    both = build_both(settings)
    both.load_state_dict(state["average"])
    return both


@dataclass(frozen=True)
class Times:
    """How much of a batch lies where the words decide what comes, and how much where its details do."""

    late: float
    fine: float

    def draw(self, count: int, device: torch.device) -> Tensor:
        """Times of a batch: those two shares, and the rest anywhere."""
        ends = ((*LATE, self.late), (*FINE, self.fine), (0, 1000, 1 - self.late - self.fine))
        chosen = torch.multinomial(torch.tensor([share for _, _, share in ends]), count, replacement=True)
        low, high = (torch.tensor([end[k] for end in ends])[chosen] for k in (0, 1))
        return (low + torch.rand(count) * (high - low)).long().to(device)


def falling(start: float, later: float, share: float) -> float:
    """A number that falls, or rises, evenly until the middle of the training."""
    return later + (start - later) * max(0.0, 1 - 2 * share)


def times(s: UnetSettings, share: float) -> Times:
    """What is where and in which number is learned first, how it looks in detail later."""
    return Times(falling(s.late_share, s.late_later, share), falling(s.fine_share, s.fine_later, share))


def detailed(x: Tensor) -> Tensor:
    """How much a place of latents counts by what goes on there: eyes and outlines most, an even sky least, though not
    so little that it gets specks."""
    change = (x - functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)).square().mean(1, keepdim=True)
    return EVEN + (change / change.mean((2, 3), keepdim=True).clamp(min=1e-6)).sqrt()


def counted(batch: Batch, things: float) -> Tensor:
    """How much every place of the latents counts: a face is small beside a sky, and much harder to paint."""
    shown = (batch.said.subjects > 0).float()[:, None]
    counts = 1 + (things - 1) * functional.interpolate(shown, size=batch.latents.shape[-2:])
    counts = counts * detailed(batch.latents)
    return counts / counts.mean()


def noised(plan: DDPMScheduler, x: Tensor, t: Tensor, blind: float) -> tuple[Tensor, Tensor]:
    """What the networks see of latents at some times, in a share of the late ones nothing, and the velocity there."""
    seen = plan.add_noise(x, torch.randn_like(x), t)
    nothing = (t >= BLIND) & (torch.rand(len(t), device=t.device) < blind)
    seen = torch.where(nothing[:, None, None, None], torch.randn_like(x), seen)
    kept = plan.alphas_cumprod.to(x.device)[t][:, None, None, None]
    return seen, (kept.sqrt() * seen - x) / (1 - kept).sqrt()


def losses(
    both: Any, guide: Guide, plan: DDPMScheduler, batch: Batch, at: Times, s: UnetSettings
) -> tuple[Tensor, Tensor]:
    """Squared error of the predicted velocity at random times, and what the guide gets wrong."""
    t = at.draw(len(batch.latents), batch.latents.device)
    seen, target = noised(plan, batch.latents, t, s.blind)
    with fast_math(seen.device):
        guess = both(seen, t, batch.said.ids)
        guided = guide.loss(batch.said)
    return ((guess.float() - target).square() * counted(batch, s.things)).mean(), guided


@torch.no_grad()
def show(settings: Settings, loop: Loop, vae: Any) -> None:
    """A sheet of the averaged weights' pictures for fixed prompts and seeds."""
    assert loop.average is not None
    both = lay_out(build_both(settings), pick_device()).eval()
    both.load_state_dict(loop.average.values)
    painter = Painter(build_backend(), both.text_encoder, both.unet, vae)
    pictures = painter.paint(list(SHEET_PROMPTS), list(range(len(SHEET_PROMPTS))), steps=14)
    save_sheet(settings.run / "sheets" / f"unet-{loop.step:06d}.png", pictures)


class Painting:
    """A run of both networks, and of the guide beside them."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.s, self.device = settings, settings.unet, pick_device()
        torch.manual_seed(self.s.seed)
        self.both = lay_out(build_both(settings), self.device)
        if self.device.type == "cpu":
            # For so few tokens plain products are faster there than the fused attention's way back.
            self.both.unet.set_attn_processor(AttnProcessor())
        self.guide = lay_out(self.begun(), self.device)
        self.fast = compiled(self.both, settings)
        self.words = compiled(self.both.text_encoder, settings)
        self.where = places(self.both.text_encoder.config.max_position_embeddings).to(self.device)
        self.plan = DDPMScheduler(num_train_timesteps=1000, prediction_type="v_prediction", **BETAS)
        self.feed = open_feed(settings)
        self.loop = Loop(
            "unet", settings, self.s, self.both,
            also={"guide": self.guide}, decay=self.s.decay, pace=partial(Budget.rate, warmup=WARMUP),
        )  # fmt: skip

    def begun(self) -> Guide:
        """The guide; at the run's beginning the words are where their own stage left them."""
        guide = Guide(self.both.unet, self.both.text_encoder)
        if not (self.settings.run / "unet.pt").exists():
            take_words(self.settings, self.both.text_encoder, guide.teller)
        return guide

    def retold(self, rng: np.random.Generator) -> Tensor:
        """What some more captions tell wrong, without their pictures."""
        said = self.feed.said(self.s.retold, self.settings.words.pairs, rng)
        with fast_math(self.device):
            return self.guide.teller.loss(read(self.words, said, self.where), said)

    def wrong(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The loss of a step, and of what it is made."""
        self.feed.grow()
        share = self.loop.budget.share
        batch, retold = self.feed.batch(self.s, rng), self.retold(rng)
        painted, guided = losses(self.fast, self.guide, self.plan, batch, times(self.s, share), self.s)
        return {"loss": painted + self.s.guided * (guided + retold), "painted": painted, "guide": guided}

    def run(self) -> None:
        """Train until the minutes are used, with a sheet at every checkpoint."""
        vae = lay_out(load_vae(self.settings), self.device)
        vae.register_to_config(scaling_factor=self.feed.scale)
        self.loop.run(self.wrong, lambda: show(self.settings, self.loop, vae))


def train_unet(settings: Settings) -> None:
    """Train until the budget is used; resumes from the run folder."""
    Painting(settings).run()
