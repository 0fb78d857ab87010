"""Small networks compute on one thread, and their random weights are not left behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def no_weights_left(tmp_path: Path) -> Iterator[None]:
    """They are hundreds of megabytes, and pytest keeps the folders of its last runs."""
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)
