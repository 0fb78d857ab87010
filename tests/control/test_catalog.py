"""The detectors of the studio's own catalog: known, pinned, and one for every kind that needs weights."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from studio.catalog import Catalog, read_catalog, source_path
from studio.controls import CONTROLS, DETECTORS, choices, chosen
from studio.messages import ControlUnit, DetectorSpec, FileSource, HubSource
from tests.floors import ROOT


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    found = read_catalog(ROOT / "models.yaml")
    assert not found.problems
    return found


def test_every_detector_with_weights_has_an_entry(catalog: Catalog) -> None:
    weighty = {detector.entered for detector in DETECTORS.values() if detector.weights}
    assert {spec.detector for spec in catalog.detectors.values()} == weighty


def test_every_kind_with_a_map_has_a_detector(catalog: Catalog) -> None:
    assert [
        id
        for id, control in CONTROLS.items()
        if control.detectors and not choices(control, catalog.detectors)
    ] == []


def test_every_source_is_one_revision_and_every_pickle_one_file(catalog: Catalog) -> None:
    for spec in fetched(catalog):
        source = spec.source
        assert isinstance(source, HubSource)
        assert re.fullmatch("[0-9a-f]{40}", source.revision), spec.id
        assert not source.file or re.fullmatch("[0-9a-f]{64}", source.sha256), spec.id
    pins = [spec.source.sha256 for spec in fetched(catalog) if isinstance(spec.source, HubSource)]
    assert len({pin for pin in pins if pin}) == len([pin for pin in pins if pin])


def fetched(catalog: Catalog) -> list[DetectorSpec]:
    """All but those in the box."""
    return [spec for spec in catalog.detectors.values() if not isinstance(spec.source, FileSource)]


def test_the_pocket_has_a_reader_and_a_net_in_the_box_and_none_of_its_family() -> None:
    library = read_catalog(ROOT / "models.yaml")
    pocket = library.spec("pocket")
    for kind in ("pose", "soft_edge", "depth"):
        unit = ControlUnit(kind=kind, picture="a" * 64)
        (detector, id), *others = choices(CONTROLS[kind], library.detectors, pocket.base)
        assert (id, detector.entered) == ("pocket-reader", "small") and others
        assert chosen(unit, library.detectors, lambda spec: "disk", pocket.base).id == "pocket-reader"
        assert chosen(unit, library.detectors, lambda spec: "disk").id != "pocket-reader"
        assert "pocket-reader" not in {id for _, id in choices(CONTROLS[kind], library.detectors)}
    assert source_path(library.detectors["pocket-reader"]).is_file(), "nothing is fetched"
    (net,) = (net for net in library.controls.values() if net.fits(pocket))
    assert set(net.kinds) == {"pose", "canny", "soft_edge", "depth", "colour"}
    assert (source_path(net) / "config.json").is_file()
    assert not any(net.fits(spec) for spec in library.specs.values() if spec.id != "pocket")


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
