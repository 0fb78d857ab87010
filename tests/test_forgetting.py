"""Pictures that people brought: those that nothing names go after a while, and no other does."""

from __future__ import annotations

import io
import os
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from studio.errors import StudioError
from studio.inputs import Inputs
from studio.messages import Draft, Person, Start
from studio.service import Studio
from tests.worlds import fake_studio, paint

ANN = Person(id="ann")
DAY = 24 * 60 * 60


def bring(data: Path, colour: str, days_ago: float = 0) -> str:
    """A picture in one colour that somebody brought so long ago."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    digest = Inputs(data).keep(buffer.getvalue()).picture
    then = time.time() - days_ago * DAY
    os.utime(data / "inputs" / f"{digest}.png", (then, then))
    return digest


def there(data: Path, *digests: str) -> list[bool]:
    """Which of some pictures are still kept."""
    return [(data / "inputs" / f"{digest}.png").is_file() for digest in digests]


def test_only_what_is_old_and_not_to_be_kept_is_forgotten(tmp_path: Path) -> None:
    old, named, young = bring(tmp_path, "red", 31), bring(tmp_path, "blue", 31), bring(tmp_path, "lime", 29)
    strange = tmp_path / "inputs" / "notes.png"
    strange.write_bytes(b"somebody's own file")
    os.utime(strange, (0, 0))
    assert Inputs(tmp_path).forget({named}, 30 * DAY) == 1
    assert there(tmp_path, old, named, young) == [False, True, True] and strange.is_file()
    with pytest.raises(StudioError, match="input_unknown"):
        Inputs(tmp_path).path(old)


def test_a_picture_that_is_brought_again_is_as_good_as_new(tmp_path: Path) -> None:
    old = bring(tmp_path, "red", 400)
    assert bring(tmp_path, "red") == old
    assert Inputs(tmp_path).forget((), DAY) == 0 and there(tmp_path, old) == [True]


def test_where_nobody_brought_anything_nothing_is_forgotten(tmp_path: Path) -> None:
    assert Inputs(tmp_path).forget((), 0) == 0 and Inputs(tmp_path).named(()) == set()


def test_whatever_names_a_picture_anywhere_is_found(tmp_path: Path) -> None:
    recipe, job, own, longer = "1" * 64, "2" * 64, "3" * 64, "4" * 65
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "1.json").write_text(f'{{"format": 99, "deep": [{{"in": "{job}"}}]}}', "utf-8")
    (tmp_path / "people" / "ann").mkdir(parents=True)
    (tmp_path / "people" / "ann" / "book.broken.yaml").write_bytes(f"scene: {own}\n".encode() + b"\xff")
    (tmp_path / "jobs" / "2.json").symlink_to("gone.json")  # as if it went after it was listed
    named = Inputs(tmp_path).named([f'{{"start":{{"picture":"{recipe}"}}}}', f'"{longer}"'])
    assert named == {recipe, job, own}


def started_and_swept(studio: Studio) -> None:
    """Starts a studio and waits until it has looked through what people brought."""
    before = set(threading.enumerate())
    studio.start()
    for thread in set(threading.enumerate()) - before:
        if thread.name == "old inputs":
            thread.join()


@pytest.mark.parametrize(("days", "gone"), [(30, True), (0, False)])
def test_a_studio_forgets_at_its_start_what_nothing_names(tmp_path: Path, days: int, gone: bool) -> None:
    data = tmp_path / "data"
    in_picture, in_job, unused = (bring(data, colour, 31) for colour in ("red", "lime", "blue"))
    studio = fake_studio(tmp_path, inputs_days=0)
    studio.start()
    try:
        paint(studio, Draft(model="tiny", start=Start(picture=in_picture)), ANN)
        for record in (data / "jobs").iterdir():
            record.unlink()
        paint(studio, Draft(model="tiny", start=Start(picture=in_job)), ANN)
        studio.delete(studio.pictures(ANN)[0].id, ANN)
    finally:
        studio.close()
    again = fake_studio(tmp_path, inputs_days=days)
    try:
        started_and_swept(again)
        assert there(data, in_picture, in_job, unused) == [True, True, not gone]
    finally:
        again.close()
