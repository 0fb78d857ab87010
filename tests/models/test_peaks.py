"""The peaks of models: the highest is kept over a restart, and a disk never stands in painting's way."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.models.peaks import Peaks


def test_the_highest_is_kept_for_each_model_and_mode(tmp_path: Path) -> None:
    peaks = Peaks(tmp_path / "data")
    for measured in (100, 300, 200):
        peaks.learn("one", "device", measured)
    again = Peaks(tmp_path / "data")
    assert (again.of("one", "device"), again.of("one", "offload"), again.of("two", "device")) == (300, 0, 0)


def test_a_disk_that_takes_nothing_loses_no_picture_and_the_peak_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    peaks = Peaks(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        peaks.learn("one", "device", 300)
    assert peaks.of("one", "device") == 300 and Peaks(tmp_path).of("one", "device") == 0


@pytest.mark.parametrize("text", ["{", "[1]", '{"one device": "many"}'])
def test_a_file_that_cannot_be_read_is_learned_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "peaks.json").write_text(text)
    peaks = Peaks(tmp_path)
    assert peaks.of("one", "device") == 0
    peaks.learn("one", "device", 5)
    assert Peaks(tmp_path).of("one", "device") == 5
