"""Draws with the networks, many prompts at once: what training sheets and the evaluation use."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DPMSolverMultistepScheduler
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from pocket.models import FACTOR
from pocket.tokens import encode
from pocket.train.common import fast_math, lay_out, pick_device
from studio.diffusion.negatives import counted
from studio.messages import NegativeCounts

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
STEPS, GUIDANCE = 10, 4.0


def build_scheduler() -> DPMSolverMultistepScheduler:
    """DPM++ 2M with Karras steps: the pocket's own sampler."""
    return DPMSolverMultistepScheduler(
        num_train_timesteps=1000,
        prediction_type="v_prediction",
        use_karras_sigmas=True,
        steps_offset=1,
        **BETAS,
    )


@dataclass
class Painter:
    """The networks that turn prompts into pictures."""

    tokenizer: Tokenizer
    text_encoder: Any
    unet: Any
    vae: Any
    # Twice as fast where the hardware has bf16; a picture then depends a little on those beside it.
    fast: bool = True

    @property
    def device(self) -> torch.device:
        """Where the networks live."""
        return next(self.unet.parameters()).device

    def words(self, prompts: list[str]) -> Tensor:
        """What the text encoder makes of the prompts."""
        ids = torch.tensor([encode(self.tokenizer, p) for p in prompts], device=self.device)
        return self.text_encoder(input_ids=ids).last_hidden_state

    def noise(self, seeds: list[int], side: int) -> Tensor:
        """Starting noise, one seed a picture, the same on every device."""
        shape = (1, 4, side // FACTOR, side // FACTOR)
        parts = [torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in seeds]
        return torch.cat(parts).to(self.device)

    def math(self) -> AbstractContextManager[Any]:
        """How the networks count."""
        return fast_math(self.device) if self.fast else nullcontext()

    @torch.no_grad()
    def latents(
        self,
        prompts: list[str],
        seeds: list[int],
        negatives: list[str] | None = None,
        side: int | None = None,
        steps: int = STEPS,
        guidance: float = GUIDANCE,
        negative_counts: NegativeCounts = "needed",
    ) -> Tensor:
        """Denoised latents for the prompts, led away from no words, or from the negatives as the studio does it."""
        scheduler = build_scheduler()
        scheduler.set_timesteps(steps, device=self.device)
        nothing = [""] * len(prompts)
        away = negatives or nothing
        sides = [nothing, away, prompts] if any(away) and negative_counts == "needed" else [away, prompts]
        with self.math():
            words = torch.cat([self.words(side) for side in sides])
        side = side or self.unet.config.sample_size * FACTOR
        x = self.noise(seeds, side) * scheduler.init_noise_sigma
        for t in scheduler.timesteps:
            given = scheduler.scale_model_input(torch.cat([x] * len(sides)), t)
            with self.math():
                said = self.unet(given, t, words).sample
            without, *opposite, with_words = said.float().chunk(len(sides))
            if opposite:
                without = counted(without, *opposite, with_words, guidance)
            x = scheduler.step(without + guidance * (with_words - without), t, x).prev_sample
        return x

    @torch.no_grad()
    def decode(self, latents: Tensor) -> NDArray[np.uint8]:
        """Latents as pictures."""
        with self.math():
            out = self.vae.decode(latents / self.vae.config.scaling_factor).sample
        out = out.float().clamp(-1, 1)
        return ((out + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()

    def paint(
        self,
        prompts: list[str],
        seeds: list[int],
        batch: int = 25,
        negatives: list[str] | None = None,
        **how: Any,
    ) -> NDArray[np.uint8]:
        """Pictures for the prompts, in batches."""
        away = negatives or [""] * len(prompts)
        parts = [slice(i, i + batch) for i in range(0, len(prompts), batch)]
        return np.concatenate(
            [self.decode(self.latents(prompts[p], seeds[p], away[p], **how)) for p in parts]
        )


def load_painter(folder: Path) -> Painter:
    """The painter of a weights folder."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

    parts = {"text_encoder": CLIPTextModel, "unet": UNet2DConditionModel, "vae": AutoencoderKL}
    device = pick_device()
    loaded = {
        name: lay_out(kind.from_pretrained(folder / name).float(), device).eval()
        for name, kind in parts.items()
    }
    return Painter(Tokenizer.from_file(str(folder / "tokenizer" / "tokenizer.json")), **loaded)
