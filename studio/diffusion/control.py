"""References in painting: what control nets and adapters add to a denoiser, for the length of one pass.

The library's pipelines for control mix neither ControlNets with T2I-Adapters and IP-Adapters nor several balances,
and each has a start of its own. So a hook gives the denoiser's call what they would give it, whichever pipeline
makes the call; a single net gives what the library's own pipeline for it gives.

Who leads (`ControlUnit.balance`), where a picture is painted against its opposite (`BALANCES`):
- even: a net speaks at its weight on both sides;
- prompt: on both sides, but the nearer to a picture's surface the softer, from a tenth up to the whole weight in the
  depth: the composition is the reference's, the rest is the prompt's;
- reference: on the prompt's own side alone, with the same ramp. Guidance then takes the reference for a part of what
  was asked and strengthens it as it does the prompt. The library calls this guess mode. An IP-Adapter does without
  the ramp. Painted without an opposite there are no sides, and it is as even.
A net's entry may say otherwise, where it was measured.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from PIL import Image
from torch import Tensor

from studio.diffusion.control_colours import Held, held
from studio.diffusion.control_fit import check_fits
from studio.diffusion.control_nets import Added, Call, Voice, voice
from studio.diffusion.control_style import Seen, Styles
from studio.messages import ControlSpec, ControlUnit, Size


@dataclass(frozen=True)
class Reference:
    """A reference as it is painted with: what was asked, its net in memory, and what the net is shown."""

    unit: ControlUnit
    spec: ControlSpec | None
    net: Any
    """None, as its entry, where the kind's colours are held instead."""
    picture: Callable[[Size], Image.Image]
    """Its map, fitted to what is painted: every pass may have a size of its own."""
    seen: Seen | None = None
    """What an encoder said of the picture, where the net follows that."""

    def check(self, unet: Any, model: str) -> None:
        """Refuses a net that is not made for the denoiser, in words."""
        if self.spec:
            check_fits(self.spec, self.net, unet, model)

    @property
    def speaks(self) -> bool:
        """Whether a net or an adapter adds something beside the denoiser."""
        return self.spec is not None and not self.seen


@contextlib.contextmanager
def following(pipe: Any, references: Sequence[Reference], size: Size, device: str) -> Iterator[None]:
    """Lets a pipe follow references in the one pass that is made within; whatever happens, not after it."""
    if not references:
        yield
        return
    styles = Styles([one for one in references if one.seen])
    voices = [voice(one, size, device) for one in references if one.speaks]
    colours = [(one.unit, held(one, pipe, size, device)) for one in references if one.spec is None]
    listening = _Listening(pipe, voices, styles, colours)
    with styles.lent(pipe.unet), contextlib.ExitStack() as hooks:
        before = pipe.unet.register_forward_pre_hook(listening.before, with_kwargs=True)
        hooks.callback(before.remove)
        hooks.callback(pipe.unet.register_forward_hook(listening.after).remove)
        yield


def steps_of(unit: ControlUnit, steps: int) -> list[int]:
    """The steps in which a reference counts: those that lie wholly in its share, as the library rounds it.

    Of few steps none may: then it is the one in which the share begins, for what was asked for must not be lost.
    """
    within = [n for n in range(steps) if unit.start <= n / steps and (n + 1) / steps <= unit.end]
    return within or [min(int(unit.start * steps), steps - 1)]


class _Listening:
    """Called before and after each call of the denoiser, once a step."""

    def __init__(
        self, pipe: Any, voices: Sequence[Voice], styles: Styles, colours: Sequence[tuple[ControlUnit, Held]]
    ) -> None:
        self._pipe, self._voices, self._styles, self._colours = pipe, voices, styles, colours
        self._steps = 0
        self._words: list[Tensor] = []
        self._counts: Callable[[ControlUnit], bool] = lambda unit: False

    def before(
        self, unet: Any, args: tuple[Any, ...], given: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        counts = self._counts = self._counts_now()
        guided = bool(self._pipe.do_classifier_free_guidance)
        added = given.get("added_cond_kwargs")
        call = Call(args[0], args[1], given["encoder_hidden_states"], added, guided)
        told = [one.add(call) for one in self._voices if counts(one.unit)]
        return args, given | _arguments(reduce(add, told, Added())) | self._read(call, counts)

    def after(self, unet: Any, args: tuple[Any, ...], told: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """What the denoiser guesses, with the colours that are held."""
        guess = told[0]
        guidance = self._pipe.guidance_scale if self._pipe.do_classifier_free_guidance else None
        for unit, colours in self._colours:
            if self._counts(unit):
                guess = colours.hold(guess, args[0], args[1], guidance)
        return (guess, *told[1:])

    def _counts_now(self) -> Callable[[ControlUnit], bool]:
        """Which references count in this step."""
        number, steps = self._steps, len(self._pipe.scheduler.timesteps)
        self._steps += 1
        return lambda unit: number in steps_of(unit, steps)

    def _read(self, call: Call, counts: Callable[[ControlUnit], bool]) -> dict[str, Any]:
        self._words = self._words or self._styles.words(call.guided)
        self._styles.weigh(counts)
        return {"encoder_hidden_states": (call.text, self._words)} if self._words else {}


def _arguments(told: Added) -> dict[str, Any]:
    """What is added, as the denoiser's call takes it."""
    given: dict[str, Any] = {}
    if told.mid:
        given |= {"down_block_additional_residuals": told.down, "mid_block_additional_residual": told.mid[0]}
    if told.within:
        given["down_intrablock_additional_residuals"] = list(told.within)
    return given
