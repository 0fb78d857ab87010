"""The subjects: one small draw function each, in a table filled through `register`."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from pocket.world.kit import Pen, Rgb, Spots
from pocket.world.scene import Thing

Draw = Callable[[Pen, Thing, Rgb, random.Random], Spots]


@dataclass(frozen=True)
class Subject:
    """A subject's draw function and what the sampler must know about it."""

    name: str
    draw: Draw
    ground: bool = True  # stands on the ground, or floats
    details: tuple[str, ...] = ()
    person: bool = False


SUBJECTS: dict[str, Subject] = {}


def register(name: str, ground: bool = True, details: tuple[str, ...] = (),
             person: bool = False) -> Callable[[Draw], Draw]:
    """Put a draw function into the table under its name."""

    def keep(draw: Draw) -> Draw:
        SUBJECTS[name] = Subject(name, draw, ground, details, person)
        return draw

    return keep


# Imported last: these modules fill the table above.
from pocket.world.subjects import animals, nature, people, things  # noqa: E402, F401
