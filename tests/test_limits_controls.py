"""References in a draft: the nets and detectors they get, or an error the person can act on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio.catalog import read_catalog
from studio.controls import CONTROLS
from studio.errors import StudioError, say_trouble
from studio.limits import Around, draft_of, resolve
from studio.messages import (
    Bilingual,
    ControlUnit,
    DetectorSpec,
    Draft,
    GenerationRequest,
    LocalSource,
    Person,
    Size,
    Start,
    Upscale,
)
from studio.settings import ROOT
from tests.samples import control, spec, unit

ANN, SPEC = Person(id="ann"), spec()
NETS = [
    control(),
    control(id="deep", kinds=("depth", "soft_edge")),
    control(id="xl", family="sdxl", kinds=("canny", "pose"), network="union", modes={"canny": 3, "pose": 0}),
    control(id="taste", kinds=("style",), network="ip_adapter", encoder="eyes"),
    control(id="mine", own=True, kinds=()),
]


def detector(id: str, key: str) -> DetectorSpec:
    title, source = Bilingual(en=id, zh=id), LocalSource(path="nowhere")
    return DetectorSpec(id=id, title=title, source=source, licence="test", detector=key)


AROUND = Around(
    size_of=lambda picture: Size(width=64, height=64),
    controls={net.id: net for net in NETS},
    detectors={one.id: one for one in (detector("midas-large", "midas"), detector("hed-1", "hed"))},
)


def resolved(*units: ControlUnit, around: Around = AROUND, **asked: Any) -> GenerationRequest:
    draft = Draft(model="tiny", controls=units, **asked)
    (request,) = resolve(draft, SPEC, "job", ANN, around)
    return request


def refused(*units: ControlUnit, around: Around = AROUND, **asked: Any) -> StudioError:
    with pytest.raises(StudioError) as told:
        resolved(*units, around=around, **asked)
    assert "{" not in say_trouble("en", told.value.trouble) + say_trouble("zh", told.value.trouble)
    return told.value


def test_a_reference_gets_the_first_net_that_fits_and_the_first_detector_that_can_be_had() -> None:
    whole = resolved(unit(), unit(kind="depth"), unit(kind="soft_edge"))
    assert [one.net for one in whole.controls] == ["edges", "deep", "deep"]
    # A detector without weights is always there; of the others those that have an entry.
    assert [one.detector for one in whole.controls] == ["canny", "midas-large", "hed-1"]
    assert whole.detectors == ("midas-large", "hed-1")
    assert whole.parts == ("midas-large", "hed-1", "edges", "deep")


def test_colours_need_no_net_and_take_the_one_that_is_named() -> None:
    asked = unit(kind="colour")
    assert [(one.net, one.detector) for one in resolved(asked).controls] == [("", "grid")]
    assert resolved(asked).parts == ()
    painting = control(id="colours", kinds=("colour",))
    helped = replace(AROUND, controls={**AROUND.controls, "colours": painting})
    assert resolved(asked, around=helped).parts == ()
    assert resolved(unit(kind="colour", net="colours"), around=helped).parts == ("colours",)
    assert refused(unit(kind="colour", net="deep")).code == "control_other_kind"


def test_a_denoiser_that_is_not_held_to_colours_needs_a_net_for_them() -> None:
    draft = Draft(model="tiny", controls=(unit(kind="colour"),))
    flowing = SPEC.defaults.model_copy(update={"sampler": "flow_euler"})
    with pytest.raises(StudioError) as told:
        resolve(draft, spec(family="sd3", defaults=flowing), "job", ANN, AROUND)
    assert told.value.code == "control_nowhere"


def test_a_finished_map_needs_no_detector() -> None:
    whole = resolved(unit(kind="depth", map=True), unit(kind="pose", map=True, net="mine"))
    assert [one.detector for one in whole.controls] == ["", ""] and whole.detectors == ()
    assert whole.parts == ("deep", "mine")


def test_a_style_is_read_by_the_encoder_of_its_net() -> None:
    whole = resolved(unit(kind="style"))
    assert whole.parts == ("eyes", "taste") and whole.controls[0].detector == ""


def test_what_does_not_count_stays_as_written_and_brings_nothing() -> None:
    away = (unit(kind="pose", muted=True), unit(weight=0.0))
    whole = resolved(*away)
    assert whole.controls == away and whole.parts == whole.references == ()


def test_a_picture_that_is_only_enlarged_follows_nothing() -> None:
    start = Start(picture="b" * 64)
    whole = resolved(unit(), base=False, start=start, upscale=Upscale())
    assert whole.parts == whole.references == ()


def test_a_request_asks_for_itself_again() -> None:
    whole = resolved(unit(settings={"low": 50}), unit(kind="depth", muted=True), seed=3)
    (again,) = resolve(draft_of(whole), SPEC, "job", ANN, AROUND)
    assert again == whole and again.controls[0].settings == {"low": 50}


@pytest.mark.parametrize(
    ("units", "code"),
    [
        ([unit()] * 5, "controls_too_many"),
        ([unit(kind="smell")], "control_unknown"),
        ([unit(kind="pose")], "control_not_here"),
        ([unit(kind="shuffle")], "control_nowhere"),
        ([unit(net="gone")], "control_net_unknown"),
        ([unit(net="xl")], "control_other_family"),
        ([unit(net="deep")], "control_other_kind"),
        ([unit(start=0.5, end=0.5)], "control_span"),
        ([unit(start=0.8, end=0.2)], "control_span"),
        ([unit(kind="depth", detector="bae")], "detector_unknown"),
        ([unit(kind="depth", detector="hed-1")], "detector_unknown"),
        ([unit(kind="depth", detector="zoe")], "detector_unknown"),
        ([unit(settings={"hue": 1})], "setting_unknown"),
        ([unit(settings={"low": 999})], "setting_out_of_range"),
    ],
)
def test_what_cannot_be_followed_is_said_in_words(units: list[ControlUnit], code: str) -> None:
    assert refused(*units).code == code


def test_families_that_have_a_net_for_the_kind_are_named() -> None:
    told = refused(unit(kind="pose"))
    assert told.params["families"] == "Stable Diffusion XL" and told.params["model"] == SPEC.title.en


def test_a_model_of_another_base_takes_no_net_of_its_family_and_reads_with_its_own() -> None:
    toy = SPEC.model_copy(update={"base": "toy"})

    def asked(around: Around, **more: Any) -> GenerationRequest:
        draft = Draft(model="tiny", controls=(unit(kind="depth", **more),))
        (request,) = resolve(draft, toy, "job", ANN, around)
        return request

    for more, code in (({}, "control_not_here"), ({"net": "deep"}, "control_unfit")):
        with pytest.raises(StudioError) as told:
            asked(AROUND, **more)
        assert told.value.code == code
    net = AROUND.controls["deep"].model_copy(update={"id": "toys", "base": "toy"})
    reader = AROUND.detectors["midas-large"].model_copy(
        update={"id": "eye", "detector": "small", "base": "toy"}
    )
    own = {"controls": {**AROUND.controls, "toys": net}, "detectors": {**AROUND.detectors, "eye": reader}}
    request = asked(replace(AROUND, **own))
    assert (request.controls[0].net, request.controls[0].detector) == ("toys", "eye")
    plain = resolved(unit(kind="depth"), around=replace(AROUND, **own))
    assert (plain.controls[0].net, plain.controls[0].detector) == ("deep", "midas-large")


def test_a_picture_that_is_gone_is_said() -> None:
    assert refused(unit(), around=Around(controls=AROUND.controls)).code == "input_unknown"


def test_without_any_detector_a_finished_map_is_asked_for() -> None:
    bare = Around(size_of=AROUND.size_of, controls=AROUND.controls)
    assert refused(unit(kind="depth"), around=bare).code == "detector_missing"
    assert resolved(unit(kind="depth", map=True), around=bare).parts == ("deep",)


def test_every_kind_that_the_union_knows_is_a_kind() -> None:
    from studio.own import CONTROL_MARKS, UNION_MODES

    assert set(UNION_MODES) | set(CONTROL_MARKS) <= set(CONTROLS)


def test_the_catalogs_nets_follow_kinds_that_there_are_in_every_family() -> None:
    catalog = read_catalog(ROOT / "models.yaml")
    assert not catalog.problems
    nets = catalog.controls.values()
    assert {kind for net in nets for kind in net.kinds} <= set(CONTROLS)
    for family in ("sd1", "sd2", "sdxl"):
        kinds = {kind for net in nets if net.family == family for kind in net.kinds}
        assert kinds >= {"canny", "pose", "soft_edge", "depth", "line_art", "scribble", "normals"}
    # A net that is fetched as a folder would bring whatever else lies beside it.
    whole = ("controlnet", "adapter")
    assert all(net.network in whole or net.source.file for net in nets)
