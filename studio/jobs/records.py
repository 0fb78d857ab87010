"""Job records on disk: one JSON file a job, replaced whole at every change."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from studio.errors import Beside, StudioError
from studio.files import write_whole
from studio.messages import Job

log = logging.getLogger(__name__)
KEPT = 500
"""How many records are kept; the pictures themselves stay whatever happens to their record."""
ROOMS = ("training", "diaries")
"""Where something is kept of trainings, in folders called as their requests."""


class JobRecords:
    """Writes and reads the records."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._folder = data / "jobs"
        self._beside = Beside("records of jobs")
        self._unwritten: dict[str, Job] = {}
        self._strange: frozenset[str] = frozenset()

    def write(self, job: Job) -> None:
        """Keeps the state of a job that is not begun yet, or says that nothing can be written."""
        try:
            self._put(job)
        except OSError as error:
            log.error("the record of %s cannot be written: %s", job.id, error)
            raise StudioError("disk_unwritable", folder=self.data.name) from error

    def keep(self, job: Job) -> None:
        """Keeps the state of a job under way; what cannot be written now is, once something can be."""
        self._unwritten.pop(job.id, None)
        self._unwritten[job.id] = job
        self.catch_up()

    def catch_up(self) -> None:
        """Writes what could not be written before, the newest first."""
        for job in reversed(tuple(self._unwritten.values())):
            if not self._beside.wrote(partial(self._put, job)):
                return

    def remove(self, id: str) -> None:
        """Nobody wants to know of a job any more."""
        self._unwritten.pop(id, None)
        self._beside.wrote(lambda: (self._folder / f"{id}.json").unlink(missing_ok=True))

    def _put(self, job: Job) -> None:
        write_whole(self._folder / f"{job.id}.json", job.model_dump_json())
        self._unwritten.pop(job.id, None)

    def read(self) -> list[Job]:
        """The newest records and those of trainings that may go on, oldest first; others are cleared away."""
        found = {path.stem: _read(path) for path in sorted(self._folder.glob("*.json"))}
        self._strange = frozenset(id for id, job in found.items() if job is None)
        jobs = {id: job for id, job in found.items() if job}
        for id in tuple(jobs)[:-KEPT]:
            if not jobs[id].unfinished:
                self.remove(id)
                del jobs[id]
        return list(jobs.values())

    def strange(self) -> frozenset[str]:
        """Trainings that something is kept of and whose record cannot be read: nobody can say that they are over."""
        kept = (folder.name for room in ROOMS for folder in (self.data / room).glob("*"))
        return frozenset(name for name in kept if name.rpartition("-")[0] in self._strange)


def _read(path: Path) -> Job | None:
    try:
        return Job.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, OSError) as error:
        log.warning("%s is no job record of this version and is left alone: %s", path.name, error)
        return None
