"""The shelf of LoRAs: a card for each, and its picture, looked at before anybody is shown it."""

from __future__ import annotations

import functools
import io
import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from studio.catalog import source_path
from studio.errors import StudioError
from studio.families import FAMILIES
from studio.inputs import read_picture
from studio.loras.about import About, about_lora, beside, picture_bytes, picture_files
from studio.loras.layers import DENOISER, layers_of
from studio.loras.reading import Lora, called, fit_with, read_lora, why_not
from studio.messages import Bilingual, LoraCard, LoraSpec, ModelSpec, Trouble
from studio.weights import tensor_bytes

log = logging.getLogger(__name__)
PICTURE_SIDE = 512
"""Of the pictures on the shelf, in pixels."""
Stamp = tuple[float, ...]


@dataclass(frozen=True)
class _Facts:
    """What a card shows of a file: a hundredth of what its header holds."""

    kind: str
    family: str
    rank: int
    bytes: int
    parts: tuple[str, ...]
    about: About
    thumbnail: bool
    trouble: Trouble | None


def card(
    spec: LoraSpec, data: Path, model: ModelSpec | None = None, favourites: Collection[str] = ()
) -> LoraCard:
    """A LoRA as the shelf shows it, and whether it fits the model that is chosen."""
    known = LoraCard(
        id=spec.id,
        title=spec.title,
        place="hub",
        own=spec.own,
        family=_title(spec.family),
        weight=spec.weight,
        triggers=spec.triggers,
        wants=spec.wants,
        wants_sampler=_sampler(spec),
        notes=spec.note or _as_written(""),
        licence="" if spec.own else spec.licence,
        favourite=spec.id in favourites,
        trouble=_by_entry(spec, model, data),
    )
    try:
        path = source_path(spec, data)
    except StudioError:
        return known  # it is still to be fetched, and its entry is all that is known
    return _of_file(known, spec, path, data, model)


def _of_file(known: LoraCard, spec: LoraSpec, path: Path, data: Path, model: ModelSpec | None) -> LoraCard:
    try:
        facts = _facts(path, _stamps(path), _checkpoint(model, data), model)
    except StudioError as error:
        return known.model_copy(update={"place": "missing", "trouble": error.trouble})
    about, trouble = facts.about, facts.trouble
    told: dict[str, object] = {
        "place": "disk",
        "title": _titled(spec, about),
        "family": facts.family or known.family,
        "kind": facts.kind,
        "rank": facts.rank,
        "bytes": facts.bytes,
        "changes_picture": DENOISER in facts.parts,
        "changes_text": any(part != DENOISER for part in facts.parts),
        "weight": known.weight if about.weight is None else about.weight,
        "triggers": known.triggers or about.triggers,
        "notes": _as_written(about.notes) if about.notes else known.notes,
        "author": about.author,
        "licence": known.licence or about.licence,
        "base": about.base,
        "changed": path.stat().st_mtime,
        "picture": facts.thumbnail or any(file.is_file() for file in picture_files(path)),
        "trouble": trouble and called(trouble, known.title.en),
    }
    return known.model_copy(update=told)


def _sampler(spec: LoraSpec) -> str:
    if spec.wants is None:
        return ""
    return next(one.title for one in FAMILIES[spec.family].samplers if one.id == spec.wants.sampler)


def _as_written(text: str) -> Bilingual:
    """Somebody's own words, whatever the page speaks."""
    return Bilingual(en=text, zh=text)


def _titled(spec: LoraSpec, about: About) -> Bilingual:
    # A file's name is what a person gave it; what is told inside is often that of a training run.
    return spec.title if not spec.own or not about.title else _as_written(about.title)


def _title(family: str) -> str:
    return FAMILIES[family].title if family in FAMILIES else family


def _by_entry(spec: LoraSpec, model: ModelSpec | None, data: Path) -> Trouble | None:
    """Why it does not fit, as far as its entry tells: those of the catalog are for their family's usual size."""
    if model is None or not spec.family:
        return None
    lora, title = spec.title.en, model.title.en
    if spec.family != model.family:
        return Trouble(
            code="lora_family", params={"lora": lora, "model": title, "family": _title(spec.family)}
        )
    wrong, of = _unusual(_checkpoint(model, data), model.family)
    if wrong <= of / 2:
        return None
    return Trouble(code="lora_sizes", params={"lora": lora, "model": title, "wrong": wrong, "of": of})


def _unusual(checkpoint: Path | None, family: str) -> tuple[int, int]:
    """How many layers of a denoiser are not as in most of its family, and of how many."""
    try:
        usual, own = (layers_of(one, family).parts[DENOISER] for one in (None, checkpoint))
    except StudioError:
        return 0, 0  # what is wrong with the model is told where it is loaded
    return sum(own.get(name) != shape for name, shape in usual.items()), len(usual)


def _checkpoint(model: ModelSpec | None, data: Path) -> Path | None:
    try:
        return source_path(model, data) if model else None
    except StudioError:
        return None  # still to be fetched: it is taken for one of its family's usual size


def _stamps(path: Path) -> Stamp:
    """What changes when the file or anything said beside it does."""
    try:
        return tuple(_stamp(file) for file in (path, *beside(path)))
    except OSError as error:
        raise StudioError("own_unreadable", file=path.name) from error


def _stamp(file: Path) -> float:
    return file.stat().st_mtime if file.is_file() else 0.0


@functools.lru_cache(maxsize=4096)
def _facts(path: Path, stamps: Stamp, checkpoint: Path | None, model: ModelSpec | None) -> _Facts:
    lora = read_lora(path)
    about = about_lora(path, lora.about)
    trouble = _fit(lora, checkpoint, model) if model else why_not(lora)
    return _Facts(
        kind=lora.kind,
        family=_title(lora.family or ""),
        rank=lora.rank,
        bytes=lora.bytes,
        parts=lora.parts,
        about=replace(about, thumbnail=b""),  # it may weigh more than all cards together
        thumbnail=bool(about.thumbnail),
        trouble=trouble,
    )


def _fit(lora: Lora, checkpoint: Path | None, model: ModelSpec) -> Trouble | None:
    return fit_with(lora, checkpoint, model.title.en, model.family).trouble


# -- embeddings -----------------------------------------------------------------------------------


def embedding_card(
    id: str,
    title: str,
    path: Path,
    family: str | None,
    model: ModelSpec | None = None,
    favourite: bool = False,
) -> LoraCard:
    """A person's embedding as the shelf shows it; its word, typed into a prompt, calls it forth."""
    known = LoraCard(
        id=id,
        title=Bilingual(en=title, zh=title),
        name=path.stem,
        place="disk",
        own=True,
        kind="embedding",
        family=_title(family or ""),
        changes_picture=False,
        favourite=favourite,
        trouble=_unread(path.stem, family, model),
    )
    try:
        about, state = about_lora(path, {}), path.stat()
        told: dict[str, object] = {
            "triggers": about.triggers,
            "notes": _as_written(about.notes),
            "base": about.base,
        }
        told |= {"bytes": tensor_bytes(path), "changed": state.st_mtime}
        pictured = any(file.is_file() for file in picture_files(path))
        return known.model_copy(update={**told, "picture": pictured})
    except (StudioError, OSError):
        trouble = Trouble(code="embedding_missing", params={"embedding": path.stem})
        return known.model_copy(update={"place": "missing", "trouble": trouble})


def _unread(name: str, family: str | None, model: ModelSpec | None) -> Trouble | None:
    if not family:
        return Trouble(code="embedding_unknown", params={"embedding": name})
    if model is None or family == model.family:
        return None
    params = {"embedding": name, "family": _title(family), "model": model.title.en}
    return Trouble(code="embedding_family", params=params)


# -- pictures -------------------------------------------------------------------------------------


def picture(spec: LoraSpec, data: Path) -> bytes:
    """The picture of a LoRA as a small JPEG; empty where it has none, or none that can be read."""
    try:
        path = source_path(spec, data)
        return _picture(path, _stamps(path))
    except StudioError as error:
        log.warning("the picture of %s is left out: %s", spec.id, error)
        return b""


def picture_beside(path: Path) -> bytes:
    """The picture that lies beside a file of another kind, in the same way."""
    try:
        return _beside(path, _stamps(path))
    except StudioError as error:
        log.warning("the picture of %s is left out: %s", path.name, error)
        return b""


@functools.lru_cache(maxsize=64)
def _beside(path: Path, stamps: Stamp) -> bytes:
    data = picture_bytes(path, About())
    return _small(read_picture(data)) if data else b""


@functools.lru_cache(maxsize=256)
def _picture(path: Path, stamps: Stamp) -> bytes:
    data = picture_bytes(path, about_lora(path, read_lora(path).about))
    return _small(read_picture(data)) if data else b""


def _small(image: Image.Image) -> bytes:
    image.thumbnail((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, format="JPEG", quality=88)
    return buffer.getvalue()
