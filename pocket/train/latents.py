"""Stage two: the chosen pictures as latents, and their captions as tokens."""

from __future__ import annotations

import json
import random

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pocket.models import build_vae
from pocket.tokens import build_backend, encode
from pocket.train.common import fast_math, lay_out, load_state, pick_device, to_input
from pocket.train.settings import Settings
from pocket.world import Scene, sample
from pocket.world.captions import caption


def load_vae(settings: Settings) -> torch.nn.Module:
    """The autoencoder of the run folder."""
    state = load_state(settings.run / "vae.pt", torch.device("cpu"))
    if state is None:
        raise SystemExit(f"no autoencoder in {settings.run}: run the stage vae first")
    vae = build_vae()
    vae.load_state_dict(state["model"])
    return vae.eval().requires_grad_(False)


def keep_share(scene: Scene) -> float:
    """How often a scene enters this run: plain ones always, hard ones less often."""
    share = 0.3 if scene.defects else 1.0
    share *= 1.0 if scene.style == "flat" else 0.4
    share *= 1.0 if scene.light == "day" else 0.5
    return share * (1.0 if scene.count == 1 else 0.5)


def choose(settings: Settings) -> list[int]:
    """The seeds of the scenes that this run learns from."""
    rng = random.Random(7)
    chosen = [i for i in range(settings.pictures) if rng.random() < keep_share(sample(i))]
    return chosen[: settings.latents]


@torch.no_grad()
def encode_pictures(settings: Settings, pixels: NDArray[np.uint8], chosen: list[int]) -> float:
    """Write the latents; returns one over their standard deviation."""
    device = pick_device()
    vae = lay_out(load_vae(settings), device)
    size = settings.side // 8
    out = np.empty((len(chosen), 4, size, size), np.float16)
    for i in range(0, len(chosen), 64):
        with fast_math(device):
            part = vae.encode(to_input(pixels[chosen[i : i + 64]], device)).latent_dist.mode()
        out[i : i + 64] = part.float().cpu().numpy()
        if i % 1024 == 0:
            print(f"encoded {i} of {len(chosen)}", flush=True)
    np.save(settings.run / "latents.npy", out)
    return float(1 / out.astype(np.float32).std())


def caption_ids(chosen: list[int], count: int, tokenizer: Tokenizer) -> NDArray[np.int16]:
    """Several captions a picture, half English and half Chinese."""
    out = np.empty((len(chosen), count, 77), np.int16)
    for row, seed in enumerate(chosen):
        scene, rng = sample(seed), random.Random(seed + 1)
        for k in range(count):
            out[row, k] = encode(tokenizer, caption(scene, rng, ("en", "zh")[k % 2]))
    return out


def make_latents(settings: Settings, pixels: NDArray[np.uint8]) -> None:
    """Encode pictures and captions into the run folder."""
    chosen = choose(settings)
    np.save(settings.run / "captions.npy", caption_ids(chosen, settings.unet.captions, build_backend()))
    scale = encode_pictures(settings, pixels, chosen)
    (settings.run / "latents.json").write_text(json.dumps({"scaling_factor": scale, "chosen": chosen}))
    print(f"{len(chosen)} latents, scaling factor {scale:.4f}", flush=True)
