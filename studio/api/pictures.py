"""A person's own pictures, as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse

from studio.api.identity import asker, language_of
from studio.errors import StudioError, say_trouble
from studio.messages import Person
from studio.service import Studio

# A picture never changes under its name, so a browser may keep it; nobody in between may.
KEEP = {"Cache-Control": "private, max-age=31536000, immutable"}


def router(studio: Studio) -> APIRouter:
    """`/pictures/ID.png` as saved, recipe inside, and `/pictures/ID/thumbnail`."""
    routes = APIRouter()

    @routes.get("/pictures/{id}.png")
    def picture(id: str, request: Request, download: bool = False) -> FileResponse:
        path = _found(studio, request, lambda person: studio.picture_file(id, person))
        name = f"spellbook-{id}.png" if download else None
        return FileResponse(path, media_type="image/png", filename=name, headers=KEEP)

    @routes.get("/pictures/{id}/thumbnail")
    def thumbnail(id: str, request: Request) -> FileResponse:
        path = _found(studio, request, lambda person: studio.thumbnail_file(id, person))
        return FileResponse(path, media_type="image/webp", headers=KEEP)

    return routes


def _found(studio: Studio, request: Request, find: Callable[[Person], Path]) -> Path:
    try:
        return find(asker(studio, request))
    except StudioError as error:
        raise HTTPException(404, say_trouble(language_of(request), error.trouble)) from error
