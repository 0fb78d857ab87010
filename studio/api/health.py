"""Whether the studio answers; for containers and for whoever waits for the start."""

from __future__ import annotations

from fastapi import APIRouter

from studio import __version__
from studio.service import Studio


def router(studio: Studio) -> APIRouter:
    """`/health`: the version and the number of models that can be asked for."""
    routes = APIRouter()

    @routes.get("/health")
    def health() -> dict[str, str | int]:
        return {"status": "ok", "version": __version__, "models": len(studio.library.specs)}

    return routes
