"""What of the studio is about the captions that a captioner writes for pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from studio.downloads import Downloads
from studio.errors import StudioError, check_admin
from studio.inputs import Inputs
from studio.jobs.book import JobBook
from studio.jobs.trainings import new_id
from studio.messages import (
    Answered,
    AnyEvent,
    AnyRequest,
    CaptionerSpec,
    CaptionerState,
    CaptionNews,
    CaptionRequest,
    Downloading,
    Fetching,
    Job,
    Loading,
    ModelPlace,
    Person,
    Queued,
)
from studio.own import Library
from studio.training import check_most

SHARE = 4
"""Pictures of one request: between two of them others have their turn, and what is written so far is told."""


class Captions:
    """Admins alone have captions written, as they alone train."""

    library: Library
    _book: JobBook
    _inputs: Inputs
    _downloads: Downloads
    _check_here: Callable[[tuple[AnyRequest, ...]], None]

    def captioners(self, person: Person) -> tuple[CaptionerState, ...]:
        """What can write captions, whatever is here first."""
        found = map(self._offered, self.library.captioners.values())
        return tuple(sorted(found, key=lambda one: one.place == "hub"))

    def _offered(self, spec: CaptionerSpec) -> CaptionerState:
        place: ModelPlace = "hub" if self._downloads.needed(spec) else "disk"
        return CaptionerState(spec=spec, place=place, bytes=spec.bytes)

    def write_captions(self, captioner: str, pictures: Sequence[str], person: Person) -> str:
        """Takes on as a job that a captioner says what is seen in kept pictures; what it needs is fetched first."""
        check_admin(person)
        if captioner not in self.library.captioners:
            raise StudioError("entry_unknown", entry=captioner)
        wanted = tuple(dict.fromkeys(pictures))
        if not wanted:
            raise StudioError("training_without_pictures")
        check_most(len(wanted))
        for one in wanted:
            self._inputs.path(one)
        job = _job(captioner, wanted, person)
        self._check_here(job.requests)
        self._book.submit(job)
        return job.id

    def caption_news(self, job: str, person: Person) -> CaptionNews:
        """How far they are, and what is written so far."""
        asked = self._book.job(job, person)
        requests = {one.id: one for one in asked.requests if isinstance(one, CaptionRequest)}
        if not requests:
            raise StudioError("job_unknown", job=job)
        told = self._book.told(job)
        written: dict[str, str] = {}
        for event in told:
            if isinstance(event, Answered):
                written |= zip(requests[event.request].pictures, event.texts, strict=True)
        pictures = sum(len(one.pictures) for one in requests.values())
        news = CaptionNews(state=asked.state, pictures=pictures, captions=written, trouble=asked.trouble)
        return news.model_copy(update=_waits(asked, told[-1] if told else None))


def _job(captioner: str, pictures: Sequence[str], person: Person) -> Job:
    created = time.time()
    id = new_id(created)
    requests = tuple(
        CaptionRequest(
            id=f"{id}-{number}",
            job=id,
            person=person.id,
            captioner=captioner,
            pictures=tuple(pictures[first : first + SHARE]),
        )
        for number, first in enumerate(range(0, len(pictures), SHARE), 1)
    )
    return Job(id=id, person=person.id, requests=requests, created=created)


def _waits(job: Job, newest: AnyEvent | None) -> dict[str, object]:
    """What they wait for, where they wait."""
    if isinstance(newest, Downloading):
        return {"fetching": Fetching(done=newest.done, total=newest.total, rate=newest.rate)}
    # Nothing is told of a captioner that is here already and looks, so the last word may be an old one.
    if isinstance(newest, Queued) and job.state == "queued":
        return {"place": newest.position}
    return {"loading": True} if isinstance(newest, Loading) else {}
