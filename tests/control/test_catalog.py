"""The detectors of the studio's own catalog: known, pinned, and one for every kind that needs weights."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from studio.catalog import Catalog, read_catalog
from studio.controls import CONTROLS, DETECTORS, choices
from studio.messages import HubSource
from tests.floors import ROOT


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return read_catalog(ROOT / "models.yaml")


def test_every_detector_with_weights_has_an_entry(catalog: Catalog) -> None:
    weighty = {id for id, detector in DETECTORS.items() if detector.weights}
    assert {spec.detector for spec in catalog.detectors.values()} == weighty


def test_every_kind_with_a_map_has_a_detector(catalog: Catalog) -> None:
    assert [
        id
        for id, control in CONTROLS.items()
        if control.detectors and not choices(control, catalog.detectors)
    ] == []


def test_every_source_is_one_revision_and_every_pickle_one_file(catalog: Catalog) -> None:
    for spec in catalog.detectors.values():
        source = spec.source
        assert isinstance(source, HubSource)
        assert re.fullmatch("[0-9a-f]{40}", source.revision), spec.id
        assert not source.file or re.fullmatch("[0-9a-f]{64}", source.sha256), spec.id
    pins = [spec.source.sha256 for spec in catalog.detectors.values() if isinstance(spec.source, HubSource)]
    assert len({pin for pin in pins if pin}) == len([pin for pin in pins if pin])


def test_an_entry_for_a_detector_that_is_not_known_is_told(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(
        "models: []\ndetectors:\n"
        "  - id: eye\n    title: {en: Eye, zh: 眼}\n    detector: canny\n    licence: MIT\n"
        "    source: {kind: hub, repo: some/one, file: x.safetensors}\n",
        "utf-8",
    )
    found = read_catalog(path)
    assert not found.detectors and found.problems[0].key == "detectors.0.detector"
