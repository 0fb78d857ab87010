"""Trains a LoRA, turn by turn: between two turns the model is free, and what it was."""

from __future__ import annotations

import contextlib
import io
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image

from studio.diffusion.adapters import KEPT
from studio.diffusion.latents import in_tiles
from studio.diffusion.stopping import Stopped
from studio.diffusion.training.files import keep_state, read_state, write_lora
from studio.diffusion.training.lessons import Lessons
from studio.diffusion.training.samples import sample
from studio.diffusion.training.trainer import Trainer, check_model
from studio.errors import StudioError, out_of_memory, trouble_of
from studio.inputs import Inputs
from studio.messages import (
    Answered,
    Cancelled,
    Entry,
    Loading,
    Media,
    ModelSpec,
    Notice,
    Sampled,
    Step,
    TrainingRequest,
)
from studio.models.registry import Loaded
from studio.models.shelf import give_back
from studio.training import Kept, kept_whole
from studio.work import Bench

log = logging.getLogger(__name__)
KEEP_SECONDS = 60.0
"""How much of a training is lost at most where its process is ended in the middle."""
PACE_NEWS = 0.1
"""How much a step counts in what is told of the time that is left."""
TELL_SECONDS = 0.15
"""Steps are told no faster than a page can show them."""
LONGEST_EXCERPT = 100
"""Of a prompt that is named in words about it."""


def train(requests: tuple[TrainingRequest, ...], specs: Mapping[str, Entry], bench: Bench) -> Iterator[None]:
    """Every request ends as answered, with the name of its LoRA's file, or cancelled; it can then go on later."""
    for request in requests:
        spec = specs[request.model]
        assert isinstance(spec, ModelSpec)
        training = _Training(request, spec, bench)
        try:
            yield from training.turns()
        except Stopped:
            bench.tell(Cancelled(request=request.id, step=training.step))


class _Training:
    """One request on its way from turn to turn."""

    def __init__(self, request: TrainingRequest, spec: ModelSpec, bench: Bench) -> None:
        self.request, self.spec, self.bench = request, spec, bench
        self.kept = Kept(bench.registry.data, request.id)
        self.took = 0.0
        self._lessons: Lessons | None = None
        self._trainer: Trainer | None = None
        self._written, self._told = time.monotonic(), 0.0
        self._sampled, self._pace = 0, 0.0
        self._turn_ends = 0.0
        self._tiles = False

    def turns(self) -> Iterator[None]:
        """Until all is learned and written; nothing is held where it yields."""
        try:
            while not self._over:
                self._take_turn()
                if self._keep_due:
                    self._keep()
                yield
            self._finish()
        except Stopped:
            self._keep()
            raise
        except Exception as error:
            self._keep_before(error)
            raise

    def _finish(self) -> None:
        assert self._trainer
        path = write_lora(self.kept, self.request, self._trainer, self.spec, self.took)
        # Told first: where the end comes between the two, a folder is left over, and not a training lost.
        self.bench.tell(Answered(request=self.request.id, lora=path.name, took=self.took))
        self.kept.forget()

    @property
    def step(self) -> int:
        """How many steps are learned."""
        return self._trainer.step if self._trainer else 0

    @property
    def _over(self) -> bool:
        return self._learned and self._sampled == self.step

    @property
    def _learned(self) -> bool:
        return self._trainer is not None and (self._trainer.over or self.request.early)

    # -- turns -----------------------------------------------------------------------------------

    def _take_turn(self) -> None:
        """One turn; where memory runs out, the next one does with less."""
        try:
            with self._model() as model:
                self._go_on(model)
            return
        except Exception as error:
            if not out_of_memory(error) or not self._do_with_less():
                raise
        # Out of the handler: its traceback holds on to what filled the memory.
        give_back()

    def _do_with_less(self) -> bool:
        """Makes room: others go first, then fewer pictures are learned from at once."""
        room = self._trainer and self._trainer.room
        return self._others_gone() or bool(room and room.shrink())

    def _others_gone(self) -> bool:
        """Takes out whatever lies in memory beside the model; whether there was something."""
        others = [held.model for held in self.bench.registry.held() if held.model != self.spec.id]
        if others:
            self.bench.registry.unload(*others)
        return bool(others)

    @contextlib.contextmanager
    def _model(self) -> Iterator[Loaded[Any]]:
        """The model for a while. What learning takes is nothing to go by where pictures are painted."""
        told = Loading(request=self.request.id, model=self.spec.id)
        with self.bench.registry.lease(self.spec, lambda: self.bench.tell(told), measured=False) as model:
            started = time.monotonic()
            self._turn_ends = started + self.bench.turn_seconds
            try:
                yield model
            finally:
                self.took += time.monotonic() - started

    @property
    def _turn_over(self) -> bool:
        return self._keep_due or (time.monotonic() >= self._turn_ends and self.bench.waiting())

    @property
    def _keep_due(self) -> bool:
        return time.monotonic() - self._written > KEEP_SECONDS

    def _keep(self) -> None:
        if self._trainer and self.step:
            progress = {"took": repr(self.took), "sampled": str(self._sampled)}
            keep_state(self.kept, self.request, self._trainer, progress)
        self._written = time.monotonic()

    def _keep_before(self, error: Exception) -> None:
        """What is learned outlives a failure, where it can be written down at all."""
        if isinstance(error, StudioError) and error.code == "training_diverged":
            return  # what was written down before is better
        try:
            self._keep()
        except Exception:
            log.exception("what a training has learned cannot be kept")

    def _check_wanted(self) -> None:
        if self.bench.unwanted(self.request.id):
            raise Stopped(self.step)

    # -- what a turn does ------------------------------------------------------------------------

    def _go_on(self, model: Loaded[Any]) -> None:
        """Whatever comes next, until the turn is over."""
        trainer, lessons = self._ready(model)
        if self.request.early:
            self._end_early(trainer, model)
            return
        with contextlib.closing(lessons.prepare(model, model.device)) as preparing:
            for _ in preparing:
                self._tell("prepare", *lessons.ready)
                self._check_wanted()
                if self._turn_over:
                    return
        with trainer.on(model):
            while not self._over:
                self._check_wanted()
                self._next(trainer, model)
                if self._turn_over:
                    return

    def _end_early(self, trainer: Trainer, model: Loaded[Any]) -> None:
        """Only its last samples are left to be painted."""
        if not trainer.step:
            raise StudioError("training_unlearned")
        with trainer.on(model):
            if self._sample_due(trainer):
                self._sample(trainer, model)

    def _ready(self, model: Loaded[Any]) -> tuple[Trainer, Lessons]:
        check_model(model)
        if self._trainer is None or self._lessons is None:
            self._lessons = Lessons(self.request, model, Inputs(self.bench.registry.data))
            trainer = Trainer(self.request, model, self._lessons)
            if found := read_state(self.kept, self.request):
                trainer.restore(*found)
                self.took, self._sampled = float(found[1]["took"]), int(found[1]["sampled"])
            self._trainer = trainer
        return self._trainer, self._lessons

    def _next(self, trainer: Trainer, model: Loaded[Any]) -> None:
        if self._sample_due(trainer):
            self._sample(trainer, model)
        else:
            started = time.monotonic()
            trainer.learn(model)
            took = time.monotonic() - started
            self._pace = took if not self._pace else self._pace + PACE_NEWS * (took - self._pace)
            self._tell("train", trainer.step, self.request.settings.steps, trainer.loss, trainer.own_loss)

    # -- samples ---------------------------------------------------------------------------------

    def _sample_due(self, trainer: Trainer) -> bool:
        due = self._learned or (trainer.step > 0 and trainer.step % self.request.sample_every == 0)
        return due and self._sampled != trainer.step

    def _sample(self, trainer: Trainer, model: Loaded[Any]) -> None:
        for number, prompt in enumerate(self.request.samples):
            picture = self._painted(prompt, trainer.step, model)
            if picture is None:
                continue
            if number == 0:
                with kept_whole(self.kept.sample) as unfinished:
                    picture.save(unfinished, "PNG")
            self.bench.tell(
                Sampled(request=self.request.id, step=trainer.step, prompt=prompt, media=_media(picture))
            )
        self._sampled = trainer.step

    def _painted(self, prompt: str, step: int, model: Loaded[Any]) -> Image.Image | None:
        """A sample; for one that cannot be painted nobody loses what was learned, so it is only told."""
        try:
            return self._tried(prompt, step, model)
        except Stopped:
            raise
        except Exception as error:
            log.exception("a sample of a training cannot be painted")
            self._notice(
                Notice(code="sample_lost", params={"step": step, "prompt": prompt[:LONGEST_EXCERPT]})
            )
            why = trouble_of(error)
            self._notice(Notice(code=why.code, params=why.params))
        give_back()
        return None

    def _tried(self, prompt: str, step: int, model: Loaded[Any]) -> Image.Image:
        """Where memory runs out, once more in tiles and without whatever else lies there; from then on always so."""
        try:
            return self._sampled_once(prompt, step, model)
        except Exception as error:
            if self._tiles or not out_of_memory(error):
                raise
        # Out of the handler: its traceback holds on to what filled the memory.
        self._notice(Notice(code="memory_retry"))
        self._tiles = True
        KEPT.clear()
        self._others_gone()
        give_back()
        return self._sampled_once(prompt, step, model)

    def _sampled_once(self, prompt: str, step: int, model: Loaded[Any]) -> Image.Image:
        with in_tiles(model.parts["vae"]) if self._tiles else contextlib.nullcontext():
            return sample(model, self.request, prompt, step, self._unwanted)

    def _unwanted(self) -> bool:
        return self.bench.unwanted(self.request.id)

    # -- telling ---------------------------------------------------------------------------------

    def _notice(self, notice: Notice) -> None:
        self.bench.tell(notice.model_copy(update={"request": self.request.id}))

    def _tell(
        self, stage: str, step: int, steps: int, loss: float | None = None, own: float | None = None
    ) -> None:
        if time.monotonic() - self._told < TELL_SECONDS and step < steps:
            return
        self._told = time.monotonic()
        left = None if loss is None else self._pace * (steps - step)
        told = Step(request=self.request.id, stage=stage, step=step, steps=steps, seconds_left=left)
        self.bench.tell(told.model_copy(update={"loss": loss, "own_loss": own}))


def _media(picture: Image.Image) -> Media:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return Media.of("jpeg", picture.width, picture.height, buffer.getvalue())
