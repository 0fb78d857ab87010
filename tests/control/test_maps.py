"""Maps on their way: taken once, kept as inputs, fitted to the picture, through a device and a whole studio."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from studio import control
from studio.catalog import Catalog
from studio.control.looking import Seen
from studio.control.maps import fitted, kept_map, map_of
from studio.controls import DETECTORS, Choice
from studio.engine.local import ThreadHost
from studio.errors import StudioError
from studio.maps import Maps
from studio.messages import (
    Answered,
    AnyEvent,
    Bilingual,
    Cancelled,
    ControlUnit,
    DetectorSpec,
    DetectRequest,
    Figure,
    FileSource,
    Input,
    Loading,
    Person,
)
from studio.models.devices import Device
from studio.models.registry import Registry
from studio.service import Studio
from studio.settings import Settings
from studio.work import Bench
from studio.work.detect import detect
from tests.control.samples import png, scene
from tests.control.tiny import detector_spec, network_file
from tests.worlds import PATIENCE, local_engine

ANN = Person(id="ann")


@pytest.fixture
def maps(tmp_path: Path) -> Maps:
    return Maps(tmp_path)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which detectors have looked at a picture."""
    seen: list[str] = []
    taken = control.DETECT["canny"]

    def counted(*asked: Any) -> Image.Image:
        seen.append("canny")
        return taken(*asked)

    monkeypatch.setitem(control.DETECT, "canny", counted)
    return seen


def brought(maps: Maps, picture: Image.Image) -> str:
    return maps.inputs.keep(png(picture)).picture


def unit(picture: str, kind: str = "canny", **more: object) -> ControlUnit:
    return ControlUnit.model_validate({"kind": kind, "picture": picture} | more)


def nothing(id: str) -> contextlib.AbstractContextManager[Any]:
    raise AssertionError(f"{id} is not needed")


def found(one: ControlUnit, maps: Maps) -> Image.Image:
    return map_of(one, maps, {}, nothing)


# -- taken once -----------------------------------------------------------------------------------


def test_a_map_is_taken_once_for_a_picture_and_its_settings(maps: Maps, looks: list[str]) -> None:
    picture = brought(maps, scene())
    first = found(unit(picture), maps)
    assert first.size == (150, 100) and len(looks) == 1
    assert found(unit(picture, settings={"low": 100}, weight=0.3), maps).tobytes() == first.tobytes()
    assert len(looks) == 1, "a default that is written out is the same, and a weight changes no map"
    found(unit(picture, settings={"low": 20}), maps)
    found(unit(brought(maps, scene(80, 80))), maps)
    assert len(looks) == 3


def test_other_weights_under_the_same_name_take_another_map(maps: Maps, tmp_path: Path) -> None:
    file = tmp_path / "reader.safetensors"
    file.write_bytes(b"one")
    title = Bilingual(en="Reader", zh="读图网络")
    source = FileSource(path=str(file))
    entry = DetectorSpec(id="reader", title=title, source=source, licence="none", detector="small")
    choice = Choice(DETECTORS["small_edges"], {"resolution": 128}, entry)
    one = unit(brought(maps, scene()), "soft_edge")
    kept = maps.keep(one, choice, scene())
    assert maps.find(one, choice) == kept
    file.write_bytes(b"another")
    assert maps.find(one, choice) is None


HAND = tuple((float(k), 2.0) for k in range(21))
SOMEBODY = Figure(joints=((10.0, 20.0), *(None,) * 17), left_hand=HAND)


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector that sees somebody, once, in a map half as large as the picture."""
    looked = iter([Seen(Image.new("RGB", (75, 50)), (SOMEBODY,))])
    monkeypatch.setitem(control.DETECT, "canny", lambda *asked: next(looked))


@pytest.mark.usefixtures("somebody")
def test_the_figures_of_a_map_are_kept_with_it(maps: Maps) -> None:
    picture = unit(brought(maps, scene()))
    kept = kept_map(picture, maps, {}, nothing)
    assert kept_map(picture, maps, {}, nothing) == kept, "it was looked at once"
    [told] = kept.figures
    assert told.joints[0] == (20.0, 40.0), "in pixels of the picture, which is twice as large as the map was"
    assert told.left_hand and told.left_hand[5] == (10.0, 4.0) and told.face is None


def test_a_map_that_was_let_go_of_is_taken_again(maps: Maps, looks: list[str], tmp_path: Path) -> None:
    picture = brought(maps, scene())
    found(unit(picture), maps)
    for file in (tmp_path / "inputs").glob("*.png"):
        if file.stem != picture:
            file.unlink()
    assert found(unit(picture), maps).size == (150, 100) and len(looks) == 2


def test_a_note_that_cannot_be_read_is_no_map(maps: Maps, looks: list[str], tmp_path: Path) -> None:
    picture = brought(maps, scene())
    found(unit(picture), maps)
    for note in (tmp_path / "maps").glob("*.json"):
        note.write_text("{}", "utf-8")
    found(unit(picture), maps)
    assert len(looks) == 2


def test_notes_of_maps_go_with_their_pictures(maps: Maps, tmp_path: Path) -> None:
    kept, gone = brought(maps, scene()), brought(maps, scene(60, 60))
    for picture in (kept, gone):
        found(unit(picture), maps)
    assert maps.forget() == 0
    for note in (tmp_path / "maps").glob("*.json"):
        named = Input.model_validate_json(note.read_bytes())
        if named.size.width == 60:
            maps.inputs.path(named.picture).unlink()
    assert maps.forget() == 1 and len(list((tmp_path / "maps").iterdir())) == 1


def test_what_is_a_map_already_is_followed_as_it_is(maps: Maps, looks: list[str]) -> None:
    picture = brought(maps, scene())
    assert found(unit(picture, map=True), maps).tobytes() == scene().tobytes()
    assert found(unit(picture, "style"), maps).tobytes() == scene().tobytes()
    assert looks == []


@pytest.mark.parametrize(("size", "mode"), [((1, 1), "RGB"), ((40, 30), "RGBA"), ((3, 2000), "L")])
def test_whatever_was_brought_has_a_map_of_its_size(maps: Maps, size: tuple[int, int], mode: str) -> None:
    picture = brought(maps, scene(*size).convert(mode))
    assert found(unit(picture), maps).size == size


def test_a_transparent_picture_is_seen_on_white(maps: Maps) -> None:
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    assert found(unit(brought(maps, clear), "grey"), maps).getextrema() == ((255, 255),) * 3


def test_a_hundred_megapixels_are_refused_before_any_detector(maps: Maps, looks: list[str]) -> None:
    with pytest.raises(StudioError) as told:
        brought(maps, Image.new("L", (10000, 10000)))
    assert told.value.code == "input_too_large" and looks == []


def test_a_picture_that_is_gone_is_told(maps: Maps) -> None:
    with pytest.raises(StudioError) as told:
        found(unit("f" * 64), maps)
    assert told.value.code == "input_unknown"


# -- fitted ---------------------------------------------------------------------------------------


def halves() -> Image.Image:
    """Twice as wide as high: the left half white, the right one black."""
    picture = Image.new("RGB", (200, 100), "black")
    picture.paste("white", (0, 0, 100, 100))
    return picture


def test_a_map_takes_another_shape_in_three_ways() -> None:
    told = {fit: np.asarray(fitted(halves(), (64, 64), fit))[..., 0] for fit in ("crop", "fill", "stretch")}
    assert {levels.shape for levels in told.values()} == {(64, 64)}
    assert told["stretch"][2, 20] == told["stretch"][60, 20] == 255
    assert told["crop"][2, 20] == 255 and told["crop"][2, 44] == 0
    assert told["fill"][2, 20] == 0 and told["fill"][32, 20] == 255
    clear = np.asarray(fitted(halves().convert("RGBA"), (64, 64), "fill"))[..., 3]
    assert clear[2, 20] == 0 and clear[32, 20] == 255, "beside a map that can have nothing in it is nothing"
    with pytest.raises(ValueError, match="wish"):
        fitted(halves(), (64, 64), "wish")


def test_names_of_regions_are_not_blended() -> None:
    for fit in ("crop", "fill", "stretch"):
        assert set(np.unique(np.asarray(fitted(halves(), (77, 51), fit, flat=True)))) <= {0, 255}
    assert len(np.unique(np.asarray(fitted(halves(), (77, 51), "stretch")))) > 2


# -- as work of a device --------------------------------------------------------------------------


class Asked:
    """A device that takes maps, and everything it told."""

    def __init__(self, data: Path, *entries: DetectorSpec) -> None:
        self.registry = Registry(Device("cpu", torch.float32, 2**40), data)
        self.specs = {spec.id: spec for spec in entries}
        self.told: list[AnyEvent] = []
        self.unwanted: set[str] = set()

    def __call__(self, one: ControlUnit, entry: str = "") -> list[AnyEvent]:
        self.told = []
        bench = Bench(self.registry, self.told.append, self.unwanted.__contains__)
        request = DetectRequest(id="d-1", job="d", person="ann", unit=one, entry=entry)
        for _ in detect((request,), self.specs, bench):
            pass
        return self.told


def test_a_detector_with_weights_is_brought_once_and_told_of(maps: Maps, tmp_path: Path) -> None:
    asked = Asked(tmp_path, detector_spec("pidinet", network_file("pidinet", tmp_path), "pidinet"))
    picture = brought(maps, scene())
    told = asked(unit(picture, "soft_edge", detector="pidinet"), "pidinet")
    assert [type(event) for event in told] == [Loading, Answered]
    assert [one.model for one in asked.registry.held()] == ["pidinet"]
    answered = told[-1]
    assert isinstance(answered, Answered) and answered.input
    assert maps.inputs.open(answered.input.picture).size == (150, 100)
    again = asked(unit(picture, "soft_edge", detector="pidinet"), "pidinet")
    assert [type(event) for event in again] == [Answered], "it is known by now"


def test_what_nobody_wants_any_more_is_not_looked_at(maps: Maps, tmp_path: Path, looks: list[str]) -> None:
    asked = Asked(tmp_path)
    asked.unwanted.add("d-1")
    assert [type(event) for event in asked(unit(brought(maps, scene())))] == [Cancelled]
    assert looks == []


# -- through a studio -----------------------------------------------------------------------------


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    spec = detector_spec("pidinet", network_file("pidinet", tmp_path / "w"), "pidinet")
    catalog = Catalog({}, detectors={"pidinet": spec})
    data = tmp_path / "data"
    studio = Studio(Settings(data=data), catalog, local_engine(data, ThreadHost))
    studio.start()
    yield studio
    studio.close()


def detected(studio: Studio, one: ControlUnit) -> Any:
    return asyncio.run(asyncio.wait_for(studio.detect(one, ANN), PATIENCE))


def test_a_studio_takes_a_map_and_remembers_it(studio: Studio, looks: list[str]) -> None:
    picture = studio.keep_input(png(scene()), ANN).picture
    map = detected(studio, unit(picture))
    assert (map.size.width, map.size.height) == (150, 100)
    with Image.open(studio.input_file(map.picture, ANN)) as shown:
        assert shown.getextrema()[0] == (0, 255)
    assert detected(studio, unit(picture)) == map and len(looks) == 1
    assert detected(studio, unit(map.picture, map=True)).picture == map.picture


@pytest.mark.usefixtures("somebody")
def test_a_studio_tells_the_figures_of_a_map_and_tells_them_again(studio: Studio) -> None:
    picture = studio.keep_input(png(scene()), ANN).picture
    [told] = detected(studio, unit(picture)).figures
    assert told.left_hand and told.left_hand[5] == (10.0, 4.0)
    assert detected(studio, unit(picture)).figures == (told,)


def test_a_studio_takes_a_map_with_weights_and_keeps_no_job_of_it(studio: Studio) -> None:
    picture = studio.keep_input(png(scene()), ANN).picture
    edges = detected(studio, unit(picture, "soft_edge"))
    strokes = detected(studio, unit(picture, "scribble", detector="pidinet"))
    assert edges.size == strokes.size and edges.picture != strokes.picture
    assert studio.jobs(ANN) == ()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"kind": "pose"}, "detector_missing"),
        ({"kind": "style"}, "control_without_map"),
        ({"kind": "telepathy"}, "control_unknown"),
        ({"picture": "f" * 64}, "input_unknown"),
        ({"settings": {"low": 900}}, "setting_out_of_range"),
    ],
)
def test_a_studio_refuses_in_words_what_it_cannot_look_at(
    studio: Studio, more: dict[str, object], code: str
) -> None:
    picture = studio.keep_input(png(scene()), ANN).picture
    with pytest.raises(StudioError) as told:
        detected(studio, unit(picture).model_copy(update=more))
    assert told.value.code == code
