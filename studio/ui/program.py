"""What a program may ask of the page's server: one endpoint that does not stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr

from studio.errors import StudioError, say_trouble
from studio.messages import Draft, Failed, Person, Saved
from studio.service import Studio
from studio.ui.recipe import picture_url
from studio.ui.session import who

DESCRIPTION = "Paints pictures and answers when they are kept. What is left out takes the model's defaults."


def generate_endpoint(studio: Studio) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """The function behind `/generate`."""

    async def generate(
        prompt: str,
        request: gr.Request,
        negative: str | None = None,
        model: str | None = None,
        width: int | None = None,
        height: int | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        sampler: str | None = None,
        seed: int | None = None,
        count: int = 1,
    ) -> list[dict[str, Any]]:
        person = who(studio, request)
        chosen = model or next((state.spec.id for state in studio.models(person)), "")
        draft = Draft(
            model=chosen, prompt=prompt, negative=negative, width=width, height=height, steps=steps,
            guidance=guidance, sampler=sampler, seed=seed, count=count,
        )  # fmt: skip
        try:
            return await _pictures(studio, draft, person)
        except StudioError as error:
            raise gr.Error(say_trouble(person.language, error.trouble), print_exception=False) from error

    return generate


async def _pictures(studio: Studio, draft: Draft, person: Person) -> list[dict[str, Any]]:
    job, kept = studio.submit(draft, person), []
    async for event in studio.follow(job, person):
        if isinstance(event, Saved):
            request = event.picture.recipe.request
            kept.append(
                {"id": event.picture.id, "url": "/" + picture_url(event.picture.id), "seed": request.seed}
            )
        if isinstance(event, Failed):
            raise StudioError(event.code, **event.params)
    return kept
