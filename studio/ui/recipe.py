"""What made a picture, in words: the card under the stage, the text other tools read, and where files are served."""

from __future__ import annotations

import base64
from html import escape

from studio.messages import LANCZOS, LATENT, GenerationRequest, HighResolution, Picture, Trouble, Upscale
from studio.ui import lora_uses, reference
from studio.ui.parts import hidden_words, icon, local
from studio.ui.sheets import StageView
from studio.ui.words import html, notice_words, t, words


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
    prompt = escape(request.prompt) or f'<span class="i3">{t(nameless(request))}</span>'
    facts = "".join(f"<span>{t(key)} <b>{value}</b></span>" for key, value in _facts(view, request))
    text = recipe_text(view, request)
    copy = local("copy", icon("copy", 16) + t("stage.copy"), said="stage.copied", copy=text)
    return (
        f'<div class="recipe card"><div class="grow"><div class="ell t13">{prompt}</div>'
        f'<div class="kv num">{facts}</div>{"".join(map(_told, notices))}</div>{copy}</div>'
    )


def _told(notice: Trouble) -> str:
    return f'<p class="told">{icon("info", 14)}<span>{html(notice_words(notice))}</span></p>'


def nameless(request: GenerationRequest) -> str:
    """The key of what is said where a prompt would stand."""
    return "stage.no_prompt" if request.paints else "stage.upscaled"


def _facts(view: StageView, request: GenerationRequest) -> list[tuple[str, str]]:
    """The numbers of the picture; what is as it is by itself is not said."""
    return (
        [*_painted(view, request), *more_facts(view, request)]
        if request.paints
        else more_facts(view, request)
    )


def _painted(view: StageView, request: GenerationRequest) -> list[tuple[str, str]]:
    model = view.models.get(request.model)
    return [
        ("stage.model", html(model) if model else escape(request.model)),
        ("stage.seed", str(request.seed)),
        ("stage.steps", str(request.steps)),
        ("stage.guidance", f"{request.guidance:.1f}"),
        ("stage.sampler", escape(view.samplers.get(request.sampler, request.sampler))),
    ]


def more_facts(view: StageView, request: GenerationRequest) -> list[tuple[str, str]]:
    """What of a recipe is not as it is by itself, each with its key and its words as HTML."""
    second, upscale = request.stage(HighResolution), request.stage(Upscale)
    tiling = "" if request.tiling == "none" else t(f"form.tiling_{request.tiling}")
    told = [
        ("stage.fact_start", _start(request)),
        ("stage.fact_reference", reference.fact(request.controls)),
        ("stage.fact_lora", escape(lora_uses.fact(request.loras))),
        ("stage.fact_variation", _variation(request)),
        ("stage.fact_vae", part_name(view, request.vae)),
        ("stage.fact_clip_skip", str(request.clip_skip) if request.clip_skip > 1 else ""),
        ("stage.fact_negative_counts", t("form.negative_counts_needed") if request.measures_negative else ""),
        ("stage.fact_tiling", tiling),
        ("stage.fact_hires", _enlarged(view, second) + f" · {second.strength:.2f}" if second else ""),
        ("stage.fact_upscale", _enlarged(view, upscale) if upscale else ""),
    ]
    return [(key, value) for key, value in told if value]


def _start(request: GenerationRequest) -> str:
    if request.start is None or not request.paints:
        return ""
    way = "inpaint" if request.mask else "outpaint" if request.outpaint else "redraw"
    return t(f"stage.fact_{way}", strength=f"{request.start.strength:.2f}")


def _variation(request: GenerationRequest) -> str:
    told = request.variation
    return f"{told.seed} · {told.weight:.2f}" if told else ""


def _enlarged(view: StageView, stage: HighResolution | Upscale) -> str:
    return f"{stage.factor:g}× · {part_name(view, stage.upscaler)}"


def part_name(view: StageView, id: str) -> str:
    """A VAE's or an upscaler's name as HTML; its id where nobody knows it."""
    named = {LANCZOS: words("stage.lanczos"), LATENT: words("stage.latent")} | dict(view.models)
    return html(named[id]) if id in named else escape(id)


def recipe_text(view: StageView, request: GenerationRequest) -> str:
    """A recipe as other tools read it."""
    lines = [request.prompt + "".join(use.tag for use in request.loras)]
    if request.negative:
        lines.append(f"Negative prompt: {request.negative}")
    settings = (_settings(view, request) if request.paints else {}) | _starting(request) | _larger(request)
    settings["Lora hashes"] = lora_uses.hashes(request.loras)
    lines.append(", ".join(f"{name}: {value}" for name, value in settings.items() if value != ""))
    return "\n".join(lines)


def _settings(view: StageView, request: GenerationRequest) -> dict[str, object]:
    model = view.models.get(request.model)
    return {
        "Steps": request.steps,
        "Sampler": view.samplers.get(request.sampler, request.sampler),
        "CFG scale": f"{request.guidance:g}",
        "Seed": request.seed,
        "Size": f"{request.width}x{request.height}",
        "Model": model.en if model else request.model,
        "VAE": request.vae,
        "Clip skip": request.clip_skip if request.clip_skip > 1 else "",
        "Negative counts": "as needed" if request.measures_negative else "",
        "Tiling": request.tiling if request.tiling != "none" else "",
    }


def _starting(request: GenerationRequest) -> dict[str, object]:
    start, mask, variation = request.start, request.mask, request.variation
    return {
        "Denoising strength": f"{start.strength:g}" if start and request.paints else "",
        "Mask blur": mask.feather if mask else "",
        "Masked content": mask.fill if mask else "",
        "Variation seed": variation.seed if variation else "",
        "Variation seed strength": f"{variation.weight:g}" if variation else "",
    }


def _larger(request: GenerationRequest) -> dict[str, object]:
    second, upscale = request.stage(HighResolution), request.stage(Upscale)
    return {
        "Hires upscale": f"{second.factor:g}" if second else "",
        "Hires upscaler": second.upscaler if second else "",
        "Postprocess upscale by": f"{upscale.factor:g}" if upscale else "",
        "Postprocess upscaler": upscale.upscaler if upscale else "",
    }
