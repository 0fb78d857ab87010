"""The desk: the book is read once for all, and begins to be read before anybody asks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from studio import desk
from studio.desk import Desk
from studio.messages import Person
from studio.spellbook import Index, Spellbook

ANN = Person(id="ann")


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were read, with a book that has nothing in it."""
    told: list[Path] = []
    slow = threading.Event()

    def read(folder: Path) -> Spellbook:
        told.append(folder)
        slow.wait(0.05)
        return Spellbook()

    monkeypatch.setattr(desk, "read_spellbook", read)
    desk._read.cache_clear()
    return told


@pytest.fixture(autouse=True)
def forgotten() -> object:
    """Leaves no empty book to the tests that come."""
    yield
    desk._read.cache_clear()


def test_many_who_ask_at_once_wait_for_one_reading(readings: list[Path], tmp_path: Path) -> None:
    desks = [Desk(tmp_path / str(number)) for number in range(4)]
    with ThreadPoolExecutor(8) as people:
        books = list(people.map(lambda one: one.book(ANN), desks * 4))
    assert len(readings) == 1 and all(book is books[0] for book in books)


def test_the_book_is_read_before_anybody_asks(
    readings: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = threading.Event()
    monkeypatch.setattr(desk, "_prepare", lambda prepare=desk._prepare: (prepare(), prepared.set()))
    Desk(tmp_path).open_book()
    assert prepared.wait(30)
    (index,) = {id(desk._shipped()): desk._shipped()}.values()
    assert isinstance(index, Index) and {"positive", "sources"} <= set(vars(index))
    assert len(readings) == 1
