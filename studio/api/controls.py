"""References over the wire: which kinds a model follows, and the map of one before anything is painted."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from studio.api.guard import check_origin, refused, while_there
from studio.api.identity import asker
from studio.errors import StudioError
from studio.messages import ControlUnit
from studio.service import Studio


def router(studio: Studio) -> APIRouter:
    """`GET /api/controls?model=ID`: the kinds; `POST /api/maps`: a reference's map, shown by `/api/inputs/DIGEST`."""
    routes = APIRouter(prefix="/api")

    @routes.get("/controls")
    def kinds(model: str, request: Request) -> Response:
        try:
            return JSONResponse([state.model_dump(mode="json") for state in studio.controls(model)])
        except StudioError as error:
            return refused(error, request, status=404)

    @routes.post("/maps")
    async def take(unit: ControlUnit, request: Request) -> Response:
        try:
            check_origin(request)
            found = await while_there(request, studio.detect(unit, asker(studio, request)))
            return JSONResponse(found.model_dump(mode="json"))
        except StudioError as error:
            return refused(error, request)

    return routes
