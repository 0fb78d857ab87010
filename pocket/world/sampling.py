"""Draws scenes by seed, and keeps some combinations out of training."""

from __future__ import annotations

import random
import zlib
from dataclasses import replace

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
# Where the plainest scenes of several things begin, far from what training shows otherwise.
COMPANY_FROM = 3_000_000


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
    style = "flat" if rng.random() < FLAT_SHARE else rng.choice(STYLES[1:])
    light = "day" if rng.random() < DAY_SHARE or background == "night sky" else rng.choice(LIGHTS[1:])
    defects = (rng.choice(DEFECTS),) if rng.random() < DEFECT_SHARE else ()
    return replace(scene, style=style, light=light if style != "neon" else "day", defects=defects)


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


def settled_thing(subject: str, colour: str, x: float, y: float, size: float) -> Thing:
    """A subject in the one shape that it always has where little is left to chance."""
    pose = POSES[0] if SUBJECTS[subject].person else ""
    shape = zlib.crc32(f"shape {subject}".encode())
    return Thing(subject, colour, x, y, size, shape, (), pose, "smiling")


def settled_ground(background: str) -> int:
    """The seed of the one look that a background has there."""
    return zlib.crc32(f"ground {background}".encode())


def settle(subject: str, colour: str, background: str) -> Scene:
    """One subject at its plainest: always the same shape, size and place, so that little is left to chance."""
    size = 0.4
    y = 0.92 - size if SUBJECTS[subject].ground else 0.5
    return Scene((settled_thing(subject, colour, 0.5, y, size),), background, seed=settled_ground(background))


def settled_scenes() -> list[Scene]:
    """Every subject in every colour before every background that training may show, at its plainest."""
    scenes = [settle(s, c, b) for s in SUBJECTS for c in COLOURS for b in BACKGROUNDS]
    return [scene for scene in scenes if not is_held_out(scene)]


def settle_company(scene: Scene) -> Scene:
    """Several things as plainly as one: each in its one shape, and where an eighth of the side is nearest."""
    size = 0.225 if scene.count == 2 else 0.205
    things = (
        settled_thing(t.subject, t.colour, round(8 * t.x) / 8, round(8 * t.y) / 8, size) for t in scene.things
    )
    return replace(scene, things=tuple(things), seed=settled_ground(scene.background))


def settled_company(count: int) -> list[Scene]:
    """Pairs and several of a kind by turns that training may show, at their plainest."""
    kinds = ("pair", "count")
    return [settle_company(sample(COMPANY_FROM + k, kind=kinds[k % 2], plain=True)) for k in range(count)]
