"""What every test relies on: nothing leaves the machine, and nobody's studio settings leak in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Threads of tiny layers wait for each other more than they work; workers inherit this.
os.environ["OMP_NUM_THREADS"] = "1"
# On processors of other makers MKL's sums depend on where in memory a matrix lies, unless it is told that they may not.
os.environ["MKL_CBWR"] = "COMPATIBLE"
for _name in [name for name in os.environ if name.startswith("STUDIO_") or name == "SPACE_ID"]:
    del os.environ[_name]


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random checkpoint of the SD1 family, made once; nobody writes to it."""
    from tests.tiny import tiny_sd1

    return tiny_sd1(tmp_path_factory.mktemp("tiny"))
