"""Job records on disk: one JSON file a job, replaced whole at every change."""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import ValidationError

from studio.messages import Job

log = logging.getLogger(__name__)
KEPT = 500
"""How many records are kept; the pictures themselves stay whatever happens to their record."""


class JobRecords:
    """Writes and reads the records."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._folder = data / "jobs"

    def write(self, job: Job) -> None:
        """Keeps the state of a job, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / f"{job.id}.part"
        unfinished.write_text(job.model_dump_json(), encoding="utf-8")
        unfinished.replace(self._folder / f"{job.id}.json")

    def remove(self, id: str) -> None:
        """Nobody wants to know of a job any more."""
        (self._folder / f"{id}.json").unlink(missing_ok=True)

    def read(self) -> list[Job]:
        """The newest records, oldest first; older ones are cleared away."""
        paths = sorted(self._folder.glob("*.json"))
        for path in paths[:-KEPT]:
            path.unlink(missing_ok=True)
        return [job for path in paths[-KEPT:] if (job := _read(path))]


def _read(path: Path) -> Job | None:
    try:
        return Job.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, OSError) as error:
        log.warning("%s is no job record of this version and is left alone: %s", path.name, error)
        return None
