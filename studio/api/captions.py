"""Captions that a captioner writes for the pictures of a training, over the wire."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from studio.api.guard import answered, both, refused
from studio.api.identity import asker
from studio.errors import StudioError
from studio.messages import CaptionerState, CaptionNews, Digest, Message
from studio.service import Studio


class Wanted(Message):
    """Kept pictures, and who is to say what can be seen in them."""

    captioner: str
    pictures: tuple[Digest, ...]


def router(studio: Studio) -> APIRouter:
    """`/api/trainings/captions`: who can write them, and below it each job that does."""
    routes = APIRouter(prefix="/api/trainings/captions")

    @routes.get("")
    def captioners(request: Request) -> Response:
        found = studio.captioners(asker(studio, request))
        return JSONResponse({"captioners": [_offered(one) for one in found]})

    @routes.post("")
    def write(wanted: Wanted, request: Request) -> Response:
        def do() -> dict[str, str]:
            return {"id": studio.write_captions(wanted.captioner, wanted.pictures, asker(studio, request))}

        return answered(request, do)

    @routes.get("/{job}")
    def news(job: str, request: Request) -> Response:
        try:
            return JSONResponse(_told(studio.caption_news(job, asker(studio, request))))
        except StudioError as error:
            return refused(error, request, status=404)

    @routes.post("/{job}/cancel")
    def cancel(job: str, request: Request) -> Response:
        return answered(request, lambda: studio.cancel(job, asker(studio, request)))

    return routes


def _offered(one: CaptionerState) -> dict[str, Any]:
    spec = one.spec
    note = [spec.note.en, spec.note.zh] if spec.note else None
    title = [spec.title.en, spec.title.zh]
    return {"id": spec.id, "title": title, "note": note, "place": one.place, "bytes": one.bytes}


def _told(news: CaptionNews) -> dict[str, Any]:
    """With its trouble in words of both languages: a page changes its language without asking."""
    return news.model_dump(exclude={"trouble"}) | {"why": both(news.trouble)}
