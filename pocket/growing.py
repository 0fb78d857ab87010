"""How far something on disk has grown, for those who take it up beside the one who makes it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

# How often is looked whether there is more, and how long without any is too long.
PAUSE, PATIENCE = 0.2, 900.0


@dataclass(frozen=True)
class Growing:
    """A file that is filled from its beginning; beside it stands how many of its rows are there."""

    path: Path

    @property
    def told(self) -> Path:
        """Where the number stands."""
        return self.path.with_suffix(".grown")

    def tell(self, count: int) -> None:
        """So many rows are there now."""
        rough = self.told.with_suffix(".telling")
        rough.write_text(str(count))
        os.replace(rough, self.told)

    def count(self) -> int:
        """How many rows are there."""
        return int(self.told.read_text()) if self.told.exists() else 0

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
