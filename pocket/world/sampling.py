"""Draws scenes by seed, and keeps some combinations out of training."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

from pocket.world.scene import (
    BACKGROUNDS,
    COLOURS,
    DEFECTS,
    EXPRESSIONS,
    LIGHTS,
    POSES,
    RELATIONS,
    STYLES,
    Scene,
    Thing,
)
from pocket.world.subjects import SUBJECTS

FLAT_SHARE, DAY_SHARE, DEFECT_SHARE = 0.62, 0.8, 0.09
SPLITS = ("train", "held_out")
# Where the settled scenes of several things and those in every manner begin, far from what training shows otherwise.
COMPANY_FROM, MANNER_FROM = 3_000_000, 4_000_000


def one_in(n: int, *words: str) -> bool:
    """The same words always fall in or out; about one in n falls in."""
    return zlib.crc32("|".join(words).encode()) % n == 0


def is_held_out(scene: Scene) -> bool:
    """True for combinations that training never shows.

    About one in twelve of (subject, colour, background), one in eight pairs of different subjects, and one in
    eight of (subject, count) with its colour.
    """
    if any(one_in(12, t.subject, t.colour, scene.background) for t in scene.things):
        return True
    names = sorted({t.subject for t in scene.things})
    if len(names) == 2:
        return one_in(8, *names)
    first = scene.things[0]
    return scene.count > 1 and one_in(8, first.subject, first.colour, str(scene.count))


def sample(seed: int, split: str = "train", kind: str | None = None, plain: bool = False) -> Scene:
    """A scene of a split. kind fixes the composition (single, pair, count); plain leaves out rare things."""
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
    rng = random.Random(f"{split}-{kind}-{seed}")
    while True:
        scene = compose(rng, kind or rng.choices(("single", "pair", "count"), (62, 25, 13))[0], plain)
        if is_held_out(scene) == (split == "held_out"):
            return scene


def compose(rng: random.Random, kind: str, plain: bool) -> Scene:
    """One scene of a composition, held out or not."""
    background = rng.choice(BACKGROUNDS)
    things, relation = {"single": single, "pair": pair, "count": several}[kind](rng, background, plain)
    scene = Scene(things, background, relation=relation, seed=rng.randrange(2**31))
    if plain:
        return scene
    scene = in_a_manner(scene, rng, FLAT_SHARE, DAY_SHARE)
    return replace(scene, defects=(rng.choice(DEFECTS),) if rng.random() < DEFECT_SHARE else ())


def in_a_manner(scene: Scene, rng: random.Random, flat: float, day: float) -> Scene:
    """The scene in some style and light; so many stay flat, so many in daylight."""
    style = "flat" if rng.random() < flat else rng.choice(STYLES[1:])
    light = "day" if rng.random() < day or scene.background == "night sky" else rng.choice(LIGHTS[1:])
    return replace(scene, style=style, light=light if style != "neon" else "day")


def make(rng: random.Random, subject: str, x: float, y: float, size: float, rich: bool) -> Thing:
    """A subject with colour, details, pose and expression."""
    about = SUBJECTS[subject]
    details: tuple[str, ...] = ()
    if rich and about.details and rng.random() < 0.38:
        details = tuple(rng.sample(about.details, min(len(about.details), rng.choice((1, 1, 1, 2)))))
    pose = rng.choice(POSES) if about.person else ""
    face = rng.choice(("smiling", "smiling", *EXPRESSIONS)) if about.person else "smiling"
    return Thing(subject, rng.choice(list(COLOURS)), x, y, size, rng.randrange(2**31), details, pose, face,
                 rng.random() < 0.5)


def any_subject(rng: random.Random) -> str:
    """Some subject."""
    return rng.choice(list(SUBJECTS))


def single(rng: random.Random, background: str, plain: bool) -> tuple[tuple[Thing, ...], str]:
    """One big subject near the middle."""
    subject, size = any_subject(rng), rng.uniform(0.33, 0.42)
    low = 0.92 - size if SUBJECTS[subject].ground else 0.5
    y = low + rng.uniform(-0.03, 0.03)
    return (make(rng, subject, rng.uniform(0.45, 0.55), y, size, not plain),), ""


def pair(rng: random.Random, background: str, plain: bool) -> tuple[tuple[Thing, ...], str]:
    """Two different subjects beside or above each other; the relation is the first one's place."""
    a, b = rng.sample(list(SUBJECTS), 2)
    relation = rng.choice((*RELATIONS, "left", "right"))
    size = rng.uniform(0.215, 0.24)
    lift = rng.uniform(-0.03, 0.03)
    if relation in ("left", "right"):
        spots = [(0.26, 0.62), (0.74, 0.62)]
    else:
        spots = [(0.5 + lift, 0.25), (0.5 - lift, 0.75)]
    if relation in ("right", "below"):
        spots.reverse()
    made = []
    for name, (x, y) in zip((a, b), spots, strict=True):
        drop = 0.0 if relation in ("above", "below") or SUBJECTS[name].ground else -0.12
        made.append(make(rng, name, x + rng.uniform(-0.02, 0.02), y + drop + rng.uniform(-0.02, 0.02),
                         size * rng.uniform(0.93, 1.05), not plain and rng.random() < 0.3))
    return tuple(made), relation


def several(rng: random.Random, background: str, plain: bool) -> tuple[tuple[Thing, ...], str]:
    """Two or three of one subject in one colour."""
    first = make(rng, any_subject(rng), 0.5, 0.5, 0.2, not plain and rng.random() < 0.2)
    spots = rng.choice((
        [(0.27, 0.6), (0.73, 0.6)],
        [(0.27, 0.62), (0.73, 0.55)],
        [(0.5, 0.27), (0.26, 0.73), (0.74, 0.73)],
        [(0.27, 0.28), (0.73, 0.28), (0.5, 0.74)],
    ))
    size = 0.225 if len(spots) == 2 else 0.205
    return tuple(
        replace(first, x=x + rng.uniform(-0.02, 0.02), y=y + rng.uniform(-0.02, 0.02),
                size=size * rng.uniform(0.94, 1.06), seed=rng.randrange(2**31), flip=rng.random() < 0.5)
        for x, y in spots), ""


@dataclass(frozen=True)
class Look:
    """One of the few ways that settled scenes look: where a single thing stands in it, and how large."""

    x: float
    size: float
    flip: bool


# In the first everything is at its plainest; with one alone, all pictures of a prompt would be the same.
LOOKS = (Look(0.5, 0.4, False), Look(0.46, 0.36, True), Look(0.54, 0.38, False))
# In settled scenes of every manner these are rarer than elsewhere: the manner is what they are there for.
SETTLED_FLAT, SETTLED_DAY = 0.15, 0.5


def settled_seed(what: str, look: int) -> int:
    """The seed of the one shape that something has in a look."""
    return zlib.crc32((f"{what} {look}" if look else what).encode())


def settled_thing(thing: Thing, look: int, **place: float) -> Thing:
    """A thing in the one shape that its subject has in a look; all else about it stays."""
    return replace(thing, seed=settled_seed(f"shape {thing.subject}", look), flip=LOOKS[look].flip, **place)


def plainest(thing: Thing) -> Thing:
    """A thing without details, a person standing and smiling."""
    pose = POSES[0] if SUBJECTS[thing.subject].person else ""
    return replace(thing, details=(), pose=pose, expression="smiling")


def settled_alone(thing: Thing, look: int) -> Thing:
    """The same, and where a single thing stands."""
    here = LOOKS[look]
    y = 0.92 - here.size if SUBJECTS[thing.subject].ground else 0.5
    return settled_thing(thing, look, x=here.x, y=y, size=here.size)


def settle(subject: str, colour: str, background: str, look: int = 0) -> Scene:
    """One subject at its plainest: in a look always the same shape, size and place, so that little is left to chance."""
    thing = settled_alone(plainest(Thing(subject, colour, 0.5, 0.5, 0.4)), look)
    return Scene((thing,), background, seed=settled_seed(f"ground {background}", look))


@cache
def settled_scenes() -> tuple[Scene, ...]:
    """Every subject in every colour before every background that training may show, in every look at its plainest."""
    asked = product(SUBJECTS, COLOURS, BACKGROUNDS, range(len(LOOKS)))
    return tuple(scene for scene in (settle(*one) for one in asked) if not is_held_out(scene))


def settled_company(k: int) -> Scene:
    """Several things as plainly as one: each in its one shape, and where an eighth of the side is nearest."""
    scene, look = sample(COMPANY_FROM + k, kind=("pair", "count")[k % 2], plain=True), k // 2 % len(LOOKS)
    size = 0.225 if scene.count == 2 else 0.205
    things = (
        settled_thing(plainest(t), look, x=round(8 * t.x) / 8, y=round(8 * t.y) / 8, size=size)
        for t in scene.things
    )
    return replace(scene, things=tuple(things), seed=settled_seed(f"ground {scene.background}", look))


def settled_manner(k: int) -> Scene:
    """One thing whose shape and place are settled, and whose style, light, details, pose and expression are not."""
    rng, look = random.Random(f"manner-{k}"), k % len(LOOKS)
    scene = replace(sample(MANNER_FROM + k, kind="single"), defects=())
    settled = settled_alone(scene.things[0], look)
    scene = replace(scene, things=(settled,), seed=settled_seed(f"ground {scene.background}", look))
    return in_a_manner(scene, rng, SETTLED_FLAT, SETTLED_DAY)


def settled_flaw(scene: Scene, defect: str, look: int) -> Scene:
    """The scene with a defect that is settled too: in a look it always bends the same way, or writes the same."""
    return replace(scene, defects=(defect,), seed=settled_seed("flaw", look))
