"""Stage one: the autoencoder, on random crops."""

from __future__ import annotations

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pocket.models import build_vae
from pocket.start import start_linear
from pocket.train.common import (
    Budget,
    fast_math,
    lay_out,
    load_state,
    pick_device,
    save_sheet,
    save_state,
    to_input,
    to_pictures,
)
from pocket.train.repaint import Repainted
from pocket.train.settings import Settings, VaeSettings

# How many latents along a side of a repainted crop.
CELLS = 16


def crops(pixels: NDArray[np.uint8], settings: VaeSettings, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Random crops of random pictures, half of them mirrored."""
    side, c = pixels.shape[1], settings.crop
    out = np.empty((settings.batch, c, c, 3), np.uint8)
    for i, k in enumerate(rng.integers(0, len(pixels), settings.batch)):
        y, x = rng.integers(0, side - c + 1, 2)
        part = pixels[k, y : y + c, x : x + c]
        out[i] = part[:, ::-1] if rng.random() < 0.5 else part
    return out


def slopes(a: Tensor) -> tuple[Tensor, Tensor]:
    """Differences to the neighbours: what makes edges sharp."""
    return a[..., 1:, :] - a[..., :-1, :], a[..., 1:] - a[..., :-1]


def roughened(latents: Tensor, most: float) -> Tensor:
    """Latents as painting leaves them: with noise, in some pictures none, in some as much as `most` of their spread."""
    much = torch.rand(len(latents), 1, 1, 1, device=latents.device) * most * latents.float().std()
    return latents + much * torch.randn_like(latents)


def apart(y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """How far pictures lie apart: L1 + MSE + gradient difference; and the L1 alone."""
    l1 = (y - x).abs().mean()
    edges = sum((p - q).abs().mean() for p, q in zip(slopes(y), slopes(x), strict=True))
    return l1 + functional.mse_loss(y, x) + edges, l1


def vae_loss(vae: AutoencoderKL, x: Tensor, s: VaeSettings) -> tuple[Tensor, Tensor]:
    """How far pictures lie from what they come back as, and a little KL; and the L1 alone."""
    posterior = vae.encode(x).latent_dist
    loss, l1 = apart(vae.decode(posterior.sample()).sample.float(), x)
    return loss + s.kl * posterior.kl().mean() / x[0].numel() * 64, l1


def decoder_loss(vae: AutoencoderKL, x: Tensor, s: VaeSettings) -> tuple[Tensor, Tensor]:
    """How far pictures lie from what their roughened latents come back as; and the L1 alone."""
    with torch.no_grad():
        latents = roughened(vae.encode(x).latent_dist.mode(), s.rough)
    return apart(vae.decode(latents).sample.float(), x)


def repainted_loss(vae: AutoencoderKL, latents: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """How far pictures lie from what the UNet's latents of them come back as, but for a margin; and the L1 alone."""
    whole = vae.decode(latents).sample.float()
    margin = (whole.shape[-1] - x.shape[-1]) // 2
    return apart(whole[..., margin:-margin, margin:-margin], x)


class VaeTrainer:
    """The state of the run and its loop; the decoder can go on alone once latents are in use."""

    def __init__(self, settings: Settings, pixels: NDArray[np.uint8], decoder_only: bool) -> None:
        self.settings, self.s, self.pixels, self.device = settings, settings.vae, pixels, pick_device()
        self.decoder_only = decoder_only
        self.path = settings.run / "vae.pt"
        torch.manual_seed(self.s.seed)
        self.vae = lay_out(start_linear(build_vae()), self.device)
        if decoder_only:
            self.repainted = Repainted(settings)
        parts = (self.vae.decoder, self.vae.post_quant_conv) if decoder_only else (self.vae,)
        weights = [p for part in parts for p in part.parameters()]
        self.optimizer = torch.optim.AdamW(weights, self.s.rate, betas=(0.9, 0.95), weight_decay=0.01)
        self.step, self.mean = 0, 0.0
        self.budget = Budget(self.s.minutes, self.restore())

    def restore(self) -> float:
        """Load the run's checkpoint if there is one; returns the seconds already spent on this part."""
        state = load_state(self.path, self.device)
        if state is None:
            return 0.0
        self.vae.load_state_dict(state["model"])
        self.step = state["step"]
        if state.get("decoder_only", False) != self.decoder_only:
            return 0.0
        self.optimizer.load_state_dict(state["optimizer"])
        return float(state["spent"])

    def wrong(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """The loss of some crops, and their L1."""
        x = to_input(crops(self.pixels, self.s, rng), self.device)
        if not self.decoder_only:
            return vae_loss(self.vae, x, self.s)
        loss, l1 = decoder_loss(self.vae, x, self.s)
        latents, drawn = self.repainted.some(self.s.batch // 3, CELLS, rng)
        more, l1 = repainted_loss(self.vae, latents.to(self.device), to_input(drawn.numpy(), self.device))
        return loss + more, l1

    def learn(self, rng: np.random.Generator) -> None:
        """One step."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.budget.rate(self.s.rate, self.step)
        with fast_math(self.device):
            loss, l1 = self.wrong(rng)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.vae.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        told = float(l1.detach())
        self.mean = told if self.mean == 0.0 else 0.98 * self.mean + 0.02 * told

    def save(self) -> None:
        """Write the checkpoint and a sheet."""
        state = {"model": self.vae.state_dict(), "optimizer": self.optimizer.state_dict()}
        save_state(
            self.path, **state, step=self.step, spent=self.budget.spent, decoder_only=self.decoder_only
        )
        show(self.settings, self.vae, self.pixels, self.step, self.device)

    def run(self) -> None:
        """Train until the minutes are used."""
        rng = np.random.default_rng(self.s.seed + self.step)
        while self.budget.share < 1:
            self.learn(rng)
            if self.step % 100 == 0:
                minutes = f"{self.budget.spent / 60:.1f} of {self.s.minutes:.0f} min"
                print(f"vae step {self.step} l1 {self.mean:.4f} {minutes}", flush=True)
            if self.step % 500 == 0:
                self.save()
        self.save()


def train_vae(settings: Settings, pixels: NDArray[np.uint8], decoder_only: bool = False) -> None:
    """Train until the budget of minutes is used; resumes from the run folder."""
    VaeTrainer(settings, pixels, decoder_only).run()


@torch.no_grad()
def show(
    settings: Settings, vae: AutoencoderKL, pixels: NDArray[np.uint8], step: int, device: torch.device
) -> None:
    """A sheet of pictures above their reconstructions."""
    some = np.asarray(pixels[:16])
    y = vae.decode(vae.encode(to_input(some, device)).latent_dist.mode()).sample
    rows = np.concatenate([some[:8], to_pictures(y[:8]), some[8:], to_pictures(y[8:])])
    save_sheet(settings.run / "sheets" / f"vae-{step:06d}.png", rows)
