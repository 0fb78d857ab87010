"""What a model follows of a reference: its map, taken or remembered, and fitted to the picture to be painted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image, ImageOps

from studio.control import seen
from studio.control.looking import Seen
from studio.controls import CONTROLS, Choice, chosen
from studio.maps import Maps
from studio.messages import ControlUnit, DetectorSpec, Entry, Input

Lease = Callable[[str], contextlib.AbstractContextManager[Any]]
"""Brings an entry by its id, for as long as it is needed."""


def map_of(unit: ControlUnit, maps: Maps, specs: Mapping[str, Entry], lease: Lease) -> Image.Image:
    """The map of a reference, as large as the reference; the picture itself where it is a map already."""
    if unit.map or not CONTROLS[unit.kind].detectors:
        return maps.inputs.open(unit.picture)
    return maps.inputs.open(kept_map(unit, maps, specs, lease).picture)


def kept_map(unit: ControlUnit, maps: Maps, specs: Mapping[str, Entry], lease: Lease) -> Input:
    """The map as it is kept; it is taken where it was not before."""
    entries = {id: spec for id, spec in specs.items() if isinstance(spec, DetectorSpec)}
    choice = chosen(unit, entries, lambda spec: "disk")
    found = maps.find(unit, choice)
    return found or maps.keep(unit, choice, *_seen(unit, maps, choice, lease))


def _seen(unit: ControlUnit, maps: Maps, choice: Choice, lease: Lease) -> Seen:
    picture = maps.inputs.open(unit.picture)
    with contextlib.ExitStack() as stack:
        tools: dict[str, Any] = {}
        if choice.entry:
            tools |= stack.enter_context(lease(choice.entry.id)).parts
        for name, spec in choice.beside.items():
            tools[name] = stack.enter_context(lease(spec.id)).parts["network"]
        return seen(choice.detector.id, picture, choice.settings, tools)


def fitted(map: Image.Image, size: tuple[int, int], fit: str, flat: bool = False) -> Image.Image:
    """A map as large as the picture to be painted.

    `crop` fills it and cuts off what stands over, `fill` shows all of it on black (or on nothing, if it is a map that
    can have nothing in it), `stretch` takes its shape.
    `flat`: no colours are mixed, because each of them is a name.
    """
    how = Image.Resampling.NEAREST if flat else Image.Resampling.LANCZOS
    if fit == "stretch":
        return map.resize(size, how)
    if fit == "crop":
        return ImageOps.fit(map, size, how)
    if fit == "fill":
        return ImageOps.pad(map, size, how, color="#0000" if map.mode == "RGBA" else "black")
    raise ValueError(f"{fit} is no way to fit a map")
