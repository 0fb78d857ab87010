"""Pictures and masks that people bring: sent as bare bytes, shown again by their hash."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from typing import IO, Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from studio.api.book import Asked
from studio.api.guard import answered, check_origin, limited, refused
from studio.api.identity import asker, language_of
from studio.errors import StudioError, say_trouble
from studio.messages import Digest, Input, Language, Person
from studio.service import Studio

MOST_BYTES = 64 * 2**20
"""Of one upload; what comes after is not read."""
MOST_HELD = 2000
IN_MEMORY = 2**20
AT_ONCE = 2
"""How many uploads are in memory and read at a time; the others wait on disk."""
# Named by what it shows, so it never changes; and it is a picture whatever somebody hid in it.
KEEP = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}

Keep = Callable[[bytes, Person], Input]


class Held(Asked):
    """What stands in the forms of a page."""

    pictures: Annotated[list[Digest], Field(max_length=MOST_HELD)]


def router(studio: Studio) -> APIRouter:
    """`POST /api/inputs` and `/api/masks`: a picture's bytes; `GET /api/inputs/DIGEST`: as it was kept.

    `POST /api/inputs/held`: which of them an open page may still need.
    """
    routes = APIRouter(prefix="/api")
    turns = asyncio.Semaphore(AT_ONCE)

    async def kept(request: Request, keep: Keep) -> Response:
        try:
            told = await _keep(studio, request, keep, turns)
            return JSONResponse(_told(told, language_of(request)))
        except StudioError as error:
            return refused(error, request)
        except ClientDisconnect:  # nobody is left to be told
            return Response(status_code=400)

    @routes.post("/inputs")
    async def bring_picture(request: Request) -> Response:
        return await kept(request, studio.keep_input)

    @routes.post("/masks")
    async def bring_mask(request: Request) -> Response:
        return await kept(request, studio.keep_mask)

    @routes.post("/inputs/held")
    def hold(held: Held, request: Request) -> Response:
        def do() -> dict[str, int]:
            return {"held": studio.hold_inputs(held.pictures, asker(studio, request))}

        return answered(request, do)

    @routes.get("/inputs/{digest}")
    def show(digest: str, request: Request) -> Response:
        try:
            path = studio.input_file(digest, asker(studio, request))
        except StudioError as error:
            return refused(error, request, status=404)
        return FileResponse(path, media_type="image/png", headers=KEEP)

    return routes


async def _keep(studio: Studio, request: Request, keep: Keep, turns: asyncio.Semaphore) -> Input:
    person = asker(studio, request)
    check_origin(request)
    if request.headers.get("content-type", "").startswith(("multipart/", "application/x-www-form")):
        raise StudioError("upload_form")
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as body:
        async for chunk in limited(request, MOST_BYTES):
            body.write(chunk)
        async with turns:
            return await run_in_threadpool(_read, body, keep, person)


def _read(body: IO[bytes], keep: Keep, person: Person) -> Input:
    body.seek(0)
    return keep(body.read(), person)


def _told(kept: Input, language: Language) -> dict[str, object]:
    return {
        "picture": kept.picture,
        "width": kept.size.width,
        "height": kept.size.height,
        "notes": [{"code": note.code, "text": say_trouble(language, note)} for note in kept.notes],
    }
