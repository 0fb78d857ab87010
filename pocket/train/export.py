"""Last stage: the averaged weights as a standard diffusers folder in fp16, and the preview's numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from diffusers import StableDiffusionPipeline
from numpy.typing import NDArray
from torch import nn

from pocket.painter import build_scheduler
from pocket.tokens import build_tokenizer
from pocket.train.latents import load_vae
from pocket.train.settings import Settings
from pocket.train.unet import load_averaged

SHARD = "8MB"


def fit_preview(latents: NDArray[np.float32], pixels: NDArray[np.uint8]) -> dict[str, list]:
    """The straight line from scaled latents to colours, by least squares."""
    n, side = len(pixels), latents.shape[-1]
    step = pixels.shape[1] // side
    colours = pixels.reshape(n, side, step, side, step, 3).mean((2, 4)).reshape(-1, 3) / 255
    rows = latents.transpose(0, 2, 3, 1).reshape(-1, 4)
    line, *_ = np.linalg.lstsq(np.concatenate([rows, np.ones((len(rows), 1))], 1), colours, rcond=None)
    return {"matrix": np.round(line[:4], 5).tolist(), "bias": np.round(line[4], 5).tolist()}


def preview(settings: Settings, pixels: NDArray[np.uint8]) -> dict[str, list]:
    """The preview of this run, from some hundred of its latents."""
    about = json.loads((settings.run / "latents.json").read_text())
    some = np.linspace(0, len(pixels) - 1, 600).astype(int)
    latents = np.load(settings.latents, mmap_mode="r")[some].astype(np.float32)
    return fit_preview(latents * about["scaling_factor"], pixels[some])


def load_vae_for_export(settings: Settings) -> nn.Module:
    """The autoencoder with its measured scale."""
    vae = load_vae(settings)
    about = json.loads((settings.run / "latents.json").read_text())
    vae.register_to_config(scaling_factor=round(about["scaling_factor"], 5))
    return vae


def write_weights(settings: Settings, folder: Path) -> None:
    """Write the pipeline's folder."""
    both = load_averaged(settings)
    pipe = StableDiffusionPipeline(
        vae=load_vae_for_export(settings),
        text_encoder=both.text_encoder,
        tokenizer=build_tokenizer(),
        unet=both.unet,
        scheduler=build_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.vae.half()
    pipe.unet.half()
    # transformers loads what it finds, diffusers loads float32: a half text encoder would not fit a plain load.
    pipe.save_pretrained(folder, safe_serialization=True, max_shard_size=SHARD)


def export(settings: Settings, pixels: NDArray[np.uint8]) -> None:
    """Write the pipeline and its preview; the judge writes itself when it is trained."""
    write_weights(settings, settings.weights)
    (settings.weights / "preview.json").write_text(json.dumps(preview(settings, pixels)) + "\n")
    size = sum(f.stat().st_size for f in settings.weights.rglob("*") if f.is_file())
    print(f"wrote {settings.weights}: {size / 1e6:.1f} MB", flush=True)
