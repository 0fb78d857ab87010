"""Control nets and T2I-Adapters at work: what each adds to one call of the denoiser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from studio.messages import Loudness, Size

if TYPE_CHECKING:
    from studio.diffusion.control import Reference

SOFTEST = -1.0
"""A ramp begins at this power of ten, as that of the library's control nets does."""


@dataclass(frozen=True)
class Call:
    """One call of the denoiser, as its pipeline makes it; where it is guided, the opposite's rows come first."""

    sample: Tensor
    time: Tensor
    text: Tensor
    added: dict[str, Tensor] | None
    guided: bool

    def own_side(self) -> Call:
        """The prompt's side of it."""
        added = self.added and {name: value.chunk(2)[1] for name, value in self.added.items()}
        return Call(self.sample.chunk(2)[1], self.time, self.text.chunk(2)[1], added, False)


@dataclass
class Added:
    """What is added in the denoiser: beside its first half, in its middle, and inside its first half."""

    down: list[Tensor] = field(default_factory=list)
    mid: list[Tensor] = field(default_factory=list)
    within: list[Tensor] = field(default_factory=list)

    def __add__(self, other: Added) -> Added:
        return Added(_sum(self.down, other.down), _sum(self.mid, other.mid), _sum(self.within, other.within))

    def on_the_own_side(self) -> Added:
        """The same with nothing on the side of the opposite."""
        return self._each(_with_nothing)

    def on_both_sides(self, loud: Loudness) -> Added:
        """The same, on either side of a guided call as loud as it is to be."""
        return self._each(lambda told: _by_side(told, loud))

    def _each(self, change: Callable[[Tensor], Tensor]) -> Added:
        return Added(*([change(one) for one in part] for part in (self.down, self.mid, self.within)))


def _sum(some: list[Tensor], others: list[Tensor]) -> list[Tensor]:
    if not some or not others:
        return some or others
    return [one + other for one, other in zip(some, others, strict=True)]


def _with_nothing(told: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(told), told])


def _by_side(told: Tensor, loud: Loudness) -> Tensor:
    # What looks at the map alone says the same to both.
    opposite, own = told.chunk(2) if len(told) > 1 else (told, told)
    return torch.cat([opposite * loud.opposite, own * loud.own])


class Voice:
    """A net at work in one pass."""

    def __init__(self, reference: Reference, size: Size, device: str) -> None:
        assert reference.spec
        self.unit, self._net, self._spec = reference.unit, reference.net, reference.spec
        kind = next(self._net.parameters()).dtype
        self._map = _tensor(self._shown(reference, size)).to(device, kind)

    def _shown(self, reference: Reference, size: Size) -> Image.Image:
        return reference.picture(size)

    def add(self, call: Call) -> Added:
        """What it adds to a call."""
        loud, weight = self._loudness(), float(self.unit.weight)
        if not call.guided:  # there are no sides, and it is as even
            return self._told(call, weight * loud.own, loud.softly and self.unit.balance == "prompt")
        if not loud.opposite:
            return self._told(call.own_side(), weight * loud.own, loud.softly).on_the_own_side()
        if loud.own == loud.opposite:
            return self._told(call, weight * loud.own, loud.softly)
        return self._told(call, weight, loud.softly).on_both_sides(loud)

    def _loudness(self) -> Loudness:
        return self._spec.loudness(self.unit.balance)

    def _told(self, call: Call, weight: float, softly: bool) -> Added:
        raise NotImplementedError


class NetVoice(Voice):
    """A control net, or a union of them that is told which kind it is shown."""

    def _loudness(self) -> Loudness:
        loud = super()._loudness()
        # What is said of a picture as a whole, without places, drowns out the opposite: the library holds it so.
        whole = bool(self._net.config.global_pool_conditions)
        return loud.model_copy(update={"opposite": 0.0}) if whole else loud

    def _told(self, call: Call, weight: float, softly: bool) -> Added:
        # A denoiser that fills masks reads the masked picture behind the noise.
        noise = call.sample[:, : self._net.config.in_channels]
        rows = len(noise)
        shown = self._map.expand(rows, -1, -1, -1)
        down, mid = self._net(
            noise,
            call.time,
            encoder_hidden_states=call.text,
            controlnet_cond=[shown] if self._spec.network == "union" else shown,
            conditioning_scale=weight,
            guess_mode=softly,
            added_cond_kwargs=call.added,
            return_dict=False,
            **self._kind(rows),
        )
        return Added(down=list(down), mid=[mid])

    def _kind(self, rows: int) -> dict[str, Any]:
        if self._spec.network != "union":
            return {}
        number = self._spec.modes[self.unit.kind]
        told = torch.zeros(rows, self._net.config.num_control_type).to(self._map)
        told[:, number] = 1
        return {"control_type": told, "control_type_idx": [number]}


class AdapterVoice(Voice):
    """A T2I-Adapter: it looks at the map alone, so it speaks once for all steps."""

    _features: list[Tensor] | None = None

    def _shown(self, reference: Reference, size: Size) -> Image.Image:
        # It reads squares of so many pixels; a half one at the edge is one too many in the denoiser as well.
        square = self._net.downscale_factor
        width, height = (-(-side // square) * square for side in (size.width, size.height))
        picture = reference.picture(Size(width=width, height=height))
        return picture.convert("L") if self._net.config.in_channels == 1 else picture

    def _told(self, call: Call, weight: float, softly: bool) -> Added:
        if self._features is None:
            self._features = self._net(self._map)
        ramp = torch.logspace(SOFTEST, 0, len(self._features)) if softly else torch.ones(len(self._features))
        weights = (ramp * weight).tolist()
        return Added(within=[one * by for one, by in zip(self._features, weights, strict=True)])


def _tensor(picture: Image.Image) -> Tensor:
    """A map as nets read one: 0 to 1, as a batch of one."""
    pixels = torch.from_numpy(np.array(picture, np.uint8)).float() / 255
    return (pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1))[None]


def voice(reference: Reference, size: Size, device: str) -> Voice:
    """A net at work on its map."""
    kind = AdapterVoice if reference.spec and reference.spec.network == "adapter" else NetVoice
    return kind(reference, size, device)
