"""What a step learns from: told by its number alone, so that a training can be taken up again anywhere."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from functools import lru_cache

from studio.messages import TrainingSettings

GOLDEN = 0.6180339887498949
"""Steps of this size spread over a circle as evenly as can be, wherever they stop."""


@dataclass(frozen=True)
class Look:
    """One look at a picture: how, at which moment of the noise, and from which seed that noise comes."""

    picture: int
    moment: float
    """0 to 1: a share of the model's noise schedule."""
    seed: int
    mirrored: bool = False
    captioned: bool = True


def looks(step: int, pictures: int, settings: TrainingSettings) -> tuple[Look, ...]:
    """What a step sees. Every picture is seen as often as any other, in another order every time."""
    first = step * settings.batch
    return tuple(_look(at, pictures, settings) for at in range(first, first + settings.batch))


def _look(at: int, pictures: int, settings: TrainingSettings) -> Look:
    turn, place = divmod(at, pictures)
    dice = random.Random(_number(settings.seed, "look", at))
    return Look(
        picture=_order(settings.seed, turn, pictures)[place],
        # Spread evenly instead of drawn: a short training then meets every amount of noise.
        moment=(at * GOLDEN + _number(settings.seed, "moment", 0) / 2**63) % 1.0,
        seed=_number(settings.seed, "noise", at),
        mirrored=dice.random() < 0.5 and settings.mirror,
        captioned=dice.random() >= settings.caption_dropout,
    )


@lru_cache(maxsize=8)
def _order(seed: int, turn: int, pictures: int) -> tuple[int, ...]:
    order = list(range(pictures))
    random.Random(_number(seed, "turn", turn)).shuffle(order)
    return tuple(order)


def _number(seed: int, what: str, at: int) -> int:
    """A number of 63 bits that has nothing to do with its neighbours'."""
    digest = hashlib.sha256(f"{seed} {what} {at}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
