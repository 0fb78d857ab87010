"""What of the studio is about LoRAs that learn: what people bring, begin, watch, keep and give up."""

from __future__ import annotations

import contextlib
import io
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from studio.errors import StudioError, check_admin
from studio.inputs import Inputs
from studio.jobs.book import JobBook
from studio.messages import (
    AnyEvent,
    AnyRequest,
    Job,
    Person,
    PictureSet,
    TrainingDiary,
    TrainingDraft,
    TrainingPlan,
    TrainingRequest,
    Trouble,
)
from studio.own import Library
from studio.pace import Pace
from studio.settings import Settings
from studio.training import Diaries, check_model, forget_all_but, open_files, plan, read_set, resolve

SMALL_SIDE = 320
"""Of the pictures in the table of captions."""


def new_id(now: float) -> str:
    """Ids sort by their time."""
    return f"{int(now * 1000):013d}-{secrets.token_hex(4)}"


class Trainings:
    """Admins alone train; what they began is theirs to see."""

    settings: Settings
    library: Library
    _book: JobBook
    _inputs: Inputs
    _pace: Pace
    _check_here: Callable[[tuple[AnyRequest, ...]], None]

    def open_trainings(self) -> None:
        """Gets ready; nothing is read yet."""
        self._diaries = Diaries(self.settings.data)

    def close_trainings(self) -> None:
        """Writes down what was told last."""
        self._diaries.close()

    def forget_old_trainings(self) -> None:
        """Takes away what is kept of trainings that nobody can go on with, or look at."""
        forget_all_but(self.settings.data, self._book.unfinished())
        self._diaries.forget_all_but(self._book.learned())

    # -- before ----------------------------------------------------------------------------------

    def training_pictures(self, files: Sequence[tuple[str, BinaryIO]], person: Person) -> PictureSet:
        """Keeps the pictures among open files and zips, under the names they were sent with; admins alone may."""
        check_admin(person)
        return read_set(open_files(files), self._inputs)

    def training_picture(self, picture: str, person: Person) -> bytes:
        """One of them, small."""
        check_admin(person)
        image = self._inputs.open(picture)
        image.thumbnail((SMALL_SIDE, SMALL_SIDE), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=85)
        return buffer.getvalue()

    def untrainable(self, model: str, person: Person) -> Trouble | None:
        """Why no LoRA can be trained on a model, as far as its entry tells; None where one can."""
        try:
            check_model(self.library.spec(model))
        except StudioError as error:
            return error.trouble
        return None

    def plan_training(self, draft: TrainingDraft, person: Person) -> TrainingPlan:
        """What a draft comes to so far, also while something of it is still to come."""
        spec = self.library.spec(draft.model)
        planned = plan(draft, spec)
        with contextlib.suppress(StudioError):  # too little of it is there to tell how long it takes
            seconds = self._pace.seconds(resolve(draft, spec, "plan", person.id))
            planned = planned.model_copy(update={"seconds": seconds})
        return planned

    def train(self, draft: TrainingDraft, person: Person) -> str:
        """Takes a training on as a job; admins alone may. One that was stopped goes on where it is resumed."""
        check_admin(person)
        for one in draft.pictures:
            self._inputs.path(one.picture)
        created = time.time()
        id = new_id(created)
        request = resolve(draft, self.library.spec(draft.model), id, person.id)
        self._check_here((request,))
        self._book.submit(Job(id=id, person=person.id, requests=(request,), created=created))
        return id

    # -- while it learns, and after --------------------------------------------------------------

    def trainings(self, person: Person) -> tuple[Job, ...]:
        """A person's trainings, newest first."""
        return self._book.trainings(person)

    def training_diary(self, job: str, person: Person) -> TrainingDiary:
        """What a training told so far, also before a restart."""
        return self._diaries.of(self._training(job, person).id)

    def training_news(self, job: str, person: Person) -> AnyEvent | None:
        """The last thing that was told of a training since the studio started."""
        self._training(job, person)
        return self._book.newest(job)

    def training_sample(self, job: str, number: int, person: Person) -> Path:
        """The file of a picture that it painted on its way."""
        return self._diaries.sample(self._training(job, person).id, number)

    def keep_training(self, job: str, person: Person) -> None:
        """Ends a training with what it has learned so far: its LoRA goes onto the shelf."""
        self._training(job, person)
        self._book.end_early(job, person)

    def discard_training(self, job: str, person: Person) -> None:
        """Gives a training up, with all that it kept; a LoRA that came of it stays on the shelf."""
        self._training(job, person)
        self._book.discard(job, person)

    def _training(self, job: str, person: Person) -> TrainingRequest:
        (request,) = self._book.job(job, person).requests[:1]
        if not isinstance(request, TrainingRequest):
            raise StudioError("job_unknown", job=job)
        return request
