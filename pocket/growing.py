"""How far something on disk has grown, for those who take it up beside the one who makes it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

# How often is looked whether there is more, and how long without any is too long.
PAUSE, PATIENCE = 0.2, 900.0
FAILED = "failed"


@dataclass(frozen=True)
class Growing:
    """A file that is filled from its beginning; beside it stands how many of its rows are there."""

    path: Path

    @property
    def count_file(self) -> Path:
        """Where the number stands."""
        return self.path.with_suffix(".grown")

    def tell(self, count: int) -> None:
        """So many rows are there now."""
        self._write(str(count))

    def fail(self) -> None:
        """There will be no more: whoever waits has waited long enough."""
        self._write(FAILED)

    def _write(self, text: str) -> None:
        if self.count_file.exists() and self.count_file.read_text() == text:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        rough = self.path.with_suffix(f".{os.getpid()}")
        rough.write_text(text)
        os.replace(rough, self.count_file)

    def count(self) -> int:
        """How many rows are there."""
        text = self.count_file.read_text() if self.count_file.exists() else "0"
        if text == FAILED:
            raise SystemExit(f"{self.path} stays incomplete: what fills it failed, as is said above")
        return int(text)

    def wait(self, wanted: int) -> int:
        """Wait until so many rows are there; how many there are then."""
        seen, since = -1, time.monotonic()
        while (there := self.count()) < wanted:
            if there != seen:
                seen, since = there, time.monotonic()
            if time.monotonic() - since > PATIENCE:
                raise SystemExit(f"{self.path} stopped growing at {there} of {wanted}: see what fills it")
            time.sleep(PAUSE)
        return there
