"""A tiny model of each family that LoRAs are trained for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.diffusion.training.learning import FAMILIES, School
from tests.tiny_families import BUILDERS


@pytest.fixture(scope="session")
def trained_on(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {family: BUILDERS[family](tmp_path_factory.mktemp(f"train-{family}")) for family in FAMILIES}


@pytest.fixture(params=FAMILIES)
def school(request: pytest.FixtureRequest, trained_on: dict[str, Path], tmp_path: Path) -> School:
    return School(trained_on[request.param], request.param, tmp_path)


@pytest.fixture
def sd1(trained_on: dict[str, Path], tmp_path: Path) -> School:
    return School(trained_on["sd1"], "sd1", tmp_path)
