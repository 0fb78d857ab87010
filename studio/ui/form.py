"""The form: from what a person set to a draft and back, by the model's own defaults and limits. No Gradio here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from studio.messages import (
    Bilingual,
    Draft,
    GenerationDefaults,
    GenerationLimits,
    Language,
    LocalSource,
    ModelSpec,
    ModelState,
    Size,
    Trouble,
)
from studio.ui.words import words

ASPECTS: dict[str, float] = {"1:1": 1.0, "3:4": 3 / 4, "4:3": 4 / 3, "9:16": 9 / 16, "16:9": 16 / 9}
MOST_SEGMENTS = 4
"""The count is chosen from a row of numbers, and a row holds four."""
LARGEST_SEED = 2**32 - 1


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


FIELDS: tuple[str, ...] = tuple(entry.name for entry in fields(Form))


def offered(states: tuple[ModelState, ...]) -> tuple[ModelState, ...]:
    """The models that paint from a prompt alone; the others wait for what they need."""
    return tuple(state for state in states if "text_to_image" in state.spec.capabilities)


def form_of(values: Mapping[str, Any] | tuple[Any, ...], state: ModelState) -> Form:
    """A form from the values of its controls; what is empty or impossible takes the model's default."""
    given = dict(values) if isinstance(values, Mapping) else dict(zip(FIELDS, values, strict=True))
    base = asdict(fresh(state))
    base |= {name: given[name] for name in FIELDS if given.get(name) is not None and _fits(name, given[name])}
    return fitted(Form(**base), state.spec)


def _fits(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return name == "lock"
    if name in ("count", "steps", "guidance", "seed"):
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, str)


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
        seed=None,
        lock=False,
    )


def fitted(form: Form, spec: ModelSpec) -> Form:
    """The same form within a model's limits."""
    limits = spec.limits
    seed = None if form.seed is None else min(max(int(form.seed), 0), LARGEST_SEED)
    return replace(
        form,
        size=form.size if _allowed(form.size, spec) else nearest_size(form.size, spec),
        count=min(max(int(form.count), 1), most_count(spec)),
        steps=min(max(int(form.steps), 1), limits.steps),
        guidance=min(max(float(form.guidance), 0.0), limits.guidance),
        seed=seed,
        lock=form.lock and seed is not None,
    )


def most_count(spec: ModelSpec) -> int:
    """How many pictures the row of numbers offers."""
    return min(MOST_SEGMENTS, spec.limits.count)


def for_model(form: Form, state: ModelState) -> Form:
    """The same wish for another model: its own numbers, the shape and the words kept."""
    own = fresh(state)
    kept = replace(own, prompt=form.prompt, count=form.count, seed=form.seed, lock=form.lock)
    return fitted(replace(kept, size=nearest_size(form.size, state.spec)), state.spec)


# -- sizes ----------------------------------------------------------------------------------------


def size_text(size: Size) -> str:
    """A size as the form keeps it."""
    return f"{size.width}x{size.height}"


def read_size(text: str) -> Size | None:
    """The size a text names, if it names one."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not found or not int(found[1]) or not int(found[2]):
        return None
    return Size(width=int(found[1]), height=int(found[2]))


def sizes(spec: ModelSpec) -> dict[str, Size]:
    """One size for each aspect: the model's default area, within its limits, in its multiples."""
    area = spec.defaults.size.width * spec.defaults.size.height
    return {name: _sized(area, ratio, spec) for name, ratio in ASPECTS.items()}


def _sized(area: int, ratio: float, spec: ModelSpec) -> Size:
    # Shrunk as a whole first, so that the longest side's limit does not change the shape.
    longest = max(math.sqrt(area * ratio), math.sqrt(area / ratio))
    shrink = min(1.0, spec.limits.largest / longest)
    return Size(
        width=_side(math.sqrt(area * ratio) * shrink, spec),
        height=_side(math.sqrt(area / ratio) * shrink, spec),
    )


def _side(length: float, spec: ModelSpec) -> int:
    limits, multiple = spec.limits, spec.limits.multiple
    smallest = math.ceil(limits.smallest / multiple) * multiple
    largest = limits.largest // multiple * multiple
    return min(max(round(length / multiple) * multiple, smallest), largest)


def _allowed(text: str, spec: ModelSpec) -> bool:
    size, limits = read_size(text), spec.limits
    if size is None:
        return False
    sides = (size.width, size.height)
    return all(limits.smallest <= side <= limits.largest and side % limits.multiple == 0 for side in sides)


def nearest_size(text: str, spec: ModelSpec) -> str:
    """The model's size whose shape is nearest to another one's."""
    size = read_size(text) or spec.defaults.size
    wanted = math.log(size.width / size.height)
    return size_text(min(sizes(spec).values(), key=lambda s: abs(math.log(s.width / s.height) - wanted)))


def size_choices(spec: ModelSpec, chosen: str) -> list[tuple[str, str]]:
    """What the row of sizes offers; a size that came with a recipe stands last, under its numbers."""
    offered = {size_text(size): name for name, size in reversed(sizes(spec).items())}
    choices = [(name, value) for value, name in reversed(offered.items())]
    if chosen not in offered and _allowed(chosen, spec):
        choices.append((chosen.replace("x", "×"), chosen))
    return choices


# -- drafts ---------------------------------------------------------------------------------------


def draft_of(form: Form) -> Draft:
    """What the studio is asked for. Without the lock every job draws its own seed."""
    size = read_size(form.size)
    return Draft(
        model=form.model,
        prompt=form.prompt,
        negative=form.negative,
        width=size.width if size else None,
        height=size.height if size else None,
        steps=form.steps,
        guidance=form.guidance,
        sampler=form.sampler,
        seed=form.seed if form.lock else None,
        count=form.count,
    )


def form_from_draft(draft: Draft, state: ModelState) -> Form:
    """A recipe back in the form, its seed locked so that the same picture comes out."""
    given = {name: getattr(draft, name, None) for name in FIELDS}
    given["size"] = f"{draft.width}x{draft.height}" if draft.width and draft.height else None
    given["lock"] = draft.seed is not None
    return form_of(given, state)


# -- what the folds say while they are closed ------------------------------------------------------


def negative_summary(negative: str, spec: ModelSpec) -> Bilingual:
    """None, the sensible default, or the person's own, and how many terms."""
    terms = [term for term in re.split(r"[,，、\n]", negative) if term.strip()]
    if not terms:
        return words("form.none")
    is_default = negative.strip() == spec.defaults.negative.strip()
    return words("form.negative_default" if is_default else "form.negative_own", n=len(terms))


def details_summary(form: Form, state: ModelState) -> Bilingual:
    """Sampler, steps and guidance in one line."""
    titles = {sampler.id: sampler.title for sampler in state.samplers}
    sampler = titles.get(form.sampler, form.sampler)
    return words("form.details_sum", sampler=sampler, steps=form.steps, guidance=f"{form.guidance:.1f}")


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
