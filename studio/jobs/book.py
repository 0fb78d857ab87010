"""The book of jobs: hands their requests to the devices, drains the events, saves what is finished."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from studio import __version__
from studio.downloads import Downloads, Unwanted
from studio.engine import Engine
from studio.errors import StudioError
from studio.gallery import Gallery
from studio.jobs.line import Line
from studio.jobs.log import JobLog
from studio.jobs.records import JobRecords
from studio.messages import (
    ENDED,
    Answered,
    AnyEvent,
    AnyRequest,
    Cancelled,
    Done,
    Downloading,
    Entry,
    Failed,
    Finished,
    GenerationRequest,
    Job,
    LoraSpec,
    Person,
    Queued,
    Recipe,
    Saved,
    Skipped,
    TrainingRequest,
    Trouble,
)
from studio.own import Library
from studio.pace import Pace
from studio.training import Diaries, forget_all_but

log = logging.getLogger(__name__)
JOIN_SECONDS = 10.0
LOGS_KEPT = 200
RESUMABLE = ("interrupted", "failed", "cancelled")
NOT_BEGUN = Cancelled()


@dataclass(frozen=True)
class _Seat:
    """A place at a device: one for what is done in a go, one for what is done in turns with that."""

    lane: str
    long: bool


class JobBook:
    """Draining and saving depend on no listener: whoever closes the page loses nothing."""

    def __init__(
        self,
        engine: Engine,
        library: Library,
        gallery: Gallery,
        records: JobRecords,
        pace: Pace,
        downloads: Downloads,
        diaries: Diaries,
    ) -> None:
        self._engine, self._library, self._gallery = engine, library, gallery
        self._records, self._pace, self._downloads = records, pace, downloads
        self._diaries = diaries
        self._jobs: dict[str, Job] = {}
        self._logs: dict[str, JobLog] = {}
        self._line = Line()
        self._running: dict[_Seat, AnyRequest] = {}
        # Jobs that end once no device is at anything of theirs: as stopped, or as failed and why.
        self._stopping: set[str] = set()
        self._failing: dict[str, Failed] = {}
        self._ending: set[str] = set()  # trainings that go on at once, only to be written
        self._skipping: set[str] = set()  # requests
        self._discarded: set[str] = set()
        self._fetching: set[str] = set()
        # One condition guards all of the above; devices' lanes wait on it for work.
        self._changed = threading.Condition(threading.RLock())
        self._lanes: list[threading.Thread] = []
        self._closed = False

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Reads the records; what was under way is interrupted and can be resumed."""
        for job in self._records.read():
            if job.state not in ENDED:
                job = self._after_restart(job)
                self._records.keep(job)
            self._jobs[job.id] = job
        for lane in self._engine.lanes:
            for long in (False, True):
                name = f"lane {lane}{' long' if long else ''}"
                thread = threading.Thread(
                    target=self._serve, args=(_Seat(lane, long),), name=name, daemon=True
                )
                self._lanes.append(thread)
                thread.start()

    def _after_restart(self, job: Job) -> Job:
        # A picture can be on disk without its record knowing, when the end came between the two.
        saved = self._gallery.of_job(job.id)
        pictures = tuple(picture.id for picture in saved)
        ended = set(job.ended) | {picture.recipe.request.id for picture in saved}
        state = "done" if len(ended) == len(job.requests) else "interrupted"
        return job.model_copy(update={"pictures": pictures, "ended": tuple(sorted(ended)), "state": state})

    def close(self) -> None:
        """Starts no more work; what is under way stays on record for the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def join(self) -> None:
        """Waits for the lanes, once the engine has ended: a picture being saved gets onto the disk."""
        for lane in self._lanes:
            lane.join(JOIN_SECONDS)
        with self._changed:
            self._records.catch_up()

    # -- what people do --------------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """Records a job and puts it in line."""
        missing = self._missing(job.requests)  # what is not to be had is said before anything is recorded
        with self._changed:
            self._promise(job)
            self._logs[job.id] = JobLog(job.id)
            self._enter(job, job.requests, missing)

    def _promise(self, job: Job) -> Job:
        """Takes on what a person asks for, once it is on record: with a disk that takes none it is refused."""
        if job.kept:
            self._records.write(job)
        self._jobs[job.id] = job
        return job

    def resume(self, id: str, person: Person) -> None:
        """Puts what is missing of an ended job in line again."""
        with self._changed:
            job = self.job(id, person)
            left = self._left(job)
            if job.state not in RESUMABLE or not left:
                raise StudioError("job_not_resumable", job=id)
            missing, told = self._missing(left), JobLog(id, self._saved_events(job))
            again = {"state": "queued", "trouble": None}
            job = self._promise(_earlier(job, False).model_copy(update=again))
            self._logs[id] = told
            self._enter(job, self._left(job), missing)

    def end_early(self, id: str, person: Person) -> None:
        """Lets a training end with what it has learned so far, wherever it is."""
        with self._changed:
            job = self.job(id, person)
            if not self._left(job):
                raise StudioError("job_not_resumable", job=id)
            job = self._promise(_earlier(job, True))
            if job.state in RESUMABLE:
                self._logs[id] = JobLog(id)
                job = self._set(job, state="queued", trouble=None)
                self._enter(job, self._left(job), self._missing(self._left(job)))
            elif self._running_of(job):
                self._ending.add(id)
                self._stop_running(job)
            elif self._line.leave(id):
                self._join(self._left(job))
            else:  # its model is still on its way here
                raise StudioError("training_unlearned")

    def discard(self, id: str, person: Person) -> None:
        """Forgets a training and what it kept, once no device is at it."""
        with self._changed:
            job = self.job(id, person)
            if job.state in ENDED:
                self._forget(job)
            else:
                self._discarded.add(id)
                self.cancel(id, person)

    def _forget(self, job: Job) -> None:
        self._discarded.discard(job.id)
        self._records.remove(job.id)
        self._jobs.pop(job.id)
        self._logs.pop(job.id, None)
        for request in job.requests:
            self._diaries.forget(request.id)
        forget_all_but(self._records.data, self.unfinished())

    def _left(self, job: Job) -> tuple[AnyRequest, ...]:
        return tuple(request for request in self._jobs[job.id].requests if request.id not in job.ended)

    def _missing(self, requests: tuple[AnyRequest, ...]) -> tuple[Entry, ...]:
        """Whatever of what requests need has to be fetched first, each once."""
        entries = {spec.id: spec for request in requests for spec in self._library.entries(request)}
        return tuple(spec for spec in entries.values() if self._downloads.needed(spec))

    def _enter(self, job: Job, requests: tuple[AnyRequest, ...], missing: tuple[Entry, ...]) -> None:
        """In line at once, or once all files are here: no device waits for a network."""
        if missing:
            self._fetching.add(job.id)
            fetch = threading.Thread(target=self._fetch, args=(job.id, missing, requests), daemon=True)
            fetch.name = f"fetch {missing[0].id}"
            fetch.start()
        else:
            self._join(requests)

    def _join(self, requests: tuple[AnyRequest, ...]) -> None:
        self._line.join(requests)
        self._tell_places()
        self._tell_next()
        self._changed.notify_all()

    def _fetch(self, id: str, missing: tuple[Entry, ...], requests: tuple[AnyRequest, ...]) -> None:
        failed: Failed | None = None
        try:
            for spec in missing:
                self._bring(id, spec)
        except Unwanted:
            return
        except StudioError as error:
            failed = Failed(code=error.code, params=error.params)
        except Exception:
            log.exception("fetching for %s failed", id)
            failed = Failed(code="bug")
        self._fetched(id, requests, failed)

    def _bring(self, id: str, spec: Entry) -> None:
        def tell(done: int, total: int, rate: float) -> None:
            self._logs[id].add(Downloading(model=spec.id, done=done, total=total, rate=rate))

        self._downloads.fetch(spec, tell, lambda: id not in self._fetching or self._closed)

    def _fetched(self, id: str, requests: tuple[AnyRequest, ...], failed: Failed | None) -> None:
        with self._changed:
            if id not in self._fetching:
                return
            self._fetching.discard(id)
            if failed is None:
                self._join(requests)
            else:
                self._fail(id, failed)

    def cancel(self, id: str, person: Person) -> None:
        """Lets go of a job: what waits leaves the line, what runs stops at its next step."""
        with self._changed:
            job = self.job(id, person)
            self._line.leave(id)
            self._fetching.discard(id)
            if job.state not in ENDED:
                self._stopping.add(id)
                self._stop_running(job)
                self._end_if_over(job)
            self._tell_places()

    def skip(self, id: str, person: Person) -> None:
        """Lets go of the picture being painted; the job goes on with the next."""
        with self._changed:
            job = self.job(id, person)
            self._skipping.update(request.id for request in self._running_of(job).values())
            self._stop_running(job)

    def _running_of(self, job: Job) -> dict[_Seat, AnyRequest]:
        return {seat: request for seat, request in self._running.items() if request.job == job.id}

    def _stop_running(self, job: Job) -> None:
        for seat, request in self._running_of(job).items():
            self._engine.cancel(seat.lane, (request.id,))

    def job(self, id: str, person: Person) -> Job:
        """A person's own job."""
        with self._changed:
            job = self._jobs.get(id)
        if job is None or job.person != person.id:
            raise StudioError("job_unknown", job=id)
        return job

    def jobs(self, person: Person, limit: int) -> tuple[Job, ...]:
        """A person's jobs that make pictures, newest first."""
        with self._changed:
            own = [job for job in self._jobs.values() if job.person == person.id and job.draft is not None]
        return tuple(sorted(own, key=lambda job: job.created, reverse=True)[:limit])

    def trainings(self, person: Person) -> tuple[Job, ...]:
        """A person's LoRAs that learn or have learned, newest first."""
        with self._changed:
            jobs = [job for job in self._jobs.values() if any(request.long for request in job.requests)]
        own = (job for job in jobs if job.person == person.id)
        return tuple(sorted(own, key=lambda job: job.created, reverse=True))

    def learned(self) -> frozenset[str]:
        """All trainings on record, by their requests."""
        with self._changed:
            requests = [one for job in self._jobs.values() for one in job.requests]
        return frozenset(request.id for request in requests if request.long) | self._records.strange()

    def busy(self) -> bool:
        """Whether anybody waits for anything."""
        with self._changed:
            return any(job.state not in ENDED for job in self._jobs.values())

    def notes(self) -> tuple[str, ...]:
        """The jobs that are not over as their records would tell them; of some there is none, or no new one yet."""
        with self._changed:
            under_way = [job for job in self._jobs.values() if job.state not in ENDED]
        return tuple(job.model_dump_json() for job in under_way)

    def told(self, id: str) -> tuple[AnyEvent, ...]:
        """What was told of a job so far; nothing of one that nobody worked on since the start."""
        with self._changed:
            log = self._logs.get(id)
        return log.since(0) if log else ()

    def newest(self, id: str) -> AnyEvent | None:
        """What was told last of a job."""
        return next(reversed(self.told(id)), None)

    def unfinished(self) -> frozenset[str]:
        """The trainings, by their requests, that may still go on."""
        with self._changed:
            known = frozenset(id for job in self._jobs.values() for id in job.unfinished)
        return known | self._records.strange()

    def follow(self, id: str, person: Person, after: int) -> AsyncIterator[AnyEvent]:
        """A job's events; those of a job from before a restart are told from its record."""
        job = self.job(id, person)
        with self._changed:
            events = self._logs.get(id) or JobLog(id, [*self._saved_events(job), _last_event(job)])
        return events.follow(after)

    # -- the lanes -------------------------------------------------------------------------------

    def _serve(self, seat: _Seat) -> None:
        """Runs one seat of a device for as long as the studio is open, whatever breaks meanwhile."""
        while not self._closed:
            try:
                self._serve_next(seat)
            except Exception:
                log.exception("a turn of %s broke", seat.lane)

    def _serve_next(self, seat: _Seat) -> None:
        try:
            if request := self._take(seat):
                self._do(seat, request)
        finally:
            self._let_go(seat)

    def _do(self, seat: _Seat, request: AnyRequest) -> None:
        try:
            for event in self._engine.run(seat.lane, (request,), self._library.entries(request)):
                self._try_to_hear(event, request)
        except StudioError as error:  # a file it needs was taken away while it waited
            self._hear(Failed(request=request.id, code=error.code, params=error.params), request)
        except Exception:
            log.exception("request %s broke its lane", request.id)
            self._hear(_bug(request), request)

    def _try_to_hear(self, event: AnyEvent, request: AnyRequest) -> None:
        """Where that breaks the job fails, and its device lets go of the request: nobody would hear of it."""
        try:
            self._hear(event, request)
        except Exception:
            log.exception("what was told of request %s was not heard", request.id)
            with self._changed:
                self._fail(request.job, _bug(request))

    def _take(self, seat: _Seat) -> AnyRequest | None:
        with self._changed:
            while not self._closed and (request := self._line.take(seat.long)) is None:
                self._changed.wait()
            if self._closed:
                return None
            assert request
            self._running[seat] = request
            job = self._jobs[request.job]
            if job.state == "queued":
                self._set(job, state="running")
            self._tell_places()
            self._tell_next()
            return request

    def _tell_next(self) -> None:
        """Lets a device that is at work read what the next request needs meanwhile."""
        order = self._line.order()
        if not order or not self._running:
            return
        seat, running = next(iter(self._running.items()))
        with contextlib.suppress(StudioError):  # its file was taken away: the request itself will be told
            at_hand = self._library.entries(running)
            wanted = [spec for spec in self._library.entries(order[0]) if spec not in at_hand]
            wanted = [spec for spec in wanted if not isinstance(spec, LoraSpec)]  # they go with a model
            if wanted:
                self._engine.ahead(seat.lane, wanted[0])

    def _let_go(self, seat: _Seat) -> None:
        with self._changed:
            request = self._running.pop(seat, None)
            if request and not self._closed:  # how it ended was not told, or not heard
                self._failed(self._failing.get(request.job) or _bug(request), request)
            self._tell_places()

    def _hear(self, event: AnyEvent, request: AnyRequest) -> None:
        if self._closed and not isinstance(event, Finished | Answered):
            return  # the record stays as it is, and the next start offers the rest again
        if request.long:
            self._diaries.hear(request.id, event)
        hearing: dict[type, Callable[..., None]] = {
            Finished: self._finished,
            Answered: self._answered,
            Failed: self._failed,
            Cancelled: self._cancelled,
        }
        hear = hearing.get(type(event))
        if hear:
            hear(event, request)
        else:
            self._logs[request.job].add(event)

    def _finished(self, event: Finished, request: GenerationRequest) -> None:
        recipe = Recipe(
            request=_as_recipe(request, event),
            model_title=self._title(request),
            model_hash=event.model_hash,
            mode=event.mode,
            took=round(event.took, 3),
            studio=__version__,
        )
        # On disk and in the index first; only then is anybody told.
        try:
            picture = self._gallery.save(request.person, request.job, event.media, recipe)
        except (OSError, sqlite3.Error) as error:  # a full disk, a folder that may not be written to
            log.exception("a picture of %s could not be kept", request.job)
            self._failed(Failed(code="picture_not_kept", params={"reason": _reason(error)}), request)
            return
        self._pace.learn(request, event.took)
        with self._changed:
            pictures = (*self._jobs[request.job].pictures, picture.id)
            job = self._done_with(request, pictures=pictures)
            self._logs[job.id].add(Saved(request=request.id, picture=picture))
            self._end_if_over(job)

    def _answered(self, event: Answered, request: AnyRequest) -> None:
        self._pace.learn(request, event.took)
        with self._changed:
            job = self._done_with(request)
            self._logs[job.id].add(event)
            self._end_if_over(job)

    def _title(self, request: GenerationRequest) -> str:
        """What made the picture: its model, or the upscaler where nothing was painted."""
        if request.paints:
            return self._library.spec(request.model).title.en
        return ", ".join(self._library.entry(id).title.en for id in request.parts) or "Lanczos"

    def _cancelled(self, event: Cancelled, request: AnyRequest) -> None:
        with self._changed:
            job = self._jobs[request.job]
            skipped = request.id in self._skipping
            self._free(request)
            if job.id in self._stopping or job.id in self._failing:
                self._end_if_over(job, event)
            elif job.id in self._ending:
                self._ending.discard(job.id)
                self._set(job, state="queued")
                self._join(self._left(job))
            elif skipped:
                self._skipped(request)
            elif request in self._left(job) and job.state not in ENDED:
                log.warning(
                    "request %s was let go of though nobody asked for that, and waits again", request.id
                )
                self._join((request,))

    def _skipped(self, request: AnyRequest) -> None:
        job = self._done_with(request)
        self._logs[job.id].add(Skipped(request=request.id))
        self._end_if_over(job)

    def _failed(self, event: Failed, request: AnyRequest) -> None:
        with self._changed:
            self._free(request)
            self._fail(request.job, event)

    def _fail(self, id: str, event: Failed) -> None:
        """A job ends as failed once what still runs of it was let go of: nothing of it is ever done twice."""
        job = self._jobs[id]
        if job.state in ENDED:
            return
        self._line.leave(id)
        self._failing[id] = event
        self._stop_running(job)
        self._end_if_over(job)

    def _free(self, request: AnyRequest) -> None:
        """No device is at it any more: such a one can stop no more."""
        self._running = {seat: one for seat, one in self._running.items() if one.id != request.id}
        self._skipping.discard(request.id)

    def _done_with(self, request: AnyRequest, **changes: object) -> Job:
        """A request that needs no more work."""
        self._free(request)
        job = self._jobs[request.job]
        return self._set(job, ended=tuple(dict.fromkeys((*job.ended, request.id))), **changes)

    def _end_if_over(self, job: Job, stopped: Cancelled = NOT_BEGUN) -> None:
        if not self._left(job):
            self._end(job, "done", Done())
        elif self._running_of(job):
            return
        elif job.id in self._failing:
            self._end(job, "failed", self._failing[job.id])
        elif job.id in self._stopping:
            self._end(job, "cancelled", stopped)

    def _end(self, job: Job, state: str, event: Done | Failed | Cancelled) -> None:
        self._stopping.discard(job.id)
        self._ending.discard(job.id)
        self._failing.pop(job.id, None)
        trouble = Trouble(code=event.code, params=event.params) if isinstance(event, Failed) else None
        job = self._set(job, state=state, trouble=trouble)
        for request in job.requests if state != "done" else ():
            if request.long:
                self._diaries.pause(request.id)
        self._logs[job.id].add(event)
        if job.id in self._discarded:
            self._forget(job)
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Logs of jobs that ended long ago: whoever follows one of these is told from its record."""
        ended = [id for id, one in self._logs.items() if one.ended]
        for id in ended[:-LOGS_KEPT]:
            del self._logs[id]
            if not self._jobs[id].kept:
                del self._jobs[id]

    # -- bookkeeping -----------------------------------------------------------------------------

    def _set(self, job: Job, **changes: object) -> Job:
        job = job.model_copy(update=changes)
        self._jobs[job.id] = job
        if job.kept:
            self._records.keep(job)
        return job

    def _saved_events(self, job: Job) -> list[AnyEvent]:
        return [
            Saved(request=picture.recipe.request.id, picture=picture)
            for picture in self._gallery.of_job(job.id)
        ]

    def _tell_places(self) -> None:
        """Tells every waiting job how many jobs come before it, if that has changed."""
        seconds = self._seconds_running()
        ahead: list[str] = []
        for request in self._line.order():
            if request.job not in ahead:
                ahead.append(request.job)
                if self._jobs[request.job].state == "queued":
                    self._tell_place(request.job, len(ahead), seconds)
            takes = self._pace.seconds(request)
            seconds = None if seconds is None or takes is None else seconds + takes / len(self._engine.lanes)

    def _tell_place(self, job: str, place: int, seconds: float | None) -> None:
        said = [event for event in self._logs[job].since(0) if isinstance(event, Queued)]
        if not said or said[-1].position != place:
            self._logs[job].add(Queued(position=place, seconds=seconds))

    def _seconds_running(self) -> float | None:
        """About how long until a device is free; half of what runs is taken to be done."""
        # Long work lets others in between: nobody waits until it is over.
        running = [request for request in self._running.values() if not request.long]
        if len(running) < len(self._engine.lanes):
            return 0.0
        takes = [self._pace.seconds(request) for request in running]
        known = [seconds for seconds in takes if seconds is not None]
        return min(known) / 2 if known else None


def _earlier(job: Job, early: bool) -> Job:
    """The same job, its trainings to be ended with what they have learned, or in full."""
    changed = tuple(
        request.model_copy(update={"early": early}) if isinstance(request, TrainingRequest) else request
        for request in job.requests
    )
    return job.model_copy(update={"requests": changed})


def _as_recipe(request: GenerationRequest, event: Finished) -> GenerationRequest:
    """A request as it goes with its picture: with all hashes, and without the places of files."""
    # Where embeddings lie is nobody's who is given a picture.
    embeddings = tuple(use.model_copy(update={"path": ""}) for use in request.embeddings)
    # Of a LoRA that had to be fetched first, only whoever painted with it knows the hash.
    return request.model_copy(update={"embeddings": embeddings, "loras": event.loras or request.loras})


def _bug(request: AnyRequest) -> Failed:
    return Failed(request=request.id, code="bug")


def _reason(error: Exception) -> str:
    """Why something could not be kept, in the words of whoever refused it."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)


def _last_event(job: Job) -> AnyEvent:
    """How a job of an earlier run of the studio ended."""
    if job.state == "done":
        return Done()
    if job.state == "cancelled":
        return Cancelled()
    trouble = job.trouble or Trouble(code="interrupted")
    return Failed(code=trouble.code, params=trouble.params)
