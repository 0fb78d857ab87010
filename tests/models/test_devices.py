"""Devices: what is known of them is never in the way of painting."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from studio.models import devices
from studio.wire import Setup


def number_type(data: Path) -> torch.dtype:
    return devices.open_device(Setup(device="cpu", data=str(data))).dtype


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The measurings that were done, each of which finds bfloat16 faster."""
    done: list[bool] = []

    def measure(one: torch.dtype, other: torch.dtype) -> bool:
        done.append(True)
        return True

    monkeypatch.setattr(devices, "measured_faster", measure)
    return done


def test_the_number_type_is_measured_once(tmp_path: Path, measured: list[bool]) -> None:
    assert [number_type(tmp_path) for _ in range(2)] == [torch.bfloat16] * 2
    assert len(measured) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_a_note_that_cannot_be_read_is_made_again(tmp_path: Path, measured: list[bool], text: str) -> None:
    (tmp_path / "cpu.json").write_text(text, encoding="utf-8")
    assert [number_type(tmp_path) for _ in range(2)] == [torch.bfloat16] * 2
    assert len(measured) == 1


def test_a_disk_that_takes_no_note_does_not_stop_the_device(tmp_path: Path, measured: list[bool]) -> None:
    (tmp_path / "data").write_text("a file where the folder would be", encoding="utf-8")
    assert number_type(tmp_path / "data") == torch.bfloat16
    assert measured
