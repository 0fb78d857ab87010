"""What a control of the form is told when the form is filled: its value, and what it offers. Gradio's updates only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.families import FAMILIES
from studio.messages import LANCZOS, LATENT, Language, ModelSpec, ModelState, PartState
from studio.service import Studio
from studio.ui.folds import takes_negative
from studio.ui.form import FACTORS, FIELDS, HIRES_FACTORS, SIDES, Form, most_count
from studio.ui.shapes import size_choices
from studio.ui.words import LABELS, words

_I18N = gr.I18n()


def label(key: str) -> Any:
    """A label that Gradio words in the browser."""
    return _I18N(LABELS + key.replace(".", "_"))


@dataclass(frozen=True)
class Offers:
    """What else can be chosen with a model: VAEs that fit it, and upscalers."""

    vaes: tuple[PartState, ...] = ()
    upscalers: tuple[PartState, ...] = ()
    language: Language = "en"

    def vae_choices(self) -> list[tuple[Any, str]]:
        """The model's own first."""
        return [(label("form.vae_own"), ""), *map(self._choice, self.vaes)]

    def upscaler_choices(self, latent: bool) -> list[tuple[Any, str]]:
        """What needs no weights first; enlarging latents is of use only where more painting follows."""
        plain = [(label("form.latent"), LATENT)] if latent else []
        return [*plain, (label("form.lanczos"), LANCZOS), *map(self._choice, self.upscalers)]

    def _choice(self, part: PartState) -> tuple[Any, str]:
        title = part.spec.title
        said = words("form.to_fetch", title=title) if part.place == "hub" else title
        return said.said(self.language), part.spec.id


def offers_of(studio: Studio, model: str, language: Language) -> Offers:
    """What the studio has for a model now."""
    try:
        return Offers(studio.vaes(model), studio.upscalers(), language)
    except StudioError:  # no such model: the catalog is empty
        return Offers(language=language)


def samplers(state: ModelState) -> list[tuple[str, str]]:
    """Names and ids of the samplers that run on a model."""
    return [(sampler.title, sampler.id) for sampler in state.samplers]


def has_clip_skip(spec: ModelSpec) -> bool:
    """Whether the model's family can leave out layers of its text encoder."""
    family = FAMILIES.get(spec.family)
    return family is not None and family.clip_skip


def factor_choices(factors: tuple[float, ...], chosen: float) -> list[tuple[str, float]]:
    """A row of factors; one that came with a recipe stands last."""
    every = factors if chosen in factors else (*factors, chosen)
    return [(f"{factor:g}×", factor) for factor in every]


def with_chosen(choices: list[tuple[Any, str]], chosen: str) -> dict[str, Any]:
    """Choices and value; what a recipe names and nobody has here is kept, so that the studio can say so."""
    there = chosen in [value for _, value in choices]
    return {"choices": choices if there else [*choices, (chosen, chosen)], "value": chosen}


def updates(form: Form, state: ModelState, offers: Offers) -> list[Any]:
    """One update for each control, in the order of the form's fields."""
    special = _choices(form, state, offers) | _ends(state)
    return [gr.update(value=getattr(form, name)) | special.get(name, {}) for name in FIELDS]


def _choices(form: Form, state: ModelState, offers: Offers) -> dict[str, dict[str, Any]]:
    vaes = offers.vae_choices()
    upscalers, hires = offers.upscaler_choices(False), offers.upscaler_choices(True)
    return {
        "size": {"choices": size_choices(state.spec, form.size)},
        "count": {"choices": list(range(1, most_count(state.spec) + 1))},
        "sampler": {"choices": samplers(state)},
        "factor": {"choices": factor_choices(FACTORS, form.factor)},
        "hires_factor": {"choices": factor_choices(HIRES_FACTORS, form.hires_factor)},
        "vae": with_chosen(vaes, form.vae),
        "upscaler": with_chosen(upscalers, form.upscaler),
        "hires_upscaler": with_chosen(hires, form.hires_upscaler),
    }


def _ends(state: ModelState) -> dict[str, dict[str, Any]]:
    limits = state.spec.limits
    sides = {name: {"maximum": limits.largest, "step": limits.multiple} for name in SIDES}
    return sides | {
        "steps": {"maximum": limits.steps},
        "guidance": {"maximum": limits.guidance},
        "hires_steps": {"maximum": limits.steps},
        "negative_counts": {"visible": takes_negative(state.spec)},
        "clip_skip": {"visible": has_clip_skip(state.spec), "maximum": state.layers},
    }
