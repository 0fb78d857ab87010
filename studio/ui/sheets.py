"""What the stage shows, as data: a person's jobs, and how each event changes them. No drawing here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from studio.messages import (
    ENDED,
    Bilingual,
    Cancelled,
    Done,
    Event,
    Failed,
    GenerationRequest,
    Job,
    Loading,
    Notice,
    Picture,
    Queued,
    Saved,
    Size,
    Skipped,
    Step,
    Trouble,
)

SlotState = Literal["waiting", "painting", "done", "skipped"]
Phase = Literal["queued", "downloading", "loading", "painting", "done", "failed", "cancelled", "interrupted"]
AT_WORK: tuple[Phase, ...] = ("queued", "downloading", "loading", "painting")


@dataclass(frozen=True)
class Slot:
    """One picture of a job, from the moment it is only a seed."""

    request: GenerationRequest
    state: SlotState = "waiting"
    picture: Picture | None = None
    step: int = 0
    steps: int = 0
    stage: str = "base"
    seconds_left: float | None = None
    preview: bytes | None = field(default=None, repr=False)
    notices: tuple[Trouble, ...] = ()

    @property
    def size(self) -> Size:
        """The picture's own size once it is there: a second pass, an upscaler or a masked region change it."""
        return self.picture.size if self.picture else _planned(self.request)

    @property
    def share(self) -> int:
        """How much of it is painted, in percent."""
        return round(100 * self.step / self.steps) if self.steps else 0


def _planned(request: GenerationRequest) -> Size:
    return Size(width=request.width, height=request.height)


@dataclass(frozen=True)
class Sheet:
    """One job as the stage knows it."""

    job: str
    slots: tuple[Slot, ...]
    phase: Phase = "queued"
    position: int = 1
    seconds: float | None = None
    model: str = ""
    trouble: Trouble | None = None
    stopped_at: int = 0
    fetched: tuple[int, int, float] = (0, 0, 0.0)
    """Bytes fetched, bytes in all, bytes a second."""
    notices: tuple[Trouble, ...] = ()

    @property
    def at_work(self) -> bool:
        """Whether something is still to happen."""
        return self.phase in AT_WORK

    @property
    def done(self) -> tuple[Slot, ...]:
        """The pictures that are painted and kept."""
        return tuple(slot for slot in self.slots if slot.picture)

    @property
    def void(self) -> bool:
        """Whether it left the line before anything was painted: nothing to look at."""
        return self.phase == "cancelled" and not self.stopped_at and not self.done

    def after(self, event: Event) -> Sheet:
        """The same sheet once an event has happened."""
        change = _CHANGES.get(getattr(event, "kind", ""))
        return change(self, event) if change else self

    def slot(self, request: str, **changes: Any) -> Sheet:
        """The same sheet with one picture changed."""
        slots = tuple(replace(slot, **changes) if slot.request.id == request else slot for slot in self.slots)
        return replace(self, slots=slots)


@dataclass(frozen=True)
class StageView:
    """All the stage shows: the person's jobs, oldest first, and the names of models and samplers."""

    sheets: tuple[Sheet, ...] = ()
    models: Mapping[str, Bilingual] = field(default_factory=dict)
    samplers: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> Sheet | None:
        """The job on the stage: the first at work, else the newest. One that waits for files lets others go first."""
        working = sorted(
            (sheet for sheet in self.sheets if sheet.at_work), key=lambda sheet: sheet.phase == "downloading"
        )
        worth = [sheet for sheet in self.sheets if not sheet.void] or list(self.sheets)
        return next(iter(working[:1] + worth[-1:]), None)

    def model(self, id: str) -> Bilingual:
        """A model's name, or its id where nobody knows it."""
        return self.models.get(id) or Bilingual(en=id, zh=id)

    @property
    def waiting(self) -> tuple[Sheet, ...]:
        """Jobs at work that are not on the stage."""
        return tuple(sheet for sheet in self.sheets if sheet.at_work and sheet is not self.shown)

    @property
    def mishaps(self) -> tuple[Sheet, ...]:
        """Jobs that failed while another one took the stage."""
        return tuple(sheet for sheet in self.sheets if sheet.phase == "failed" and sheet is not self.shown)

    def after(self, event: Event) -> StageView:
        """The same view once an event has happened."""
        return replace(self, sheets=tuple(s.after(event) if s.job == event.job else s for s in self.sheets))


def sheet_of(job: Job, pictures: tuple[Picture, ...] = ()) -> Sheet:
    """A job's record as a sheet, to begin following from or to show as it ended."""
    kept = {picture.recipe.request.id: picture for picture in pictures}
    slots = tuple(
        _slot_of(request, kept.get(request.id), request.id in job.ended) for request in job.paintings
    )
    phases: dict[str, Phase] = {"running": "loading"}
    phase: Phase = phases.get(job.state) or job.state  # type: ignore[assignment]
    return Sheet(job.id, slots, phase, model=job.paintings[0].model, trouble=job.trouble)


def _slot_of(request: GenerationRequest, picture: Picture | None, ended: bool) -> Slot:
    if picture:
        return Slot(request, "done", picture)
    return Slot(request, "skipped" if ended else "waiting")


# -- events ---------------------------------------------------------------------------------------


def _queued(sheet: Sheet, event: Queued) -> Sheet:
    return replace(sheet, phase="queued", position=event.position, seconds=event.seconds, trouble=None)


def _downloading(sheet: Sheet, event: Any) -> Sheet:
    return replace(
        sheet, phase="downloading", model=event.model, fetched=(event.done, event.total, event.rate)
    )


def _loading(sheet: Sheet, event: Loading) -> Sheet:
    return replace(sheet, phase="loading", model=event.model)


def _notice(sheet: Sheet, event: Notice) -> Sheet:
    """What is about one picture stands beside it; what is about none, beside all."""
    told = Trouble(code=event.code, params=event.params)
    slot = next((slot for slot in sheet.slots if slot.request.id == event.request), None)
    if slot is None:
        return replace(sheet, notices=_with(sheet.notices, told))
    return sheet.slot(event.request, notices=_with(slot.notices, told))


def _with(notices: tuple[Trouble, ...], told: Trouble) -> tuple[Trouble, ...]:
    return notices if told in notices else (*notices, told)


def _step(sheet: Sheet, event: Step) -> Sheet:
    changes = {name: getattr(event, name) for name in ("step", "steps", "stage", "seconds_left")}
    if event.preview is not None:
        changes["preview"] = event.preview
    painting = replace(sheet, phase="painting", stopped_at=event.step)
    return painting.slot(event.request, state="painting", **changes)


def _saved(sheet: Sheet, event: Saved) -> Sheet:
    return sheet.slot(event.request, state="done", picture=event.picture, preview=None)


def _skipped(sheet: Sheet, event: Skipped) -> Sheet:
    return sheet.slot(event.request, state="skipped", preview=None)


def _done(sheet: Sheet, event: Done) -> Sheet:
    return replace(sheet, phase="done")


def _failed(sheet: Sheet, event: Failed) -> Sheet:
    return replace(sheet, phase="failed", trouble=Trouble(code=event.code, params=event.params))


def _cancelled(sheet: Sheet, event: Cancelled) -> Sheet:
    return replace(sheet, phase="cancelled", stopped_at=event.step)


_CHANGES: dict[str, Callable[[Sheet, Any], Sheet]] = {
    "queued": _queued,
    "downloading": _downloading,
    "loading": _loading,
    "notice": _notice,
    "step": _step,
    "saved": _saved,
    "skipped": _skipped,
    "done": _done,
    "failed": _failed,
    "cancelled": _cancelled,
}
"""By kind, so that an event this page does not know yet changes nothing."""


def ended(job: Job) -> bool:
    """Whether a job's record says that nothing more will happen by itself."""
    return job.state in ENDED
