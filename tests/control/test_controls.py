"""The table of control kinds: complete, worded, and strict about what a unit may say."""

from __future__ import annotations

import pytest

from studio.controls import CONTROLS, DETECTORS, Control, control_of, detector_of, register, settings_of
from studio.errors import StudioError
from studio.i18n import TABLES
from studio.messages import ControlUnit

PICTURE = "a" * 64


def unit(kind: str = "canny", **more: object) -> ControlUnit:
    return ControlUnit.model_validate({"kind": kind, "picture": PICTURE} | more)


@pytest.mark.parametrize("language", TABLES)
def test_every_kind_detector_and_setting_has_words(language: str) -> None:
    settings = {one.name for detector in DETECTORS.values() for one in detector.settings}
    keys = [f"control.{id}" for id in CONTROLS] + [f"detector.{id}" for id in DETECTORS]
    keys += [f"setting.{name}" for name in settings]
    assert [key for key in keys if key not in TABLES[language]] == []


def test_every_detector_is_of_a_kind_and_every_kind_names_detectors_that_are_there() -> None:
    named = {id for control in CONTROLS.values() for id in control.detectors}
    assert named == set(DETECTORS)


def test_every_setting_starts_within_its_range() -> None:
    for detector in DETECTORS.values():
        for one in detector.settings:
            assert one.lowest <= one.default <= one.highest, (detector.id, one.name)


def test_a_second_kind_of_the_same_id_is_refused() -> None:
    with pytest.raises(ValueError, match="canny"):
        register(Control("canny", ()))


def test_what_a_unit_leaves_out_is_the_detectors_own() -> None:
    assert settings_of(unit(settings={"low": 7}), DETECTORS["canny"]) == {"low": 7, "high": 200}


def test_a_kind_adds_what_it_asks_of_its_detectors() -> None:
    assert settings_of(unit("scribble"), DETECTORS["hed"]) == {"safe": 0, "scribble": 1}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"settings": {"wrong": 1}}, "setting_unknown"),
        ({"settings": {"low": 256}}, "setting_out_of_range"),
        ({"settings": {"low": float("nan")}}, "setting_out_of_range"),
    ],
)
def test_settings_that_mean_nothing_are_refused(more: dict[str, object], code: str) -> None:
    with pytest.raises(StudioError) as told:
        settings_of(unit(**more), DETECTORS["canny"])
    assert told.value.code == code


def test_unknown_kinds_and_detectors_of_other_kinds_are_refused() -> None:
    with pytest.raises(StudioError) as told:
        control_of(unit("telepathy"))
    assert told.value.code == "control_unknown"
    with pytest.raises(StudioError) as told:
        detector_of(unit("pose"), "canny")
    assert told.value.code == "detector_unknown"
