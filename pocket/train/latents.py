"""Stage two: the chosen pictures as latents, and their captions as tokens."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pocket.models import build_vae
from pocket.prompts import LANGUAGES, say, spelled
from pocket.tokens import build_backend, encode
from pocket.train.common import fast_math, lay_out, load_state, pick_device, to_input
from pocket.train.scenes import learned, settled
from pocket.train.settings import Settings
from pocket.world import Scene
from pocket.world.captions import caption


def load_vae(settings: Settings) -> torch.nn.Module:
    """The autoencoder of the run folder; where there is none yet, the committed one if that is wanted."""
    state = load_state(settings.run / "vae.pt", torch.device("cpu"))
    if state is None and settings.from_weights:
        from diffusers import AutoencoderKL

        return AutoencoderKL.from_pretrained(settings.weights / "vae").float().eval().requires_grad_(False)
    if state is None:
        raise SystemExit(f"no autoencoder in {settings.run}: run the stage vae first")
    vae = build_vae()
    vae.load_state_dict(state["model"])
    return vae.eval().requires_grad_(False)


@torch.no_grad()
def encode_pictures(settings: Settings, batches: Iterator[NDArray[np.uint8]]) -> NDArray[np.float16]:
    """Latents of pictures that come in batches."""
    device = pick_device()
    vae, out = lay_out(load_vae(settings), device), []
    for k, pixels in enumerate(batches):
        with fast_math(device):
            part = vae.encode(to_input(pixels, device)).latent_dist.mode()
        out.append(part.float().cpu().numpy().astype(np.float16))
        if k % 16 == 0:
            print(f"encoded {64 * k}", flush=True)
    return np.concatenate(out)


def caption_ids(scenes: list[Scene], count: int, tokenizer: Tokenizer) -> NDArray[np.int16]:
    """Several captions a picture, half English and half Chinese."""
    out = np.empty((len(scenes), count, 77), np.int16)
    for row, scene in enumerate(scenes):
        rng = random.Random(scene.seed + row)
        for k in range(count):
            out[row, k] = encode(tokenizer, caption(scene, rng, ("en", "zh")[k % 2]))
    return out


def plain_ids(scenes: list[Scene], count: int, tokenizer: Tokenizer) -> NDArray[np.int16]:
    """The plainest captions, as sentence and as list, in both languages by turns."""
    out = np.empty((len(scenes), count, 77), np.int16)
    for row, scene in enumerate(scenes):
        for k in range(count):
            lang = LANGUAGES[k % 2]
            out[row, k] = encode(tokenizer, say("colours", scene, lang) if k < 4 else spelled(scene, lang))
    return out


def make_captions(settings: Settings, scenes: list[Scene]) -> None:
    """Write the tokens of every scene: in the plainest words where the scene is plain too."""
    plain, tokenizer = len(settled()), build_backend()
    parts = [
        plain_ids(scenes[:plain], settings.unet.captions, tokenizer),
        caption_ids(scenes[plain:], settings.unet.captions, tokenizer),
    ]
    np.save(settings.run / "captions.npy", np.concatenate(parts))


def scaling(settings: Settings, latents: NDArray[np.float16]) -> float:
    """What brings latents to a deviation of one; of the committed autoencoder it is the committed one, whatever is
    drawn for it now."""
    if settings.from_weights and not (settings.run / "vae.pt").exists():
        config = settings.weights / "vae" / "config.json"
        return float(json.loads(config.read_text("utf-8"))["scaling_factor"])
    return float(1 / latents.astype(np.float32).std())


def make_latents(settings: Settings, pixels: NDArray[np.uint8]) -> None:
    """Encode pictures and captions into the run folder."""
    settings.run.mkdir(parents=True, exist_ok=True)
    make_captions(settings, [learned(k) for k in range(len(pixels))])
    latents = encode_pictures(settings, (pixels[i : i + 64] for i in range(0, len(pixels), 64)))
    np.save(settings.run / "latents.npy", latents)
    scale = scaling(settings, latents)
    (settings.run / "latents.json").write_text(json.dumps({"scaling_factor": scale}))
    print(f"{len(latents)} latents, scaling factor {scale:.4f}", flush=True)
