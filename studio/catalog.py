"""The catalog: which models there are, read from models.yaml."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from studio.controls import DETECTORS
from studio.entries import Document, Place, Problem
from studio.errors import StudioError
from studio.families import FAMILIES, Family
from studio.messages import (
    CaptionerSpec,
    ControlSpec,
    DetectorSpec,
    EncoderSpec,
    FileSource,
    HubSource,
    LocalSource,
    LoraSpec,
    Message,
    ModelScopeSource,
    ModelSpec,
    PartSpec,
    Source,
    TranslatorSpec,
    UpscalerSpec,
    VaeSpec,
)
from studio.settings import ROOT
from studio.weights import component_folders, variant_of, weight_files

PARTS: dict[str, type[PartSpec]] = {
    "vaes": VaeSpec,
    "upscalers": UpscalerSpec,
    "translators": TranslatorSpec,
    "captioners": CaptionerSpec,
    "detectors": DetectorSpec,
    "encoders": EncoderSpec,
    "controls": ControlSpec,
    "loras": LoraSpec,
}
"""The lists of models.yaml beside its models, each with what its entries are."""
KEYS = {"models", "default", *PARTS}
Entry = TypeVar("Entry", bound=ModelSpec | PartSpec)
Sourced = ModelSpec | PartSpec
"""Whatever has files of its own."""
_ONE_FILE: dict[type, str] = {UpscalerSpec: "an upscaler", LoraSpec: "a LoRA"}
COMPLETE = ".complete.json"
"""Written last into a folder that is fetched into: its files and their sizes."""
PICKLE = "pytorch_model.bin"
"""The weights of a repository that has no safetensors; read only where its entry names their sha256."""
USUAL_SCALE = 0.18215
"""What the library scales latents by where a configuration does not say."""


class Defaults(Message):
    """Which model is offered first: on a host with a GPU, and on a machine without."""

    gpu: str
    cpu: str


@dataclass(frozen=True)
class Catalog:
    """What can be asked for, by its id, and what is wrong with the file."""

    specs: dict[str, ModelSpec]
    problems: tuple[Problem, ...] = ()
    vaes: dict[str, VaeSpec] = field(default_factory=dict)
    upscalers: dict[str, UpscalerSpec] = field(default_factory=dict)
    translators: dict[str, TranslatorSpec] = field(default_factory=dict)
    captioners: dict[str, CaptionerSpec] = field(default_factory=dict)
    detectors: dict[str, DetectorSpec] = field(default_factory=dict)
    encoders: dict[str, EncoderSpec] = field(default_factory=dict)
    controls: dict[str, ControlSpec] = field(default_factory=dict)
    loras: dict[str, LoraSpec] = field(default_factory=dict)
    defaults: Defaults | None = None

    def spec(self, model: str) -> ModelSpec:
        """A model by its id."""
        if model not in self.specs:
            raise StudioError("model_unknown", model=model)
        return self.specs[model]

    def default_for(self, gpu: bool) -> ModelSpec | None:
        """The model that is offered first; without word of the file it is the first one there is."""
        named = self.defaults and (self.defaults.gpu if gpu else self.defaults.cpu)
        return self.specs.get(named or "") or next(iter(self.specs.values()), None)

    @property
    def sourced(self) -> tuple[Sourced, ...]:
        """Every entry that has files."""
        parts = (entry for key in PARTS for entry in getattr(self, key).values())
        return (*self.specs.values(), *parts)


class Models(Protocol):
    """Whatever knows models by their ids: the catalog, or the catalog with a person's own files."""

    @property
    def specs(self) -> Mapping[str, ModelSpec]:
        """The models by their ids."""

    def spec(self, model: str) -> ModelSpec:
        """A model by its id."""

    def default_for(self, gpu: bool) -> ModelSpec | None:
        """The model that is offered first."""


def read_catalog(path: Path) -> Catalog:
    """Reads models.yaml; an entry that is wrong is left out and told, the rest works."""
    if not path.is_file():
        return Catalog({}, (Problem(path.name, 0, "-", f"there is no such file in {path.parent}"),))
    document = Document(path)
    for key in set(document.data) - KEYS:
        document.problem((key,), "is not a key that is known here")
    specs = _read(document, "models", ModelSpec, {})
    known: dict[str, Sourced] = dict(specs)
    parts: dict[str, dict[str, Any]] = {}
    for key, kind in PARTS.items():
        parts[key] = _read(document, key, kind, known)
        known |= parts[key]
    defaults = document.entry("default", Defaults)
    for name, model in defaults or ():
        if model not in specs:
            document.problem(("default", name), f"{model} is not among the models")
    return Catalog(specs, tuple(document.problems), defaults=defaults, **parts)


def _read(document: Document, key: str, kind: type[Entry], others: Mapping[str, Sourced]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    if key != "models" and key not in document.data:
        return found  # a catalog may do without
    for spec, place in document.entries(key, kind).entries:
        against = list(_against(spec, {**others, **found}))
        for within, what in against:
            document.problem((*place, *within), what)
        if not against:
            found[spec.id] = spec
    return found


def _against(spec: Sourced, known: Mapping[str, Sourced]) -> Iterator[tuple[Place, str]]:
    """What is wrong with an entry though each of its values is right: the key within it, and what."""
    if spec.id in known:
        yield ("id",), f"{spec.id} stands twice; the first one is used"
    yield from _against_source(spec.source)
    if isinstance(spec, ModelSpec):
        yield from _against_sampler(spec)
        yield from _beyond_limits(spec)
    if isinstance(spec, VaeSpec) and not spec.families:
        yield ("families",), "is empty: name the families of models it fits"
    if isinstance(spec, UpscalerSpec | LoraSpec) and not _is_one_file(spec.source):
        yield ("source",), f"names no file, and {_ONE_FILE[type(spec)]} is one"
    if isinstance(spec, TranslatorSpec):
        yield from _against_translator(spec)
    if isinstance(spec, CaptionerSpec) and _is_one_file(spec.source):
        yield ("source",), "names one file, and a captioner is a folder of several"
    for family in spec.families if isinstance(spec, VaeSpec) else ():
        if family not in FAMILIES:
            yield ("families",), f"{family} is not known; known are {', '.join(FAMILIES)}"
    if isinstance(spec, ControlSpec):
        yield from _against_control(spec, known)
    if isinstance(spec, DetectorSpec):
        yield from _against_detector(spec)
    if isinstance(spec, LoraSpec):
        yield from _against_lora(spec)


def _against_detector(spec: DetectorSpec) -> Iterator[tuple[Place, str]]:
    known = dict.fromkeys(detector.entered for detector in DETECTORS.values() if detector.weights)
    if spec.detector not in known:
        yield ("detector",), f"{spec.detector} is not known; known are {', '.join(known)}"


def _against_control(spec: ControlSpec, known: Mapping[str, Sourced]) -> Iterator[tuple[Place, str]]:
    families = [id for id, family in FAMILIES.items() if family.denoiser == "unet"]
    if spec.family not in families:
        yield ("family",), f"{spec.family} takes no control nets; known are {', '.join(families)}"
    if not spec.kinds:
        yield ("kinds",), "is empty: name the kinds of references that it follows"
    if spec.network == "union" and (lacking := [kind for kind in spec.kinds if kind not in spec.modes]):
        yield ("modes",), f"has no number for {', '.join(lacking)}"
    if spec.network == "ip_adapter" and spec.balances:
        yield ("balances",), "are for nets that speak beside the denoiser, and this one is read within it"
    if spec.network == "ip_adapter" and not isinstance(known.get(spec.encoder), EncoderSpec):
        yield ("encoder",), f"{spec.encoder or 'nothing'} is not among the encoders"


def _against_lora(spec: LoraSpec) -> Iterator[tuple[Place, str]]:
    families = [id for id, family in FAMILIES.items() if family.denoiser == "unet"]
    if spec.family not in families:
        yield ("family",), f"{spec.family or 'nothing'} takes no LoRAs; known are {', '.join(families)}"
    elif spec.wants and (what := _not_run(spec.wants.sampler, FAMILIES[spec.family])):
        yield ("wants", "sampler"), what
    if not isinstance(spec.source, LocalSource | FileSource) and not spec.source.file.endswith(
        ".safetensors"
    ):
        yield ("source", "file"), "is no .safetensors file, and a LoRA is read from no other"


def _against_translator(spec: TranslatorSpec) -> Iterator[tuple[Place, str]]:
    if spec.reads == spec.writes:
        yield ("writes",), f"{spec.writes} is what it reads"
    if _is_one_file(spec.source):
        yield ("source",), "names one file, and a translator is a folder of several"


def _is_one_file(source: Source) -> bool:
    return isinstance(source, FileSource) or bool(not isinstance(source, LocalSource) and source.file)


def _against_source(source: Source) -> Iterator[tuple[Place, str]]:
    if isinstance(source, LocalSource):
        return
    if isinstance(source, FileSource):
        if not source.path.endswith(".safetensors"):
            yield ("source", "path"), "is not a .safetensors file; convert it first"
        return
    for name in ("repo", "revision", "variant", "file"):
        if ".." in str(getattr(source, name)).split("/"):
            yield ("source", name), "leads out of its folder"
    if source.sha256 and not re.fullmatch("[0-9a-f]{64}", source.sha256):
        yield ("source", "sha256"), "is not 64 digits of 0-9 and a-f"
    if source.file and not source.file.endswith(".safetensors") and not source.sha256:
        yield ("source", "file"), "is no .safetensors file: it is read only where its sha256 is named"


def _against_sampler(spec: ModelSpec) -> Iterator[tuple[Place, str]]:
    family = FAMILIES.get(spec.family)
    if family is None:
        yield ("family",), f"{spec.family} is not known; known are {', '.join(FAMILIES)}"
    elif what := _not_run(spec.defaults.sampler, family):
        yield ("defaults", "sampler"), what


def _not_run(sampler: str, family: Family) -> str:
    """What is wrong with a sampler that a family's models do not run with; nothing where they do."""
    known = [one.id for one in family.samplers]
    return "" if sampler in known else f"{sampler} does not run on {family.id}: {', '.join(known)}"


def _beyond_limits(spec: ModelSpec) -> Iterator[tuple[Place, str]]:
    # A person who sets nothing could not be told what to mend.
    defaults, limits = spec.defaults, spec.limits
    for name in ("width", "height"):
        side = getattr(defaults.size, name)
        if not limits.smallest <= side <= limits.largest or side % limits.multiple:
            yield ("defaults", "size", name), f"{side} is not within the model's own limits"
    if defaults.steps > limits.steps:
        yield ("defaults", "steps"), f"{defaults.steps} is more than the model's own limit {limits.steps}"
    if defaults.guidance > limits.guidance:
        what = f"{defaults.guidance:g} is more than the model's own limit {limits.guidance:g}"
        yield ("defaults", "guidance"), what


# -- where a model's files lie --------------------------------------------------------------------


def source_path(spec: Sourced, data: Path | None = None) -> Path:
    """The folder or the single file of a model, as far as it is here; no network is asked."""
    source = spec.source
    if isinstance(source, LocalSource | FileSource):
        return ROOT / Path(source.path).expanduser()
    found = _fetched(source, data) if data else None
    if found is None and isinstance(source, HubSource):
        found = _cached(source, "model_index.json" if isinstance(spec, ModelSpec) else "config.json")
    if found is None:
        raise StudioError("source_not_here", model=spec.title.en)
    return found


def store_of(source: HubSource | ModelScopeSource, data: Path) -> Path:
    """The folder that is fetched into: one for each repository, revision, variant and file."""
    wanted = (source.revision, source.variant, source.file)
    selection = "--".join(part.replace("/", "--") for part in wanted if part)
    return data / source.kind / source.repo.replace("/", "--") / selection


def _fetched(source: HubSource | ModelScopeSource, data: Path) -> Path | None:
    store = store_of(source, data)
    try:
        listed = json.loads((store / COMPLETE).read_text(encoding="utf-8"))["files"]
        whole = all((store / name).stat().st_size == size for name, size in listed.items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return store / source.file if whole else None


def _cached(source: HubSource, index: str) -> Path | None:
    """What other programs of this person fetched from the hub into its usual cache."""
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(source.repo, source.file or index, revision=source.revision)
    except ValueError:  # a name that leads out of the cache
        return None
    if not isinstance(found, str):
        return None
    if source.file:
        return Path(found)
    folder = Path(found).parent
    try:
        parts = component_folders(folder) if index == "model_index.json" else (folder,)
        files = [file for part in parts for file in weight_files(part)]
        right = all(variant_of(part) in ("", source.variant) for part in parts)
    except StudioError:
        return None
    return folder if right and all(file.is_file() for file in files) else None


def latent_scale(spec: ModelSpec | VaeSpec, family: str, data: Path | None = None) -> float:
    """By what the latents of an entry's VAE are multiplied: those that differ in it are strangers.

    It stands beside the weights where the entry's files are here; else it is that of the family.
    """
    try:
        source = source_path(spec, data)
    except StudioError:
        source = None
    inside = ("vae/config.json",) if isinstance(spec, ModelSpec) else ("config.json", "vae/config.json")
    folder = source.with_suffix("") if source and source.suffix.lower() == ".safetensors" else source
    beside = [folder / name for name in inside] if folder else []
    configs = [*beside, ROOT / "assets" / "configs" / family / "vae" / "config.json"]
    return _scale_in(next((path for path in configs if path.is_file()), None))


def _scale_in(config: Path | None) -> float:
    try:
        found = json.loads(config.read_text(encoding="utf-8")) if config else {}
        return float(found.get("scaling_factor", USUAL_SCALE))
    except (OSError, ValueError, TypeError, AttributeError):
        return USUAL_SCALE  # a file that cannot be read is told by its name when it is loaded
