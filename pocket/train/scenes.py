"""Which scenes the base learns from: settled ones, that have few ways to look, beside the world with all its chance.

A cat of the world has any shape, size, place and face, and a small network that has seen few of each paints their
mean: smudges. In settled scenes it is always one of a few cats. Of ten scenes two are things at their plainest, two are
several things, two are things in every style, light, detail and pose, one has a defect, and three are of the world.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count as naturals
from itertools import islice

from pocket.world import Scene, sample
from pocket.world.sampling import LOOKS, settled_company, settled_flaw, settled_manner, settled_scenes
from pocket.world.scene import DEFECTS

# The world shows mostly single things; places, counts and whose colour is whose are what takes longest to learn.
KINDS = {"single": 38, "pair": 38, "count": 24}
# Without rare styles, lights, details and defects, so that nothing draws off from the composition.
PLAIN_SHARE = 0.4
# Twice as often come those whose words brought least: what moves shapes, spoils their grain or writes across them.
FAINT = ("low quality", "lowres", "deformed", "disfigured", "text")
# One in so many scenes of the world has a defect: as rare as they are there, their words bring little. Every seventh
# and turns of ten never fall into step.
SPOILT_EACH = 7
SPOILT = tuple(d for d in DEFECTS for _ in range(2 if d in FAINT else 1))


def plain(k: int) -> Scene:
    """One thing at its plainest."""
    return random.Random(f"plain-{k}").choice(settled_scenes())


def flawed(k: int) -> Scene:
    """The same with a defect, by turns."""
    turn = k // len(TURNS)
    return settled_flaw(plain(k), SPOILT[turn % len(SPOILT)], turn // len(SPOILT) % len(LOOKS))


def anything(k: int) -> Scene:
    """A scene of the world, now and then with a defect."""
    rng = random.Random(f"learned-{k}")
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    scene = sample(k, "train", kind, plain=rng.random() < PLAIN_SHARE)
    return scene if k % SPOILT_EACH else replace(scene, defects=(SPOILT[k // SPOILT_EACH % len(SPOILT)],))


Sort = Callable[[int], Scene]
# By turns, so that as many as there are, from the first on, show every sort in its share.
TURNS: tuple[Sort, ...] = (
    plain, anything, settled_manner, settled_company, anything, plain, flawed, anything, settled_company,
    settled_manner,
)  # fmt: skip


def sort_of(k: int) -> Sort:
    """What scene k of the training set is one of."""
    return TURNS[k % len(TURNS)]


def learned(k: int) -> Scene:
    """Scene k of the training set."""
    return sort_of(k)(k)


def first_of(count: int, *sorts: Sort) -> list[int]:
    """The numbers of the first so many scenes of some sorts."""
    return list(islice((k for k in naturals() if sort_of(k) in sorts), count))
