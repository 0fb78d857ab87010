"""The form: all that can be set on the Create page, kept within a model's own defaults and limits. No Gradio here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from studio.messages import (
    LANCZOS,
    LATENT,
    GenerationDefaults,
    GenerationLimits,
    Language,
    LocalSource,
    ModelSpec,
    ModelState,
    Size,
    Trouble,
)
from studio.sizes import size_like
from studio.ui import lora_uses, reference_units
from studio.ui.shapes import allowed, nearest_size, read_size, size_text
from studio.ui.words import words

MOST_SEGMENTS = 4
"""The count is chosen from a row of numbers, and a row holds four."""
LARGEST_SEED = 2**32 - 1
STRENGTHS: dict[str, float] = {"redraw": 0.6, "inpaint": 0.75, "outpaint": 0.9, "upscale": 0.6}
"""How much each way to start changes, until a person says otherwise. What was not there needs much."""
CHOICES: dict[str, tuple[Any, ...]] = {
    "way": ("redraw", "inpaint", "outpaint", "upscale"),
    "fit": ("crop", "stretch"),
    "area": ("whole", "masked"),
    "fill": ("original", "blurred", "noise", "nothing"),
    "tiling": ("none", "both", "across", "down"),
    "negative_counts": ("full", "needed"),
    "translate": ("on", "off"),
}
"""What the controls with a fixed set of answers offer; the first is where nothing was chosen."""
FACTORS = (1.5, 2.0, 4.0)
HIRES_FACTORS = (1.5, 2.0)
SIDES = ("left", "right", "top", "bottom")
RANGES: dict[str, tuple[float, float]] = {
    "strength": (0, 1), "feather": (0, 64), "margin": (0, 256), "edge": (0, 128), "factor": (1.05, 8),
    "hires_factor": (1.05, 4), "hires_strength": (0.05, 1),
    "variation_weight": (0, 1), "seed": (0, LARGEST_SEED), "variation_seed": (0, LARGEST_SEED),
}  # fmt: skip
"""Numbers whose ends are the same for every model."""


@dataclass(frozen=True)
class Form:
    """All that can be set on the Create page, in the order of its controls."""

    model: str
    prompt: str
    negative: str
    size: str
    count: int
    sampler: str
    steps: int
    guidance: float
    seed: int | None
    lock: bool
    # a picture to start from, by its digest, and what is done with it
    way: str = "redraw"
    picture: str = ""
    picture_size: str = ""
    strength: float = STRENGTHS["redraw"]
    fit: str = "crop"
    mask: str = ""
    feather: int = 8
    invert: bool = False
    area: str = "whole"
    margin: int = 32
    fill: str = "original"
    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0
    edge: int = 16
    factor: float = 2.0
    upscaler: str = LANCZOS
    # the rest of the details
    vae: str = ""
    clip_skip: int = 1
    tiling: str = "none"
    negative_counts: str = "full"
    hires: bool = False
    hires_factor: float = 2.0
    hires_strength: float = 0.5
    hires_steps: int = 0
    hires_upscaler: str = LATENT
    variation_weight: float = 0.0
    variation_seed: int | None = None
    # ids of the book's styles with a space between them, in the order they go around the prompt
    styles: str = ""
    # what a model is given where it does not read the prompt's language, see `translation`; a text that somebody
    # wrote holds for the prompt it was written for
    translate: str = "on"
    translated: str = ""
    translated_for: str = ""
    translated_negative: str = ""
    translated_negative_for: str = ""
    # references and LoRAs as text, see `reference_units` and `lora_uses`
    controls: str = ""
    loras: str = ""

    @property
    def start(self) -> str:
        """The way it starts from a picture; empty where it paints from the prompt alone."""
        return self.way if self.picture else ""

    @property
    def start_size(self) -> Size | None:
        """The size of the picture it starts from."""
        return read_size(self.picture_size) if self.picture else None

    @property
    def sides(self) -> dict[str, int]:
        """By how many pixels it grows on each side."""
        return {name: getattr(self, name) for name in SIDES}

    @property
    def region(self) -> bool:
        """Whether only the masked region is painted, at the model's full size."""
        return self.start == "inpaint" and self.area == "masked"

    @property
    def shaped(self) -> bool:
        """Whether the row of sizes says how large the picture becomes."""
        return self.start not in ("outpaint", "upscale")


FIELDS: tuple[str, ...] = tuple(entry.name for entry in fields(Form))
LASTING = ("model", "prompt", "negative")
"""The first fields, which stay in their places whatever a later version adds."""
_KINDS: dict[str, str] = {entry.name: str(entry.type) for entry in fields(Form)}
STARTING = ("way", "picture", "picture_size", "strength", "fit", "mask", "feather", "invert", "area",
            "margin", "fill", *SIDES, "edge", "factor", "upscaler")  # fmt: skip
"""The fields that tell of the picture it starts from."""
TRANSLATED = ("translate", "translated", "translated_for")
"""Those that tell of the prompt in the model's language."""
NEGATIVE = ("negative", "translated_negative", "translated_negative_for")
"""Those of the negative one, which is each model's own until somebody writes another."""


def offered(states: tuple[ModelState, ...]) -> tuple[ModelState, ...]:
    """The models in the order of the menu: what cannot paint from a prompt alone stands behind what can."""
    return tuple(sorted(states, key=lambda state: "text_to_image" not in state.spec.capabilities))


def form_of(values: Mapping[str, Any] | tuple[Any, ...], state: ModelState) -> Form:
    """A form from the values of its controls; what is empty or impossible takes the model's default."""
    given = dict(values) if isinstance(values, Mapping) else dict(zip(FIELDS, values, strict=True))
    base = asdict(fresh(state))
    base |= {name: given[name] for name in FIELDS if given.get(name) is not None and _fits(name, given[name])}
    return fitted(Form(**base), state)


def kept_fields(kept: Any) -> dict[str, Any]:
    """What a browser kept of a form, by its fields; of another version's form at least its words."""
    if not isinstance(kept, list):
        return {}
    return dict(zip(FIELDS if len(kept) == len(FIELDS) else LASTING, kept, strict=False))


def _fits(name: str, value: Any) -> bool:
    kind = _KINDS[name]
    if isinstance(value, bool) or kind == "bool":
        return isinstance(value, bool) and kind == "bool"
    if kind != "str":
        return isinstance(value, int | float) and abs(value) < math.inf and _offers(name, value)
    if name in ("picture", "mask"):
        return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}|", value) is not None
    if name == "styles":
        return isinstance(value, str) and re.fullmatch("[a-z0-9 -]*", value) is not None
    if name == "controls":
        return reference_units.readable(value)
    if name == "loras":
        return lora_uses.readable(value)
    return isinstance(value, str) and _offers(name, value)


def _offers(name: str, value: Any) -> bool:
    return name not in CHOICES or value in CHOICES[name]


def fresh(state: ModelState) -> Form:
    """The form as a model likes it, nothing typed yet."""
    defaults = state.spec.defaults
    return Form(
        model=state.spec.id,
        prompt="",
        negative=defaults.negative,
        size=size_text(defaults.size),
        count=1,
        sampler=defaults.sampler,
        steps=defaults.steps,
        guidance=defaults.guidance,
        negative_counts=defaults.negative_counts,
        seed=None,
        lock=False,
    )


def fitted(form: Form, state: ModelState) -> Form:
    """The same form within a model's limits."""
    spec, limits = state.spec, state.spec.limits
    inside = {name: _inside(name, getattr(form, name), *ends) for name, ends in RANGES.items()}
    inside |= {name: _inside(name, getattr(form, name), 0, limits.largest) for name in SIDES}
    inside |= {
        "count": _inside("count", form.count, 1, most_count(spec)),
        "steps": _inside("steps", form.steps, 1, limits.steps),
        "clip_skip": _inside("clip_skip", form.clip_skip, 1, state.layers),
        "hires_steps": _inside("hires_steps", form.hires_steps, 0, limits.steps),
        "guidance": _inside("guidance", form.guidance, 0, limits.guidance),
    }
    size = form.size if allowed(form.size, spec) else nearest_size(form.size, spec)
    lock = form.lock and inside["seed"] is not None
    return _with_picture(replace(form, size=size, lock=lock, **inside))


def _inside(name: str, value: float | None, least: float, most: float) -> Any:
    if value is None:
        return None
    number = min(max(value, least), most)
    return float(number) if _KINDS[name] == "float" else int(number)


def _with_picture(form: Form) -> Form:
    # A picture without its size cannot be laid out, and a mask belongs to its picture.
    if form.picture and read_size(form.picture_size):
        return form
    return replace(form, picture="", picture_size="", mask="")


def most_count(spec: ModelSpec) -> int:
    """How many pictures the row of numbers offers."""
    return min(MOST_SEGMENTS, spec.limits.count)


def for_model(form: Form, state: ModelState, usual_negative: str = "") -> Form:
    """The same wish for another model: its own numbers, the shape, the words and the picture kept.

    `usual_negative` is the one that the model before began with; nobody wrote it, so it gives way.
    """
    own = fresh(state)
    written = form.negative.strip() not in ("", usual_negative.strip())
    names = ("prompt", "styles", "loras", "count", "seed", "lock", "tiling", *TRANSLATED, *STARTING)
    kept = {name: getattr(form, name) for name in (*names, *(NEGATIVE if written else ()))}
    kept["controls"] = reference_units.without_nets(form.controls)
    moved = fitted(replace(own, **kept, size=nearest_size(form.size, state.spec)), state)
    return shaped_like_picture(moved, state.spec)


# -- the picture to start from --------------------------------------------------------------------

_UNTOUCHED: dict[str, Any] = {"mask": "", "left": 0, "right": 0, "top": 0, "bottom": 0}
"""What belongs to one picture and not to the next."""


def shaped_like_picture(form: Form, spec: ModelSpec) -> Form:
    """The same form in the shape of the picture it starts from; a region of it has the model's own size."""
    size = form.start_size
    if size is None:
        return form
    return replace(form, size=size_text(spec.defaults.size if form.region else size_like(size, spec)))


def starting_from(form: Form, picture: str, size: Size, spec: ModelSpec, way: str = "") -> Form:
    """The same form with another picture to start from; a mask belonged to the one before."""
    brought = replace(form, picture=picture, picture_size=size_text(size), **_UNTOUCHED)
    return shaped_like_picture(on_way(brought, way or form.way), spec)


def without_picture(form: Form, spec: ModelSpec) -> Form:
    """The same form from the prompt alone, in one of the model's own sizes."""
    bare = replace(form, picture="", picture_size="", **_UNTOUCHED)
    return replace(bare, size=nearest_size(form.size, spec))


def on_way(form: Form, way: str) -> Form:
    """The same form on another way to start; a strength that nobody set becomes that way's own."""
    strength = STRENGTHS[way] if form.strength in STRENGTHS.values() else form.strength
    return replace(form, way=way, strength=strength)


def grown(form: Form, sides: tuple[str, ...], share: float, multiple: int) -> dict[str, int]:
    """The sides after growing some of them by a share of the picture, in the model's multiples."""
    size = form.start_size
    if size is None:
        return form.sides
    lengths = {"left": size.width, "right": size.width, "top": size.height, "bottom": size.height}
    steps = {name: round(lengths[name] * share / multiple) * multiple for name in sides}
    return form.sides | {name: form.sides[name] + max(more, multiple) for name, more in steps.items()}


def starter_language(spec: ModelSpec, language: Language) -> Language:
    """The language a starter's prompt is filled in: the person's, if the model reads it."""
    return language if language in spec.languages else spec.languages[0]


def no_model() -> ModelState:
    """Stands in where the catalog is empty, so that the page still opens and can say so."""
    spec = ModelSpec(
        id="none",
        title=words("place.none"),
        family="none",
        source=LocalSource(path=""),
        licence="",
        defaults=GenerationDefaults(size=Size(width=512, height=512), steps=20, guidance=7.0, sampler="none"),
        limits=GenerationLimits(smallest=64, largest=1024, steps=100, guidance=20.0),
    )
    return ModelState(
        spec=spec, place="missing", trouble=Trouble(code="model_unknown", params={"model": "-"})
    )
