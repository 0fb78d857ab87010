"""From what a person asks for to complete requests, or to an error the person can act on."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from studio.controls import Choice, chosen, control_of, held
from studio.errors import StudioError
from studio.families import FAMILIES, MOST_LAYERS
from studio.messages import (
    LANCZOS,
    LATENT,
    MOST_LORAS,
    Base,
    Capability,
    ControlSpec,
    ControlUnit,
    DetectorSpec,
    Draft,
    EmbeddingUse,
    GenerationRequest,
    HighResolution,
    Language,
    LoraUse,
    ModelPlace,
    ModelSpec,
    Person,
    Size,
    Stage,
    Trouble,
    Upscale,
    UpscalerSpec,
    VaeSpec,
)
from studio.prompt import (
    Template,
    Texts,
    Wildcards,
    apply_styles,
    check_text,
    joined,
    leaves_open,
    only_language,
    settle,
    take_loras,
)
from studio.sizes import grown_size, size_like
from studio.spellbook import SLOT, unread

LARGEST_SEED = 2**32 - 1
MOST_CONTROLS = 4
MOST_WORDS = 3
"""Of those that a model does not read; that is enough to be recognised."""
LONGEST_SIDE = 8192
"""Of what a picture is enlarged to: more than that no browser shows, and its file takes minutes."""


def _no_input(picture: str) -> Size:
    raise StudioError("input_unknown", picture=picture[:8])


def _no_lora(use: LoraUse) -> LoraUse:
    raise StudioError("lora_missing", lora=use.name or use.id)


@dataclass(frozen=True)
class Around:
    """What a request may name beside its model, and the language its styles and wildcards speak."""

    size_of: Callable[[str], Size] = _no_input
    vaes: Mapping[str, VaeSpec] = field(default_factory=dict)
    upscalers: Mapping[str, UpscalerSpec] = field(default_factory=dict)
    embeddings: Callable[[str], tuple[EmbeddingUse, ...]] = lambda text: ()
    style: Callable[[str], Template | None] = lambda id: None
    wildcards: Wildcards = lambda name: ()
    language: Language = "en"
    layers: int = MOST_LAYERS
    """Of the model's text encoder, where a clip skip ends."""
    controls: Mapping[str, ControlSpec] = field(default_factory=dict)
    detectors: Mapping[str, DetectorSpec] = field(default_factory=dict)
    place_of: Callable[[DetectorSpec], ModelPlace] = lambda spec: "disk"
    """Where a detector's weights are."""
    lora_names: Mapping[str, str] = field(default_factory=dict)
    """The LoRAs' ids by every name that a prompt may call them."""
    lora: Callable[[LoraUse], LoraUse] = _no_lora
    """A LoRA with the id and the name that it has here, or why it cannot be used with the model."""
    hashed: Callable[[LoraUse], LoraUse] = lambda use: use
    """A LoRA with the hash of its file, where that is here."""


def resolve(
    draft: Draft, spec: ModelSpec, job: str, person: Person, around: Around | None = None
) -> tuple[GenerationRequest, ...]:
    """One complete request a picture; seeds count up from the first, so each can be had again alone."""
    around = around or Around()
    first, count = unsettled(draft, spec, job, person, around)
    told = [_seeds(first, number) for number in range(count)]
    return tuple(
        first.model_copy(
            update={"id": f"{job}-{number}", **seeds, **_settled(first, seeds["seed"], draft, spec, around)}
        )
        for number, seeds in enumerate(told, 1)
    )


def unsettled(
    draft: Draft, spec: ModelSpec, job: str, person: Person, around: Around
) -> tuple[GenerationRequest, int]:
    """The first request before its seed has chosen any words, and how many pictures there will be."""
    check_text(draft.prompt, draft.negative or "", draft.translated, draft.translated_negative)
    _check_way(draft, spec)
    count = _within("count", draft.count, 1, spec.limits.count) if draft.base else 1
    seed = secrets.randbelow(2**32) if draft.seed is None else draft.seed
    first = _request(draft, spec, job, person, _within("seed", seed, 0, LARGEST_SEED), around)
    return first, int(count)


def _seeds(first: GenerationRequest, number: int) -> dict[str, Any]:
    """Pictures of a job differ by their seeds; variations of one picture by the seed that is mixed in."""
    if first.variation is None:
        return {"seed": (first.seed + number) % (LARGEST_SEED + 1)}
    mixed = (first.variation.seed + number) % (LARGEST_SEED + 1)
    return {"seed": first.seed, "variation": first.variation.model_copy(update={"seed": mixed})}


def expanded(draft: Draft, spec: ModelSpec, around: Around) -> Texts:
    """Prompt and negative within the styles of a draft; what a seed chooses is still open."""
    negative = spec.defaults.negative if draft.negative is None else draft.negative
    styles = [_style(id, around) for id in draft.styles]
    prompt, negative = draft.translated or draft.prompt, draft.translated_negative or negative
    return apply_styles(prompt, negative, styles, around.language)


def style_remarks(draft: Draft, spec: ModelSpec, around: Around) -> tuple[Trouble, ...]:
    """What is wrong with a draft's styles, or what they are not meant for."""
    try:
        expanded(draft, spec, around)
    except StudioError as error:
        return (error.trouble,)
    styles = [_style(id, around) for id in draft.styles]
    return tuple(told for style in styles for told in _remarks_of(style, spec, around.language))


def _remarks_of(style: Template, spec: ModelSpec, language: Language) -> Iterator[Trouble]:
    title, to = style.title.said(language), only_language(spec.languages)
    if style.families and spec.family not in style.families:
        yield Trouble(code="style_other_family", params={"style": title})
    # One's own may stand there in one language alone, and a template is not translated.
    said = "\n".join(one.said(language).replace(SLOT, "") for one in (style.prompt, style.negative))
    if to and (words := unread(said, to)):
        params = {"style": title, "words": " ".join(words[:MOST_WORDS])}
        yield Trouble(code="style_unread", params=params)


def _settled(
    first: GenerationRequest, seed: int, draft: Draft, spec: ModelSpec, around: Around
) -> dict[str, Any]:
    """What one picture's seed makes of the texts; what was written is kept where that is something else."""
    if not draft.base:
        return {}
    written = Texts(first.prompt, first.negative)
    texts = expanded(draft, spec, around)
    # Two throws of the dice: a word more in the prompt leaves the negative as it was.
    settled = (
        settle(texts.prompt, f"{seed} prompt", around.wildcards),
        settle(texts.negative, f"{seed} negative", around.wildcards),
    )
    # Only now is it known which alternative was chosen, and with it which LoRA.
    taken = [take_loras(text, around.lora_names) for text in settled]
    prompt, negative = (one.text for one in taken)
    check_text(prompt, negative)
    told: dict[str, Any] = {
        "embeddings": around.embeddings(f"{prompt}\n{negative}"),
        **_loras(draft.loras, (use for one in taken for use in one.uses), around),
    }
    if draft.styles or (prompt, negative) != written:
        told |= {"prompt": prompt, "negative": negative, **_as_written(draft, written)}
    return told


def _as_written(draft: Draft, written: Texts) -> dict[str, Any]:
    """What the words were before styles, translation and chance."""
    return {
        "written": written.prompt,
        "written_negative": written.negative,
        "styles": draft.styles,
        "translated": draft.translated,
        "translated_negative": draft.translated_negative,
    }


def _style(id: str, around: Around) -> Template:
    style = around.style(id)
    if style is None:
        raise StudioError("style_unknown", style=id)
    return style


def _request(
    draft: Draft, spec: ModelSpec, job: str, person: Person, seed: float, around: Around
) -> GenerationRequest:
    defaults, limits = spec.defaults, spec.limits
    negative = defaults.negative if draft.negative is None else draft.negative
    size = _size(draft, spec, around)
    return GenerationRequest(
        id=f"{job}-1",
        job=job,
        person=person.id,
        model=spec.id,
        prompt=draft.prompt,
        negative=negative,
        width=size.width,
        height=size.height,
        steps=int(_within("steps", defaults.steps if draft.steps is None else draft.steps, 1, limits.steps)),
        guidance=_within(
            "guidance", defaults.guidance if draft.guidance is None else draft.guidance, 0, limits.guidance
        ),
        sampler=_sampler(draft.sampler or defaults.sampler, spec),
        seed=int(seed),
        stages=_stages(draft, size, around),
        written_loras=draft.loras,
        **_start(draft),
        **_details(draft, spec, around),
        **_controls(draft, spec, around),
    )


# -- ways to start --------------------------------------------------------------------------------


def _check_way(draft: Draft, spec: ModelSpec) -> None:
    if (draft.mask or draft.outpaint or not draft.base) and not draft.start:
        raise StudioError("start_missing")
    if draft.mask and draft.outpaint:
        raise StudioError("mask_and_outpaint")
    needed = _needed(draft)
    if needed and needed not in spec.capabilities:
        raise _lacking(needed, spec)
    if draft.high_resolution and (draft.mask or draft.outpaint):
        raise StudioError("high_resolution_with_mask")
    if draft.high_resolution and not draft.base:
        raise StudioError("high_resolution_without_base")


def _lacking(needed: Capability, spec: ModelSpec) -> StudioError:
    model = spec.title.en
    if needed == "text_to_image":
        return StudioError("model_needs_picture", model=model)
    if needed == "inpaint":
        return StudioError("model_takes_no_mask", model=model)
    if "inpaint" in spec.capabilities:
        return StudioError("model_needs_mask", model=model)
    return StudioError("model_takes_no_picture", model=model)


def _needed(draft: Draft) -> Capability | None:
    if not draft.base:
        return None
    if draft.mask or draft.outpaint:
        return "inpaint"
    return "image_to_image" if draft.start else "text_to_image"


def _start(draft: Draft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in ("start", "mask", "outpaint")} if draft.start else {}


def _size(draft: Draft, spec: ModelSpec, around: Around) -> Size:
    """What is painted: the size asked for, or that of the picture it starts from as the model takes it."""
    given = Size(
        width=_side("width", spec.defaults.size.width if draft.width is None else draft.width, spec),
        height=_side("height", spec.defaults.size.height if draft.height is None else draft.height, spec),
    )
    if draft.start is None:
        return given
    start = around.size_of(draft.start.picture)
    if draft.mask:
        around.size_of(draft.mask.picture)
    if not draft.base:
        return start
    if draft.outpaint:
        return _grown(draft, start, spec)
    region = draft.mask is not None and draft.mask.area == "masked"
    follows = draft.width is None and draft.height is None and not region
    return size_like(start, spec) if follows else given


def _grown(draft: Draft, start: Size, spec: ModelSpec) -> Size:
    assert draft.outpaint
    sides = draft.outpaint
    if not (sides.left or sides.right or sides.top or sides.bottom):
        raise StudioError("sides_needed")
    return grown_size(start, sides, spec)


def _stages(draft: Draft, size: Size, around: Around) -> tuple[Stage, ...]:
    base: tuple[Stage, ...] = (Base(),) if draft.base else ()
    second = (draft.high_resolution,) if draft.high_resolution else ()
    stages = base + second + ((draft.upscale,) if draft.upscale else ())
    if not stages:
        raise StudioError("nothing_to_do")
    longest = float(max(size.width, size.height))
    for stage in stages:
        if not isinstance(stage, Base):
            longest *= stage.factor
            _check_upscaler(stage.upscaler, stage.kind == "high_resolution", around)
    if longest > LONGEST_SIDE:
        raise StudioError("result_too_large", side=round(longest), most=LONGEST_SIDE)
    return stages


def _check_upscaler(id: str, latents: bool, around: Around) -> None:
    if id == LANCZOS or (id == LATENT and latents):
        return
    if id not in around.upscalers:
        known = ", ".join((LANCZOS, *around.upscalers))
        raise StudioError("upscaler_not_here", upscaler=id, known=known)


# -- references -----------------------------------------------------------------------------------


def _controls(draft: Draft, spec: ModelSpec, around: Around) -> dict[str, Any]:
    """The references with the nets that follow them, and what reads them; one that does not count stays as it is."""
    if len(draft.controls) > MOST_CONTROLS:
        raise StudioError("controls_too_many", count=len(draft.controls), most=MOST_CONTROLS)
    if not draft.base:
        return {"controls": draft.controls}
    told = [_unit(unit, spec, around) if unit.counts else (unit, ()) for unit in draft.controls]
    units, needed = tuple(unit for unit, _ in told), [id for _, ids in told for id in ids]
    return {"controls": units, "detectors": tuple(dict.fromkeys(needed))}


def _unit(unit: ControlUnit, spec: ModelSpec, around: Around) -> tuple[ControlUnit, tuple[str, ...]]:
    """A reference with its net and its detector, and the entries that read it."""
    control_of(unit)
    around.size_of(unit.picture)
    if unit.start >= unit.end:
        raise StudioError("control_span", start=round(100 * unit.start), end=round(100 * unit.end))
    net, choice = _net(unit, spec, around), _choice(unit, spec, around)
    named = {"net": net.id if net else "", "detector": choice.id if choice else ""}
    encoder = [net.encoder] if net and net.encoder else []
    return unit.model_copy(update=named), (*(choice.entries if choice else ()), *encoder)


def _net(unit: ControlUnit, spec: ModelSpec, around: Around) -> ControlSpec | None:
    """What follows a reference; None where its kind is held without a net, and nobody named one."""
    if not unit.net and held(control_of(unit), spec):
        return None
    if not unit.net:
        return _first_net(unit, spec, around)
    if unit.net not in around.controls:
        raise StudioError("control_net_unknown", net=unit.net)
    net = around.controls[unit.net]
    if net.family != spec.family:
        family, model = FAMILIES[net.family].title, spec.title.en
        raise StudioError("control_other_family", net=net.title.en, family=family, model=model)
    if not net.fits(spec):
        raise StudioError("control_unfit", net=net.title.en, model=spec.title.en)
    if not net.follows(unit.kind):
        raise StudioError("control_other_kind", net=net.title.en, kind=unit.kind, kinds=", ".join(net.kinds))
    return net


def _first_net(unit: ControlUnit, spec: ModelSpec, around: Around) -> ControlSpec:
    # What a person's own file is for may be theirs alone to say: such a net is used where it is named.
    known = [net for net in around.controls.values() if unit.kind in net.kinds]
    fitting = next((net for net in known if net.fits(spec)), None)
    if fitting:
        return fitting
    families = dict.fromkeys(FAMILIES[net.family].title for net in known if not net.base)
    if not families:
        raise StudioError("control_nowhere", kind=unit.kind)
    raise StudioError("control_not_here", kind=unit.kind, model=spec.title.en, families=", ".join(families))


def _choice(unit: ControlUnit, spec: ModelSpec, around: Around) -> Choice | None:
    """What takes a reference's map, where something has to."""
    if unit.map or not control_of(unit).detectors:
        return None
    return chosen(unit, around.detectors, around.place_of, spec.base)


# -- LoRAs ----------------------------------------------------------------------------------------


def _loras(beside: Sequence[LoraUse], named: Iterable[LoraUse], around: Around) -> dict[str, Any]:
    """Each LoRA once, with its name and its hash; what comes to nothing is as good as not there."""
    once = joined((*beside, *named))
    _check_count(once)
    known = joined(around.lora(use) for use in once if use.counts)
    used = {use.id: around.hashed(use) for use in known if use.counts}
    written = tuple(_recognised(use, used.get(use.id, use)) for use in beside)
    return {"loras": tuple(used.values()), "written_loras": written}


def _recognised(use: LoraUse, used: LoraUse) -> LoraUse:
    """As it was asked for, with what tells the file that was painted with from another."""
    return use.model_copy(update={"name": used.name, "sha256": used.sha256})


def _check_count(uses: Sequence[LoraUse]) -> None:
    if len(uses) > MOST_LORAS:
        raise StudioError("loras_too_many", count=len(uses), most=MOST_LORAS)


def lora_remarks(beside: Sequence[LoraUse], texts: Texts, around: Around) -> tuple[Trouble, ...]:
    """What of the LoRAs beside some prompts, or in them, would be refused, and which count more than it seems."""
    named = joined(use for text in texts for use in take_loras(text, around.lora_names).uses)
    told = [_trouble(use, around) for use in joined((*beside, *named)) if use.counts]
    if not any(map(leaves_open, texts)):  # of what is still to be chosen, not all will be there
        told += [*_too_many((*beside, *named)), *_twice(beside, named)]
    return tuple(trouble for trouble in told if trouble)


def _trouble(use: LoraUse, around: Around) -> Trouble | None:
    try:
        around.lora(use)
    except StudioError as error:
        return error.trouble
    return None


def _too_many(uses: Iterable[LoraUse]) -> Iterator[Trouble]:
    try:
        _check_count(joined(uses))
    except StudioError as error:
        yield error.trouble


def _twice(beside: Sequence[LoraUse], named: Sequence[LoraUse]) -> Iterator[Trouble]:
    """Those that stand in the prompt and beside it: both together may be more than was meant."""
    for use in named:
        if others := [one for one in beside if one.id == use.id]:
            (both,) = joined((*others, use))
            params = {"lora": both.name or both.id, "weight": both.weight}
            yield Trouble(code="lora_twice", params=params)


# -- settings -------------------------------------------------------------------------------------


def _details(draft: Draft, spec: ModelSpec, around: Around) -> dict[str, Any]:
    family = FAMILIES[spec.family]
    clip_skip = 1 if draft.clip_skip is None else draft.clip_skip
    if clip_skip != 1 and not family.clip_skip:
        raise StudioError("clip_skip_not_here", family=family.title)
    if draft.tiling != "none" and not family.tiles:
        raise StudioError("tiling_not_here", family=family.title)
    if draft.variation:
        _within("seed", draft.variation.seed, 0, LARGEST_SEED)
    return {
        "clip_skip": int(_within("clip_skip", clip_skip, 1, around.layers)),
        "vae": _vae(draft.vae or "", spec, around),
        "negative_counts": draft.negative_counts or spec.defaults.negative_counts,
        "tiling": draft.tiling,
        "variation": draft.variation,
    }


def _vae(id: str, spec: ModelSpec, around: Around) -> str:
    if not id:
        return ""
    if id not in around.vaes:
        raise StudioError("vae_not_here", vae=id)
    vae = around.vaes[id]
    if vae.families and spec.family not in vae.families:
        raise StudioError("vae_of_another_family", vae=vae.title.en, family=FAMILIES[spec.family].title)
    return id


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


# -- and back -------------------------------------------------------------------------------------


def draft_of(request: GenerationRequest) -> Draft:
    """What asks for the same picture again, as one picture of its own seed."""
    prompt, negative = request.as_written
    follows = request.outpaint is not None or not request.paints  # then the picture gives the size
    same = {
        name: getattr(request, name)
        for name in (
            "model", "translated", "translated_negative", "styles", "steps", "guidance", "sampler", "seed",
            "clip_skip", "negative_counts", "tiling", "variation", "start", "mask", "outpaint", "controls",
        )
    }  # fmt: skip
    return Draft(
        **same,
        prompt=prompt,
        negative=negative,
        loras=request.written_loras,
        width=None if follows else request.width,
        height=None if follows else request.height,
        vae=request.vae or None,
        high_resolution=request.stage(HighResolution),
        upscale=request.stage(Upscale),
        base=request.paints,
    )
