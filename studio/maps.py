"""The maps that were taken of references, kept: the same picture with the same settings is looked at once."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from studio.catalog import source_path
from studio.controls import Choice
from studio.errors import StudioError
from studio.files import write_whole
from studio.inputs import Inputs
from studio.messages import ControlUnit, DetectorSpec, Figure, FileSource, Input, LocalSource

log = logging.getLogger(__name__)
EDITION = 2
"""Of the detectors: a greater number where one of them takes other maps than before."""


class Maps:
    """Knows by a picture, a detector and its settings under which name a map is kept among the inputs."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "maps"
        self.inputs = Inputs(data)

    def find(self, unit: ControlUnit, choice: Choice) -> Input | None:
        """The map, if it was taken before and is still there."""
        try:
            told = Input.model_validate_json(self._note(unit, choice).read_bytes())
            size = self.inputs.size(told.picture)
        except (OSError, ValueError, StudioError):  # never taken, or its picture was let go of
            return None
        return told if size == self.inputs.size(unit.picture) else None

    def keep(
        self, unit: ControlUnit, choice: Choice, picture: Image.Image, figures: Sequence[Figure] = ()
    ) -> Input:
        """Keeps a map as what people bring is kept: it can be shown, brought again, corrected; with its figures."""
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", compress_level=1)
        kept = self.inputs.keep(buffer.getvalue()).model_copy(update={"figures": tuple(figures)})
        self._write(self._note(unit, choice), kept.model_dump_json())
        return kept

    def forget(self) -> int:
        """Takes the notes of maps away whose pictures are gone; answers how many."""
        gone = [note for note in self._folder.glob("*.json") if not self._still_there(note)]
        for note in gone:
            note.unlink(missing_ok=True)
        return len(gone)

    def _still_there(self, note: Path) -> bool:
        try:
            return self.inputs.has(Input.model_validate_json(note.read_bytes()).picture)
        except (OSError, ValueError):
            return False

    def _note(self, unit: ControlUnit, choice: Choice) -> Path:
        return self._folder / f"{_key(unit, choice)}.json"

    def _write(self, note: Path, text: str) -> None:
        try:
            write_whole(note, text)
        except OSError as error:
            log.exception("a map cannot be kept")
            raise StudioError("disk_unwritable", folder=self._folder.parent.name) from error


def _key(unit: ControlUnit, choice: Choice) -> str:
    """Everything that a map depends on, in one name."""
    weights = {"": choice.entry, **choice.beside}
    told: Mapping[str, object] = {
        "edition": EDITION,
        "picture": unit.picture,
        "detector": choice.detector.id,
        "settings": {name: float(value) for name, value in choice.settings.items()},
        "weights": {name: _read_by(spec) for name, spec in weights.items() if spec},
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _read_by(spec: DetectorSpec) -> dict[str, Any]:
    """Which weights read a picture: what lies here may be other weights tomorrow, under the same name."""
    told: dict[str, Any] = spec.source.model_dump()
    if isinstance(spec.source, LocalSource | FileSource):
        path = source_path(spec)
        files = [path] if path.is_file() else sorted(path.rglob("*.safetensors"))
        told["files"] = [(one.name, one.stat().st_size, one.stat().st_mtime_ns) for one in files]
    return told
