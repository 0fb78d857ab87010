"""The kinds as the page offers them: what fits a model, what is here, where else there is a net."""

from __future__ import annotations

from studio.controls import CONTROLS
from studio.families import FAMILIES
from studio.messages import Bilingual, ControlSpec, ControlState, DetectorSpec, FileSource, PartState
from studio.references import control_state
from tests.control.test_controls import ENTRIES
from tests.test_limits import SPEC

TITLE, SOURCE = Bilingual(en="x", zh="x"), FileSource(path="x.safetensors")


def net(id: str, family: str, *kinds: str) -> ControlSpec:
    return ControlSpec(id=id, title=TITLE, source=SOURCE, licence="MIT", family=family, kinds=kinds)


NETS = (net("own", "sd1"), net("one", "sd1", "canny"), net("two", "sdxl", "canny", "depth"))


def state(kind: str, family: str = "sd1", here: tuple[str, ...] = (), base: str = "") -> ControlState:
    def state_of(spec: DetectorSpec) -> PartState:
        return PartState(spec=spec, place="disk" if spec.id in here else "hub", bytes=7)

    model = SPEC.model_copy(update={"family": family, "base": base})
    entries = ENTRIES | {"my-small": ENTRIES["my-small"].model_copy(update={"base": "toy"})}
    return control_state(CONTROLS[kind], model, NETS, entries, state_of)


def test_a_kind_fits_where_a_net_of_the_family_names_it() -> None:
    told = state("canny")
    assert told.fits and told.nets == ("one", "own") and told.families == ()


def test_where_none_fits_the_families_that_have_one_are_told() -> None:
    told = state("depth")
    assert (told.fits, told.nets, told.families) == (False, ("own",), ("Stable Diffusion XL",))
    assert state("pose", "sdxl").families == ()


def test_colours_are_followed_without_a_net_by_every_denoiser_that_can_be_held_to_them() -> None:
    told = state("colour")
    assert (told.fits, told.held, told.nets, told.families) == (True, True, ("own",), ())
    assert not state("colour", "sd3").fits and not state("canny").held
    toy = net("toys", "sd1", "colour").model_copy(update={"base": "toy"})
    model = SPEC.model_copy(update={"base": "toy"})
    helped = control_state(
        CONTROLS["colour"], model, (toy,), {}, lambda spec: PartState(spec=spec, place="hub")
    )
    assert (helped.fits, helped.held, helped.nets) == (True, True, ("toys",))


def test_what_is_here_comes_first_and_is_the_one_that_is_used() -> None:
    assert state("line_art").detectors[0].id == "line_art_plain"
    told = state("soft_edge", here=("my-hed",)).detectors
    assert [(one.id, one.place) for one in told] == [("my-hed", "disk"), ("my-pidinet", "hub")]
    assert told[0].bytes == 7 and told[0].title and told[0].licence == "MIT"


def test_a_model_of_another_base_has_its_own_reader_and_none_of_its_familys_nets() -> None:
    told = state("canny", base="toy")
    assert (told.fits, told.nets) == (False, ())
    assert told.families == (FAMILIES["sd1"].title, "Stable Diffusion XL")
    detectors = state("depth", base="toy", here=("my-small", "my-midas")).detectors
    assert [one.id for one in detectors][:2] == ["my-small", "my-midas"]
    assert "my-small" not in {one.id for one in state("depth", here=("my-small",)).detectors}


def test_a_net_of_a_base_is_for_its_models_alone() -> None:
    toys = net("toys", "sd1", "pose").model_copy(update={"base": "toy"})
    assert [toys.fits(SPEC.model_copy(update={"base": base})) for base in ("toy", "")] == [True, False]


def test_a_kind_without_a_map_has_no_detectors() -> None:
    assert state("style").detectors == ()
