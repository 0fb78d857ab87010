"""The kept pictures: files with their recipe inside are the truth, the index can be rebuilt from them."""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from studio.errors import StudioError
from studio.files import whole
from studio.messages import Media, Person, Picture, Recipe, Size
from studio.metadata import read_recipe, write_png

log = logging.getLogger(__name__)
THUMBNAIL = 256
BATCH = 500
QUARTER = 900.0
"""Seconds."""
NAME = re.compile(r"\d{13}-[0-9a-f]{12}")
"""How our files are called: milliseconds since 1970 and a number nobody guesses."""
BUILT = 1
"""The `user_version` of an index that has all files in it."""
SCHEMA = """
create table if not exists pictures (
    id text primary key, person text not null, job text not null, created real not null, picture text not null
);
create index if not exists by_person on pictures (person, created desc);
create index if not exists by_job on pictures (job);
"""


class Gallery:
    """Saves pictures and finds them again, each for its own person."""

    def __init__(self, data: Path) -> None:
        self._pictures = data / "pictures"
        self._thumbnails = data / "thumbnails"
        self._index_path = data / "index.sqlite"
        self._lock = threading.Lock()
        self._last = 0

    def start(self) -> None:
        """Opens the index; where it is missing, unreadable or half built it is built from the files."""
        self._index_path.parent.mkdir(parents=True, exist_ok=True)
        try:
            built = self._open_index()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # the disk's fault, or it is in use
                raise
            log.warning("%s cannot be read and is built again", self._index_path.name)
            self._index_path.unlink()
            self._index_path.with_name(f"{self._index_path.name}-journal").unlink(missing_ok=True)
            built = self._open_index()
        if not built:
            self.rebuild()
            with self._index() as index:
                index.execute(f"pragma user_version = {BUILT}")

    def _open_index(self) -> bool:
        with self._index() as index:
            index.executescript(SCHEMA)
            return bool(index.execute("pragma user_version").fetchone()[0] == BUILT)

    def save(self, person: str, job: str, media: Media, recipe: Recipe) -> Picture:
        """A picture on disk and in the index, in this order."""
        created = self._moment()
        picture = Picture(
            id=_new_id(created), person=person, job=job, created=created, size=media.size, recipe=recipe
        )
        image = Image.frombytes("RGB", (media.size.width, media.size.height), media.data)
        write_png(image, recipe, self._file(picture))
        try:
            self._thumbnail(picture.id, image)
            self._enter(picture)
        except BaseException:
            # Its job is told that it failed: it must not come back when the index is built again.
            self._take_off(picture)
            raise
        return picture

    def _moment(self) -> float:
        # Whole milliseconds, as a file's name keeps them; no two alike, or paging would pass over one.
        with self._lock:
            self._last = max(int(time.time() * 1000), self._last + 1)
            return self._last / 1000

    def find(self, id: str, person: Person) -> Picture:
        """One picture of a person's own."""
        with self._index() as index:
            row = index.execute(
                "select picture from pictures where id = ? and person = ?", (id, person.id)
            ).fetchone()
        if row is None:
            raise StudioError("picture_unknown", picture=id)
        picture = _read_row(id, row[0])
        if picture is None:
            raise StudioError("picture_unknown", picture=id)
        return picture

    def list(self, person: Person, before: float | None = None, limit: int = 60) -> tuple[Picture, ...]:
        """A person's pictures, newest first, older than a moment; what cannot be read makes room for the next."""
        found: list[Picture] = []
        moment = before if before is not None else float("inf")
        while len(found) < limit:
            rows = self._older(person, moment, limit - len(found))
            found += [picture for _, *row in rows if (picture := _read_row(*row))]
            if not rows:
                break
            moment = rows[-1][0]
        return tuple(found)

    def _older(self, person: Person, moment: float, limit: int) -> Sequence[tuple[float, str, str]]:
        with self._index() as index:
            return index.execute(
                "select created, id, picture from pictures where person = ? and created < ? "
                "order by created desc limit ?",
                (person.id, moment, limit),
            ).fetchall()

    def newer(self, person: Person, than: float, limit: int) -> float | None:
        """Before which moment the next `limit` pictures lie that are no older than one; None: these are the newest."""
        with self._index() as index:
            row = index.execute(
                "select created from pictures where person = ? and created >= ? order by created limit 1 offset ?",
                (person.id, than, limit),
            ).fetchone()
        return float(row[0]) if row else None

    def counts(self, person: Person) -> dict[float, int]:
        """How many pictures a person has of each quarter of an hour: days begin at one wherever people live."""
        with self._index() as index:
            rows = index.execute(
                "select cast(created / ? as integer), count(*) from pictures where person = ? group by 1",
                (QUARTER, person.id),
            ).fetchall()
        return {quarter * QUARTER: count for quarter, count in rows}

    def of_job(self, job: str) -> tuple[Picture, ...]:
        """All pictures of a job, oldest first."""
        with self._index() as index:
            rows = index.execute(
                "select id, picture from pictures where job = ? order by created", (job,)
            ).fetchall()
        return tuple(picture for row in rows if (picture := _read_row(*row)))

    def recipes(self) -> Iterator[str]:
        """The lines of all people's pictures as they were written; a few at a time, as others wait for the index."""
        last = ""
        while True:
            with self._index() as index:
                rows = index.execute(
                    "select id, picture from pictures where id > ? order by id limit ?", (last, BATCH)
                ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield from (row[1] for row in rows)

    def file(self, id: str, person: Person) -> Path:
        """Where a picture's file lies."""
        path = self._file(self.find(id, person))
        if not path.is_file():
            raise StudioError("picture_lost", picture=id)
        return path

    def thumbnail(self, id: str, person: Person) -> Path:
        """Where a picture's small copy lies; it is made again when somebody cleared the folder."""
        picture = self.find(id, person)
        path = self._thumbnail_path(picture.id)
        if not path.is_file():
            with Image.open(self.file(id, person)) as image:
                self._thumbnail(picture.id, image.convert("RGB"))
        return path

    def delete(self, id: str, person: Person) -> None:
        """Takes a picture out of the index and off the disk."""
        picture = self.find(id, person)
        with self._index() as index:
            index.execute("delete from pictures where id = ?", (id,))
        self._take_off(picture)

    def _take_off(self, picture: Picture) -> None:
        self._file(picture).unlink(missing_ok=True)
        self._thumbnail_path(picture.id).unlink(missing_ok=True)

    def rebuild(self) -> int:
        """Reads every file again into the index; answers how many pictures there are."""
        pictures = [
            picture for path in sorted(self._pictures.glob("*/*/*.png")) if (picture := _read_picture(path))
        ]
        self._enter(*pictures)
        return len(pictures)

    def _file(self, picture: Picture) -> Path:
        # World time, so that a studio that moves to another zone finds its files.
        day = time.strftime("%Y-%m-%d", time.gmtime(picture.created))
        return self._pictures / picture.person / day / f"{picture.id}.png"

    def _thumbnail_path(self, id: str) -> Path:
        return self._thumbnails / f"{id}.webp"

    def _thumbnail(self, id: str, image: Image.Image) -> None:
        small = image.copy()
        small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        with whole(self._thumbnail_path(id)) as unfinished:  # two requests may make it again at once
            small.save(unfinished, format="WEBP", quality=82)

    def _enter(self, *pictures: Picture) -> None:
        rows = [(one.id, one.person, one.job, one.created, one.model_dump_json()) for one in pictures]
        with self._index() as index:
            index.executemany("insert or replace into pictures values (?, ?, ?, ?, ?)", rows)

    @contextlib.contextmanager
    def _index(self) -> Iterator[sqlite3.Connection]:
        # A connection a call: SQLite's own are bound to their thread, and opening one takes 0.1 ms.
        with self._lock, contextlib.closing(sqlite3.connect(self._index_path)) as connection, connection:
            yield connection


def _new_id(created: float) -> str:
    """Sorts by time, cannot be guessed."""
    return f"{round(created * 1000):013d}-{secrets.token_hex(6)}"


def _read_row(id: str, row: str) -> Picture | None:
    """A picture of the index; one that another version wrote is passed over, its file is untouched."""
    try:
        return Picture.model_validate_json(row)
    except ValueError as error:
        log.warning("picture %s is not of this version: %s", id, error)
        return None


def _read_picture(path: Path) -> Picture | None:
    if not NAME.fullmatch(path.stem):
        return None
    try:
        recipe = read_recipe(path)
        with Image.open(path) as image:
            size = Size(width=image.width, height=image.height)
    except (OSError, ValueError, Image.DecompressionBombError):
        log.warning("%s is no picture that can be read; it is left alone", path.name)
        return None
    if recipe is None:
        return None
    return Picture(
        id=path.stem,
        person=path.parent.parent.name,
        job=recipe.request.job,
        created=int(path.stem.split("-")[0]) / 1000,
        size=size,
        recipe=recipe,
    )
