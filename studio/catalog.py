"""The catalog: which models there are, read from models.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.entries import Document, Problem
from studio.errors import StudioError
from studio.families import FAMILIES
from studio.messages import ModelSpec
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
    for key in set(document.data or {}) - KEYS:
        document.problem((key,), "is not a key that is known here")
    specs: dict[str, ModelSpec] = {}
    for spec, line in document.entries("models", ModelSpec).entries:
        what = _against(spec, specs)
        if what:
            document.problems.append(Problem(document.file, line, spec.id, what))
        else:
            specs[spec.id] = spec
    return Catalog(specs, tuple(document.problems))


def _against(spec: ModelSpec, known: dict[str, ModelSpec]) -> str:
    if spec.id in known:
        return "this id stands twice; the first one is used"
    if spec.family not in FAMILIES:
        return f"family {spec.family} is not known; known are {', '.join(FAMILIES)}"
    names = [sampler.id for sampler in FAMILIES[spec.family].samplers]
    if spec.defaults.sampler not in names:
        return f"defaults.sampler {spec.defaults.sampler} does not run on {spec.family}: {', '.join(names)}"
    return ""


def source_folder(spec: ModelSpec) -> Path:
    """Where a local model's files lie; a relative path counts from the repository's root."""
    return ROOT / Path(spec.source.path).expanduser()
