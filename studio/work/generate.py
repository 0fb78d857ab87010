"""Paints the requests of a group, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from studio.diffusion.run import Watcher, paint, tokens_over_window
from studio.diffusion.stopping import Stopped
from studio.families import FAMILIES
from studio.messages import Cancelled, Finished, GenerationRequest, Loading, Media, ModelSpec, Notice, Step
from studio.models.registry import Loaded
from studio.work import Bench


def generate(
    requests: tuple[GenerationRequest, ...], specs: dict[str, ModelSpec], bench: Bench
) -> Iterator[None]:
    """Every request ends as finished or cancelled; between two pictures other work may come in."""
    for request in requests:
        try:
            _picture(request, specs[request.model], bench)
        except Stopped as stopped:
            bench.tell(Cancelled(request=request.id, step=stopped.step))
        yield


def _picture(request: GenerationRequest, spec: ModelSpec, bench: Bench) -> None:
    if bench.unwanted(request.id):
        raise Stopped(0)

    def on_load() -> None:
        bench.tell(Loading(request=request.id, model=spec.id))

    with bench.registry.lease(spec, on_load) as model:
        _tell_what_is_cut(request, model, bench)
        started = time.monotonic()
        watcher = Watcher(_stepper(request, bench), lambda: bench.unwanted(request.id))
        picture = paint(model, request, bench.registry.device.name, watcher)
        media = Media.of("rgb", picture.width, picture.height, picture.tobytes())
        took = time.monotonic() - started
        mode = bench.registry.device.mode
        bench.tell(Finished(request=request.id, media=media, mode=mode, took=took, model_hash=model.hash))


def _stepper(request: GenerationRequest, bench: Bench) -> Callable[[str, int, int, bytes | None], None]:
    started = time.monotonic()

    def on_step(stage: str, step: int, steps: int, preview: bytes | None) -> None:
        left = (time.monotonic() - started) / step * (steps - step)
        bench.tell(
            Step(request=request.id, stage=stage, step=step, steps=steps, seconds_left=left, preview=preview)
        )

    return on_step


def _tell_what_is_cut(request: GenerationRequest, model: Loaded, bench: Bench) -> None:
    window = FAMILIES[model.spec.family].window
    negative = request.negative if request.guidance > 1 else ""  # without guidance nobody reads it
    for field, text in (("prompt", request.prompt), ("negative", negative)):
        over = tokens_over_window(model, text, window)
        if over:
            bench.tell(
                Notice(request=request.id, code=f"{field}_cut", params={"over": over, "window": window})
            )
