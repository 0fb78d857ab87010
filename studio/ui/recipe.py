"""What made a picture, in words: the card under the stage, the text other tools read, and where files are served."""

from __future__ import annotations

import base64
from html import escape

from studio.messages import GenerationRequest, Picture, Trouble
from studio.ui.parts import hidden_words, icon, local
from studio.ui.sheets import StageView
from studio.ui.words import html, notice_words, t


def picture_url(picture: str) -> str:
    """Where the file of a picture is served, seen from the page."""
    return f"pictures/{escape(picture)}.png"


def thumbnail_url(picture: str) -> str:
    """Where its small version is served."""
    return f"pictures/{escape(picture)}/thumbnail"


def preview_url(preview: bytes) -> str:
    """A preview's few kilobytes, carried in the page itself."""
    return "data:image/jpeg;base64," + base64.b64encode(preview).decode("ascii")


def download_link(picture: Picture | None, classes: str = "ib") -> str:
    """The button that brings the file as it was saved, recipe and all."""
    inner = icon("download") + hidden_words(t("stage.download"))
    if picture is None:
        return f'<button type="button" class="{classes}" disabled>{inner}</button>'
    return f'<a class="{classes}" href="{picture_url(picture.id)}?download=1" download>{inner}</a>'


def recipe_card(view: StageView, request: GenerationRequest, notices: tuple[Trouble, ...] = ()) -> str:
    """Prompt and numbers of a picture in two lines, with a button that copies them."""
    prompt = escape(request.prompt) or f'<span class="i3">{t("stage.no_prompt")}</span>'
    facts = "".join(f"<span>{t(key)} <b>{value}</b></span>" for key, value in _facts(view, request))
    text = recipe_text(view, request)
    copy = local("copy", icon("copy", 16) + t("stage.copy"), said="stage.copied", copy=text)
    return (
        f'<div class="recipe card"><div class="grow"><div class="ell t13">{prompt}</div>'
        f'<div class="kv num">{facts}</div>{"".join(map(_told, notices))}</div>{copy}</div>'
    )


def _told(notice: Trouble) -> str:
    return f'<p class="told">{icon("info", 14)}<span>{html(notice_words(notice))}</span></p>'


def _facts(view: StageView, request: GenerationRequest) -> list[tuple[str, str]]:
    model = view.models.get(request.model)
    return [
        ("stage.model", html(model) if model else escape(request.model)),
        ("stage.seed", str(request.seed)),
        ("stage.steps", str(request.steps)),
        ("stage.guidance", f"{request.guidance:.1f}"),
        ("stage.sampler", escape(view.samplers.get(request.sampler, request.sampler))),
    ]


def recipe_text(view: StageView, request: GenerationRequest) -> str:
    """A recipe as other tools read it."""
    model = view.models.get(request.model)
    lines = [request.prompt]
    if request.negative:
        lines.append(f"Negative prompt: {request.negative}")
    lines.append(
        f"Steps: {request.steps}, Sampler: {view.samplers.get(request.sampler, request.sampler)}, "
        f"CFG scale: {request.guidance:g}, Seed: {request.seed}, Size: {request.width}x{request.height}, "
        f"Model: {model.en if model else request.model}"
    )
    return "\n".join(lines)
