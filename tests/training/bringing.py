"""Pictures to train from, and a training of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from studio.inputs import Inputs
from studio.messages import ModelSpec, TrainingDraft, TrainingRequest
from studio.training import Files, read_set, resolve
from tests import samples


def png(number: int, size: tuple[int, int] = (72, 64)) -> bytes:
    """A picture like no other."""
    picture = Image.linear_gradient("L").rotate(37 * number).resize(size).convert("RGB")
    picture.paste((20 * number % 256, 200, 30), (0, 0, size[0] // 2, size[1] // 3))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def files(*names: str, **texts: str) -> dict[str, Callable[[], bytes]]:
    """Pictures by their names, and captions by theirs, an underscore for the dot."""
    found = {name: _given(png(number)) for number, name in enumerate(names)}
    return found | {name.replace("_", "."): _given(text.encode()) for name, text in texts.items()}


def _given(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def zipped(entries: Mapping[str, bytes], packed: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    """A zip of some files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packed) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    buffer.seek(0)
    return buffer


def draft(data: Path, given: Files | None = None, **changes: object) -> TrainingDraft:
    """A training of four pictures of two shapes, kept in a data folder."""
    found = read_set(given or _four(), Inputs(data))
    whole = TrainingDraft(model="tiny", trigger="zub", pictures=found.pictures)
    return whole.model_copy(update=changes)


def _four() -> Files:
    sizes = ((96, 64), (64, 96), (64, 64), (96, 64))
    return {f"red cat {number}.png": _given(png(number, size)) for number, size in enumerate(sizes)}


def training(data: Path, spec: ModelSpec | None = None, **changes: object) -> TrainingRequest:
    """The same with every setting chosen, small enough for a tiny model."""
    small: dict[str, object] = {"rank": 4, "steps": 6, "learning_rate": 0.003, "batch": 2, "sample_every": 3}
    settings = changes.pop("settings", {})
    asked = resolve(draft(data, **small | changes), spec or samples.spec(), "job", "ann")
    assert isinstance(settings, dict)
    return asked.model_copy(update={"settings": asked.settings.model_copy(update=settings)})
