"""The ready references: some for every kind, ready to be followed at once, and wrong ones told by line and key."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from studio.controls import CONTROLS, DETECTORS
from studio.ui.reference_shelf import REFERENCES, Ready, picture, read_references, shelf

FOLDER = REFERENCES.with_suffix("")
SHELF = [ready for ready, _ in read_references().entries]
EVERY = pytest.mark.parametrize("ready", SHELF, ids=lambda ready: ready.id)
ONE = "  - {{id: {id}, kind: {kind}, title: {{en: One, zh: 一}}, picture: {picture}}}\n"


def told(folder: Path, *entries: str) -> list[str]:
    """What is told of a file beside which one picture lies."""
    path = folder / "references.yaml"
    path.write_text("references:\n" + "".join(entries), encoding="utf-8")
    (folder / "references").mkdir(exist_ok=True)
    Image.new("RGB", (8, 8)).save(folder / "references" / "one.png")
    return [str(problem) for problem in read_references(path).problems]


def one(id: str = "one", kind: str = "canny", picture: str = "one.png") -> str:
    """An entry."""
    return ONE.format(id=id, kind=kind, picture=picture)


def test_nothing_on_the_shelf_is_wrong() -> None:
    assert read_references().problems == ()
    assert [entry["id"] for entry in shelf()] == [ready.id for ready in SHELF]


@pytest.mark.parametrize("kind", CONTROLS)
def test_every_kind_has_some_with_titles_that_tell_them_apart(kind: str) -> None:
    ours = [ready for ready in SHELF if ready.kind == kind]
    assert len(ours) >= 2
    assert len({ready.title.en for ready in ours}) == len({ready.title.zh for ready in ours}) == len(ours)
    assert len({ready.picture for ready in ours}) == len(ours)


@EVERY
def test_none_waits_for_weights(ready: Ready) -> None:
    detectors = [DETECTORS[name] for name in CONTROLS[ready.kind].detectors]
    assert ready.map or not detectors or not all(detector.weights for detector in detectors)


@EVERY
def test_each_is_a_picture_that_shows_something(ready: Ready) -> None:
    with Image.open(FOLDER / ready.picture) as image:
        shown = image.convert("RGB")
    assert shown.size == (512, 512)
    assert len(shown.resize((32, 32)).getcolors(1024) or ()) > 8


def test_segments_have_the_colours_of_their_classes() -> None:
    from studio.models.detectors import library

    known = {tuple(int(part) for part in colour) for colour in library("util").ade_palette()}
    for ready in SHELF:
        if ready.kind == "segmentation":
            with Image.open(FOLDER / ready.picture) as image:
                colours = {colour for _, colour in image.convert("RGB").getcolors(4096) or ()}
            assert len(colours) >= 4 and colours <= known


def test_pictures_are_small_and_none_is_left_over() -> None:
    files = [path for path in FOLDER.iterdir() if path.is_file()]
    assert {path.name for path in files} == {ready.picture for ready in SHELF}
    assert sum(path.stat().st_size for path in files) < 1_000_000


def test_only_what_is_on_the_shelf_is_given_out() -> None:
    assert picture(SHELF[0].picture) == FOLDER / SHELF[0].picture
    assert picture("draw/__main__.py") is picture("../poses.yaml") is picture("nothing.png") is None


def test_what_is_right_is_read(tmp_path: Path) -> None:
    assert told(tmp_path, one(), one("two")) == []


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (one("two", kind="smell"), "references.yaml:3: references.1.kind: there is no smell"),
        (one("two", picture="two.png"), "references.yaml:3: references.1.picture: there is no two.png"),
        (one("one"), "references.yaml:3: references.1.id: one stands twice"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_key(tmp_path: Path, wrong: str, what: str) -> None:
    assert told(tmp_path, one(), wrong) == [what]


@pytest.mark.parametrize("name", ["../../models.yaml", "sub/one.png", "one.py"])
def test_a_picture_lies_beside_the_file_and_nowhere_else(tmp_path: Path, name: str) -> None:
    [problem] = told(tmp_path, one(picture=name))
    assert "references.0.picture" in problem
