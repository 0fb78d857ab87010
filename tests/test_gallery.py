"""The kept pictures: everybody their own, and the files are the truth."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from PIL import Image

from studio import gallery as module
from studio.errors import StudioError
from studio.gallery import Gallery
from studio.messages import Person, Picture
from studio.metadata import read_recipe
from tests.samples import media, recipe

ANN, BOB = Person(id="ann"), Person(id="bob")


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return opened(tmp_path)


def opened(folder: Path) -> Gallery:
    gallery = Gallery(folder)
    gallery.start()
    return gallery


def keep(gallery: Gallery, count: int = 1, person: Person = ANN, job: str = "job") -> list[Picture]:
    """Saves pictures, the oldest first."""
    return [
        gallery.save(person.id, job, media((seed, 0, 0)), recipe(person=person.id, job=job, seed=seed))
        for seed in range(count)
    ]


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_saved_picture_is_found_with_its_file_recipe_and_small_copy(gallery: Gallery) -> None:
    (saved,) = keep(gallery)
    assert gallery.find(saved.id, ANN) == saved
    path = gallery.file(saved.id, ANN)
    assert read_recipe(path) == saved.recipe == recipe(seed=0)
    with Image.open(path) as image, Image.open(gallery.thumbnail(saved.id, ANN)) as small:
        assert image.size == (saved.size.width, saved.size.height) == (24, 16)
        assert (small.format, small.size) == ("WEBP", (24, 16))


def test_the_recipes_of_all_people_are_told_whichever_version_wrote_them(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    kept = keep(gallery, 3) + keep(gallery, 2, BOB)
    with sqlite3.connect(tmp_path / "index.sqlite") as index:
        index.execute("update pictures set picture = '{\"format\": 99}' where id = ?", (kept[0].id,))
    assert list(gallery.recipes()) == ['{"format": 99}', *(one.model_dump_json() for one in kept[1:])]


def test_one_that_cannot_be_read_hides_none_that_can(gallery: Gallery, tmp_path: Path) -> None:
    kept = keep(gallery, 6)
    with sqlite3.connect(tmp_path / "index.sqlite") as index:
        unreadable = [(one.id,) for one in kept[2:5]]
        index.executemany("update pictures set picture = '{}' where id = ?", unreadable)
    assert gallery.list(ANN, limit=3) == (kept[5], kept[1], kept[0])


def test_newer_ones_are_found_from_any_moment(gallery: Gallery) -> None:
    kept = keep(gallery, 6)
    keep(gallery, 1, BOB)
    for at, count, begins in ((1, 2, 3), (1, 0, 1), (3, 3, None), (5, 1, None)):
        before = gallery.newer(ANN, kept[at].created, count)
        assert before == (None if begins is None else kept[begins].created)
    assert gallery.list(ANN, gallery.newer(ANN, kept[1].created, 2), 2) == (kept[2], kept[1])


def test_pictures_are_counted_by_quarters_of_an_hour(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    for moment in (900.0, 1799.0, 1800.0):
        monkeypatch.setattr(module.time, "time", lambda moment=moment: moment)
        keep(gallery, 1)
    keep(gallery, 1, BOB)
    assert gallery.counts(ANN) == {900.0: 2, 1800.0: 1}


def test_a_large_picture_has_a_small_copy_of_the_same_shape(gallery: Gallery, tmp_path: Path) -> None:
    (saved,) = keep(gallery)
    Image.new("RGB", (1024, 512)).save(gallery.file(saved.id, ANN))
    gallery.thumbnail(saved.id, ANN).unlink()
    with Image.open(gallery.thumbnail(saved.id, ANN)) as small:
        assert small.size == (256, 128)


def test_a_picture_is_nobody_elses(gallery: Gallery) -> None:
    (saved,) = keep(gallery)
    assert gallery.list(BOB) == ()
    for act in (gallery.find, gallery.file, gallery.thumbnail, gallery.delete):
        with pytest.raises(StudioError, match="picture_unknown"):
            act(saved.id, BOB)
    assert gallery.file(saved.id, ANN).is_file()


def test_the_newest_picture_comes_first(gallery: Gallery) -> None:
    saved = keep(gallery, 5)
    keep(gallery, 2, BOB)
    assert list(gallery.list(ANN)) == saved[::-1]


def test_paging_passes_over_nobody_and_shows_nobody_twice(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.25)  # all within one tick of the clock
    saved = keep(gallery, 7)
    seen: list[Picture] = []
    while page := gallery.list(ANN, before=seen[-1].created if seen else None, limit=3):
        assert len(page) <= 3
        seen.extend(page)
    assert seen == saved[::-1]


def test_a_clock_that_is_set_back_does_not_mix_up_what_one_run_saved(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([1_700_000_000.0, 1_600_000_000.0])
    monkeypatch.setattr(time, "time", lambda: next(moments))
    first, second = keep(gallery, 2)
    assert gallery.list(ANN) == (second, first)


def test_a_jobs_pictures_come_in_the_order_they_were_painted(gallery: Gallery) -> None:
    saved = keep(gallery, 3)
    keep(gallery, 1, job="another")
    assert list(gallery.of_job("job")) == saved


def test_a_deleted_picture_is_gone_from_the_list_and_from_the_disk(gallery: Gallery, tmp_path: Path) -> None:
    gone, kept = keep(gallery, 2)
    gallery.delete(gone.id, ANN)
    assert gallery.list(ANN) == (kept,)
    assert not [name for name in files(tmp_path) if gone.id in name]
    assert len([name for name in files(tmp_path) if kept.id in name]) == 2
    with pytest.raises(StudioError, match="picture_unknown"):
        gallery.delete(gone.id, ANN)
    (tmp_path / "index.sqlite").unlink()
    assert opened(tmp_path).list(ANN) == (kept,)


def test_a_picture_whose_file_somebody_took_away_is_told_as_lost_and_can_be_deleted(gallery: Gallery) -> None:
    (saved,) = keep(gallery)
    gallery.file(saved.id, ANN).unlink()
    with pytest.raises(StudioError, match="picture_lost"):
        gallery.file(saved.id, ANN)
    gallery.delete(saved.id, ANN)
    assert gallery.list(ANN) == ()


def test_small_copies_that_somebody_cleared_away_are_made_again(gallery: Gallery, tmp_path: Path) -> None:
    (saved,) = keep(gallery)
    shutil.rmtree(tmp_path / "thumbnails")
    assert gallery.thumbnail(saved.id, ANN).is_file()


def everything(gallery: Gallery) -> list[object]:
    return [gallery.list(ANN), gallery.list(BOB), gallery.of_job("job"), gallery.of_job("other")]


def filled(folder: Path) -> list[object]:
    gallery = opened(folder)
    keep(gallery, 3)
    keep(gallery, 2, BOB, job="other")
    return everything(gallery)


def test_an_index_that_was_deleted_comes_back_from_the_files_exactly_as_it_was(tmp_path: Path) -> None:
    before = filled(tmp_path)
    (tmp_path / "index.sqlite").unlink()
    assert everything(opened(tmp_path)) == before


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0 half of it", b"no index at all" * 500])
def test_an_index_that_was_damaged_comes_back_from_the_files(tmp_path: Path, content: bytes) -> None:
    before = filled(tmp_path)
    (tmp_path / "index.sqlite").write_bytes(content)
    assert everything(opened(tmp_path)) == before


def test_building_the_index_that_was_broken_off_is_taken_up_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = filled(tmp_path)
    (tmp_path / "index.sqlite").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Gallery, "_enter", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            opened(tmp_path)
    assert everything(opened(tmp_path)) == before


def test_a_start_with_a_whole_index_reads_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = filled(tmp_path)
    monkeypatch.setattr(Gallery, "rebuild", lambda _: pytest.fail("the files were read again"))
    assert everything(opened(tmp_path)) == before


def test_foreign_files_among_the_pictures_are_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = filled(tmp_path)
    saved = opened(tmp_path).list(ANN)[0]
    day = opened(tmp_path).file(saved.id, ANN).parent
    shutil.copy(day / f"{saved.id}.png", day / "my favourite.png")  # ours, but under a name of theirs
    shutil.copy(day / f"{saved.id}.png", day / f"{saved.id} (1).png")
    Image.new("RGB", (8, 8)).save(day / "1700000000000-0123456789ab.png")  # our kind of name, no recipe
    (day / "1700000000000-ba9876543210.png").write_bytes(b"no picture")
    (day / "notes.txt").write_text("mine")
    (tmp_path / "pictures" / "at the top.png").write_bytes(b"no picture")
    there = files(tmp_path / "pictures")
    (tmp_path / "index.sqlite").unlink()
    with caplog.at_level(logging.WARNING):
        assert everything(opened(tmp_path)) == before
    assert files(tmp_path / "pictures") == there
    assert "1700000000000-ba9876543210.png" in caplog.text


def test_files_of_a_studio_that_moved_are_found_wherever_its_clock_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    (saved,) = keep(opened(tmp_path))
    monkeypatch.setenv("TZ", "Pacific/Midway")
    time.tzset()
    try:
        assert opened(tmp_path).file(saved.id, ANN).is_file()
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_save_that_fails_leaves_nothing_in_the_list(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="no space"):
        keep(gallery)
    assert gallery.list(ANN) == () and files(tmp_path) == {"index.sqlite"}


@pytest.mark.parametrize("step", ["_thumbnail", "_enter"])
def test_a_save_that_fails_behind_the_file_takes_the_file_back(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: str
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(gallery, step, full)
        with pytest.raises(sqlite3.OperationalError):
            keep(gallery)
    assert files(tmp_path) == {"index.sqlite"} and gallery.rebuild() == 0


def test_a_line_of_another_version_is_passed_over_and_the_others_are_shown(
    gallery: Gallery, tmp_path: Path
) -> None:
    first, second = keep(gallery, 2)
    with sqlite3.connect(tmp_path / "index.sqlite") as index:
        index.execute("update pictures set picture = ? where id = ?", ('{"format": 99}', first.id))
    assert gallery.list(ANN) == gallery.of_job("job") == (second,)
    with pytest.raises(StudioError, match="picture_unknown"):
        gallery.find(first.id, ANN)
