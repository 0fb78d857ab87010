"""From what a person asks for to complete requests, or to an error the person can act on."""

from __future__ import annotations

import secrets

from studio.errors import StudioError
from studio.families import FAMILIES
from studio.messages import Draft, GenerationRequest, ModelSpec, Person

LARGEST_SEED = 2**32 - 1
LONGEST_PROMPT = 20_000


def resolve(draft: Draft, spec: ModelSpec, job: str, person: Person) -> tuple[GenerationRequest, ...]:
    """One complete request a picture; seeds count up from the first, so each can be had again alone."""
    _check_text(draft)
    if "text_to_image" not in spec.capabilities:
        raise StudioError("model_needs_picture", model=spec.title.en)
    count = _within("count", draft.count, 1, spec.limits.count)
    seed = secrets.randbelow(2**32) if draft.seed is None else draft.seed
    first = _request(draft, spec, job, person, _within("seed", seed, 0, LARGEST_SEED))
    seeds = [(first.seed + number) % (LARGEST_SEED + 1) for number in range(int(count))]
    return tuple(
        first.model_copy(update={"id": f"{job}-{number}", "seed": seed})
        for number, seed in enumerate(seeds, 1)
    )


def _request(draft: Draft, spec: ModelSpec, job: str, person: Person, seed: float) -> GenerationRequest:
    defaults, limits = spec.defaults, spec.limits
    return GenerationRequest(
        id=f"{job}-1",
        job=job,
        person=person.id,
        model=spec.id,
        prompt=draft.prompt,
        negative=defaults.negative if draft.negative is None else draft.negative,
        width=_side("width", defaults.size.width if draft.width is None else draft.width, spec),
        height=_side("height", defaults.size.height if draft.height is None else draft.height, spec),
        steps=int(_within("steps", defaults.steps if draft.steps is None else draft.steps, 1, limits.steps)),
        guidance=_within(
            "guidance", defaults.guidance if draft.guidance is None else draft.guidance, 0, limits.guidance
        ),
        sampler=_sampler(draft.sampler or defaults.sampler, spec),
        seed=int(seed),
    )


def _check_text(draft: Draft) -> None:
    for text in (draft.prompt, draft.negative or ""):
        if len(text) > LONGEST_PROMPT:
            raise StudioError("prompt_too_long", length=len(text), most=LONGEST_PROMPT)


def _within(name: str, value: float, least: float, most: float) -> float:
    if not least <= value <= most:  # a NaN is in no range
        raise StudioError(f"{name}_out_of_range", value=value, least=least, most=most)
    return value


def _side(name: str, value: int, spec: ModelSpec) -> int:
    limits = spec.limits
    _within(name, value, limits.smallest, limits.largest)
    if value % limits.multiple:
        least, most = -(-limits.smallest // limits.multiple), limits.largest // limits.multiple
        nearest = min(max(round(value / limits.multiple), least), most) * limits.multiple
        raise StudioError(f"{name}_not_multiple", value=value, multiple=limits.multiple, nearest=nearest)
    return value


def _sampler(name: str, spec: ModelSpec) -> str:
    known = {sampler.id: sampler.title for sampler in FAMILIES[spec.family].samplers}
    if name not in known:
        raise StudioError("sampler_unknown", sampler=name, known=", ".join(known.values()))
    return name
