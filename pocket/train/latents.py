"""Stage two: the chosen pictures as latents, and their captions as tokens."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pocket.growing import Growing
from pocket.models import FACTOR, NATIVE, TEXT_LENGTH, build_vae
from pocket.prompts import LANGUAGES, say, spelled
from pocket.tokens import build_backend, encode
from pocket.train.common import fast_math, lay_out, load_state, pick_device, to_input
from pocket.train.scenes import learned, plain, sort_of
from pocket.train.settings import Settings
from pocket.world import Scene
from pocket.world.captions import caption

BATCH = 64
# How many latents say how far they spread; a number of whole batches.
SCALED = 3_200


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
def encode_pictures(
    vae: torch.nn.Module, pixels: NDArray[np.uint8], device: torch.device
) -> NDArray[np.float16]:
    """Latents of some pictures."""
    with fast_math(device):
        latents = vae.encode(to_input(pixels, device)).latent_dist.mode()
    return latents.float().cpu().numpy().astype(np.float16)


def caption_ids(scene: Scene, count: int, row: int, tokenizer: Tokenizer) -> NDArray[np.int16]:
    """Several captions of a picture, half English and half Chinese."""
    rng = random.Random(scene.seed + row)
    said = [caption(scene, rng, LANGUAGES[k % 2]) for k in range(count)]
    return np.array([encode(tokenizer, text) for text in said], np.int16)


def plain_ids(scene: Scene, count: int, tokenizer: Tokenizer) -> NDArray[np.int16]:
    """The plainest captions, as sentence and as list, in both languages by turns."""
    turns = [LANGUAGES[k % 2] for k in range(count)]
    said = [say("colours", scene, lang) if k < 4 else spelled(scene, lang) for k, lang in enumerate(turns)]
    return np.array([encode(tokenizer, text) for text in said], np.int16)


def caption_tokens(row: int, count: int, tokenizer: Tokenizer) -> NDArray[np.int16]:
    """The tokens of a scene's captions: in the plainest words where it is one thing at its plainest."""
    scene = learned(row)
    if sort_of(row) is plain:
        return plain_ids(scene, count, tokenizer)
    return caption_ids(scene, count, row, tokenizer)


def scaling(settings: Settings, latents: NDArray[np.float16]) -> float:
    """What brings latents to a deviation of one; of the committed autoencoder it is the committed one, whatever is
    drawn for it now."""
    if settings.from_weights and not (settings.run / "vae.pt").exists():
        config = settings.weights / "vae" / "config.json"
        return float(json.loads(config.read_text("utf-8"))["scaling_factor"])
    return float(1 / latents.astype(np.float32).std())


def make_latents(settings: Settings, pixels: NDArray[np.uint8]) -> None:
    """Encode pictures and captions into the run folder, as fast as the pictures come."""
    encoded = Growing(settings.latents)
    encoded.tell(0)
    encode, known = encoder(settings), min(len(pixels), SCALED)
    latents, captions = open_latents(settings, len(pixels))
    for here in batches(settings, len(pixels)):
        latents[here], captions[here] = encode(pixels[here], range(here.start, here.stop))
        if here.stop == known:
            write_scale(settings, latents[:known])
        if here.stop >= known:
            encoded.tell(here.stop)
        if here.start % (16 * BATCH) == 0:
            print(f"encoded {here.stop} of {len(pixels)}", flush=True)


def batches(settings: Settings, count: int) -> Iterator[slice]:
    """Batches of pictures, each as soon as it is drawn."""
    drawn = Growing(settings.drawings)
    for start in range(0, count, BATCH):
        here = slice(start, min(count, start + BATCH))
        if settings.beside:
            drawn.wait(here.stop)
        yield here


def open_latents(settings: Settings, count: int) -> tuple[NDArray[np.float16], NDArray[np.int16]]:
    """The files of latents and of captions, still empty."""
    side, said = NATIVE // FACTOR, settings.unet.captions
    return (
        open_memmap(settings.latents, "w+", np.float16, (count, 4, side, side)),
        open_memmap(settings.captions, "w+", np.int16, (count, said, TEXT_LENGTH)),
    )


def encoder(settings: Settings) -> Callable[[NDArray[np.uint8], range], tuple[Any, Any]]:
    """From pictures and their numbers to latents and to the tokens of their captions."""
    device = pick_device()
    vae, tokenizer = lay_out(load_vae(settings), device), build_backend()

    def encode(pixels: NDArray[np.uint8], rows: range) -> tuple[Any, Any]:
        tokens = [caption_tokens(row, settings.unet.captions, tokenizer) for row in rows]
        return encode_pictures(vae, pixels, device), tokens

    return encode


def write_scale(settings: Settings, latents: NDArray[np.float16]) -> None:
    """Measure the scale once: what learns from the first latents needs it already, and what has learned keeps it."""
    path = settings.run / "latents.json"
    if path.exists() and (settings.run / "unet.pt").exists():
        return
    path.write_text(json.dumps({"scaling_factor": scaling(settings, latents)}))
