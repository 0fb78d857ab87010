"""The Reference tab: its place on the page, and what the browser, which draws it, must know of the model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from studio.families import FAMILIES
from studio.messages import Bilingual, ControlState, ControlUnit, DetectorState, ModelSpec, ModelState
from studio.ui.parts import act, attributes
from studio.ui.words import t, trouble_words, words

MOUNT = "; studio.reference.mount(element);"
WITHOUT_MAP = ("style",)
"""Kinds whose nets look at the picture itself."""
MOST_NAMES = 4
"""Of models that are named where another one must be chosen."""


def place(spec: ModelSpec, states: Iterable[ControlState], models: Sequence[ModelState]) -> str:
    """Where the tab is drawn, with the kinds of references and what of each the model can follow."""
    told = {"model": _pair(spec.title), "kinds": [_kind(state, models) for state in states]}
    known = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    # Pressed by the browser, with a picture's size as its payload.
    size = f"<span hidden>{act('take_size', '')}</span>"
    return f'<div class="refs" data-own{attributes(kinds=known)}></div>{size}'


def first_kind(states: Iterable[ControlState]) -> ControlState:
    """The kind that a picture sent to the tab begins as: one that the model follows and whose map can be taken here."""
    return max(states, key=lambda state: (state.fits, _readable(state)))


def _readable(state: ControlState) -> bool:
    here = (one.trouble is None and one.place not in ("hub", "missing") for one in state.detectors)
    return state.kind in WITHOUT_MAP or any(here)


def fact(units: Sequence[ControlUnit]) -> str:
    """The references of a recipe in a few words each."""
    return " · ".join(_unit_words(unit) for unit in units)


def _unit_words(unit: ControlUnit) -> str:
    parts = [f"{t(f'control.{unit.kind}')} {unit.weight:.2f}"]
    if unit.balance != "even":
        parts.append(t(f"reference.balance_{unit.balance}"))
    if unit.muted:
        parts.append(t("reference.muted"))
    return ", ".join(parts)


# -- what the browser is told ---------------------------------------------------------------------


def _pair(said: Bilingual) -> list[str]:
    return [said.en, said.zh]


def _kind(state: ControlState, models: Sequence[ModelState]) -> dict[str, Any]:
    return {
        "id": state.kind,
        "title": _pair(words(f"control.{state.kind}")),
        "fits": state.fits,
        "maps": state.kind not in WITHOUT_MAP,
        "held": state.held,
        "nets": state.nets,
        "elsewhere": [] if state.fits else _elsewhere(state.families, models),
        "detectors": [_detector(one) for one in state.detectors],
    }


def _elsewhere(families: Sequence[str], models: Sequence[ModelState]) -> list[list[str]]:
    """Models that can follow what the chosen one cannot; their families, where none of these is in the catalog."""
    titled = {family.id for family in FAMILIES.values() if family.title in families}
    named = [
        _pair(state.spec.title) for state in models if state.spec.family in titled and not state.spec.base
    ]
    return named[:MOST_NAMES] or [[title, title] for title in families]


def _detector(state: DetectorState) -> dict[str, Any]:
    return {
        "id": state.id,
        "title": _pair(words(f"detector.{state.detector}")),
        "place": state.place,
        "bytes": state.bytes,
        "trouble": _pair(trouble_words(state.trouble)) if state.trouble else None,
        "settings": [
            one.model_dump() | {"switch": one.switch, "title": _pair(words(f"setting.{one.name}"))}
            for one in state.settings
        ],
    }
