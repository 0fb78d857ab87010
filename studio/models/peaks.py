"""What painting needs beside the weights: measured on the device, kept, and used for the next admission."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from studio.errors import Beside
from studio.files import write_whole

log = logging.getLogger(__name__)


class Peaks:
    """The most bytes that work with a model has taken beside its weights, by model and mode."""

    def __init__(self, data: Path) -> None:
        self._path = data / "peaks.json"
        self._known = _read(self._path)
        self._beside = Beside("peaks of models")

    def of(self, model: str, mode: str) -> int:
        """What to keep free; nothing before anything was measured."""
        return self._known.get(f"{model} {mode}", 0)

    def learn(self, model: str, mode: str, measured: int) -> None:
        """Remembers a peak that is higher than those before."""
        if measured > self.of(model, mode):
            self._known[f"{model} {mode}"] = measured
            # The picture that it was measured of is painted: a full disk is no reason to lose that.
            self._beside.wrote(self._write)

    def _write(self) -> None:
        write_whole(self._path, json.dumps(self._known))


def _read(path: Path) -> dict[str, int]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): int(size) for name, size in found.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError):
        # It is measured again with the next pictures: no reason not to start.
        log.warning("%s cannot be read and is learned anew", path.name)
        return {}
