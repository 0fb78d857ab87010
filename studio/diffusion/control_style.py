"""IP-Adapters in painting: lent to the denoiser's attention for one pass."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
from PIL import Image
from torch import Tensor, nn

from studio.diffusion.control_fit import readers
from studio.errors import StudioError
from studio.messages import ControlUnit, Size

if TYPE_CHECKING:
    from studio.diffusion.control import Reference

SOFTEST = 0.1


@dataclass(frozen=True)
class Seen:
    """What an encoder says of a picture: as a whole, place by place, and place by place of no picture at all."""

    whole: Tensor
    places: Tensor
    nothing: Tensor


@torch.inference_mode()
def see(encoder: Any, picture: Callable[[Size], Image.Image], device: str) -> Seen:
    """Reads a picture for the nets that follow its style."""
    from transformers import CLIPImageProcessor

    side = encoder.config.image_size
    shown = picture(Size(width=side, height=side))
    pixels = CLIPImageProcessor(size=side, crop_size=side)(shown, return_tensors="pt").pixel_values
    pixels = pixels.to(device, next(encoder.parameters()).dtype)
    said = encoder(torch.cat([pixels, torch.zeros_like(pixels)]), output_hidden_states=True)
    places, nothing = said.hidden_states[-2].chunk(2)
    return Seen(said.image_embeds[:1], places, nothing)


class _Lent:
    """Attention that reads pictures beside the text.

    No module itself: what it lends belongs to other entries and must neither move nor be kept with the denoiser.
    """

    def __init__(self, processor: Any) -> None:
        self._processor = processor

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Any = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        return self._processor(attn, hidden_states, encoder_hidden_states, attention_mask, temb)  # type: ignore[no-any-return]


class Styles:
    """The references of one pass that are followed by their style."""

    def __init__(self, references: Sequence[Reference]) -> None:
        self._references = references
        self._processors: list[tuple[float, Any]] = []

    @contextlib.contextmanager
    def lent(self, unet: Any) -> Iterator[None]:
        """For a while, the denoiser reads the pictures; afterwards its attention is what it was."""
        layers = list(readers(unet)) if self._references else []
        before = [layer.processor for _, layer in layers]
        try:
            for number, (name, layer) in enumerate(layers):
                processor = self._processor(number, layer)
                self._processors.append((_depth(name, unet), processor))
                layer.set_processor(_Lent(processor))
            yield
        finally:
            for (_, layer), old in zip(layers, before, strict=True):
                layer.set_processor(old)

    def _processor(self, number: int, layer: Any) -> Any:
        """The library's, around the adapters' own weights: nothing is copied."""
        count = len(self._references)
        with torch.device("meta"):
            processor = IPAdapterAttnProcessor2_0(layer.inner_kv_dim, layer.cross_attention_dim, [1] * count)
        processor.to_k_ip = nn.ModuleList([one.net.keys[number] for one in self._references])
        processor.to_v_ip = nn.ModuleList([one.net.values[number] for one in self._references])
        return processor

    def weigh(self, counts: Callable[[ControlUnit], bool]) -> None:
        """How much each counts in the step to come; softer away from the depth where the prompt leads."""
        for depth, processor in self._processors:
            processor.scale = [
                one.unit.weight * (SOFTEST ** (1 - depth) if one.unit.balance == "prompt" else 1.0)
                if counts(one.unit)
                else 0
                for one in self._references
            ]

    def words(self, guided: bool) -> list[Tensor]:
        """What the pictures say, in the form in which the denoiser reads a prompt."""
        return [_words(one, guided) for one in self._references]


def _words(reference: Reference, guided: bool) -> Tensor:
    net, seen = reference.net, reference.seen
    assert seen
    dtype = net.keys[0].weight.dtype
    own = seen.whole if net.whole else seen.places
    _check_encoder(reference, own)
    said = net.projection(own.to(dtype))
    if not guided:
        return said  # type: ignore[no-any-return]
    if reference.unit.balance == "reference":
        # Of nothing these layers make nothing, so the opposite is not told of the picture at all.
        return torch.cat([torch.zeros_like(said), said])
    nothing = torch.zeros_like(own) if net.whole else seen.nothing
    return torch.cat([net.projection(nothing.to(dtype)), said])


def _check_encoder(reference: Reference, said: Tensor) -> None:
    assert reference.spec
    first = next(layer for layer in reference.net.projection.modules() if isinstance(layer, nn.Linear))
    if first.in_features != said.shape[-1]:
        raise StudioError("control_encoder", net=reference.spec.title.en, encoder=reference.spec.encoder)


def _depth(layer: str, unet: Any) -> float:
    """How deep in the denoiser a layer lies: 0 at its ends, 1 in its middle."""
    place, _, number = layer.partition(".")
    if not place.endswith("_blocks"):
        return 1.0
    block, count = int(number.partition(".")[0]), len(unet.config.block_out_channels)
    return (block if place == "down_blocks" else count - 1 - block) / count
