"""What every surface that takes something in shares: who may send it, and how a refusal is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from studio.api.identity import language_of
from studio.errors import StudioError, say_trouble
from studio.messages import LANGUAGES, Trouble

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
    ours = {request.headers.get("host"), request.headers.get("x-forwarded-host")}
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
