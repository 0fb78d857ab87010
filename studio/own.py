"""A person's own files: whatever lies in the folders of models appears, and what cannot be used says why."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from studio.catalog import PARTS, Catalog, Sourced, latent_scale
from studio.entries import Problem
from studio.errors import StudioError
from studio.families import FAMILIES
from studio.messages import (
    AnyRequest,
    Bilingual,
    Capability,
    CaptionerSpec,
    ControlSpec,
    DetectorSpec,
    EncoderSpec,
    Entry,
    FileSource,
    GenerationDefaults,
    GenerationLimits,
    GenerationRequest,
    LoraSpec,
    ModelSpec,
    Size,
    TranslatorSpec,
    Trouble,
    UpscalerSpec,
    VaeSpec,
)
from studio.settings import Settings
from studio.weights import Kind, read_kind

FOLDERS = {
    "data": ("checkpoints", "vae", "upscalers", "loras", "embeddings", "controls"),
    "a1111": (
        *("models/Stable-diffusion", "models/VAE", "models/Lora", "embeddings"),
        *("models/ESRGAN", "models/RealESRGAN", "models/SwinIR", "models/DAT", "models/HAT"),
        *("models/ControlNet", "extensions/sd-webui-controlnet/models"),
    ),
    "comfyui": (
        *("models/checkpoints", "models/vae", "models/loras", "models/embeddings"),
        *("models/upscale_models", "models/controlnet"),
    ),
}
"""Where models lie, by the setting that names the folder around them."""
UPSCALERS = {"upscalers", "upscale_models", "ESRGAN", "RealESRGAN", "SwinIR", "DAT", "HAT"}
"""Folders of upscalers: of some of their networks the header alone does not tell what they are."""
UNION_MODES = {
    "pose": 0,
    "depth": 1,
    "soft_edge": 2,
    "scribble": 2,
    "canny": 3,
    "line_art": 3,
    "lines": 3,
    "normals": 4,
    "segmentation": 5,
}
"""The numbers that union nets have for the kinds, in the order that the first of them was trained with."""
CONTROL_MARKS = {
    "canny": ("canny",),
    "pose": ("pose",),
    "soft_edge": ("softedge", "hed", "pidi"),
    "depth": ("depth",),
    "lines": ("mlsd",),
    "scribble": ("scribble", "sketch"),
    "segmentation": ("seg", "ade20k"),
    "line_art": ("lineart",),
    "normals": ("normal",),
    "shuffle": ("shuffle",),
    "tile": ("tile",),
    "colour": ("color",),
    "grey": ("brightness",),
}
"""What in a control net's name tells its kind, as those who share such nets name them."""
PICKLES = (".ckpt", ".pt", ".pth", ".bin")
FRESH_SECONDS = 1.0
"""For how long a look at the folders is good, however many pages ask."""
SIDES = {
    "sd1": (512, 256, 1024),
    "sd2": (768, 256, 1536),
    "sdxl": (1024, 512, 2048),
    "sd3": (1024, 512, 2048),
}
"""The native size of a family, its smallest and its largest."""
GUIDANCE = {"sd1": 7.0, "sd2": 7.0, "sdxl": 6.0, "sd3": 5.0}
Stamp = tuple[int, int]


@dataclass(frozen=True)
class Refused:
    """A file that is not used, by its name within the folders of models, and why."""

    name: str
    trouble: Trouble


@dataclass(frozen=True)
class OwnFile:
    """A LoRA or an embedding of a person's own."""

    id: str
    title: str
    path: Path
    kind: Literal["lora", "embedding"]
    family: str | None = None


@dataclass(frozen=True)
class Found:
    """What lies in the folders now."""

    specs: dict[str, ModelSpec] = field(default_factory=dict)
    vaes: dict[str, VaeSpec] = field(default_factory=dict)
    upscalers: dict[str, UpscalerSpec] = field(default_factory=dict)
    controls: dict[str, ControlSpec] = field(default_factory=dict)
    files: tuple[OwnFile, ...] = ()
    refused: tuple[Refused, ...] = ()

    @cached_property
    def loras(self) -> dict[str, LoraSpec]:
        """The LoRAs among the files, by their ids."""
        return {file.id: _lora(file) for file in self.files if file.kind == "lora"}


@dataclass(frozen=True)
class _File:
    """A file as a listing tells it."""

    path: Path
    root: str
    name: str
    stamp: Stamp

    @property
    def folder(self) -> str:
        """Which of the folders of models it lies in."""
        return self.name.partition("/")[0]

    @property
    def id(self) -> str:
        """From its name; the digits keep it apart from any other, wherever the folder is moved."""
        digits = hashlib.sha256(f"{self.root}/{self.name}".encode()).hexdigest()[:6]
        safe = re.sub(r"[^a-z0-9._-]+", "-", self.path.stem.lower()).strip("-._")
        return f"{safe or 'model'}-{digits}"


class Own:
    """Looks into the folders of models; a header is read once for as long as its file stays as it is."""

    def __init__(self, settings: Settings, fresh_seconds: float = FRESH_SECONDS) -> None:
        places = {"data": settings.data, "a1111": settings.a1111, "comfyui": settings.comfyui}
        self._roots = {name: place for name, place in places.items() if place}
        self._fresh_seconds = fresh_seconds
        self._lock = threading.Lock()
        self._told: dict[Path, tuple[Stamp, Kind | Trouble]] = {}
        self._listed: tuple[_File, ...] | None = None
        self._found = Found()
        self._looked = -fresh_seconds

    @property
    def data(self) -> Path:
        """The data folder."""
        return self._roots["data"]

    def prepare(self) -> None:
        """Makes the data folder's own folders, so that people see where files go."""
        for folder in FOLDERS["data"]:
            (self._roots["data"] / folder).mkdir(parents=True, exist_ok=True)

    def found(self) -> Found:
        """What lies there now."""
        with self._lock:
            if time.monotonic() - self._looked >= self._fresh_seconds:
                listed = tuple(sorted(self._list(), key=lambda file: (file.name.lower(), str(file.path))))
                if listed != self._listed:
                    self._found, self._listed = self._sort(listed), listed
                self._looked = time.monotonic()
            return self._found

    def look_again(self) -> None:
        """The next look is a new one: something was put into the folders just now."""
        with self._lock:
            self._looked = -self._fresh_seconds

    def _list(self) -> Iterator[_File]:
        for root, base in self._roots.items():
            for folder in FOLDERS[root]:
                yield from _files(base / folder, root, folder.rpartition("/")[2])

    def _sort(self, listed: tuple[_File, ...]) -> Found:
        self._told = {path: told for path, told in self._told.items() if path in {f.path for f in listed}}
        names = Counter(file.path.stem for file in listed)
        found = Found()
        files: list[OwnFile] = []
        refused = [*self._empty_roots()]
        for file in listed:
            # Two files of one name are told apart by their folders.
            title = file.path.stem if names[file.path.stem] == 1 else file.name.rpartition(".")[0]
            told = self._tell(file)
            if isinstance(told, Kind) and told.kind in ("lora", "embedding"):
                files.append(_own_file(file, title, told))
            elif isinstance(told, Kind):
                _add(found, _spec(file, title, told))
            else:
                refused.append(Refused(file.name, told))
        return Found(found.specs, found.vaes, found.upscalers, found.controls, tuple(files), tuple(refused))

    def _empty_roots(self) -> Iterator[Refused]:
        for root, base in self._roots.items():
            if root != "data" and not any((base / folder).is_dir() for folder in FOLDERS[root]):
                setting, folder = f"STUDIO_{root.upper()}", FOLDERS[root][0]
                trouble = Trouble(code="own_folder", params={"setting": setting, "folder": folder})
                yield Refused(base.name, trouble)

    def _tell(self, file: _File) -> Kind | Trouble:
        known = self._told.get(file.path)
        if known is None or known[0] != file.stamp:
            known = self._told[file.path] = (file.stamp, _tell(file.path, file.folder))
        return known[1]


def _files(folder: Path, root: str, label: str) -> Iterator[_File]:
    # Installations are full of links: a folder that was seen is not walked again.
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(place)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place) / name
            if not name.startswith(".") and path.suffix.lower() in (".safetensors", *PICKLES):
                try:
                    state = path.stat()
                except OSError:  # it has gone since, or is a link to nowhere
                    continue
                within = f"{label}/{path.relative_to(folder).as_posix()}"
                yield _File(path, root, within, (state.st_size, state.st_mtime_ns))


def _tell(path: Path, folder: str) -> Kind | Trouble:
    """What a file is, or why it is not used."""
    if path.suffix.lower() in PICKLES:
        return Trouble(code="own_pickle", params={"file": path.name})
    try:
        # A file that is still being copied is told as cut short, and appears once it is whole.
        kind = read_kind(path)
    except StudioError as error:
        return error.trouble
    except OSError:
        return Trouble(code="own_unreadable", params={"file": path.name})
    if kind.kind == "unknown" and folder in UPSCALERS:
        return Kind("upscaler")
    if kind.kind == "unknown":
        return Trouble(code="own_unknown", params={"file": path.name})
    if kind.kind == "checkpoint":
        return _usable(path, kind)
    if kind.kind == "vae" and not _families_of(kind):
        return Trouble(code="own_vae_family", params={"file": path.name, "known": _known_families()})
    if kind.kind == "control" and not _takes_nets(kind):
        return Trouble(code="own_family", params={"file": path.name, "known": _known_families()})
    return kind


def _usable(path: Path, kind: Kind) -> Kind | Trouble:
    if kind.family not in FAMILIES:
        return Trouble(code="own_family", params={"file": path.name, "known": _known_families()})
    if not kind.whole:
        return Trouble(code="own_partial", params={"file": path.name})
    return kind


def _takes_nets(kind: Kind) -> bool:
    family = FAMILIES.get(kind.family or "")
    return family is not None and family.denoiser == "unet"


def _known_families() -> str:
    return ", ".join(family.title for family in FAMILIES.values())


def _families_of(kind: Kind) -> tuple[str, ...]:
    """The families that a VAE's latents are of; its file tells no more than how many channels they have."""
    return tuple(id for id, family in FAMILIES.items() if family.channels == kind.channels)


def _own_file(file: _File, title: str, kind: Kind) -> OwnFile:
    assert kind.kind == "lora" or kind.kind == "embedding"
    return OwnFile(file.id, title, file.path, kind.kind, kind.family)


def _add(found: Found, spec: Sourced) -> None:
    if isinstance(spec, ModelSpec):
        found.specs[spec.id] = spec
    elif isinstance(spec, VaeSpec):
        found.vaes[spec.id] = spec
    elif isinstance(spec, UpscalerSpec):
        found.upscalers[spec.id] = spec
    elif isinstance(spec, ControlSpec):
        found.controls[spec.id] = spec


def _control(file: _File, title: Bilingual, source: FileSource, kind: Kind) -> ControlSpec:
    union = kind.network == "union"
    kinds = tuple(UNION_MODES) if union else _kinds_in(file.path.stem)
    return ControlSpec(
        id=file.id,
        title=title,
        source=source,
        licence="unknown",
        own=True,
        family=str(kind.family),
        kinds=kinds,
        network=kind.network or "controlnet",
        modes=UNION_MODES if union else {},
    )


def _kinds_in(name: str) -> tuple[str, ...]:
    """The kind that a file's name tells, for its header tells none."""
    found = (kind for kind, marks in CONTROL_MARKS.items() if any(mark in name.lower() for mark in marks))
    return tuple(found)[:1]


def _spec(file: _File, title: str, kind: Kind) -> Sourced:
    named = Bilingual(en=title, zh=title)
    source = FileSource(path=str(file.path.absolute()))
    if kind.kind == "vae":
        return VaeSpec(
            id=file.id, title=named, source=source, licence="unknown", own=True, families=_families_of(kind)
        )
    if kind.kind == "upscaler":
        return UpscalerSpec(id=file.id, title=named, source=source, licence="unknown", own=True)
    if kind.kind == "control":
        return _control(file, named, source, kind)
    assert kind.family
    capabilities: tuple[Capability, ...] = ("inpaint",) if kind.inpaint else ("text_to_image",)
    return ModelSpec(
        id=file.id,
        title=named,
        family=kind.family,
        source=source,
        licence="unknown",
        own=True,
        capabilities=capabilities,
        defaults=_defaults(kind.family),
        limits=_limits(kind.family),
    )


def _defaults(family: str) -> GenerationDefaults:
    side = SIDES.get(family, SIDES["sdxl"])[0]
    return GenerationDefaults(
        size=Size(width=side, height=side),
        steps=25,
        guidance=GUIDANCE.get(family, 5.0),
        sampler=FAMILIES[family].samplers[0].id,
    )


def _limits(family: str) -> GenerationLimits:
    _, smallest, largest = SIDES.get(family, SIDES["sdxl"])
    multiple = FAMILIES[family].multiple
    return GenerationLimits(smallest=smallest, largest=largest, multiple=multiple, steps=150, guidance=30)


# -- the catalog and a person's own files together ------------------------------------------------


class Library:
    """Everything that can be asked for now: the catalog's entries, then a person's own files."""

    def __init__(self, catalog: Catalog, own: Own) -> None:
        self._catalog, self._own = catalog, own

    @property
    def specs(self) -> dict[str, ModelSpec]:
        """The models by their ids."""
        return {**self._catalog.specs, **self._own.found().specs}

    @property
    def vaes(self) -> dict[str, VaeSpec]:
        """The VAEs by their ids."""
        return {**self._catalog.vaes, **self._own.found().vaes}

    @property
    def upscalers(self) -> dict[str, UpscalerSpec]:
        """The upscalers by their ids."""
        return {**self._catalog.upscalers, **self._own.found().upscalers}

    @property
    def files(self) -> tuple[OwnFile, ...]:
        """A person's LoRAs and embeddings."""
        return self._own.found().files

    @property
    def refused(self) -> tuple[Refused, ...]:
        """The files that are not used, and why."""
        return self._own.found().refused

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with models.yaml."""
        return self._catalog.problems

    def spec(self, model: str) -> ModelSpec:
        """A model by its id."""
        own = self._own.found().specs.get(model)
        return self._catalog.spec(model) if own is None else own

    @property
    def translators(self) -> dict[str, TranslatorSpec]:
        """The translators by their ids."""
        return self._catalog.translators

    @property
    def captioners(self) -> dict[str, CaptionerSpec]:
        """The captioners by their ids."""
        return self._catalog.captioners

    @property
    def detectors(self) -> dict[str, DetectorSpec]:
        """The detectors with weights by their ids."""
        return self._catalog.detectors

    @property
    def encoders(self) -> dict[str, EncoderSpec]:
        """What reads pictures for control nets, by their ids."""
        return self._catalog.encoders

    @property
    def controls(self) -> dict[str, ControlSpec]:
        """The control nets by their ids."""
        return {**self._catalog.controls, **self._own.found().controls}

    @property
    def loras(self) -> dict[str, LoraSpec]:
        """The LoRAs by their ids."""
        return {**self._catalog.loras, **self._own.found().loras}

    def controls_for(self, model: str) -> tuple[ControlSpec, ...]:
        """The control nets that fit a model, the catalog's first."""
        spec = self.spec(model)
        return tuple(net for net in self.controls.values() if net.fits(spec))

    def entry(self, id: str) -> Entry:
        """Whatever can be brought to a device, by its id."""
        kinds: tuple[Mapping[str, Entry], ...] = (self.specs, *(getattr(self, key) for key in PARTS))
        for entries in kinds:
            if id in entries:
                return entries[id]
        raise StudioError("entry_unknown", entry=id)

    def entries(self, request: AnyRequest) -> tuple[Entry, ...]:
        """Every entry that a request needs, its model first where it paints."""
        if not isinstance(request, GenerationRequest) or not request.paints:
            return tuple(map(self.entry, request.parts))
        model = self.spec(request.model)
        found = (self.entry(id) for id in request.parts)
        return (model, *(self._used_in(model, one) if isinstance(one, VaeSpec) else one for one in found))

    def vaes_for(self, model: str) -> tuple[VaeSpec, ...]:
        """The VAEs that fit a model."""
        spec = self.spec(model)
        return tuple(_as_of(spec, vae) for vae in self.vaes.values() if self._fits(spec, vae))

    def _used_in(self, model: ModelSpec, vae: VaeSpec) -> VaeSpec:
        if not self._fits(model, vae):
            raise StudioError("vae_unfit", vae=vae.title.en, model=model.title.en)
        return _as_of(model, vae)

    def _fits(self, model: ModelSpec, vae: VaeSpec) -> bool:
        family, data = model.family, self._own.data
        known = family in vae.families
        return known and latent_scale(model, family, data) == latent_scale(vae, family, data)

    def default_for(self, gpu: bool) -> ModelSpec | None:
        """The model that is offered first."""
        return self._catalog.default_for(gpu) or next(iter(self.specs.values()), None)


def _lora(file: OwnFile) -> LoraSpec:
    return LoraSpec(
        id=file.id,
        title=Bilingual(en=file.title, zh=file.title),
        source=FileSource(path=str(file.path.absolute())),
        licence="unknown",
        own=True,
        family=file.family or "",
    )


def _as_of(model: ModelSpec, vae: VaeSpec) -> VaeSpec:
    """A VAE as it is used with a model; a person's own file is then of that model's family alone."""
    return vae.model_copy(update={"families": (model.family,)}) if vae.own else vae
