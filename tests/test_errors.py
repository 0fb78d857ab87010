"""What an error means to a person, and writing that never stands in work's way."""

from __future__ import annotations

import logging

import pytest

from studio.errors import Beside, StudioError, out_of_memory, trouble_of


class OutOfMemoryError(RuntimeError):
    """As a device's library calls it."""


def test_short_memory_is_known_by_every_name() -> None:
    assert out_of_memory(MemoryError()) and out_of_memory(OutOfMemoryError())
    assert not out_of_memory(RuntimeError("memory"))


def test_an_error_is_told_as_what_can_be_done_or_as_a_bug_by_its_kind_alone() -> None:
    told = trouble_of(StudioError("picture_unknown", picture="7"))
    assert (told.code, told.params) == ("picture_unknown", {"picture": "7"})
    assert trouble_of(OutOfMemoryError("2 GB")).code == "memory_short"
    bug = trouble_of(KeyError("secret"))
    assert (bug.code, bug.params) == ("bug", {"kind": "KeyError"})


def test_a_full_disk_is_complained_of_once_until_it_can_be_written_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    beside = Beside("notes")
    with caplog.at_level(logging.ERROR):
        assert [beside.wrote(full) for _ in range(3)] == [False] * 3
        assert len(caplog.records) == 1 and "No space left" in caplog.text
        assert beside.wrote(lambda: None)
        beside.wrote(full)
    assert len(caplog.records) == 2
