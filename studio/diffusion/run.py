"""Paints one request on a leased model: encode, denoise in one pass or two, decode, put back what stays."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from studio.diffusion.control import Reference
from studio.diffusion.encoding import encoded
from studio.diffusion.families import painter
from studio.diffusion.latents import (
    decode,
    encode,
    filled,
    in_full_precision,
    in_tiles,
    mask_of,
    picture_of,
    tensor_of,
)
from studio.diffusion.negatives import measures
from studio.diffusion.passes import Kept, OnStep, Pass, denoise
from studio.diffusion.preview import latent_colours
from studio.diffusion.samplers import scheduler
from studio.diffusion.seamless import seamless
from studio.diffusion.stopping import Stopped
from studio.errors import StudioError
from studio.families import FAMILIES
from studio.messages import LATENT, GenerationRequest, HighResolution, Notice, Size
from studio.models.registry import Loaded

if TYPE_CHECKING:
    from studio.diffusion.canvas import Canvas

PREVIEW_SECONDS = 0.15
"""Previews come no faster than a page can show them."""
ONE_COLOUR = 1e-4
"""A decoded picture that varies by less is what a decoder makes that overflowed: black from edge to edge."""


@dataclass(frozen=True)
class Watcher:
    """Who follows the painting: told of every step of a stage and of what went other than asked."""

    on_step: Callable[[str, int, int, bytes | None], None]
    unwanted: Callable[[], bool]
    on_notice: Callable[[Notice], None] = lambda notice: None


@dataclass(frozen=True)
class Means:
    """What a picture is painted with beside the model."""

    vae: Any = None
    """Takes the place of the model's own."""
    enlarge: Callable[[Image.Image, float], Image.Image] | None = None
    """The upscaler of the second pass, where that does not enlarge the latents."""
    tiles: bool = False
    """Decode tile by tile: slower, in a fraction of the memory."""
    references: tuple[Reference, ...] = ()
    """What the picture follows beside the prompt."""


@torch.inference_mode()
def paint(
    model: Loaded,
    request: GenerationRequest,
    device: str,
    watcher: Watcher,
    canvas: Canvas | None = None,
    means: Means | None = None,
) -> Image.Image:
    """One picture. The same request gives the same bytes."""
    # 1. Where nothing of the start may change, it is the picture.
    second = request.stage(HighResolution)
    if canvas and not second and _stays(request):
        return canvas.finish(canvas.picture)
    # 2. A pipe and a scheduler of our own: two jobs must not count steps in one scheduler.
    means = means or Means()
    parts = model.parts | ({"vae": means.vae} if means.vae else {})
    family, reads_mask = painter(model.spec.family), _reads_mask(model, canvas)
    pipe = family.pipe(parts, scheduler(request.sampler, parts["scheduler"]), reads_mask)
    for reference in means.references:
        reference.check(pipe.unet, model.spec.title.en)
    beside = [reference.net for reference in means.references]
    convolving = [one for one in (*pipe.components.values(), *beside) if isinstance(one, torch.nn.Module)]
    with model.attached(pipe), seamless(convolving, request.tiling):
        # 3. The prompt, its opposite where guidance asks for it, and no words at all where that is measured.
        texts = encoded(model, family, pipe, request, device)
        nothing = (
            encoded(model, family, pipe, _wordless(request), device) if measures(pipe, request) else None
        )
        painting = _Painting(model, request, pipe, device, watcher, canvas, means, nothing)
        # 4. The picture at its first size, from noise or from what there is.
        first = painting.first_pass(reads_mask)
        latents = painting.first_painted(texts, first)
        # 5. Enlarged, and painted over at the new size.
        if second:
            over = painting.second_pass(second, latents, first.size)
            pipe.scheduler = scheduler(request.sampler, parts["scheduler"])
            latents = painting.painted(texts, over, "high_resolution")
        # 6. Decode, and put back what stays.
        painted = picture_of(painting.decoded(latents)[0])
    return canvas.finish(painted) if canvas else painted


def _wordless(request: GenerationRequest) -> GenerationRequest:
    return request.model_copy(update={"prompt": "", "negative": ""})


def _stays(request: GenerationRequest) -> bool:
    return request.start is not None and request.start.strength == 0


def _reads_mask(model: Loaded, canvas: Canvas | None) -> bool:
    """Whether the denoiser reads a masked picture beside the noise; without one it would fail in its first layer."""
    denoiser = model.parts[FAMILIES[model.spec.family].denoiser]
    reads = denoiser.config.in_channels != model.parts["vae"].config.latent_channels
    if reads and not (canvas and canvas.mask):
        raise StudioError("needs_picture", model=model.spec.id)
    return bool(reads)


@dataclass(frozen=True)
class _Painting:
    """One request being painted."""

    model: Loaded
    request: GenerationRequest
    pipe: Any
    device: str
    watcher: Watcher
    canvas: Canvas | None
    means: Means
    nothing: dict[str, Any] | None
    """What the pipe would be told of no words, where the negative is measured by it."""

    def first_pass(self, reads_mask: bool) -> Pass:
        """From noise alone, or over the picture on the canvas."""
        asked = self.request
        size = Size(width=asked.width, height=asked.height)
        if self.canvas is None or asked.start is None:
            return Pass(size, asked.steps)
        there = self.encoded(self.canvas.picture)
        strength, mask = asked.start.strength, self.canvas.mask
        if mask is None:
            return Pass(size, asked.steps, strength, there)
        if reads_mask:
            return Pass(size, asked.steps, strength, there, masked=(self.canvas.picture, mask))
        kept = Kept(there, mask_of(mask, there))
        start = filled(there, kept.mask, asked.mask.fill if asked.mask else "original", asked.seed)
        return Pass(size, asked.steps, strength, start, kept)

    def first_painted(self, texts: dict[str, Any], first: Pass) -> Tensor:
        """The latents of the first pass; where nothing of the start may change, those of the start."""
        if first.start is not None and _stays(self.request):
            return first.start
        return self.painted(texts, first, "base")

    def painted(self, texts: dict[str, Any], wanted: Pass, stage: str) -> Tensor:
        """The latents of one pass."""
        on_step, references = self.on_step(stage), self.means.references
        return denoise(self.pipe, texts, self.request, wanted, self.device, on_step, references, self.nothing)

    def second_pass(self, asked: HighResolution, latents: Tensor, size: Size) -> Pass:
        """Over the first pass's picture, enlarged as latents or as a picture."""
        larger = enlarged(size, asked.factor, self.model.spec.limits.multiple)
        if asked.upscaler == LATENT:
            cells = (
                larger.height * latents.shape[-2] // size.height,
                larger.width * latents.shape[-1] // size.width,
            )
            start = torch.nn.functional.interpolate(latents.float(), cells, mode="bilinear")
        else:
            assert self.means.enlarge
            picture = self.means.enlarge(picture_of(self.decoded(latents)[0]), asked.factor)
            exact = picture.resize((larger.width, larger.height), Image.Resampling.LANCZOS)
            start = self.encoded(exact)
        return Pass(larger, asked.steps or self.request.steps, asked.strength, start)

    def encoded(self, picture: Image.Image) -> Tensor:
        """A picture as latents."""
        with self._in_tiles():
            return encode(self.pipe.vae, tensor_of(picture, self.device))

    def decoded(self, latents: Tensor) -> Tensor:
        """Latents as pictures; where the decoder overflowed, once more in full precision, and that is said."""
        vae = self.pipe.vae
        with self._in_tiles():
            pictures = decode(vae, latents)
            if _sound(pictures):
                return pictures
            if torch.isfinite(latents).all() and next(vae.parameters()).dtype != torch.float32:
                self.watcher.on_notice(Notice(code="vae_full_precision"))
                with in_full_precision(vae):
                    pictures = decode(vae, latents)
        if not torch.isfinite(pictures).all():
            raise StudioError("picture_broken", model=self.model.spec.title.en)
        return pictures

    def _in_tiles(self) -> contextlib.AbstractContextManager[None]:
        return in_tiles(self.pipe.vae) if self.means.tiles else contextlib.nullcontext()

    def on_step(self, stage: str) -> OnStep:
        """Shows each step of a stage, and lets go where nobody waits."""
        # The colours that came with a checkpoint are those of its own decoder.
        folder = None if self.means.vae else self.model.folder
        colours, last = latent_colours(self.pipe.vae, folder, self.device), 0.0

        def step(number: int, steps: int, latents: Tensor) -> None:
            nonlocal last
            if self.watcher.unwanted():
                raise Stopped(number)
            due = time.monotonic() - last >= PREVIEW_SECONDS
            last = time.monotonic() if due else last
            self.watcher.on_step(stage, number, steps, colours.jpeg(latents[0]) if due else None)

        return step


def _sound(pictures: Tensor) -> bool:
    return bool(torch.isfinite(pictures).all()) and float(pictures.std()) > ONE_COLOUR


def enlarged(size: Size, factor: float, multiple: int) -> Size:
    """A size so many times larger, in sides that a model takes."""
    width, height = (round(side * factor / multiple) * multiple for side in (size.width, size.height))
    return Size(width=width, height=height)
