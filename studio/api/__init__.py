"""What the studio serves beside its page: one file a surface, joined to the app here."""

from __future__ import annotations

from fastapi import FastAPI

from studio.api import (
    book,
    captions,
    controls,
    health,
    hosts,
    identity,
    inputs,
    loras,
    mine,
    pictures,
    trainings,
    translations,
)
from studio.service import Studio


def join(app: FastAPI, studio: Studio) -> None:
    """Adds every surface to the app."""
    identity.join(app, studio)
    hosts.join(app, studio)  # the last to join is the first to look
    app.include_router(book.router(studio))
    app.include_router(captions.router(studio))  # before the trainings, below whose path it lies
    app.include_router(controls.router(studio))
    app.include_router(health.router(studio))
    app.include_router(inputs.router(studio))
    app.include_router(loras.router(studio))
    app.include_router(mine.router(studio))
    app.include_router(pictures.router(studio))
    app.include_router(trainings.router(studio))
    app.include_router(translations.router(studio))
