"""What the closed folds say at their right end. No Gradio here."""

from __future__ import annotations

import re

from studio.families import FAMILIES
from studio.messages import Bilingual, ModelSpec, ModelState
from studio.ui.form import Form
from studio.ui.words import words

USUAL_NEGATIVE = "lowres, blurry, jpeg artifacts, cropped, deformed, bad anatomy, watermark"
"""What families that read a negative prompt mostly do well without."""


def takes_negative(spec: ModelSpec) -> bool:
    """Whether a negative prompt means anything to a model."""
    return spec.family not in FAMILIES or FAMILIES[spec.family].negative


def default_negative(spec: ModelSpec) -> str:
    """A model's own, else what its family mostly does well without; nothing where it takes none."""
    return (spec.defaults.negative or USUAL_NEGATIVE) if takes_negative(spec) else ""


def negative_summary(negative: str, spec: ModelSpec) -> Bilingual:
    """None, the sensible default, or the person's own, and how many terms."""
    if not takes_negative(spec):
        return words("form.negative_unread_short")
    terms = [term for term in re.split(r"[,，、\n]", negative) if term.strip()]
    if not terms:
        return words("form.none")
    is_default = negative.strip() == default_negative(spec).strip()
    return words("form.negative_default" if is_default else "form.negative_own", n=len(terms))


def details_summary(form: Form, state: ModelState) -> Bilingual:
    """Sampler, steps and guidance in one line, and what else is switched on."""
    titles = {sampler.id: sampler.title for sampler in state.samplers}
    sampler = titles.get(form.sampler, form.sampler)
    plain = words("form.details_sum", sampler=sampler, steps=form.steps, guidance=f"{form.guidance:.1f}")
    return joined(plain, *(words(key) for key in _switched_on(form)))


def _switched_on(form: Form) -> list[str]:
    switches = {
        "form.hires": form.hires,
        "form.tiling_short": form.tiling != "none",
        "form.variation": bool(form.variation_weight),
    }
    return [key for key, on in switches.items() if on]


def joined(*said: Bilingual) -> Bilingual:
    """Several words in one line."""
    return Bilingual(en=" · ".join(one.en for one in said), zh=" · ".join(one.zh for one in said))


def start_summary(form: Form) -> Bilingual:
    """None, or the way it starts and the number that matters most for it."""
    if not form.start:
        return words("form.none")
    way = words(f"form.{form.start}")
    if form.start == "inpaint" and not form.mask:
        return words("form.start_no_mask", way=way)
    return words("form.start_sum", way=way, number=_number(form))


def _number(form: Form) -> str:
    if form.start == "upscale":
        return f"{form.factor:g}×"
    if form.start == "outpaint":
        return f"+{sum(form.sides.values())}"
    return f"{form.strength:.2f}"
