"""LoRAs and embeddings over the wire: the shelf for a model, its pictures and stars, and how new ones come onto it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from studio.api.book import Asked
from studio.api.guard import answered, both, check_origin, limited, refused
from studio.api.identity import asker
from studio.errors import StudioError
from studio.messages import (
    LARGEST_LORA,
    Bilingual,
    LoraArrival,
    LoraCard,
    LoraUse,
    Person,
)
from studio.service import Studio

IN_MEMORY = 2**20
# The page names a picture with the moment its file was changed.
KEEP = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
Address = Annotated[str, Field(min_length=1, max_length=400)]


class Star(Asked):
    """With or without a star."""

    on: bool


class Mix(Asked):
    """A mix, to be saved under a name."""

    # Longer ones are refused in words.
    name: Annotated[str, Field(max_length=1000)]
    uses: Annotated[list[LoraUse], Field(max_length=100)]


class Name(Asked):
    """Another name."""

    name: Annotated[str, Field(max_length=1000)]


class Place(Asked):
    """A repository of the hub or of ModelScope, as somebody wrote it down."""

    address: Address


class File(Place):
    """One of its files; empty where it has only one."""

    file: Annotated[str, Field(max_length=1000)] = ""


def router(studio: Studio) -> APIRouter:
    """`/api/loras?model=ID`: the shelf; below it pictures, stars, downloads, uploads and repositories."""
    routes = APIRouter(prefix="/api/loras")

    @routes.get("")
    def shelf(model: str, request: Request) -> Response:
        try:
            return JSONResponse(_shelf(studio, model, asker(studio, request)))
        except StudioError as error:
            return refused(error, request, status=404)

    @routes.get("/{id}/picture")
    def picture(id: str, request: Request) -> Response:
        try:
            data = studio.lora_picture(id, asker(studio, request))
        except StudioError as error:
            return refused(error, request, status=404)
        return Response(data, media_type="image/jpeg", headers=KEEP) if data else Response(status_code=404)

    _add_mixes(routes, studio)
    _add_changes(routes, studio)
    _add_repositories(routes, studio)
    _add_uploads(routes, studio)
    return routes


def _add_changes(routes: APIRouter, studio: Studio) -> None:
    @routes.post("/{id}/favourite")
    def favourite(id: str, star: Star, request: Request) -> Response:
        return answered(request, lambda: studio.lora_favourite(id, star.on, asker(studio, request)))

    @routes.post("/{id}/fetch")
    def fetch(id: str, request: Request) -> Response:
        return answered(request, lambda: studio.fetch_lora(id, asker(studio, request)))

    @routes.delete("/{id}/fetch")
    def stop(id: str, request: Request) -> Response:
        return answered(request, lambda: studio.stop_fetching(id, asker(studio, request)))


def _add_mixes(routes: APIRouter, studio: Studio) -> None:
    @routes.post("/mixes")
    def keep(mix: Mix, request: Request) -> Response:
        return _changed(request, studio, lambda person: studio.keep_lora_mix(mix.name, mix.uses, person))

    @routes.post("/mixes/{id}")
    def rename(id: str, name: Name, request: Request) -> Response:
        return _changed(request, studio, lambda person: studio.rename_lora_mix(id, name.name, person))

    @routes.delete("/mixes/{id}")
    def forget(id: str, request: Request) -> Response:
        return _changed(request, studio, lambda person: studio.forget_lora_mix(id, person))


def _changed(request: Request, studio: Studio, change: Callable[[Person], object]) -> Response:
    """The mixes as they are after a change."""

    def do() -> dict[str, Any]:
        person = asker(studio, request)
        change(person)
        return {"mixes": _mixes(studio, person)}

    return answered(request, do)


def _add_repositories(routes: APIRouter, studio: Studio) -> None:
    @routes.post("/repository")
    def look(place: Place, request: Request) -> Response:
        def do() -> dict[str, Any]:
            files = studio.repository_loras(place.address, asker(studio, request))
            return {"files": [file.model_dump(mode="json") for file in files]}

        return answered(request, do)

    @routes.post("/bring")
    def bring(file: File, request: Request) -> Response:
        def do() -> dict[str, str]:
            return {"id": studio.bring_lora(file.address, file.file, asker(studio, request))}

        return answered(request, do)


def _add_uploads(routes: APIRouter, studio: Studio) -> None:
    @routes.post("/files")
    async def bring_file(name: str, request: Request) -> Response:
        try:
            check_origin(request)
            person = asker(studio, request)
            if person.role != "admin":  # before gigabytes of it are read
                raise StudioError("admin_only")
            return JSONResponse(_told(await _kept(studio, name, request, person)))
        except StudioError as error:
            return refused(error, request)
        except ClientDisconnect:  # nobody is left to be told
            return Response(status_code=400)


async def _kept(studio: Studio, name: str, request: Request, person: Person) -> LoraCard:
    folder = studio.settings.data  # a disk's room for temporary files may be less than a LoRA
    try:
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder)) as body:
            async for chunk in limited(request, LARGEST_LORA):
                await run_in_threadpool(body.write, chunk)
            body.seek(0)
            return await run_in_threadpool(studio.import_lora, body, name, person)
    except OSError as error:
        raise StudioError("disk_unwritable", folder=str(folder)) from error


# -- what is told -------------------------------------------------------------------------------------


def _shelf(studio: Studio, model: str, person: Person) -> dict[str, Any]:
    cards = studio.loras(model, person)
    return {
        "loras": [_told(card) for card in cards],
        "sizes_coming": studio.lora_sizes_coming(),
        "mixes": _mixes(studio, person),
        "arrivals": [_arrival(one) for one in studio.lora_arrivals(person)],
        "admin": person.role == "admin",
    }


def _told(card: LoraCard) -> dict[str, Any]:
    """A card with its troubles in words of both languages: a page changes its language without asking."""
    told = card.model_dump(mode="json") | {"fits": card.fits, "title": _pair(card.title)}
    return told | {"notes": _pair(card.notes), "why": both(card.trouble), "failed": both(card.failed)}


def _mixes(studio: Studio, person: Person) -> list[dict[str, Any]]:
    return [mix.model_dump(mode="json") for mix in studio.lora_mixes(person)]


def _arrival(one: LoraArrival) -> dict[str, Any]:
    return one.model_dump(mode="json") | {"failed": both(one.failed)}


def _pair(said: Bilingual) -> list[str]:
    return [said.en, said.zh]
