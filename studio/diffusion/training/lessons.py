"""What a LoRA learns from, made ready once: pictures as latents, and captions as a denoiser reads them."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image, ImageOps
from torch import Tensor

from studio.diffusion.encoding import Said
from studio.diffusion.latents import encode, in_full_precision, tensor_of
from studio.diffusion.training.captions import Captions, joined, silence
from studio.errors import StudioError
from studio.inputs import Inputs
from studio.loras.layers import ENCODERS
from studio.messages import TrainingRequest
from studio.models.registry import Loaded
from studio.training import Look, Place, captioned, cropped, place, shapes


@dataclass(frozen=True)
class Batch:
    """Looks at pictures of one shape, ready for the denoiser."""

    latents: Tensor
    said: Said
    frames: Tensor
    """Of each: its size at first, what was cut away, its size now; some families are told."""


class Lessons:
    """The pictures of a training and their captions; once they are ready neither decoder nor file is needed."""

    def __init__(self, request: TrainingRequest, model: Loaded[Any], inputs: Inputs) -> None:
        self._request, self._inputs = request, inputs
        choices = shapes(request.settings.resolution, model.spec)
        self.places = tuple(place(picture.size, choices) for picture in request.pictures)
        # Behind the pictures' captions comes that of a picture which is looked at without one.
        texts = [captioned(request.trigger, picture.caption) for picture in request.pictures]
        self._captions = Captions([*texts, ""], model)
        self._family = model.spec.family
        self._latents: dict[tuple[int, bool], Tensor] = {}
        self._said: dict[int, Said] = {}

    @property
    def ready(self) -> tuple[int, int]:
        """How much is ready, and of how much."""
        pictures = len(self._request.pictures)
        captions = 0 if self._request.settings.text_encoder else pictures + 1
        seen = sum((number, False) in self._latents for number in range(pictures))
        return seen + len(self._said), pictures + captions

    def prepare(self, model: Loaded[Any], device: str) -> Generator[None]:
        """Makes ready what is not yet; between two pictures others may come in."""
        with brought([model.parts["vae"]], device), torch.no_grad():
            for number in range(len(self._request.pictures)):
                if (number, False) not in self._latents:
                    self._see(number, model.parts["vae"], device)
                    yield
        if not self._request.settings.text_encoder:
            with brought(encoders(model), device), torch.no_grad():
                for number in range(len(self._request.pictures) + 1):
                    if number not in self._said:
                        self._said[number] = _on(self._captions.said(model, [number], device), "cpu")
                        yield

    def _see(self, number: int, vae: Any, device: str) -> None:
        picture = self._inputs.open(self._request.pictures[number].picture)
        seen = cropped(picture, self.places[number])
        if self._request.settings.mirror:
            self._latents[number, True] = _latents(vae, ImageOps.mirror(seen), device)
        self._latents[number, False] = _latents(vae, seen, device)

    def batches(self, looks: Sequence[Look], most: int) -> list[tuple[Look, ...]]:
        """Looks by the shape of their pictures, not more at once than there is room for."""
        shaped: dict[tuple[int, int], list[Look]] = {}
        for look in looks:
            size = self.places[look.picture].size
            shaped.setdefault((size.width, size.height), []).append(look)
        return [
            tuple(group[at : at + most]) for group in shaped.values() for at in range(0, len(group), most)
        ]

    def batch(self, looks: Sequence[Look], model: Loaded[Any], device: str) -> Batch:
        """Looks at pictures of one shape."""
        latents = torch.cat([self._latents[look.picture, look.mirrored] for look in looks]).to(device)
        frames = [_frame(self.places[look.picture]) for look in looks]
        return Batch(latents, self._words(looks, model, device), torch.tensor(frames, device=device))

    def _words(self, looks: Sequence[Look], model: Loaded[Any], device: str) -> Said:
        which = [look.picture if look.captioned else len(self._request.pictures) for look in looks]
        if self._said:
            said = _on(joined([self._said[number] for number in which]), device)
        else:
            said = self._captions.said(model, which, device)
        return said if self._family != "sdxl" else _silenced(said, looks)


def _silenced(said: Said, looks: Sequence[Look]) -> Said:
    parts = [Said(said.tokens[at : at + 1], _at(said.whole, at)) for at in range(len(looks))]
    return joined([one if look.captioned else silence(one) for one, look in zip(parts, looks, strict=True)])


def _at(whole: Tensor | None, number: int) -> Tensor | None:
    return None if whole is None else whole[number : number + 1]


def _on(said: Said, device: str) -> Said:
    return Said(said.tokens.to(device), None if said.whole is None else said.whole.to(device))


def _frame(where: Place) -> list[float]:
    original, size = where.original, where.size
    return [original.height, original.width, where.top, where.left, size.height, size.width]


def _latents(vae: Any, picture: Image.Image, device: str) -> Tensor:
    pixels = tensor_of(picture, device)
    found = encode(vae, pixels)
    if not torch.isfinite(found).all():
        with in_full_precision(vae):
            found = encode(vae, pixels)
    if not torch.isfinite(found).all():
        raise StudioError("training_latents")
    return found.cpu()


def encoders(model: Loaded[Any]) -> list[Any]:
    """The text encoders of a model."""
    return [part for name in ENCODERS if isinstance(part := model.parts.get(name), torch.nn.Module)]


@contextlib.contextmanager
def brought(parts: Sequence[Any], device: str) -> Iterator[None]:
    """Parts on the device for a while: where a model lies in the host's memory, each comes for its turn."""
    places = [(part, next(part.parameters()).device) for part in parts]
    try:
        for part in parts:
            part.to(device)
        yield
    finally:
        for part, place in places:
            part.to(place)
