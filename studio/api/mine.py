"""A person's own spells, styles and scenes, favourites, and what was used last."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from studio.api.book import Asked, Key, Keys
from studio.api.guard import answered, check_origin, refused
from studio.api.identity import asker
from studio.errors import StudioError, say_trouble
from studio.messages import Person
from studio.service import Studio

MOST_BYTES = 4 * 2**20
"""Of a file that is imported; what comes after is not read, and so much is too large already."""
FILE = {
    "Content-Disposition": 'attachment; filename="spellbook-mine.yaml"',
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class Kept(Asked):
    """Something to be kept, as it was filled in; with the id of one that is there it takes its place."""

    kind: Literal["spells", "styles", "scenes"]
    item: dict[str, Any]


class Favourite(Asked):
    """A spell by its English text, or a style or scene by its id, with or without its star."""

    key: Key
    on: bool


class Used(Asked):
    """What was used, the last one first."""

    keys: Keys


def router(studio: Studio) -> APIRouter:
    """`/api/book/mine`: what is one's own; every change answers with all of it as it is then."""
    routes = APIRouter(prefix="/api/book/mine")

    def mine(request: Request) -> dict[str, Any]:
        return studio.own_page(asker(studio, request))

    @routes.get("")
    def show(request: Request) -> Response:
        return answered(request, lambda: mine(request))

    @routes.post("")
    def keep(kept: Kept, request: Request) -> Response:
        def do() -> dict[str, Any]:
            item = studio.keep_own_written(kept.kind, kept.item, asker(studio, request))
            return mine(request) | {"kept": item.id}

        return answered(request, do)

    @routes.delete("/{id}")
    def delete(id: str, request: Request) -> Response:
        def do() -> dict[str, Any]:
            studio.delete_own(id, asker(studio, request))
            return mine(request)

        return answered(request, do)

    _add_marks(routes, studio)
    _add_files(routes, studio)
    return routes


def _add_marks(routes: APIRouter, studio: Studio) -> None:
    @routes.post("/favourite")
    def favourite(marked: Favourite, request: Request) -> Response:
        def do() -> dict[str, Any]:
            person = asker(studio, request)
            studio.favourite(marked.key, marked.on, person)
            return studio.own_page(person)

        return answered(request, do)

    @routes.post("/used")
    def used(used: Used, request: Request) -> Response:
        def do() -> dict[str, Any]:
            person = asker(studio, request)
            studio.used(used.keys, person)
            return studio.own_page(person)

        return answered(request, do)


def _add_files(routes: APIRouter, studio: Studio) -> None:
    @routes.get("/export")
    def export(request: Request) -> Response:
        try:
            text = studio.export_own(asker(studio, request))
        except StudioError as error:
            return refused(error, request)
        return Response(text, media_type="application/yaml", headers=FILE)

    @routes.post("/import")
    async def bring(request: Request) -> Response:
        try:
            check_origin(request)
            person = asker(studio, request)
            data = await _body(request)
            return await run_in_threadpool(lambda: answered(request, lambda: _brought(studio, data, person)))
        except StudioError as error:
            return refused(error, request)


async def _body(request: Request) -> bytes:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MOST_BYTES:
            break
    return bytes(data)


def _brought(studio: Studio, data: bytes, person: Person) -> dict[str, Any]:
    """What an import brought, and in words what of it could not be taken."""
    imported = studio.import_own(data, person)
    troubles = [say_trouble(person.language, trouble) for trouble in imported.troubles]
    told = {"added": imported.added, "known": imported.known, "troubles": troubles}
    return studio.own_page(person) | {"imported": told}
