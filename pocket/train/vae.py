"""Stage one: the autoencoder, on random crops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pocket.models import build_vae
from pocket.start import start_linear
from pocket.train.common import fast_math, lay_out, pick_device, save_sheet, to_input, to_pictures
from pocket.train.loop import Loop
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


class Crops:
    """What the autoencoder gets wrong about some crops; the decoder can learn on alone once latents are in use."""

    def __init__(
        self, settings: Settings, vae: AutoencoderKL, pixels: NDArray[np.uint8], decoder_only: bool
    ) -> None:
        self.s, self.vae, self.pixels, self.device = settings.vae, vae, pixels, pick_device()
        self.repainted = Repainted(settings) if decoder_only else None

    def wrong(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The loss of some crops, and the L1."""
        x = to_input(crops(self.pixels, self.s, rng), self.device)
        with fast_math(self.device):
            loss, l1 = self.of_decoder(x, rng) if self.repainted else vae_loss(self.vae, x, self.s)
        return {"loss": loss, "l1": l1}

    def of_decoder(self, x: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """The loss of roughened crops and of repainted ones, and the L1 of these."""
        assert self.repainted is not None
        loss, _ = decoder_loss(self.vae, x, self.s)
        latents, drawn = self.repainted.some(self.s.batch // 3, CELLS, rng)
        more, l1 = repainted_loss(self.vae, latents.to(self.device), to_input(drawn.numpy(), self.device))
        return loss + more, l1


def train_vae(settings: Settings, pixels: NDArray[np.uint8], decoder_only: bool = False) -> None:
    """Train until the budget is used; resumes from the run folder."""
    torch.manual_seed(settings.vae.seed)
    vae = lay_out(start_linear(build_vae()), pick_device())
    decoder = [*vae.decoder.parameters(), *vae.post_quant_conv.parameters()]
    only, about, stage = None, "", settings.vae
    if decoder_only:
        only, about, stage = decoder, "decoder", replace(stage, minutes=stage.decoder_minutes, steps=0)
    loop = Loop("vae", settings, stage, vae, only=only, betas=(0.9, 0.95), about=about, told=about)
    loop.run(Crops(settings, vae, pixels, decoder_only).wrong, lambda: show(settings, vae, pixels, loop.step))


@torch.no_grad()
def show(settings: Settings, vae: AutoencoderKL, pixels: NDArray[np.uint8], step: int) -> None:
    """A sheet of pictures above their reconstructions."""
    some = np.asarray(pixels[:16])
    y = vae.decode(vae.encode(to_input(some, pick_device())).latent_dist.mode()).sample
    rows = np.concatenate([some[:8], to_pictures(y[:8]), some[8:], to_pictures(y[8:])])
    save_sheet(settings.run / "sheets" / f"vae-{step:06d}.png", rows)
