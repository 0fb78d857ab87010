"""The whole spellbook in one answer: the page asks for it once and searches it by itself."""

from __future__ import annotations

import gzip
import hashlib
from functools import cached_property

from fastapi import APIRouter, Request, Response

from studio.service import Studio

# A browser asks each time whether it is still the same, which costs no more than a line.
KEEP = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}


class _Copy:
    """The book as it is sent: packed and named by its hash once, when it is first asked for."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @cached_property
    def plain(self) -> bytes:
        return self._studio.book_page()

    @cached_property
    def packed(self) -> bytes:
        return gzip.compress(self.plain, mtime=0)

    @cached_property
    def name(self) -> str:
        return f'"{hashlib.sha256(self.plain).hexdigest()[:32]}"'


def router(studio: Studio) -> APIRouter:
    """`/api/book`: every chapter, style and scene as JSON."""
    routes = APIRouter()
    copy = _Copy(studio)

    @routes.get("/api/book")
    def book(request: Request) -> Response:
        headers = KEEP | {"ETag": copy.name}
        if _has(request, copy.name):
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(copy.plain, media_type="application/json", headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(copy.packed, media_type="application/json", headers=headers)

    return routes


def _has(request: Request, name: str) -> bool:
    told = request.headers.get("if-none-match", "")
    return name in {one.strip().removeprefix("W/") for one in told.split(",")}
