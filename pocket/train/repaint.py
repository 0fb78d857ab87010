"""What the decoder learns last: drawings that the UNet has half forgotten and painted again, beside the drawings.

Noise takes a drawing's details and leaves its shapes; the UNet paints the details anew, in its own hand. From these
latents and the true pixels the decoder learns to take what is rough in that hand for what it means.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pocket.data import draw_set
from pocket.models import FACTOR, NATIVE
from pocket.painter import GUIDANCE, build_scheduler
from pocket.train.common import fast_math, lay_out, older, pick_device
from pocket.train.feed import open_feed
from pocket.train.scenes import learned
from pocket.train.settings import Settings
from pocket.train.unet import Both, load_averaged

BATCH = 100
# From these steps of so many on the picture is painted again: the earlier, the more is new.
STEPS, FIRST, LAST = 20, 9, 17
MARGIN = 2


@torch.no_grad()
def paint_again(both: Both, x: Tensor, ids: Tensor, empty: Tensor, begin: int) -> Tensor:
    """Scaled latents, noised as they are at a step of the sampler and painted to the end from there."""
    plan = build_scheduler()
    plan.set_timesteps(STEPS, device=x.device)
    plan.set_begin_index(begin)
    times = plan.timesteps[begin:]
    x = plan.add_noise(x, torch.randn_like(x), times[:1].expand(len(x)))
    with fast_math(x.device):
        said = both.text_encoder(input_ids=torch.cat([empty.expand_as(ids), ids])).last_hidden_state
    for t in times:
        with fast_math(x.device):
            guess = both.unet(plan.scale_model_input(torch.cat([x, x]), t), t, said).sample
        without, with_words = guess.float().chunk(2)
        x = plan.step(without + GUIDANCE * (with_words - without), t, x).prev_sample
    return x


def is_due(settings: Settings) -> bool:
    """Whether nothing was painted again yet, or the UNet has learned since."""
    painted, unet = (settings.run / name for name in ("repainted-rows.npy", "unet.pt"))
    return not painted.exists() or (unet.exists() and older(painted, unet))


def repaint(settings: Settings) -> None:
    """Write the repainted latents and the numbers of their pictures into the run folder."""
    torch.manual_seed(settings.vae.seed)
    device, feed, rng = pick_device(), open_feed(settings), np.random.default_rng(settings.vae.seed)
    both, out = lay_out(load_averaged(settings), device).eval(), []
    rows = np.sort(rng.choice(settings.pictures, settings.vae.repainted, replace=False))
    for i in range(0, len(rows), BATCH):
        x, ids = feed.read(rows[i : i + BATCH], 0.0, rng)
        x = paint_again(both, x, ids, feed.empty, int(rng.integers(FIRST, LAST + 1)))
        out.append((x / feed.scale).cpu().numpy().astype(np.float16))
        print(f"repainted {i + len(x)} of {len(rows)}", flush=True)
    np.save(settings.run / "repainted.npy", np.concatenate(out))
    np.save(settings.run / "repainted-rows.npy", rows)


class Repainted:
    """Pairs of repainted latents and true pixels, as crops at the same place."""

    def __init__(self, settings: Settings) -> None:
        self.latents = np.load(settings.run / "repainted.npy")
        self.rows = np.load(settings.run / "repainted-rows.npy")
        self.pixels = draw_set(settings.drawings, settings.pictures, NATIVE, make=learned)

    def some(self, count: int, cells: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Latents (count, 4, cells, cells), and the pixels without the margin that the decoder cannot know."""
        latents, pixels = [], []
        inner = slice(MARGIN * FACTOR, -MARGIN * FACTOR)
        for k in rng.integers(0, len(self.rows), count):
            y, x = rng.integers(0, self.latents.shape[-1] - cells + 1, 2)
            latents.append(self.latents[k, :, y : y + cells, x : x + cells])
            top, left = y * FACTOR, x * FACTOR
            whole = self.pixels[self.rows[k], top : top + cells * FACTOR, left : left + cells * FACTOR]
            pixels.append(whole[inner, inner])
        drawn: NDArray[np.uint8] = np.stack(pixels)
        return torch.from_numpy(np.stack(latents).astype(np.float32)), torch.from_numpy(drawn)
