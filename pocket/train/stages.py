"""From a stage's name to its work."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pocket.data import draw_set
from pocket.train.settings import Settings


def pictures(settings: Settings) -> NDArray[np.uint8]:
    """The drawn training set."""
    return draw_set(settings.data / f"train-{settings.side}.npy", settings.pictures, settings.side)


def run_stage(stage: str, settings: Settings) -> None:
    """Run one stage."""
    if stage == "vae":
        from pocket.train.vae import train_vae

        train_vae(settings, pictures(settings))
    elif stage == "decoder":
        from pocket.train.vae import train_vae

        train_vae(settings, pictures(settings), decoder_only=True)
    elif stage == "latents":
        from pocket.train.latents import make_latents

        make_latents(settings, pictures(settings))
    elif stage == "unet":
        from pocket.train.unet import train_unet

        train_unet(settings)
    elif stage == "judge":
        from pocket.train.judge import train_judge

        train_judge(settings, pictures(settings))
    elif stage == "export":
        from pocket.train.export import export

        export(settings, pictures(settings))
