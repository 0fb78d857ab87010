"""The catalog: which models there are, read from models.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studio.entries import Document, Place, Problem
from studio.errors import StudioError
from studio.families import FAMILIES
from studio.messages import LocalSource, ModelSpec
from studio.settings import ROOT

KEYS = {"models"}


@dataclass(frozen=True)
class Catalog:
    """The models that can be asked for, the first being the default, and what is wrong with the file."""

    specs: dict[str, ModelSpec]
    problems: tuple[Problem, ...] = ()

    def spec(self, model: str) -> ModelSpec:
        """A model by its id."""
        if model not in self.specs:
            raise StudioError("model_unknown", model=model)
        return self.specs[model]


def read_catalog(path: Path) -> Catalog:
    """Reads models.yaml; an entry that is wrong is left out and told, the rest works."""
    if not path.is_file():
        return Catalog({}, (Problem(path.name, 0, "-", f"there is no such file in {path.parent}"),))
    document = Document(path)
    for key in set(document.data) - KEYS:
        document.problem((key,), "is not a key that is known here")
    specs: dict[str, ModelSpec] = {}
    for spec, place in document.entries("models", ModelSpec).entries:
        against = list(_against(spec, specs))
        for within, what in against:
            document.problem((*place, *within), what)
        if not against:
            specs[spec.id] = spec
    return Catalog(specs, tuple(document.problems))


def _against(spec: ModelSpec, known: dict[str, ModelSpec]) -> Iterator[tuple[Place, str]]:
    """What is wrong with an entry though each of its values is right: the key within it, and what."""
    if spec.id in known:
        yield ("id",), f"{spec.id} stands twice; the first one is used"
    family = FAMILIES.get(spec.family)
    if family is None:
        yield ("family",), f"{spec.family} is not known; known are {', '.join(FAMILIES)}"
    elif spec.defaults.sampler not in (names := [sampler.id for sampler in family.samplers]):
        what = f"{spec.defaults.sampler} does not run on {spec.family}: {', '.join(names)}"
        yield ("defaults", "sampler"), what
    yield from _beyond_limits(spec)


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


def source_folder(spec: ModelSpec) -> Path:
    """Where a model's files lie; a relative path counts from the repository's root."""
    if not isinstance(spec.source, LocalSource):
        raise StudioError("source_not_here", model=spec.id)
    return ROOT / Path(spec.source.path).expanduser()
