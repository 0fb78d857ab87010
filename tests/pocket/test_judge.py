"""The judge: how it is taught, how it reads, and that the shipped one reads as well as it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pocket.world import draw, sample
from pocket.world.sampling import settle

torch = pytest.importorskip("torch")
from pocket.judge import (  # noqa: E402
    CELLS,
    COLOUR_NAMES,
    HEADINGS,
    PASS,
    SUBJECT_NAMES,
    WHOLE,
    Licence,
    Verdict,
    load_judge,
    load_licence,
    look,
    read,
)

WEIGHTS = Path(__file__).parents[2] / "pocket" / "weights"
FLOOR, DRAWINGS = 0.05, 120
shipped = pytest.mark.skipif(not (WEIGHTS / "judge.safetensors").exists(), reason="no judge yet")


def heads(*centres: tuple[int, int, str, str]) -> dict[str, torch.Tensor]:
    """What a sure network says of things at (row, column) with a subject and a colour."""
    out = {
        "centre": torch.full((1, CELLS, CELLS), -9.0),
        "subject": torch.zeros(1, len(SUBJECT_NAMES), CELLS, CELLS),
        "colour": torch.zeros(1, len(COLOUR_NAMES), CELLS, CELLS),
        **{name: torch.full((1, len(words)), -3.0) for name, words in WHOLE.items()},
    }
    for row, column, subject, colour in centres:
        around = (0, slice(row - 1, row + 2), slice(column - 1, column + 2))
        out["centre"][around] = 0.0
        out["centre"][0, row, column] = 5.0
        out["subject"][(0, SUBJECT_NAMES.index(subject), *around[1:])] = 9.0
        out["colour"][(0, COLOUR_NAMES.index(colour), *around[1:])] = 9.0
    return out


def test_every_peak_is_one_thing() -> None:
    (verdict,) = read(heads((5, 3, "cat", "red"), (5, 12, "cat", "red"), (12, 8, "boat", "blue")))
    assert {name: found.count for name, found in verdict.subjects.items()} == {"cat": 2, "boat": 1}
    boat = verdict.subjects["boat"]
    assert (boat.colour, round(boat.x, 2), round(boat.y, 2)) == ("blue", 0.53, 0.78)


def test_an_empty_picture_has_nothing_in_it() -> None:
    assert read(heads())[0].things == ()


def test_the_words_of_the_whole_picture_are_read() -> None:
    said = heads()
    for name, word in (("background", "sea"), ("style", "neon"), ("light", "night"), ("defects", "text")):
        said[name][0, WHOLE[name].index(word)] = 4.0
    assert read(said) == [Verdict((), "sea", "neon", "night", ("text",))]


def test_a_licence_is_earned_heading_by_heading() -> None:
    licence = Licence({"subjects": PASS, "counts": PASS - 0.001})
    assert licence.may_judge(("subjects",))
    assert not licence.may_judge(("subjects", "counts"))
    assert not licence.may_judge(("style",))


def test_the_judge_is_taught_where_things_are() -> None:
    from pocket.train.lessons import to_grid, truths

    scene = sample(3, kind="count")
    grid = to_grid(torch.from_numpy(truths([scene])["things"]))
    assert int(grid.peak.sum()) == scene.count
    for thing in scene.things:
        cell = 0, int(thing.y * CELLS), int(thing.x * CELLS)
        assert grid.peak[cell] and grid.weight[cell] > 0
        assert SUBJECT_NAMES[grid.subject[cell]] == thing.subject
        assert COLOUR_NAMES[grid.colour[cell]] == thing.colour


def test_lessons_hold_more_of_what_is_rare() -> None:
    from pocket.train.lessons import Lessons, truths

    scenes = [sample(k) for k in range(400)]
    pixels = np.zeros((200, 8, 8, 3), np.uint8)
    lessons = Lessons([pixels, pixels], truths(scenes), last_share=0.25)
    rows = lessons.choose(2000, np.random.default_rng(0))
    spoilt = np.array([bool(scenes[k].defects) for k in rows])
    assert len(rows) == 2000 and rows.min() >= 0 and rows.max() < 400
    assert (rows >= 200).mean() > 0.25
    assert spoilt.mean() > 1.5 * np.mean([bool(scene.defects) for scene in scenes])


def test_a_moved_drawing_keeps_its_truth() -> None:
    from pocket.train.lessons import move, truths

    scenes = [sample(k, kind="single", plain=True) for k in range(6)]
    pictures = [draw(scene) for scene in scenes]
    pixels = np.stack([np.repeat(p.masks[0][..., None], 3, -1) for p in pictures])
    before = middles(pixels)
    moved, truth = move(pixels.copy(), truths(scenes), np.random.default_rng(1))
    drawn = np.array([[s.things[0].x, s.things[0].y] for s in scenes])
    after = middles(moved) - truth["things"][:, 0, 2:4]
    turned = np.abs(after[:, 0] + (before - drawn)[:, 0]) < 0.02
    assert np.all(turned | (np.abs(after - (before - drawn)) < 0.02).all(1))
    assert np.abs(after[:, 1] - (before - drawn)[:, 1]).max() < 0.02


def test_sound_pictures_are_spoilt_anew_and_say_so() -> None:
    from pocket.train.lessons import truths
    from pocket.train.manner import Spoiling
    from pocket.world.scene import DEFECTS

    drawn = [settle(subject, "red", "meadow") for subject in ("cat", "boat", "star", "house")] * 2
    pixels = np.stack([draw(scene, 64).pixels for scene in drawn] * 16)
    lessons = Spoiling([pixels.copy()], truths(drawn * 16))
    rows = np.arange(128)
    told = []
    for seed in (0, 1):
        truth = {k: v.copy() for k, v in lessons.truth.items()}
        changed, truth = lessons.changed(lessons.pixels(rows), truth, np.random.default_rng(seed))
        grey = np.ptp(changed.astype(int), axis=-1).max((1, 2)) == 0
        assert np.array_equal(grey, truth["defects"][:, DEFECTS.index("black and white")] > 0) and grey.any()
        assert set(truth["defects"].sum(1)) == {0, 1}
        told.append(truth["defects"])
    assert not np.array_equal(*told) and not lessons.truth["defects"].any(), "the lessons stay as they are"


def test_a_drawing_is_spoilt_as_if_it_had_been_drawn_so() -> None:
    from pocket.world.drawing import spoiled

    scene = sample(3, kind="single", plain=True)
    for name in ("black and white", "deformed"):
        meant = draw(replace(scene, defects=(name,))).pixels.astype(int)
        got = spoiled(draw(scene).pixels, name, np.random.default_rng(scene.seed)).astype(int)
        assert np.abs(got - meant).max() <= 1


def middles(pixels: np.ndarray) -> np.ndarray:
    """The middle of the white in each picture as (x, y)."""
    spots = [np.nonzero(picture[..., 0] > 0) for picture in pixels]
    return np.array([[xs.mean() + 0.5, ys.mean() + 0.5] for ys, xs in spots]) / pixels.shape[1]


@shipped
def test_the_shipped_judge_says_what_it_scored() -> None:
    scores = load_licence(WEIGHTS).scores
    assert set(HEADINGS) <= set(scores)
    assert all(0 <= value <= 1 for value in scores.values())


@shipped
def test_the_shipped_judge_reads_held_out_drawings_as_well_as_it_says() -> None:
    from pocket.train.exam import mark

    scenes = [s for s in (sample(30_000 + k, "held_out") for k in range(200)) if not s.defects]
    scenes = [s for s in scenes if s.light == "day"][:DRAWINGS]
    verdicts = look(load_judge(WEIGHTS / "judge.safetensors"), np.stack([draw(s).pixels for s in scenes]))
    marks, scores = mark(list(zip(scenes, verdicts, strict=True))), load_licence(WEIGHTS).scores
    held = [name for name in HEADINGS if name != "defects"]
    assert {name: marks[name] for name in held if marks[name] < scores[name] - FLOOR} == {}
