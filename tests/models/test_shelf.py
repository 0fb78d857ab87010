"""The shelf: each part once, and where it says that a part lies, there all of it lies."""

from __future__ import annotations

import pytest
import torch

from studio.models.shelf import Shelf
from tests.models.far import FAR, FarBox


def shelf(*boxes: FarBox) -> Shelf:
    kept = Shelf(FAR)
    for box in boxes:
        kept.add(box.name, box, "host")
    return kept


def test_parts_come_to_the_device_and_go_back() -> None:
    one, two = FarBox("a", 10), FarBox("b", 20)
    kept = shelf(one, two)
    kept.move(["a", "b"], "device")
    assert (one.place, two.place, kept.bytes("device")) == (FAR, FAR, 120)
    kept.move(["a"], "host")
    assert (one.place, two.place, kept.bytes("host")) == ("cpu", FAR, 40)


def test_a_move_that_fails_in_the_middle_is_undone() -> None:
    there, first, second, third = (FarBox(name, 10) for name in "abcd")
    kept = shelf(there, first, second, third)
    kept.move(["a"], "device")
    second.room = False
    with pytest.raises(torch.OutOfMemoryError):
        kept.move("abcd", "device")
    assert [box.place for box in (there, first, second, third)] == [FAR, "cpu", "cpu", "cpu"]
    assert kept.bytes("device") == 40
    second.room = True
    kept.move("abcd", "device")
    assert kept.bytes("device") == 160


def test_a_part_is_there_once() -> None:
    with pytest.raises(ValueError, match="already"):
        shelf(FarBox("a", 1), FarBox("a", 1))
