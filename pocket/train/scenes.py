"""Which scenes the base learns from: the plainest ones first, then the world with many pairs and counts."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

from pocket.world import Scene, sample
from pocket.world.sampling import settled_company, settled_scenes
from pocket.world.scene import DEFECTS

# The world shows mostly single things; places, counts and whose colour is whose are what takes longest to learn.
KINDS = {"single": 38, "pair": 38, "count": 24}
# Without rare styles, lights, details and defects, so that nothing draws off from the composition.
PLAIN_SHARE = 0.4
# About as many of the plainest scenes show several things as show one.
COMPANY = 2_000
# Twice as often come those whose words brought least: what moves shapes or spoils their grain.
FAINT = ("low quality", "lowres", "deformed", "disfigured")
# One in so many of the others has a defect: as rare as they are in the world, their words bring little.
SPOILT_EACH = 7
SPOILT = tuple(d for d in DEFECTS for _ in range(2 if d in FAINT else 1))


@cache
def settled() -> list[Scene]:
    """The plainest scenes, once: those of one thing, then those of several."""
    return settled_scenes() + settled_company(COMPANY)


def learned(k: int) -> Scene:
    """Scene k of the training set."""
    if k < len(settled()):
        return settled()[k]
    rng = random.Random(f"learned-{k}")
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    scene = sample(k, "train", kind, plain=rng.random() < PLAIN_SHARE)
    return scene if k % SPOILT_EACH else replace(scene, defects=(SPOILT[k // SPOILT_EACH % len(SPOILT)],))
