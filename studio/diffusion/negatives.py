"""How much of the negative prompt counts.

Guidance leads away from what a denoiser makes of the negative prompt, which there takes the place of no words at all.
All of it counts then ("full"), as in other studios. Two things go wrong with that where a model knows the words well.
What prompt and negative share stands on both sides and stays: guidance only sees where they differ. And a negative
that is further from the prompt than no words are pulls harder than the prompt: away from "blurry" the picture is
burnt, though nothing in it was blurry.

"needed" measures at every step how much of the negative there is to take away, seen from what the denoiser makes of no
words at all:
- as much as the prompt shares with it, which guidance has made larger;
- a third of it beside that, as long as this pulls no harder than a sixth of what the prompt does.
So the denoiser is asked once more a step. Figures of both ways are in the card of the pocket.
"""

# By hand: what the library has for a hard pull (adaptive projected guidance) makes it shorter, whatever its words are,
# and leaves standing what both prompts share.

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from studio.diffusion.families import guided
from studio.messages import GenerationRequest

BESIDE = 1 / 3
"""How much of it counts beside what is shared; with none, the pocket often stays black and white."""
HARDEST = 1 / 6
"""How hard that may pull, of the prompt's own pull."""
MOST_SHARED = 1.5
"""A negative that says next to nothing tells nothing of what is shared."""
SLIGHTEST = 0.1
"""With less guidance than this above 1, what is shared would have to be made so large that its digits are lost."""


def measures(pipe: Any, request: GenerationRequest) -> bool:
    """Whether a request's negative is measured; models that took guidance in are not painted against one."""
    return request.measures_negative and guided(pipe, request)


def counted(alone: Tensor, opposite: Tensor, own: Tensor, guidance: float) -> Tensor:
    """The guess to guide away from, of those for no words, for the negative and for the prompt."""
    pull, away = own - alone, opposite - alone
    length = _dot(away, away).clamp_min(1e-12)
    shared = (_dot(pull, away) / length).clamp(0, MOST_SHARED)
    longer = (_dot(pull, pull) / length).sqrt()
    beside = (HARDEST * longer).clamp(max=BESIDE)
    return alone + (shared * guidance / max(guidance - 1, SLIGHTEST) + beside) * away


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Of every picture for itself."""
    return (a * b).flatten(1).sum(1).view(-1, *[1] * (a.ndim - 1))


@contextlib.contextmanager
def counting(pipe: Any, nothing: Mapping[str, Any] | None, guidance: float) -> Iterator[None]:
    """For a while, what a pipe's denoiser guesses for the negative is how much of it counts.

    `nothing` is what the pipe would be told of no words at all; None: all of the negative counts. Whoever adds to the
    denoiser's calls must listen already; whoever changes its guesses gets them counted.
    """
    if nothing is None:
        yield
        return
    denoiser, one = getattr(pipe, "unet", None) or pipe.transformer, _Counting(nothing, guidance)
    with contextlib.ExitStack() as hooks:
        hooks.callback(denoiser.register_forward_pre_hook(one.before, with_kwargs=True).remove)
        hooks.callback(denoiser.register_forward_hook(one.after, prepend=True).remove)
        yield


class _Counting:
    """Called before and after each call of the denoiser that guesses for the negative and the prompt."""

    def __init__(self, nothing: Mapping[str, Any], guidance: float) -> None:
        whole = nothing.get("negative_pooled_prompt_embeds")
        self._said = {
            "encoder_hidden_states": nothing["negative_prompt_embeds"],
            "text_embeds": whole,
            "pooled_projections": whole,
        }
        self._guidance = guidance
        self._asked: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    def before(self, denoiser: Any, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        """Keeps what is asked for no words: taken now, since the denoiser empties the lists that it is given."""
        sample = args[0] if args else given["hidden_states"]
        half = _first_half(len(sample))
        self._asked = half(args), self._unsaid(half(given))

    def after(self, denoiser: Any, args: tuple[Any, ...], told: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The same guesses, the first of them counted."""
        opposite, own = told[0].float().chunk(2)
        for_no_words, with_these = self._asked
        # Not called as a module: whoever listens to the denoiser hears one call a step.
        alone = denoiser.forward(*for_no_words, **with_these)[0].float()
        return (torch.cat([counted(alone, opposite, own, self._guidance), own]).to(told[0]), *told[1:])

    def _unsaid(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The same with no words, wherever it names what a prompt says."""
        return {name: self._instead(name, value) for name, value in given.items()}

    def _instead(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return self._unsaid(value)
        if name not in self._said or value is None:
            return value
        # Beside the words there may be pictures whose style is followed: those stay.
        return (self._said[name], *value[1:]) if isinstance(value, tuple) else self._said[name]


def _first_half(count: int) -> Callable[[Any], Any]:
    """Takes the negative's half of all that has a row for every guess."""

    def half(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value[: count // 2] if value.ndim and len(value) == count else value
        if isinstance(value, dict):
            return {name: half(one) for name, one in value.items()}
        if isinstance(value, (tuple, list)):
            return type(value)(half(one) for one in value)
        return value

    return half
