"""From what a person asks for to a training with every setting chosen."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from studio.errors import StudioError
from studio.families import FAMILIES
from studio.loras import LORA_FAMILIES, short
from studio.messages import (
    LONGEST_TRIGGER,
    ModelSpec,
    Preset,
    TrainingDraft,
    TrainingPlace,
    TrainingPlan,
    TrainingRequest,
    TrainingSettings,
)
from studio.prompt import check_text
from studio.training.buckets import Place, place, shapes
from studio.training.reading import check_count

SMALL_SIDE = 384
"""A model whose own pictures are smaller learns with larger steps, and more pictures at once."""
SAMPLES = 8
"""So many times at most while it learns a LoRA paints its samples, unless somebody says how often."""
STEPS_BETWEEN = 25
"""So many steps lie between two samples at least, but no more than half of all: a sample takes as long as several."""
MOST_TIMES = 100
"""So many times at most: they take longer than what is learned in between."""
MOST_SAMPLES = 4
MOST_STEPS = 20000
UNWRITABLE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')
"""What some system cannot have in a file's name, or a prompt in a tag."""
SYNTAX = re.compile(r"[,<>()\[\]{}|:\\\n]")
"""What a prompt reads as something else than a word."""


@dataclass(frozen=True)
class Recipe:
    """What is known to work for one kind of LoRA."""

    rank: int
    learning_rate: float
    looks: int
    """How often each picture is looked at, where there are few enough."""
    convolutions: bool = False
    mirror: bool = False
    caption_dropout: float = 0.0


RECIPES: Mapping[Preset, Recipe] = {
    # How pictures look is also in textures, which convolutions paint; without captions now and then, so that it
    # goes into all pictures and not into single words.
    "style": Recipe(16, 1e-4, looks=100, convolutions=True, mirror=True, caption_dropout=0.1),
    "subject": Recipe(16, 1e-4, looks=100, mirror=True, caption_dropout=0.05),
    # A face has sides of its own, and takes more room.
    "person": Recipe(32, 1e-4, looks=120, caption_dropout=0.05),
}
LOOKS = (1600, 8000)
"""The least and the most looks of a training that nobody set."""
# A small model learns on a processor too: fewer looks in longer steps, so that a style comes while one watches.
BATCH, SMALL_BATCH = 2, 4
SMALL_RATE, SMALL_LOOKS = 50.0, 5 / 16


def resolve(draft: TrainingDraft, spec: ModelSpec, job: str, person: str) -> TrainingRequest:
    """A training that a device can do as it stands, or an error that the person can act on."""
    check_model(spec)
    check_count(len(draft.pictures))
    trigger = " ".join(draft.trigger.split())
    if SYNTAX.search(trigger) or len(trigger) > LONGEST_TRIGGER:
        raise StudioError("training_trigger", trigger=trigger[:LONGEST_TRIGGER], most=LONGEST_TRIGGER)
    settings = _settings(draft, spec)
    choices = shapes(settings.resolution, spec)
    return TrainingRequest(
        id=f"{job}-1",
        job=job,
        person=person,
        model=spec.id,
        name=_name(draft, trigger),
        trigger=trigger,
        preset=draft.preset,
        pictures=draft.pictures,
        settings=settings,
        samples=_samples(draft, trigger),
        sample_every=_sample_every(draft, settings.steps),
        sample_size=place(draft.pictures[0].size, choices).size,
    )


def plan(draft: TrainingDraft, spec: ModelSpec) -> TrainingPlan:
    """What a draft comes to so far, also while its pictures and its name are still to come."""
    check_model(spec)
    settings = _settings(draft, spec)
    choices = shapes(settings.resolution, spec)
    every = _sample_ends(settings.steps)
    return TrainingPlan(
        settings=settings,
        sample_every=_sample_every(draft, settings.steps),
        places=tuple(_told(place(one.size, choices)) for one in draft.pictures),
        ends={name: _ends(name, spec) for name in SET} | {"sample_every": every},
    )


def _told(where: Place) -> TrainingPlace:
    return TrainingPlace(size=where.size, cut=round(1 - min(1.0, where.share), 3))


def _sample_every(draft: TrainingDraft, steps: int) -> int:
    usual = max(math.ceil(steps / SAMPLES), min(STEPS_BETWEEN, math.ceil(steps / 2)))
    every = _chosen(draft.sample_every, usual)
    _check("sample_every", every, *_sample_ends(steps))
    return int(every)


def _sample_ends(steps: int) -> tuple[float, float]:
    return float(max(1, math.ceil(steps / MOST_TIMES))), float(MOST_STEPS)


def check_model(spec: ModelSpec) -> None:
    """Refuses a model of a family that takes no LoRAs, or one that paints only over a picture."""
    if spec.family not in LORA_FAMILIES:
        raise StudioError("lora_family_without", family=FAMILIES[spec.family].title)
    if "text_to_image" not in spec.capabilities:
        raise StudioError("model_needs_picture", model=spec.title.en)


def _name(draft: TrainingDraft, trigger: str) -> str:
    name = UNWRITABLE.sub(" ", draft.name or trigger)
    name = short(" ".join(name.split()))
    if not name:
        raise StudioError("training_nameless")
    return name


def _samples(draft: TrainingDraft, trigger: str) -> tuple[str, ...]:
    if len(draft.samples) > MOST_SAMPLES:
        raise StudioError(
            "setting_out_of_range", setting="samples", value=len(draft.samples), least=0, most=MOST_SAMPLES
        )
    found = draft.samples or (captioned(trigger, draft.pictures[0].caption),)
    check_text(*found)
    return found


def captioned(trigger: str, caption: str) -> str:
    """A caption that begins with the trigger, unless it has it somewhere."""
    if not trigger or re.search(rf"(?<!\w){re.escape(trigger)}(?!\w)", caption, re.IGNORECASE):
        return caption
    return f"{trigger}, {caption}" if caption else trigger


# -- settings -------------------------------------------------------------------------------------


def _settings(draft: TrainingDraft, spec: ModelSpec) -> TrainingSettings:
    recipe, small = RECIPES[draft.preset], _native_side(spec) < SMALL_SIDE
    batch = _chosen(draft.batch, SMALL_BATCH if small else BATCH)
    looks = min(max(len(draft.pictures) * recipe.looks, LOOKS[0]), LOOKS[1]) * (SMALL_LOOKS if small else 1)
    values: dict[str, int | float] = {
        "rank": _chosen(draft.rank, recipe.rank),
        "batch": batch,
        "learning_rate": _chosen(draft.learning_rate, recipe.learning_rate * (SMALL_RATE if small else 1)),
        "steps": _chosen(draft.steps, math.ceil(looks / max(1, batch))),
        "resolution": _chosen(draft.resolution, _native_side(spec)),
        "seed": _chosen(draft.seed, 0),
    }
    for name, value in values.items():
        _check(name, value, *_ends(name, spec))
    return TrainingSettings.model_validate(
        {
            **values,
            "text_encoder": bool(draft.text_encoder),
            "convolutions": recipe.convolutions,
            "mirror": recipe.mirror,
            "caption_dropout": recipe.caption_dropout,
        }
    )


def _chosen(asked: int | float | None, usual: int | float) -> int | float:
    return usual if asked is None else asked


def _native_side(spec: ModelSpec) -> int:
    size, multiple = spec.defaults.size, spec.limits.multiple
    return int(math.sqrt(size.width * size.height)) // multiple * multiple


SET = ("rank", "batch", "learning_rate", "steps", "resolution", "seed")
MOST_SEED = 2**32 - 1
LEAST_RATE = 1e-7


def _ends(name: str, spec: ModelSpec) -> tuple[float, float]:
    """The least and the most of a setting; a model has its own sizes."""
    if name == "resolution":
        return float(max(32, spec.limits.smallest)), float(min(2048, spec.limits.largest))
    ends = {"seed": (0, MOST_SEED), "learning_rate": (LEAST_RATE, 0.1)}
    return ends.get(name) or {"rank": (1, 256), "batch": (1, 32), "steps": (1, MOST_STEPS)}[name]


def _check(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise StudioError("setting_out_of_range", setting=name, value=value, least=least, most=most)
