"""Pictures that people brought: those that nothing names go after a while, and no other does."""

from __future__ import annotations

import io
import os
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from studio.controls import chosen
from studio.engine.fake import FakeEngine
from studio.errors import StudioError
from studio.gallery import Gallery
from studio.inputs import Inputs
from studio.jobs import forgetting
from studio.maps import Maps
from studio.messages import ENDED, ControlUnit, Draft, Person, Start
from studio.service import Studio
from tests.api.conftest import client
from tests.worlds import fake_studio, paint, until

ANN = Person(id="ann")
DAY = 24 * 60 * 60


def bring(data: Path, colour: str, days_ago: float = 0) -> str:
    """A picture in one colour that somebody brought so long ago."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    digest = Inputs(data).keep(buffer.getvalue()).picture
    age(data, digest, days_ago)
    return digest


def age(data: Path, digest: str, days: float) -> None:
    """Lets it be so long ago that a picture was brought or used."""
    then = time.time() - days * DAY
    os.utime(data / "inputs" / f"{digest}.png", (then, then))


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


def test_a_picture_that_is_used_is_as_good_as_new(tmp_path: Path) -> None:
    shown, held, looked_for = (bring(tmp_path, colour, 400) for colour in ("red", "lime", "blue"))
    inputs = Inputs(tmp_path)
    inputs.open(shown).close()
    assert inputs.hold([held, "0" * 64, "../x"]) == 1
    assert inputs.has(looked_for)
    inputs.forget((), DAY)
    assert there(tmp_path, shown, held, looked_for) == [True, True, False]


def test_the_notes_of_maps_keep_no_map(tmp_path: Path) -> None:
    picture, maps = bring(tmp_path, "red"), Maps(tmp_path)
    unit = ControlUnit(kind="canny", picture=picture)
    choice = chosen(unit, {}, lambda spec: "disk")
    map = maps.keep(unit, choice, Image.new("RGB", (64, 64))).picture
    age(tmp_path, map, 31)
    assert maps.forget() == 0
    assert Inputs(tmp_path).forget((), 30 * DAY) == 1 and maps.forget() == 1


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
    studio._forgetting.close()  # the first time is at the start whatever comes
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
    for digest in (in_picture, in_job, unused):
        age(data, digest, 31)
    again = fake_studio(tmp_path, inputs_days=days)
    try:
        started_and_swept(again)
        assert there(data, in_picture, in_job, unused) == [True, True, not gone]
    finally:
        again.close()


def test_a_studio_that_runs_forgets_once_a_day_and_never_what_a_job_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "EVERY", 0.2)
    monkeypatch.setattr(forgetting, "TRIES", 1)
    data = tmp_path / "data"
    studio = fake_studio(tmp_path, FakeEngine(step_seconds=0.5))
    studio.start()
    try:
        unused, in_job = bring(data, "red"), bring(data, "blue")
        job = studio.submit(Draft(model="tiny", steps=50, start=Start(picture=in_job)), ANN)
        (data / "jobs" / f"{job}.json").unlink()  # as on a disk that took no record
        for digest in (unused, in_job):
            age(data, digest, 31)
        until(lambda: there(data, unused) == [False])
        assert studio.job(job, ANN).state not in ENDED
        assert there(data, in_job) == [True]
    finally:
        studio.close()


class Book:
    """Jobs of which the last is over once it was asked three times."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def busy(self) -> bool:
        self.told.append("busy")
        return self.told.count("busy") < 3

    def notes(self) -> tuple[str, ...]:
        self.told.append("forgets")
        return ()


def test_it_forgets_while_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "EVERY", 0.01)
    gallery, book = Gallery(tmp_path), Book()
    gallery.start()
    one = forgetting.Forgetting(30, Inputs(tmp_path), Maps(tmp_path), gallery, book)  # type: ignore[arg-type]
    one.start()
    until(lambda: len(book.told) >= 5)
    one.close()
    assert book.told[:5] == ["forgets", "busy", "busy", "busy", "forgets"]


def test_a_page_says_what_it_may_still_need(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path)
    digest = bring(tmp_path / "data", "red", 31)
    browser = client(studio)
    assert browser.post("/api/inputs/held", json={"pictures": [digest, "0" * 64]}).json() == {"held": 1}
    assert studio._inputs.forget((), DAY) == 0
    elsewhere = browser.post(
        "/api/inputs/held", json={"pictures": []}, headers={"sec-fetch-site": "cross-site"}
    )
    assert elsewhere.status_code == 403
    assert browser.post("/api/inputs/held", json={"pictures": ["no digest"]}).status_code == 422
