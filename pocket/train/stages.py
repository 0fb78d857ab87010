"""From a stage's name to its work."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pocket.data import about, draw_set, is_drawn
from pocket.growing import Growing
from pocket.judge import SIDE
from pocket.models import NATIVE
from pocket.train.scenes import learned
from pocket.train.settings import Settings

# Where the autoencoder's own drawings begin, far from those that the UNet learns from.
OWN = 2_000_000


def pictures(settings: Settings) -> NDArray[np.uint8]:
    """The drawings that the UNet learns from."""
    return draw_set(settings.drawings, settings.pictures, NATIVE, make=learned)


def coming_pictures(settings: Settings) -> NDArray[np.uint8]:
    """The same, or the file that they are being drawn into beside."""
    if not settings.beside or all_drawn(settings):
        return pictures(settings)
    drawn = drawn_beside(settings)
    drawn.wait(1)
    return np.load(drawn.path, mmap_mode="r")


def all_drawn(settings: Settings) -> bool:
    """Whether all of them lie there."""
    return is_drawn(drawn_beside(settings).path, about(settings.pictures, NATIVE))


def drawn_beside(settings: Settings) -> Growing:
    """How far the drawings are."""
    return Growing(settings.drawings)


def encoded_beside(settings: Settings) -> Growing:
    """How far the latents are."""
    return Growing(settings.latents)


MADE = {"draw": drawn_beside, "latents": encoded_beside}
"""What others take up while a stage is at it."""


def begin(stage: str, settings: Settings) -> None:
    """Before a stage goes on beside others: nothing that an earlier run left is taken for what it makes."""
    if stage == "draw" and all_drawn(settings):
        return
    if stage in MADE:
        MADE[stage](settings).tell(0)


def own_pictures(settings: Settings) -> NDArray[np.uint8]:
    """The drawings that the autoencoder learns from."""
    return draw_set(settings.data / f"own-{NATIVE}.npy", settings.vae.pictures, NATIVE, OWN)


def judged_pictures(settings: Settings) -> NDArray[np.uint8]:
    """The common drawings that the judge learns from."""
    return draw_set(settings.data / f"train-{SIDE}.npy", settings.judge.pictures, SIDE)


def run_stage(stage: str, settings: Settings) -> None:
    """Run one stage."""
    if stage == "draw":
        pictures(settings)
    elif stage == "vae":
        from pocket.train.vae import train_vae

        train_vae(settings, own_pictures(settings))
    elif stage == "decoder":
        from pocket.train.repaint import is_due, repaint
        from pocket.train.vae import train_vae

        if is_due(settings):
            repaint(settings)
        train_vae(settings, own_pictures(settings), decoder_only=True)
    elif stage == "latents":
        from pocket.train.latents import make_latents

        make_latents(settings, coming_pictures(settings))
    elif stage == "words":
        from pocket.train.unet import build_both
        from pocket.train.words import train_words

        train_words(settings, build_both(settings).text_encoder)
    elif stage == "unet":
        from pocket.train.unet import train_unet

        train_unet(settings)
    elif stage == "maps":
        from pocket.train.references import draw_maps

        draw_maps(settings)
    elif stage == "control":
        from dataclasses import replace

        from pocket.train.controls import train_control

        train_control(replace(settings, from_weights=True))
    elif stage == "detectors":
        from pocket.train.detectors import train_detectors

        train_detectors(settings)
    elif stage == "judge":
        from pocket.train.judge import train_judge

        train_judge(settings, judged_pictures(settings))
    elif stage == "manner":
        from pocket.train.manner import train_manner

        train_manner(settings)
    elif stage == "export":
        from pocket.train.export import export

        export(settings, pictures(settings))
