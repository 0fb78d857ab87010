"""The kinds of regions: all that a detector tells apart, in its colours, named in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.ui.reference_regions import read_regions, shelf


def test_every_colour_of_a_detector_has_a_name_in_both_languages() -> None:
    library = pytest.importorskip("studio.models.detectors").library
    reading = read_regions()
    assert reading.problems == ()
    regions = [region for region, _ in reading.entries]
    colours = dict.fromkeys(tuple(colour) for colour in library("util").ade_palette())
    assert [region.colour for region in regions] == list(colours)
    assert len({region.title.zh for region in regions}) == len({region.title.en for region in regions}) == 149
    assert [one["id"] for one in shelf()] == [region.id for region in regions]


def test_a_colour_that_stands_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "regions.yaml"
    rows = [f"  - {{id: {id}, colour: [1, 2, 3], title: {{en: {id}, zh: 一}}}}" for id in ("sky", "sea")]
    path.write_text("\n".join(["regions:", *rows]), encoding="utf-8")
    reading = read_regions(path)
    assert [region.id for region, _ in reading.entries] == ["sky"]
    [problem] = reading.problems
    assert "is the colour of sky already" in str(problem)
