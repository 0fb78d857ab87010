"""From the form to what the studio is asked for, and from a recipe back to the form. No Gradio here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from studio.messages import (
    Draft,
    HighResolution,
    Mask,
    ModelState,
    Outpaint,
    Size,
    Start,
    Trouble,
    Upscale,
    Variation,
)
from studio.ui import lora_uses, reference_units
from studio.ui.form import FIELDS, SIDES, Form, form_of
from studio.ui.shapes import read_size, size_text


def draft_of(form: Form) -> Draft:
    """What the studio is asked for. Without the lock every job draws its own seed."""
    size = read_size(form.size) if form.shaped else None
    return Draft(
        model=form.model,
        **_words(form),
        width=size.width if size else None,
        height=size.height if size else None,
        steps=form.steps,
        guidance=form.guidance,
        sampler=form.sampler,
        seed=form.seed if form.lock else None,
        count=form.count if form.start != "upscale" else 1,
        **_details(form),
        **_start(form),
    )


def _words(form: Form) -> dict[str, Any]:
    """Enlarging alone reads no prompt, so its recipe names none."""
    told = {"prompt": form.prompt, "negative": form.negative, "styles": tuple(form.styles.split())}
    told |= {name: getattr(form, name) for name in ("translated", "translated_negative")}
    return told if form.start != "upscale" else {}


def _details(form: Form) -> dict[str, Any]:
    if form.start == "upscale":  # nothing is painted
        return {}
    return {
        "vae": form.vae or None,
        "clip_skip": form.clip_skip,
        "tiling": form.tiling,
        "negative_counts": form.negative_counts,
        "variation": _variation(form),
        "controls": reference_units.units_of(form.controls),
        "loras": lora_uses.uses_of(form.loras),
        "high_resolution": _high_resolution(form),
    }


def _variation(form: Form) -> Variation | None:
    if not form.variation_weight or form.variation_seed is None:
        return None
    return Variation(seed=form.variation_seed, weight=form.variation_weight)


def _high_resolution(form: Form) -> HighResolution | None:
    if not form.hires:
        return None
    return HighResolution(
        factor=form.hires_factor,
        strength=form.hires_strength,
        steps=form.hires_steps,
        upscaler=form.hires_upscaler,
    )


def _start(form: Form) -> dict[str, Any]:
    if not form.start:
        return {}
    start = {"start": Start(picture=form.picture, strength=form.strength, fit=form.fit)}
    return start | _way(form)


def _way(form: Form) -> dict[str, Any]:
    if form.start == "inpaint":
        return {"mask": _mask(form)}
    if form.start == "outpaint":
        return {"outpaint": Outpaint(**form.sides, feather=form.edge)}
    if form.start == "upscale":
        return {"upscale": Upscale(factor=form.factor, upscaler=form.upscaler), "base": False}
    return {}


def _mask(form: Form) -> Mask | None:
    if not form.mask:
        return None
    return Mask(
        picture=form.mask, feather=form.feather, invert=form.invert, area=form.area, margin=form.margin,
        fill=form.fill,
    )  # fmt: skip


def lacking(form: Form) -> Trouble | None:
    """What a way to start still needs before anything can be painted; the studio would take it for another way."""
    if form.start == "inpaint" and not form.mask:
        return Trouble(code="mask_needed")
    return None


# -- and back -------------------------------------------------------------------------------------


def form_from_draft(draft: Draft, state: ModelState, start: Size | None = None) -> Form:
    """A recipe back in the form, its seed locked so that the same picture comes out."""
    given = {name: getattr(draft, name, None) for name in FIELDS}
    given["size"] = f"{draft.width}x{draft.height}" if draft.width and draft.height else None
    given["lock"] = draft.seed is not None
    given["styles"] = " ".join(draft.styles)
    # What it was painted with stays, as long as the words that it stands for do.
    given["translated_for"] = draft.prompt if draft.translated else ""
    given["translated_negative_for"] = draft.negative if draft.translated_negative else ""
    given["controls"] = reference_units.text_of_units(draft.controls)
    given["loras"] = lora_uses.text_of_uses(draft.loras)
    given |= _given_details(draft)
    return form_of(given | _given_start(draft, start), state)


def _given_details(draft: Draft) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if draft.variation:
        given |= {"variation_seed": draft.variation.seed, "variation_weight": draft.variation.weight}
    if draft.high_resolution:
        told = draft.high_resolution.model_dump(exclude={"kind"})
        given |= {"hires": True} | {f"hires_{name}": value for name, value in told.items()}
    return given


def _given_start(draft: Draft, size: Size | None) -> dict[str, Any]:
    """All about the picture it started from; nothing where that is gone."""
    none = dict.fromkeys(("mask", "upscale"), None)
    if draft.start is None or size is None:
        return none
    given: dict[str, Any] = none | draft.start.model_dump() | {"picture_size": size_text(size)}
    return given | {"way": way_of(draft)} | _given_way(draft)


def way_of(draft: Draft) -> str:
    """The way a draft starts from its picture."""
    if not draft.base:
        return "upscale"
    return "inpaint" if draft.mask else "outpaint" if draft.outpaint else "redraw"


def _given_way(draft: Draft) -> dict[str, Any]:
    way = way_of(draft)
    if way == "upscale" and draft.upscale:
        return {"factor": draft.upscale.factor, "upscaler": draft.upscale.upscaler}
    if way == "inpaint" and draft.mask:
        return draft.mask.model_dump(exclude={"picture"}) | {"mask": draft.mask.picture}
    if way == "outpaint" and draft.outpaint:
        return {name: getattr(draft.outpaint, name) for name in SIDES} | {"edge": draft.outpaint.feather}
    return {}


def vary(form: Form, weight: float, seed: int) -> Form:
    """The same form, its seed kept and a little of another one mixed in."""
    return replace(form, lock=True, variation_weight=weight, variation_seed=seed)
