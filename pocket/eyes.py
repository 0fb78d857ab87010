"""What the pocket's tools see in pictures: the studio's own detectors with their own settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image


@dataclass(frozen=True)
class Eyes:
    """The studio's detectors, with the networks that they need."""

    tools: Mapping[str, Any]

    def map(self, detector: str, picture: Image.Image) -> Image.Image:
        """What a detector of the studio makes of a picture with its own settings."""
        from studio.control import taken

        return taken(detector, picture, self.settings(detector), self.tools)

    def settings(self, detector: str) -> dict[str, float]:
        """A detector's own settings."""
        from studio.controls import DETECTORS

        return {one.name: one.default for one in DETECTORS[detector].settings}

    def figures(self, picture: Image.Image) -> tuple[Any, ...]:
        """The joints of everybody in a picture."""
        from studio.control.small import figures

        return figures(picture, self.settings("small_pose"), self.tools)


def load_reader(file: Path) -> Any:
    """The small reader from its file, ready to read."""
    from safetensors.torch import load_file

    from studio.models.small_reader import SmallReader

    reader = SmallReader()
    reader.load_state_dict({name: values.float() for name, values in load_file(file).items()})
    return reader.eval()


def reader_file(weights: Path) -> Path:
    """Where the reader of a weights folder lies, if it has one."""
    return weights / "detectors" / "reader.safetensors"


def open_eyes(weights: Path) -> Eyes:
    """Eyes with the reader of a weights folder."""
    return Eyes({"network": load_reader(reader_file(weights))})
