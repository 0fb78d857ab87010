"""What trainings told so far: their curves and samples, on disk, for whoever looks later."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

from pydantic import ValidationError

from studio.errors import Beside, StudioError
from studio.files import write_whole
from studio.messages import (
    Answered,
    AnyEvent,
    CurvePoint,
    Loading,
    Notice,
    Sampled,
    Step,
    TrainingDiary,
    TrainingSample,
    Trouble,
)
from studio.training.keeping import SAFE

log = logging.getLogger(__name__)
MOST_POINTS = 400
"""Of a curve: with twice as many every other one is let go of, as a page cannot show more."""
MOST_NOTICES = 4
WRITE_SECONDS = 3.0
"""How much of a curve is lost at most where the server ends."""
NOTHING = TrainingDiary()


class Diaries:
    """One diary a training, by its request."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "diaries"
        self._lock = threading.Lock()
        self._open: dict[str, TrainingDiary] = {}
        self._written: dict[str, float] = {}
        self._unwritten: set[str] = set()
        self._beside, self._beside_samples = Beside("diaries of trainings"), Beside("samples of trainings")

    def of(self, request: str) -> TrainingDiary:
        """What a training told so far."""
        with self._lock:
            return self._known(request)

    def sample(self, request: str, number: int) -> Path:
        """The file of a picture that it painted on its way."""
        path = self._place(request) / f"{number}.jpg"
        if not path.is_file():
            raise StudioError("training_sample_gone")
        return path

    def hear(self, request: str, event: AnyEvent) -> None:
        """Writes down what a training tells, as far as it is worth keeping."""
        note = NOTES.get(type(event))
        if note is None:
            return
        with self._lock:
            old = self._known(request)
            if isinstance(event, Sampled) and not self._kept_picture(request, old, event):
                return
            new = self._open[request] = note(old, event)
            since = time.monotonic() - self._written.get(request, 0.0)
            if isinstance(event, Step) and since < WRITE_SECONDS:
                self._unwritten.add(request)
            else:
                self._write(request, new)

    def pause(self, request: str) -> None:
        """It is at nothing any more; what it told stays."""
        with self._lock:
            idle = self._known(request).model_copy(update={"stage": "", "seconds_left": None})
            self._open[request] = idle
            self._write(request, idle)

    def close(self) -> None:
        """Writes down what was not yet."""
        with self._lock:
            for request in tuple(self._unwritten):
                self._write(request, self._open[request])

    def forget(self, request: str) -> None:
        """Nobody wants to know any more."""
        with self._lock:
            self._open.pop(request, None)
            self._unwritten.discard(request)
            shutil.rmtree(self._place(request), ignore_errors=True)

    def forget_all_but(self, wanted: Collection[str]) -> None:
        """Takes away the diaries of trainings that are on no record any more."""
        for folder in self._folder.glob("*"):
            if folder.name not in wanted:
                shutil.rmtree(folder, ignore_errors=True)

    # -- on disk ---------------------------------------------------------------------------------

    def _place(self, request: str) -> Path:
        if not SAFE.fullmatch(request):
            raise ValueError(f"{request!r} names no training")
        return self._folder / request

    def _known(self, request: str) -> TrainingDiary:
        if request not in self._open:
            self._open[request] = _read(self._place(request) / "diary.json")
        return self._open[request]

    def _kept_picture(self, request: str, diary: TrainingDiary, event: Sampled) -> bool:
        file = self._place(request) / f"{len(diary.samples) + 1}.jpg"
        return self._beside_samples.wrote(lambda: write_whole(file, event.media.data))

    def _write(self, request: str, diary: TrainingDiary) -> None:
        self._written[request] = time.monotonic()
        file, told = self._place(request) / "diary.json", diary.model_dump_json()
        if self._beside.wrote(lambda: write_whole(file, told)):
            self._unwritten.discard(request)
        else:
            self._unwritten.add(request)


def _read(path: Path) -> TrainingDiary:
    try:
        # What it was at when the server ended, it is at no more.
        told = TrainingDiary.model_validate_json(path.read_text(encoding="utf-8"))
        return told.model_copy(update={"stage": "", "seconds_left": None})
    except FileNotFoundError:
        return NOTHING
    except (ValidationError, OSError) as error:
        log.warning("the diary in %s cannot be read and is begun anew: %s", path.parent.name, error)
        return NOTHING


# -- what is worth keeping ------------------------------------------------------------------------


def _loading(diary: TrainingDiary, event: Loading) -> TrainingDiary:
    # A model that was put aside comes back between two turns: the training is still where it was.
    return diary if diary.stage else diary.model_copy(update={"stage": "load"})


def _step(diary: TrainingDiary, event: Step) -> TrainingDiary:
    told: dict[str, object] = {
        "stage": event.stage,
        "step": event.step,
        "steps": event.steps,
        "seconds_left": event.seconds_left,
    }
    if event.loss is not None:
        own = event.loss if event.own_loss is None else event.own_loss
        told["curve"] = _longer(diary.curve, CurvePoint(step=event.step, loss=event.loss, own=own))
        # What was learned after the last time it was written down is learned again.
        told["samples"] = tuple(one for one in diary.samples if one.step <= event.step)
    return diary.model_copy(update=told)


def _longer(curve: tuple[CurvePoint, ...], point: CurvePoint) -> tuple[CurvePoint, ...]:
    before = curve
    while before and before[-1].step >= point.step:
        before = before[:-1]
    thinned = before[::2] if len(before) >= 2 * MOST_POINTS else before
    return (*thinned, point)


def _sampled(diary: TrainingDiary, event: Sampled) -> TrainingDiary:
    sample = TrainingSample(number=len(diary.samples) + 1, step=event.step, prompt=event.prompt)
    return diary.model_copy(update={"samples": (*diary.samples, sample)})


def _noticed(diary: TrainingDiary, event: Notice) -> TrainingDiary:
    told = Trouble(code=event.code, params=event.params)
    others = tuple(one for one in diary.notices if one != told)
    return diary.model_copy(update={"notices": (*others, told)[-MOST_NOTICES:]})


def _answered(diary: TrainingDiary, event: Answered) -> TrainingDiary:
    return diary.model_copy(
        update={"stage": "", "seconds_left": None, "lora": event.lora, "took": event.took}
    )


NOTES: dict[type, Callable[..., TrainingDiary]] = {
    Loading: _loading,
    Step: _step,
    Sampled: _sampled,
    Notice: _noticed,
    Answered: _answered,
}
