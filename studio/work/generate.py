"""Paints the requests of a group, one after the other."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from studio.catalog import source_path
from studio.control.maps import fitted, map_of
from studio.controls import CONTROLS
from studio.diffusion.adapters import KEPT, applied, hashed
from studio.diffusion.canvas import Canvas, lay_out
from studio.diffusion.control import Reference
from studio.diffusion.control_style import Seen, see
from studio.diffusion.encoding import tokens_cut
from studio.diffusion.run import Means, Watcher, paint
from studio.diffusion.stopping import Stopped
from studio.diffusion.upscaling import enlarge
from studio.errors import out_of_memory
from studio.families import FAMILIES
from studio.inputs import Inputs
from studio.maps import Maps
from studio.messages import (
    LANCZOS,
    LATENT,
    Cancelled,
    ControlSpec,
    ControlUnit,
    Entry,
    Finished,
    GenerationRequest,
    HighResolution,
    Loading,
    LoraSpec,
    Media,
    ModelSpec,
    Notice,
    Size,
    Step,
    Upscale,
)
from studio.models.modes import WHOLE
from studio.models.registry import Loaded
from studio.work import Bench


def generate(
    requests: tuple[GenerationRequest, ...], specs: Mapping[str, Entry], bench: Bench
) -> Iterator[None]:
    """Every request ends as finished or cancelled; between two pictures other work may come in."""
    for request in requests:
        try:
            _Picture(request, specs, bench).make()
        except Stopped as stopped:
            bench.tell(Cancelled(request=request.id, step=stopped.step))
        yield


@dataclass(frozen=True)
class _Read:
    """A reference that was looked at: what its net will be shown, or what an encoder said of it."""

    unit: ControlUnit
    spec: ControlSpec | None
    picture: Callable[[Size], Image.Image]
    seen: Seen | None = None

    def with_net(self, net: Any) -> Reference:
        """The same with its net in memory."""
        return Reference(self.unit, self.spec, net, self.picture, self.seen)


@dataclass
class _Picture:
    """One request on its way from stage to stage."""

    request: GenerationRequest
    specs: Mapping[str, Entry]
    bench: Bench
    model_hash: str = ""
    mode: str = ""
    took: float = 0.0
    """Seconds of work; waiting for a model to be brought is none."""

    def make(self) -> None:
        """The picture, told as finished."""
        if self._unwanted():
            raise Stopped(0)
        picture = self._painted() if self.request.paints else self._start()
        if upscale := self.request.stage(Upscale):
            picture = self._enlarged(picture, upscale.factor, upscale.upscaler, "upscale")
        self._tell(self._finished(picture))

    def _finished(self, picture: Image.Image) -> Finished:
        mode = f"{self.bench.registry.device.mode} {self.mode}".strip()
        media = Media.of("rgb", picture.width, picture.height, picture.tobytes())
        return Finished(
            request=self.request.id,
            media=media,
            mode=mode,
            took=self.took,
            model_hash=self.model_hash,
            loras=self.request.loras if self.request.paints else (),
        )

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.took += time.monotonic() - started

    # -- painting --------------------------------------------------------------------------------

    def _painted(self) -> Image.Image:
        loras = self._loras()
        self.request = self.request.model_copy(update={"loras": hashed(self.request.loras, loras)})
        canvas = self._canvas()
        read = self._references(canvas)
        means = Means(enlarge=self._second_enlarge())
        try:
            return self._with_model(canvas, means, read, loras)
        except Exception as error:
            if not out_of_memory(error):
                raise
        # Out of the handler: its traceback holds on to what filled the memory.
        self._notice(Notice(code="memory_retry"))
        KEPT.clear()
        self.bench.registry.shrink(self._model)
        return self._with_model(canvas, replace(means, tiles=True), read, loras)

    @property
    def _model(self) -> ModelSpec:
        spec = self.specs[self.request.model]
        assert isinstance(spec, ModelSpec)
        return spec

    def _loras(self) -> dict[str, Path]:
        """Where the files of the request's LoRAs lie."""
        specs = {use.id: self.specs[use.id] for use in self.request.loras}
        assert all(isinstance(spec, LoraSpec) for spec in specs.values())
        return {id: source_path(spec, self.bench.registry.data) for id, spec in specs.items()}

    def _with_model(
        self, canvas: Canvas | None, means: Means, read: Sequence[_Read], loras: Mapping[str, Path]
    ) -> Image.Image:
        registry = self.bench.registry
        with self._lease(self._model) as model:
            self.model_hash, self.mode = model.hash, "" if model.mode is WHOLE else model.mode.name
            self._tell_what_is_cut(model)
            with self._other_vae() as vae, self._nets(read) as references:
                means = replace(means, vae=vae, references=references)
                # The innermost: while the nets are brought, the weights are still everybody's.
                with self._timed(), applied(registry, model, self.request.loras, loras):
                    device = registry.device.name
                    return paint(model, self.request, device, self._watcher(), canvas, means)

    @contextlib.contextmanager
    def _other_vae(self) -> Iterator[Any]:
        if not self.request.vae:
            yield None
            return
        with self._lease(self.specs[self.request.vae]) as found:
            yield found.parts["vae"]

    def _lease(self, spec: Entry) -> contextlib.AbstractContextManager[Loaded]:
        def on_load() -> None:
            self._tell(Loading(request=self.request.id, model=spec.id))

        return self.bench.registry.lease(spec, on_load)

    # -- references ------------------------------------------------------------------------------

    def _references(self, canvas: Canvas | None) -> tuple[_Read, ...]:
        """Looks at every reference before the model is pinned, so that what looks can make room for it."""
        return tuple(self._read(unit, canvas) for unit in self.request.references)

    def _read(self, unit: ControlUnit, canvas: Canvas | None) -> _Read:
        spec = self.specs[unit.net] if unit.net else None
        assert spec is None or isinstance(spec, ControlSpec)
        map = map_of(unit, Maps(self.bench.registry.data), self.specs, self._lease_by_id)
        if spec is None:  # what lies beside the map is not black, but free
            map = map.convert("RGBA")
        if spec is None or spec.network != "ip_adapter":
            return _Read(unit, spec, lambda size: _framed(map, unit, size, canvas))
        with self._lease(self.specs[spec.encoder]) as encoder, self._timed():
            seen = see(encoder.parts["image_encoder"], lambda size: _shown(map, unit, size), encoder.device)
        return _Read(unit, spec, lambda size: _shown(map, unit, size), seen)

    def _lease_by_id(self, id: str) -> contextlib.AbstractContextManager[Loaded]:
        return self._lease(self.specs[id])

    @contextlib.contextmanager
    def _nets(self, read: Sequence[_Read]) -> Iterator[tuple[Reference, ...]]:
        with contextlib.ExitStack() as stack:
            nets = [one.spec and stack.enter_context(self._lease(one.spec)).parts["net"] for one in read]
            yield tuple(one.with_net(net) for one, net in zip(read, nets, strict=True))

    # -- pictures --------------------------------------------------------------------------------

    def _inputs(self) -> Inputs:
        return Inputs(self.bench.registry.data)

    def _start(self) -> Image.Image:
        assert self.request.start
        return self._inputs().open(self.request.start.picture)

    def _canvas(self) -> Canvas | None:
        if self.request.start is None:
            return None
        mask = self.request.mask and self._inputs().mask(self.request.mask.picture)
        return lay_out(self.request, self._start(), mask or None)

    def _second_enlarge(self) -> Callable[[Image.Image, float], Image.Image] | None:
        second = self.request.stage(HighResolution)
        if second is None or second.upscaler == LATENT:
            return None
        return lambda picture, factor: self._enlarged(picture, factor, second.upscaler, "high_resolution")

    def _enlarged(self, picture: Image.Image, factor: float, upscaler: str, stage: str) -> Image.Image:
        step = self._stepper(stage)

        def on_tile(tile: int, tiles: int) -> None:
            step(stage, tile, tiles, None)

        # The second pass of a painting is in that painting's time already.
        clock = self._timed() if stage == "upscale" else contextlib.nullcontext()
        with self._upscaler(upscaler) as found, clock:
            return enlarge(picture, factor, found, on_tile, self._unwanted)

    @contextlib.contextmanager
    def _upscaler(self, id: str) -> Iterator[Loaded | None]:
        if id == LANCZOS:
            yield None
            return
        with self._lease(self.specs[id]) as found:
            yield found

    # -- telling ---------------------------------------------------------------------------------

    def _unwanted(self) -> bool:
        return self.bench.unwanted(self.request.id)

    def _tell(self, event: Any) -> None:
        self.bench.tell(event)

    def _notice(self, notice: Notice) -> None:
        self._tell(notice.model_copy(update={"request": self.request.id}))

    def _watcher(self) -> Watcher:
        return Watcher(self._stepper("base"), self._unwanted, self._notice)

    def _stepper(self, first: str) -> Callable[[str, int, int, bytes | None], None]:
        started, counted = time.monotonic(), first

        def on_step(stage: str, step: int, steps: int, preview: bytes | None) -> None:
            nonlocal started, counted
            left = (time.monotonic() - started) / step * (steps - step) if stage == counted else None
            if stage != counted:
                started, counted = time.monotonic(), stage
            self._tell(
                Step(
                    request=self.request.id,
                    stage=stage,
                    step=step,
                    steps=steps,
                    seconds_left=left,
                    preview=preview,
                )
            )

        return on_step

    def _tell_what_is_cut(self, model: Loaded) -> None:
        window = FAMILIES[model.spec.family].window
        negative = self.request.negative if self.request.guidance > 1 else ""  # else nobody reads it
        for field, text in (("prompt", self.request.prompt), ("negative", negative)):
            over = tokens_cut(model, text)
            if over:
                self._notice(Notice(code=f"{field}_cut", params={"over": over, "window": window}))


def _shown(map: Image.Image, unit: ControlUnit, size: Size) -> Image.Image:
    """A map at a size, in the way in which its reference takes another shape; one without places loses nothing."""
    kind = CONTROLS[unit.kind]
    return fitted(map, (size.width, size.height), "stretch" if kind.placeless else unit.fit, kind.flat)


def _framed(map: Image.Image, unit: ControlUnit, size: Size, canvas: Canvas | None) -> Image.Image:
    """A map at the size of a pass; where a part of a picture is painted large, the same part of the map."""
    if CONTROLS[unit.kind].placeless or canvas is None or canvas.box is None or canvas.whole is None:
        return _shown(map, unit, size)
    whole = _shown(map, unit, Size(width=canvas.whole.width, height=canvas.whole.height))
    return fitted(whole.crop(canvas.box), (size.width, size.height), "stretch", CONTROLS[unit.kind].flat)
