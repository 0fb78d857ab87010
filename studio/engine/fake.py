"""An engine without torch: paints gradients slowly, for tests and for work on the page."""

from __future__ import annotations

import colorsys
import io
import math
import random
import threading
import time
from collections.abc import Iterator

from PIL import Image

from studio.messages import (
    Answered,
    AnyEvent,
    AnyRequest,
    Base,
    Cancelled,
    CaptionRequest,
    DetectRequest,
    DeviceState,
    Entry,
    Finished,
    GenerationRequest,
    Held,
    Input,
    Loading,
    LoraSpec,
    Media,
    Sampled,
    Size,
    Step,
    TrainingRequest,
    TranslateRequest,
    Trouble,
)

BUDGET, WEIGHT = 8 * 2**30, 60_000_000


class FakeEngine:
    """Lanes that take a given time a step; a picture's colours follow from prompt and seed."""

    def __init__(self, lanes: tuple[str, ...] = ("fake",), step_seconds: float = 0.05) -> None:
        self.lanes = lanes
        self._step_seconds = step_seconds
        self._unwanted: dict[str, set[str]] = {lane: set() for lane in lanes}
        self._lane_of: dict[str, str] = {}
        self._held: dict[str, Held] = {}
        self._closed = threading.Event()

    def start(self) -> None:
        """There is nothing to get ready."""

    def run(
        self, lane: str, requests: tuple[AnyRequest, ...], specs: tuple[Entry, ...]
    ) -> Iterator[AnyEvent]:
        """Paints each request, or stops where it is not wanted any more."""
        self._lane_of |= {request.id: lane for request in requests}
        try:
            for request in requests:
                yield from self._load_for(request, specs)
                yield from self._do(request)
        finally:
            self._unwanted[lane].difference_update(request.id for request in requests)

    def _load_for(self, request: AnyRequest, specs: tuple[Entry, ...]) -> Iterator[AnyEvent]:
        for spec in specs:
            if spec.id not in self._held and not isinstance(spec, LoraSpec):
                yield Loading(request=request.id, model=spec.id)
                self._closed.wait(self._step_seconds * 4)
                self._hold(spec.id)

    def _is_unwanted(self, request: AnyRequest) -> bool:
        return request.id in self._unwanted[self._lane_of[request.id]]

    def _do(self, request: AnyRequest) -> Iterator[AnyEvent]:
        if isinstance(request, GenerationRequest):
            return self._paint(request)
        return self._train(request) if isinstance(request, TrainingRequest) else self._answer(request)

    def _train(self, request: TrainingRequest) -> Iterator[AnyEvent]:
        """A loss that falls, samples that become clear, and the name of a file that nobody wrote."""
        steps = request.settings.steps
        for step in range(1, 1 if request.early else steps + 1):
            if self._is_unwanted(request) or self._closed.wait(self._step_seconds):
                yield Cancelled(request=request.id, step=step - 1)
                return
            left = (steps - step) * self._step_seconds
            yield Step(
                request=request.id, stage="train", step=step, steps=steps, seconds_left=left, loss=1 / step
            )
            if step % request.sample_every == 0 or step == steps:
                yield from self._samples(request, step)
        yield Answered(
            request=request.id, lora=f"{request.name}.safetensors", took=steps * self._step_seconds
        )

    def _samples(self, request: TrainingRequest, step: int) -> Iterator[AnyEvent]:
        size = request.sample_size
        for prompt in request.samples:
            picture = gradient(prompt, request.settings.seed, (size.width, size.height))
            data = noisy_jpeg(picture, 1 - step / request.settings.steps)
            with Image.open(io.BytesIO(data)) as image:
                media = Media.of("jpeg", image.width, image.height, data)
            yield Sampled(request=request.id, step=step, prompt=prompt, media=media)

    def _answer(self, request: TranslateRequest | CaptionRequest | DetectRequest) -> Iterator[AnyEvent]:
        """A text comes back with its translator's name behind it, a picture as a number, a reference as its map."""
        if self._is_unwanted(request) or self._closed.wait(self._step_seconds):
            yield Cancelled(request=request.id)
        elif isinstance(request, TranslateRequest):
            texts = tuple(f"{text} ({request.translator})" for text in request.texts)
            yield Answered(request=request.id, texts=texts, took=self._step_seconds)
        elif isinstance(request, CaptionRequest):
            texts = tuple(
                f"picture {picture[:6]} as {request.captioner} sees it" for picture in request.pictures
            )
            yield Answered(request=request.id, texts=texts, took=self._step_seconds)
        else:
            found = Input(picture=request.unit.picture, size=Size(width=64, height=64))
            yield Answered(request=request.id, input=found, took=self._step_seconds)

    def _paint(self, request: GenerationRequest) -> Iterator[AnyEvent]:
        started = time.monotonic()
        picture = gradient(request.prompt, request.seed, (request.width, request.height))
        for step in range(1, request.steps + 1):
            if self._is_unwanted(request) or self._closed.is_set():
                yield Cancelled(request=request.id, step=step - 1)
                return
            self._closed.wait(self._step_seconds)
            left = (request.steps - step) * self._step_seconds
            preview = noisy_jpeg(picture, 1 - step / request.steps)
            yield Step(request=request.id, step=step, steps=request.steps, seconds_left=left, preview=preview)
        picture = picture.resize(_size(request))
        media = Media.of("rgb", picture.width, picture.height, picture.tobytes())
        took = time.monotonic() - started
        yield Finished(request=request.id, media=media, mode="fake", took=took, model_hash="0000000000")

    def cancel(self, lane: str, requests: tuple[str, ...]) -> None:
        """Marks requests as not wanted on one lane, which is all that another device's worker would hear of it."""
        self._unwanted[lane].update(requests)

    def ahead(self, lane: str, spec: Entry) -> None:
        """There is nothing to read."""

    def load(self, spec: Entry) -> None:
        """Holds a model from now on."""
        self._hold(spec.id)

    def _hold(self, model: str) -> None:
        self._held[model] = Held(model=model, parts={model: WEIGHT}, used=time.time())

    def unload(self, models: tuple[str, ...] = ()) -> None:
        """Lets go of models."""
        for model in models or tuple(self._held):
            self._held.pop(model, None)

    def devices(self) -> tuple[DeviceState, ...]:
        """One device for each lane; the first holds everything."""
        held = tuple(self._held.values())
        return tuple(
            DeviceState(
                name=lane, title="Fake", budget=BUDGET, total=BUDGET, ready=True, held=held if at == 0 else ()
            )
            for at, lane in enumerate(self.lanes)
        )

    def troubles(self) -> dict[str, Trouble]:
        """Nothing goes wrong here."""
        return {}

    def close(self) -> None:
        """Lets every lane go."""
        self._closed.set()


def _size(request: GenerationRequest) -> tuple[int, int]:
    factor = math.prod(stage.factor for stage in request.stages if not isinstance(stage, Base))
    return round(request.width * factor), round(request.height * factor)


def gradient(prompt: str, seed: int, size: tuple[int, int]) -> Image.Image:
    """A picture told apart by prompt and seed, and the same again for the same two."""
    dice = random.Random(f"{prompt}|{seed}")
    top, bottom = (colorsys.hsv_to_rgb(dice.random(), 0.6, 0.9) for _ in range(2))
    ramp = Image.linear_gradient("L").resize(size)
    ends = [Image.new("RGB", ramp.size, tuple(int(255 * part) for part in end)) for end in (top, bottom)]
    return Image.composite(ends[1], ends[0], ramp)


def noisy_jpeg(picture: Image.Image, noise: float) -> bytes:
    """How a preview of the picture looks while much of it is still noise."""
    small = picture.resize((64, max(1, 64 * picture.height // picture.width)))
    buffer = io.BytesIO()
    Image.blend(small, Image.effect_noise(small.size, 90).convert("RGB"), noise).save(
        buffer, "JPEG", quality=70
    )
    return buffer.getvalue()
