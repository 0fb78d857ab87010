"""The table of control kinds: complete, worded, and strict about what a unit may say."""

from __future__ import annotations

import pytest

from studio.controls import (
    CONTROLS,
    DETECTORS,
    Choice,
    Control,
    Detector,
    choices,
    chosen,
    control_of,
    detector_of,
    register,
    settings_of,
)
from studio.errors import StudioError
from studio.i18n import TABLES
from studio.messages import Bilingual, ControlUnit, DetectorSpec, DetectRequest, FileSource, ModelPlace

PICTURE = "a" * 64
HELPERS = {helper for detector in DETECTORS.values() for helper in detector.helpers.values()}


def unit(kind: str = "canny", **more: object) -> ControlUnit:
    return ControlUnit.model_validate({"kind": kind, "picture": PICTURE} | more)


def entry(detector: str) -> DetectorSpec:
    title, source = Bilingual(en=detector, zh=detector), FileSource(path=f"{detector}.safetensors")
    return DetectorSpec(id=f"my-{detector}", title=title, source=source, licence="MIT", detector=detector)


ENTRIES = {
    f"my-{key}": entry(key)
    for key in dict.fromkeys(detector.entered for detector in DETECTORS.values() if detector.weights)
}


def choice(one: ControlUnit, here: bool = True) -> Choice:
    return chosen(one, ENTRIES, lambda spec: "disk" if here else "hub")


def refusal(one: ControlUnit, entries: dict[str, DetectorSpec] = ENTRIES) -> str:
    with pytest.raises(StudioError) as told:
        chosen(one, entries, lambda spec: "disk")
    return told.value.code


@pytest.mark.parametrize("language", TABLES)
def test_every_kind_detector_and_setting_has_words(language: str) -> None:
    settings = {one.name for detector in DETECTORS.values() for one in detector.settings}
    keys = [f"control.{id}" for id in CONTROLS] + [f"detector.{id}" for id in DETECTORS]
    keys += [f"setting.{name}" for name in settings]
    assert [key for key in keys if key not in TABLES[language]] == []


def test_every_detector_is_of_a_kind_or_helps_one_and_every_kind_names_what_is_there() -> None:
    named = {id for control in CONTROLS.values() for id in control.detectors}
    assert named | HELPERS == set(DETECTORS)


def test_every_setting_starts_within_its_range_and_a_helper_waits_for_one() -> None:
    for detector in DETECTORS.values():
        for one in detector.settings:
            assert one.lowest <= one.default <= one.highest, (detector.id, one.name)
        assert set(detector.helpers) <= {one.name for one in detector.settings}


def test_a_second_kind_or_detector_of_the_same_id_is_refused() -> None:
    with pytest.raises(ValueError, match="control canny"):
        register(Control("canny", ()))
    with pytest.raises(ValueError, match="detector canny"):
        register(Detector("canny"))


def test_what_a_unit_leaves_out_is_the_detectors_own() -> None:
    told = settings_of(unit(settings={"low": 7}), DETECTORS["canny"])
    assert told == {"low": 7, "high": 200, "resolution": 512}


def test_a_kind_adds_what_it_asks_of_its_detectors() -> None:
    assert settings_of(unit("scribble"), DETECTORS["hed"])["scribble"] == 1


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


# -- which detector -------------------------------------------------------------------------------


def test_a_unit_names_a_detector_without_weights_by_itself_and_others_by_their_entry() -> None:
    assert choice(unit(detector="canny")).id == "canny"
    assert choice(unit("soft_edge", detector="my-hed")).detector is DETECTORS["hed"]
    assert refusal(unit("soft_edge", detector="hed")) == "detector_unknown"
    assert refusal(unit("soft_edge", detector="my-mlsd")) == "detector_unknown"


def test_without_a_name_it_is_the_kinds_first_that_is_here() -> None:
    assert choice(unit("line_art")).id == "my-line_art_realistic"
    assert choice(unit("line_art"), here=False).id == "line_art_plain"
    assert choice(unit("depth"), here=False).id == "my-depth_anything"
    assert choice(unit("depth"), here=False).entries == ("my-depth_anything",)


def test_what_cannot_be_had_comes_last_also_for_hands_and_faces() -> None:
    second = ENTRIES["my-openpose_hand"].model_copy(update={"id": "second-hand"})
    places: dict[str, ModelPlace] = dict.fromkeys(("my-pidinet", "my-small", "my-openpose_hand"), "missing")
    places["my-hed"] = "hub"

    def first(*asked: object, **settings: float) -> Choice:
        one = unit(*asked, settings=settings)
        return chosen(one, ENTRIES | {second.id: second}, lambda spec: places.get(spec.id, "disk"))

    assert first("soft_edge").id == "my-hed"
    assert first("pose", hands=1).entries == ("my-openpose", "second-hand")
    places["my-hed"] = "missing"
    assert first("soft_edge").id == "my-pidinet", "what it lacks is told by its name"


def test_what_reads_for_a_base_comes_first_for_its_models_and_is_nothing_to_others() -> None:
    own = ENTRIES["my-small"].model_copy(update={"base": "toy"})
    entries = ENTRIES | {"my-small": own}

    def first(kind: str, base: str, here: bool = True) -> str:
        return chosen(unit(kind), entries, lambda spec: "disk" if here else "hub", base).id

    assert [first(kind, "toy") for kind in ("pose", "soft_edge", "depth")] == ["my-small"] * 3
    assert [first(kind, "") for kind in ("pose", "soft_edge")] == ["my-openpose", "my-pidinet"]
    assert first("depth", "other") == "my-depth_anything" and first("canny", "toy") == "canny"
    assert first("depth", "toy", here=False) == "my-small", (
        "it is fetched like any other where it is not here"
    )
    named = chosen(unit("depth", detector="my-small"), entries, lambda spec: "disk")
    assert (named.detector.id, named.entries) == ("small_depth", ("my-small",))
    told = [id for _, id in choices(CONTROLS["soft_edge"], entries, "toy")]
    assert told == ["my-small", "my-pidinet", "my-hed"]


def test_hands_and_faces_bring_weights_of_their_own_where_they_are_asked_for() -> None:
    assert choice(unit("pose")).entries == ("my-openpose",)
    asked = choice(unit("pose", settings={"hands": 1, "face": 1}))
    assert asked.entries == ("my-openpose", "my-openpose_hand", "my-openpose_face")
    request = DetectRequest(
        id="r", job="j", person="p", unit=unit("pose"), entry="my-openpose", beside=asked.entries[1:]
    )
    assert request.parts == asked.entries


def test_a_catalog_without_the_weights_says_which_are_missing() -> None:
    assert refusal(unit("pose"), {}) == "detector_missing"
    alone = {"my-openpose": ENTRIES["my-openpose"]}
    assert refusal(unit("pose", settings={"hands": 1}), alone) == "detector_missing"


def test_a_kind_that_follows_the_picture_itself_has_no_map() -> None:
    assert refusal(unit("style")) == "control_without_map"
