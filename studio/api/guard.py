"""What every surface that takes something in shares: who may send it, and how a refusal is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from studio.api.identity import forwarded, language_of
from studio.errors import StudioError, say_trouble
from studio.messages import LANGUAGES, Trouble

Answer = TypeVar("Answer")
STATUS = {
    "upload_too_large": 413,
    "import_too_large": 413,
    "upload_form": 415,
    "upload_cross_site": 403,
    "cookie_needed": 403,
    "own_spell_gone": 404,
    "mix_gone": 404,
    "disk_unwritable": 507,
}
"""The answer to each error; 422 to all others: what was sent cannot be used."""


def check_origin(request: Request) -> None:
    """Refuses what a page of another site sends in a person's name."""
    if site := request.headers.get("sec-fetch-site"):  # the browser's own word, right behind any proxy
        if site not in ("same-origin", "none"):
            raise StudioError("upload_cross_site")
        return
    # Browsers leave that header out over plain HTTP; programs that are no browsers send neither.
    origin = request.headers.get("origin")
    ours = {request.headers.get("host"), forwarded(request, "x-forwarded-host")} - {""}
    if origin is not None and urlsplit(origin).netloc not in ours:
        raise StudioError("upload_cross_site")


async def limited(request: Request, most: int) -> AsyncIterator[bytes]:
    """An upload, piece by piece, up to a limit in bytes, whatever length it was announced with."""
    too_large = StudioError("upload_too_large", most=most // 2**20)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise too_large
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > most:
            raise too_large
        yield chunk


async def while_there(request: Request, work: Coroutine[Any, Any, Answer]) -> Answer:
    """What comes of work for whoever waits; it is let go of once they have left, for the server tells nobody."""
    task, left = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise StudioError("answer_stopped")
    finally:
        task.cancel()
        left.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass  # what was sent is read by now, or nobody wants it


def answered(request: Request, do: Callable[[], object]) -> Response:
    """What comes of something that was sent, as JSON, or why it was refused."""
    try:
        check_origin(request)
        return JSONResponse(do())
    except StudioError as error:
        return refused(error, request)


def refused(error: StudioError, request: Request, status: int | None = None) -> JSONResponse:
    """An error in the language of whoever sent the request."""
    told = {"code": error.code, "text": say_trouble(language_of(request), error.trouble)}
    return JSONResponse(told, status_code=status or STATUS.get(error.code, 422))


def both(trouble: Trouble | None) -> list[str] | None:
    """A trouble in words of both languages: a page changes its language without asking."""
    return [say_trouble(language, trouble) for language in LANGUAGES] if trouble else None
