"""The spellbook: whole in one answer, as the page searches it by itself; and what chance makes of it, by a seed."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field

from studio.api.guard import answered
from studio.messages import Message
from studio.service import Studio

# A browser asks each time whether it is still the same, which costs no more than a line.
KEEP = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
Seed = Annotated[int, Field(ge=0, lt=2**53, description="what a browser's numbers hold exactly")]
Prompt = Annotated[str, Field(max_length=20_000)]
Key = Annotated[str, Field(max_length=200)]
Keys = Annotated[list[Key], Field(max_length=500)]


class Asked(Message):
    """What a page sends; nothing in it is taken for something else."""

    model_config = ConfigDict(strict=True)


class Wand(Asked):
    """A prompt, to be filled up."""

    prompt: Prompt
    seed: Seed


class Dice(Asked):
    """A chapter, or one of its groups, of which one spell shall come that is none of these."""

    chapter: Key
    group: Key = ""
    besides: Keys = []
    seed: Seed


class Whole(Asked):
    """A whole prompt, in which some spells stay."""

    locks: Keys = []
    seed: Seed


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
    """`/api/book`: every chapter, style and scene; `POST /api/book/wand`, `dice` and `random`: some of its spells."""
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

    @routes.post("/api/book/wand")
    def wand(asked: Wand, request: Request) -> Response:
        return answered(request, lambda: _told(studio.wand(asked.prompt, asked.seed)))

    @routes.post("/api/book/dice")
    def dice(asked: Dice, request: Request) -> Response:
        def thrown() -> dict[str, list[str]]:
            spell = studio.dice(asked.chapter, asked.seed, asked.group, asked.besides)
            return _told([spell] if spell else [])

        return answered(request, thrown)

    @routes.post("/api/book/random")
    def whole(asked: Whole, request: Request) -> Response:
        return answered(request, lambda: _told(studio.random_prompt(asked.seed, asked.locks)))

    return routes


def _told(places: Iterable[Any]) -> dict[str, list[str]]:
    """Spells by their English text, under which the page knows them."""
    return {"spells": [place.spell.en for place in places]}


def _has(request: Request, name: str) -> bool:
    told = request.headers.get("if-none-match", "")
    return name in {one.strip().removeprefix("W/") for one in told.split(",")}
