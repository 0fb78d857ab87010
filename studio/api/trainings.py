"""LoRAs that learn, over the wire: what can be trained on, pictures that are brought, plans, and what goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from studio.api.guard import answered, both, check_origin, limited, refused
from studio.api.identity import asker
from studio.errors import StudioError, check_admin, say_notice
from studio.messages import (
    LANGUAGES,
    Downloading,
    Job,
    Person,
    Queued,
    TrainingDraft,
    TrainingRequest,
)
from studio.service import Studio

MOST_BYTES = 4 * 2**30
"""Of the pictures that are sent together."""
MOST_FILES = 1000
# A picture is named by what it shows, a sample by the training and its number: neither changes.
KEEP = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


def router(studio: Studio) -> APIRouter:
    """`/api/trainings`: what is under way and what can be trained on; below it pictures, plans, and each training."""
    routes = APIRouter(prefix="/api/trainings")

    @routes.get("")
    def trainings(request: Request) -> Response:
        person = asker(studio, request)
        told = [_brief(_told(studio, job, person)) for job in studio.trainings(person)]
        return JSONResponse({"trainings": told, "models": _models(studio, person)})

    @routes.post("")
    def begin(draft: TrainingDraft, request: Request) -> Response:
        return answered(request, lambda: {"id": studio.train(draft, asker(studio, request))})

    @routes.get("/{job}")
    def training(job: str, request: Request) -> Response:
        person = asker(studio, request)
        return _shown(request, lambda: JSONResponse(_told(studio, studio.job(job, person), person)))

    @routes.post("/plan")
    def plan(draft: TrainingDraft, request: Request) -> Response:
        return answered(request, lambda: studio.plan_training(draft, asker(studio, request)).model_dump())

    _add_pictures(routes, studio)
    _add_changes(routes, studio)
    return routes


def _add_pictures(routes: APIRouter, studio: Studio) -> None:
    @routes.post("/pictures")
    async def bring(request: Request) -> Response:
        try:
            check_origin(request)
            person = asker(studio, request)
            check_admin(person)  # before gigabytes of it are read
            return JSONResponse(await _brought(studio, request, person))
        except StudioError as error:
            return refused(error, request)
        except ClientDisconnect:  # nobody is left to be told
            return Response(status_code=400)

    @routes.get("/pictures/{picture}")
    def small(picture: str, request: Request) -> Response:
        def do() -> Response:
            data = studio.training_picture(picture, asker(studio, request))
            return Response(data, media_type="image/jpeg", headers=KEEP)

        return _shown(request, do)

    @routes.get("/{job}/samples/{number}")
    def sample(job: str, number: int, request: Request) -> Response:
        def do() -> Response:
            path = studio.training_sample(job, number, asker(studio, request))
            return FileResponse(path, media_type="image/jpeg", headers=KEEP)

        return _shown(request, do)


def _add_changes(routes: APIRouter, studio: Studio) -> None:
    changes: dict[str, Callable[[str, Person], None]] = {
        "pause": studio.cancel,
        "resume": studio.resume,
        "keep": studio.keep_training,
        "discard": studio.discard_training,
    }

    @routes.post("/{job}/{change}")
    def change(job: str, change: str, request: Request) -> Response:
        if change not in changes:
            return Response(status_code=404)
        return answered(request, lambda: changes[change](job, asker(studio, request)))


def _shown(request: Request, do: Callable[[], Response]) -> Response:
    try:
        return do()
    except StudioError as error:
        return refused(error, request, status=404)


# -- what is brought ------------------------------------------------------------------------------


async def _brought(studio: Studio, request: Request, person: Person) -> dict[str, Any]:
    form = await _form(request)
    try:
        sent = [one for _, one in form.multi_items() if isinstance(one, UploadFile)]
        files = [(one.filename or "", one.file) for one in sent]
        found = await run_in_threadpool(studio.training_pictures, files, person)
    finally:
        await form.close()
    notes = [both(note) for note in found.notes]
    return {"pictures": [one.model_dump() for one in found.pictures], "notes": notes}


async def _form(request: Request) -> FormData:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise StudioError("training_without_pictures")
    stream = limited(request, MOST_BYTES)
    try:
        return await MultiPartParser(request.headers, stream, max_files=MOST_FILES, max_fields=0).parse()  # type: ignore[arg-type]
    except MultiPartException as error:  # more files than a training can have, or no form at all
        raise StudioError("training_upload", most=MOST_FILES) from error


# -- what is told ---------------------------------------------------------------------------------


def _told(studio: Studio, job: Job, person: Person) -> dict[str, Any]:
    """A training with its troubles in words of both languages: a page changes its language without asking."""
    (request,) = job.requests
    assert isinstance(request, TrainingRequest)
    told = request.model_dump(include={"model", "name", "trigger", "preset", "early", "sample_every"})
    told |= {"samples_of": request.samples, "settings": request.settings.model_dump()}
    told |= {"pictures": [one.picture for one in request.pictures]}
    told |= {"captions": [one.caption for one in request.pictures]}
    told |= {"id": job.id, "state": job.state, "created": job.created, "why": both(job.trouble)}
    diary = studio.training_diary(job.id, person)
    notices = [[say_notice(language, one) for language in LANGUAGES] for one in diary.notices]
    return told | _news(studio, job, person) | diary.model_dump() | {"notices": notices}


def _brief(told: dict[str, Any]) -> dict[str, Any]:
    """The same without what is long: of the samples only the newest, of the curve only whether there is one."""
    return told | {
        "curve": told["curve"][-1:],
        "samples": told["samples"][-1:],
        "pictures": told["pictures"][:1],
    }


def _news(studio: Studio, job: Job, person: Person) -> dict[str, Any]:
    """What it waits for, where it waits."""
    news = studio.training_news(job.id, person) if job.state == "queued" else None
    if isinstance(news, Downloading):
        return {"fetching": {"done": news.done, "total": news.total, "rate": news.rate}}
    return {"place": news.position} if isinstance(news, Queued) else {}


def _models(studio: Studio, person: Person) -> list[dict[str, Any]]:
    """All models; what cannot be trained on says why."""
    found = []
    for state in studio.models(person):
        spec = state.spec
        why = state.trouble if state.place == "missing" else studio.untrainable(spec.id, person)
        title = [spec.title.en, spec.title.zh]
        found.append({"id": spec.id, "title": title, "place": state.place, "why": both(why)})
    return found
