"""The drawn world keeps its promises."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from pocket.evaluate import holds
from pocket.world import SUBJECTS, Scene, Thing, draw, is_held_out, sample
from pocket.world.captions import caption
from pocket.world.sampling import LOOKS, settle, settled_company
from pocket.world.scene import BACKGROUNDS, COLOURS, DEFECTS, LIGHTS, STYLES
from pocket.world.truth import depth, edges
from pocket.world.words import COLOUR_WORDS, DEFECT_WORDS, SUBJECT_WORDS

CAT = Thing("cat", "red", 0.5, 0.52, 0.38, seed=4)


def middle(scene: Scene) -> np.ndarray:
    """The mean colour inside the first subject."""
    picture = draw(scene, 64)
    return picture.pixels[picture.masks[0] > 0].mean(0)


def test_the_world_imports_without_torch() -> None:
    code = "import sys, pocket.world, pocket.world.captions; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_world_is_as_rich_as_promised() -> None:
    assert len(SUBJECTS) >= 20
    assert (len(COLOURS), len(BACKGROUNDS), len(STYLES)) == (10, 8, 6)
    assert set(SUBJECTS) == set(SUBJECT_WORDS)


def test_the_same_seed_draws_the_same_picture() -> None:
    first, again = draw(sample(11), 64), draw(sample(11), 64)
    assert first.scene == again.scene
    assert np.array_equal(first.pixels, again.pixels)


def test_another_seed_draws_another_picture() -> None:
    assert not np.array_equal(draw(sample(11), 64).pixels, draw(sample(12), 64).pixels)


@pytest.mark.parametrize("side", [64, 128, 200])
def test_a_scene_can_be_drawn_at_any_size(side: int) -> None:
    picture = draw(Scene((CAT,)), side)
    assert picture.pixels.shape == (side, side, 3)
    assert picture.masks[0].shape == (side, side)


@pytest.mark.parametrize("subject", sorted(SUBJECTS))
def test_every_subject_fills_its_place(subject: str) -> None:
    picture = draw(Scene((replace(CAT, subject=subject, y=0.5),)), 64)
    ys, xs = np.nonzero(picture.masks[0])
    assert 0.08 < picture.masks[0].mean() / 255 < 0.5
    assert abs(xs.mean() / 64 - 0.5) < 0.17
    assert abs(ys.mean() / 64 - 0.5) < 0.14


@pytest.mark.parametrize("colour", sorted(COLOURS))
def test_a_subject_shows_its_colour(colour: str) -> None:
    seen = middle(Scene((replace(CAT, subject="heart", colour=colour, y=0.5),)))
    nearest = min(COLOURS, key=lambda name: float(np.abs(seen - np.array(COLOURS[name])).sum()))
    assert nearest == colour


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("light", LIGHTS)
def test_every_style_draws_in_every_light(style: str, light: str) -> None:
    assert draw(Scene((CAT,), "meadow", light, style), 64).pixels.std() > 5


@pytest.mark.parametrize("defect", DEFECTS)
def test_every_defect_changes_the_picture(defect: str) -> None:
    clean = Scene((CAT,), "meadow", seed=3)
    spoiled = draw(replace(clean, defects=(defect,)), 64).pixels.astype(int)
    assert np.abs(spoiled - draw(clean, 64).pixels).mean() > 1


def test_black_and_white_has_no_colour() -> None:
    pixels = draw(Scene((CAT,), "meadow", defects=("black and white",)), 64).pixels.astype(int)
    assert np.ptp(pixels, axis=2).max() <= 1


@pytest.mark.parametrize("kind", ["single", "pair", "count"])
def test_a_held_out_scene_is_never_sampled_for_training(kind: str) -> None:
    assert not any(is_held_out(sample(seed, "train", kind)) for seed in range(400))


def test_held_out_scenes_are_all_held_out() -> None:
    assert all(is_held_out(sample(seed, "held_out")) for seed in range(100))


def test_settled_company_has_few_looks_and_stands_as_it_is_said_to() -> None:
    scenes = [settled_company(k) for k in range(400)]
    assert not any(is_held_out(scene) for scene in scenes)
    assert {scene.count for scene in scenes} == {2, 3}
    looks = {(thing.subject, thing.seed) for scene in scenes for thing in scene.things}
    assert len(looks) == len(LOOKS) * len(SUBJECTS)
    assert all(scene.relation or len({t.seed for t in scene.things}) == 1 for scene in scenes)
    for scene in (scene for scene in scenes if scene.relation):
        assert holds(scene.relation, *scene.things)


def test_looks_of_a_settled_subject_are_different_pictures() -> None:
    every = [draw(settle("cat", "red", "meadow", look), 64).pixels.astype(int) for look in range(len(LOOKS))]
    assert min(np.abs(a - b).mean() for a, b in combinations(every, 2)) > 8


def test_every_subject_colour_and_background_appears_in_training() -> None:
    scenes = [sample(seed) for seed in range(1500)]
    assert {t.subject for s in scenes for t in s.things} == set(SUBJECTS)
    assert {t.colour for s in scenes for t in s.things} == set(COLOURS)
    assert {s.background for s in scenes} == set(BACKGROUNDS)


def test_relations_are_true_of_the_places() -> None:
    for seed in range(100):
        scene = sample(seed, kind="pair")
        a, b = scene.things
        holds = {"left": a.x < b.x, "right": a.x > b.x, "above": a.y < b.y, "below": a.y > b.y}
        assert holds[scene.relation]


def test_a_count_shows_one_subject_in_one_colour() -> None:
    for seed in range(50):
        scene = sample(seed, kind="count")
        assert scene.count in (2, 3)
        assert len({(t.subject, t.colour) for t in scene.things}) == 1


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_caption_names_the_subject_in_its_language(lang: str) -> None:
    for seed in range(80):
        scene = sample(seed)
        text = caption(scene, random.Random(seed), lang)
        ways = SUBJECT_WORDS[scene.things[0].subject][("en", "zh").index(lang)]
        roots = [way[:3] if lang == "en" else way for way in ways]
        assert any(root in text for root in roots), text


def test_an_unusual_colour_is_said() -> None:
    scene = Scene((replace(CAT, colour="purple"),))
    said = sum("purple" in caption(scene, random.Random(i), "en") for i in range(100))
    assert said > 90


def test_a_defect_is_named_in_the_caption() -> None:
    scene = Scene((CAT,), defects=("blurry",))
    said = sum(
        any(w in caption(scene, random.Random(i), "en") for w in DEFECT_WORDS["blurry"][0])
        for i in range(100)
    )
    assert said > 85


def test_wording_varies() -> None:
    assert len({caption(Scene((CAT,), "meadow"), random.Random(i)) for i in range(60)}) > 30


def test_unknown_words_are_errors() -> None:
    with pytest.raises(ValueError, match="unknown word"):
        Scene((CAT,), background="moonbase")
    with pytest.raises(ValueError, match="unknown colour"):
        Scene((replace(CAT, colour="teal"),))
    with pytest.raises(ValueError, match="unknown split"):
        sample(1, "both")
    assert set(COLOUR_WORDS) == set(COLOURS)


def test_depth_and_edges_follow_the_masks() -> None:
    picture = draw(Scene((CAT,)), 64)
    inside, near, outline = picture.masks[0] > 0, depth(picture), edges(picture)
    assert near[inside].mean() > near[~inside].mean() + 40
    assert 0 < (outline > 0).mean() < 0.3


@pytest.mark.parametrize("tone", [0.0, 0.5, 1.0])
def test_letters_can_be_read_on_any_ground(tone: float) -> None:
    from pocket.world.effects import scribble

    ground = np.full((64, 64, 3), tone, np.float32)
    for seed in range(5):
        assert np.abs(scribble(ground, np.random.default_rng(seed)) - ground).max() > 0.4
