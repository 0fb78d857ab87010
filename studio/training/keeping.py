"""Where a training keeps what it has, and where its LoRA comes to lie; every file whole or not at all."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from safetensors import SafetensorError

from studio.errors import StudioError
from studio.files import whole
from studio.loras import short
from studio.weights import read_header

log = logging.getLogger(__name__)
SAFE = re.compile(r"[A-Za-z0-9][\w.-]*")
STATE, SAMPLE = "state.safetensors", "sample.png"
SESSION = "ss_session_id"
"""The key of a LoRA's header by which a training knows its own file again."""


class Kept:
    """The folder of one training."""

    def __init__(self, data: Path, request: str) -> None:
        if not SAFE.fullmatch(request):
            raise ValueError(f"{request!r} names no training")
        self._data, self._request = data, request
        self.folder = data / "training" / request

    @property
    def state(self) -> Path:
        """What a training needs to go on."""
        return self.folder / STATE

    @property
    def sample(self) -> Path:
        """The newest sample, which becomes the picture of the LoRA."""
        return self.folder / SAMPLE

    def lora(self, name: str) -> Path:
        """Where the LoRA comes to lie: under its name, unless another one has that."""
        folder, number = self._data / "loras", 1
        name = short(name)  # those that were begun under longer ones must end too
        while True:
            path = folder / f"{name if number == 1 else f'{name} {number}'}.safetensors"
            if not path.exists() or self._is_own(path):
                return path
            number += 1

    def _is_own(self, path: Path) -> bool:
        """Whether this very training wrote it: the end came before anybody was told."""
        try:
            about = read_header(path).get("__metadata__")
        except (StudioError, OSError):
            return False
        return isinstance(about, dict) and about.get(SESSION) == self._request

    def forget(self) -> None:
        """The training is over: what it kept is in the LoRA."""
        shutil.rmtree(self.folder, ignore_errors=True)


def forget_all_but(data: Path, wanted: Collection[str]) -> None:
    """Takes away what is kept of trainings that nobody can go on with any more."""
    for folder in (data / "training").glob("*"):
        if folder.name not in wanted:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def kept_whole(path: Path) -> Iterator[Path]:
    """A path to write to, whole or not at all; where the disk takes nothing, that is told."""
    try:
        with whole(path) as unfinished:
            yield unfinished
    except (OSError, SafetensorError) as error:  # the library's own has no part in the system's errors
        log.exception("%s cannot be written", path.name)
        raise StudioError("disk_unwritable", folder=path.parent.name) from error
