"""A prompt in the language that a model reads, as the page shows it before anything is painted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from studio.api.guard import check_origin, refused, while_there
from studio.api.identity import asker
from studio.errors import StudioError
from studio.messages import Message, TranslatorState
from studio.service import Studio


class Asked(Message):
    """A text for a model; without `ask` no translator is asked, and the answer comes at once."""

    model_config = ConfigDict(strict=True)

    model: Annotated[str, Field(max_length=200)]
    text: Annotated[str, Field(max_length=20_000)]
    ask: bool = True


def router(studio: Studio) -> APIRouter:
    """`POST /api/translations`: the translation, whose words it is made of, and what nobody translated."""
    routes = APIRouter(prefix="/api")

    @routes.post("/translations")
    async def translate(asked: Asked, request: Request) -> Response:
        try:
            check_origin(request)
            person = asker(studio, request)
            if asked.ask:
                found = await while_there(request, studio.translated(asked.model, asked.text, person))
            else:
                found = studio.translate(asked.model, asked.text, person)
            translator = studio.translator(asked.model, person)
        except StudioError as error:
            return refused(error, request)
        return JSONResponse(found.model_dump(mode="json") | {"translator": _told(translator)})

    return routes


def _told(translator: TranslatorState | None) -> dict[str, Any] | None:
    """Which one reads the language for this model, and whether it is here; None where none is needed or known."""
    if translator is None:
        return None
    return {"id": translator.spec.id, "place": translator.place, "bytes": translator.bytes}
