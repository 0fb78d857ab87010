"""References on their way through a request: looked at, fitted, followed, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw

from studio.catalog import read_catalog
from studio.control.maps import fitted
from studio.engine.local import ThreadHost
from studio.errors import StudioError
from studio.messages import (
    Base,
    ControlUnit,
    Draft,
    GenerationRequest,
    HighResolution,
    Loading,
    Mask,
    Person,
    Saved,
    Start,
)
from studio.models.devices import Device
from studio.models.registry import Registry
from studio.service import Studio
from studio.settings import Settings
from studio.work import generate as work
from tests import samples
from tests.diffusion.painting import request
from tests.tiny import catalog_text, unet
from tests.tiny_controls import control_net, control_spec, encoder_spec, single_file, style_weights
from tests.work.test_generate import Asked
from tests.worlds import local_engine, told

DRAWINGS = ("red", "green", "blue", "white")


def drawing(colour: str, size: tuple[int, int] = (96, 80)) -> Image.Image:
    picture = Image.new("RGB", size)
    place = 8 * DRAWINGS.index(colour)
    ImageDraw.Draw(picture).rectangle((place, 12, place + 40, 60), colour)
    return picture


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two control nets, an IP-Adapter and its encoder."""
    folder = tmp_path_factory.mktemp("nets")
    for seed in (1, 2):
        control_net(unet(), seed).save_pretrained(folder / f"edges{seed}")
    single_file(style_weights(unet()), folder / "style.safetensors")
    encoder_spec(folder / "eyes.safetensors")
    control_net(unet(cross_attention_dim=48)).save_pretrained(folder / "other")
    return folder


@pytest.fixture
def asked(tiny_checkpoint: Path, tmp_path: Path, nets: Path) -> Asked:
    asked = Asked(tmp_path / "data", tiny_checkpoint)
    style = {"kinds": ("style",), "network": "ip_adapter", "encoder": "eyes"}
    specs = [
        *(control_spec(nets / name, name) for name in ("edges1", "edges2", "other")),
        control_spec(nets / "style.safetensors", "style", **style),
    ]
    eyes = encoder_spec(tmp_path / "eyes.safetensors")
    asked.specs = {**asked.specs, **{one.id: one for one in specs}, "eyes": eyes}
    return asked


def unit(asked: Asked, colour: str = "red", **changes: Any) -> ControlUnit:
    plain = {"picture": asked.kept(drawing(colour)), "net": "edges1", "detector": "canny"}
    return samples.unit(**(plain | changes))


def style(asked: Asked, colour: str = "red", **changes: Any) -> ControlUnit:
    return unit(asked, colour, **({"kind": "style", "net": "style", "detector": ""} | changes))


def brought(asked: Asked) -> list[str]:
    return [event.model for event in asked.told if isinstance(event, Loading)]


def test_a_reference_is_detected_followed_and_its_net_stays_in_memory(asked: Asked) -> None:
    free = asked.picture(request())
    led = asked.picture(request(controls=(unit(asked),)))
    assert led.tobytes() != free.tobytes() and brought(asked) == ["edges1"]
    assert asked.picture(request(controls=(unit(asked),))).tobytes() == led.tobytes()
    assert brought(asked) == [] and [one.model for one in asked.registry.held()] == ["tiny", "edges1"]
    assert asked.picture(request()).tobytes() == free.tobytes()
    assert not any(one.pinned for one in asked.registry.held())


def test_colours_are_followed_without_any_net(asked: Asked) -> None:
    units = [
        unit(
            asked,
            kind="colour",
            net="",
            detector="grid",
            picture=asked.kept(Image.new("RGB", (40, 30), colour)),
        )
        for colour in ("orange", "navy")
    ]
    pictures = [asked.picture(request(controls=some)) for some in ((), units[:1], units[1:])]
    assert len({one.tobytes() for one in pictures}) == 3
    assert [one.model for one in asked.registry.held()] == ["tiny"], "nothing but the model"


def test_what_is_muted_or_weighs_nothing_is_not_there_to_the_byte(asked: Asked) -> None:
    free = asked.picture(request())
    away = (unit(asked, muted=True), unit(asked, weight=0.0), style(asked, muted=True))
    assert asked.picture(request(controls=away)).tobytes() == free.tobytes()
    assert brought(asked) == []
    heard = unit(asked, "blue")
    alone = asked.picture(request(controls=(heard,)))
    assert asked.picture(request(controls=(*away, heard))).tobytes() == alone.tobytes() != free.tobytes()


def test_a_finished_map_is_what_the_detector_would_have_taken(asked: Asked) -> None:
    detected = asked.picture(request(controls=(unit(asked),)))
    (note,) = (asked.registry.data / "maps").glob("*.json")
    map = unit(asked, picture=_named(note), map=True, detector="")
    assert asked.picture(request(controls=(map,))).tobytes() == detected.tobytes()
    plain = unit(asked, map=True, detector="")
    assert asked.picture(request(controls=(plain,))).tobytes() != detected.tobytes()


def _named(note: Path) -> str:
    import json

    return str(json.loads(note.read_text(encoding="utf-8"))["picture"])


def test_nets_and_a_style_are_followed_together_and_with_an_empty_prompt(asked: Asked) -> None:
    one, two, third = unit(asked), unit(asked, "blue", net="edges2"), style(asked, "green")
    ways = [(), (one,), (one, two), (one, two, third), (third,)]
    for words in ({}, {"prompt": "", "negative": ""}):
        found = {asked.picture(request(controls=way, **words)).tobytes() for way in ways}
        assert len(found) == len(ways)
    held = {one.model for one in asked.registry.held()}
    assert held == {"tiny", "edges1", "edges2", "style", "eyes"}


def test_how_it_takes_another_shape_is_its_own_to_say(asked: Asked) -> None:
    ways = [unit(asked, map=True, fit=fit) for fit in ("crop", "fill", "stretch")]
    assert len({asked.picture(request(controls=(one,))).tobytes() for one in ways}) == 3


def test_four_requests_of_four_people_do_not_mix(asked: Asked) -> None:
    units = [
        unit(asked, "red"),
        unit(asked, "green", net="edges2", start=0.3),
        style(asked, "blue"),
        unit(asked, "white", balance="reference", weight=0.7),
    ]
    four = [
        request(id=f"j-{n}", person=f"p{n}", controls=(one, units[n - 1])[: 1 + n % 2], seed=n)
        for n, one in enumerate(units)
    ]
    singles = [asked(one)[-1].media.sha256 for one in four]  # type: ignore[union-attr]
    together = [event.media.sha256 for event in asked(*four) if event.kind == "finished"]
    assert together == singles and len(set(singles)) == 4
    back = [event.media.sha256 for event in asked(*four[::-1]) if event.kind == "finished"]
    assert back == singles[::-1]


@pytest.mark.parametrize("mode", ["offload", "group"])
def test_a_model_that_takes_its_parts_in_turn_follows_the_same(asked: Asked, mode: str) -> None:
    wanted = request(controls=(unit(asked), style(asked, "green")))
    whole = asked.picture(wanted)
    turns = Device("cpu", torch.float32, 2**40, mode, host_budget=2**40, is_host=False)
    asked.registry = Registry(turns, asked.registry.data)
    assert asked.picture(wanted).tobytes() == whole.tobytes()
    assert asked.picture(wanted).tobytes() == whole.tobytes()
    modes = {one.model: one.mode for one in asked.registry.held()}
    assert modes["tiny"] == mode and modes["edges1"] == modes["style"] == "device"


# -- with the other ways to paint -----------------------------------------------------------------


def shown_sizes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    sizes: list[tuple[int, int]] = []

    def noted(map: Image.Image, size: tuple[int, int], *how: Any) -> Image.Image:
        sizes.append(size)
        return fitted(map, size, *how)

    monkeypatch.setattr(work, "fitted", noted)
    return sizes


def test_in_the_second_pass_the_map_has_its_size(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = shown_sizes(monkeypatch)
    second = HighResolution(factor=1.5, strength=0.6)
    found = asked.picture(request(stages=(Base(), second), controls=(unit(asked),)))
    assert found.size == (96, 96) and sizes == [(64, 64), (96, 96)]


def test_of_a_region_that_is_painted_large_the_map_shows_the_same_region(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps: list[Image.Image] = []

    def noted(map: Image.Image, size: tuple[int, int], *how: Any) -> Image.Image:
        maps.append(fitted(map, size, *how))
        return maps[-1]

    monkeypatch.setattr(work, "fitted", noted)
    start = Image.new("RGB", (128, 128), "grey")
    mask = Image.new("L", (128, 128))
    mask.paste(255, (64, 0, 128, 64))
    split = Image.new("RGB", (128, 128))
    split.paste("white", (64, 0, 128, 64))
    one = unit(asked, picture=asked.kept(split), map=True, detector="")
    wanted = request(
        start=Start(picture=asked.kept(start), strength=0.8),
        mask=Mask(picture=asked.kept(mask, mask=True), area="masked", margin=0, feather=0),
        controls=(one,),
    )
    assert asked.picture(wanted).size == (128, 128)
    # The map of the whole, then the quarter that is painted: white from edge to edge.
    assert maps[0].size == (128, 128) and maps[-1].size == (64, 64)
    assert maps[-1].getextrema() == ((255, 255),) * 3


# -- what goes wrong ------------------------------------------------------------------------------


def test_a_net_of_other_sizes_is_told_and_the_next_request_paints(asked: Asked) -> None:
    free = asked.picture(request())
    with pytest.raises(StudioError, match="control_unfit"):
        asked(request(controls=(unit(asked, net="other"),)))
    assert asked.picture(request()).tobytes() == free.tobytes()
    assert not any(one.pinned for one in asked.registry.held())


def test_short_memory_is_tried_once_more_with_the_references(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.work.test_generate import short_of_memory

    wanted = request(controls=(unit(asked),))
    whole = asked.picture(wanted)
    given = short_of_memory(monkeypatch, 1)
    assert asked.picture(wanted).size == whole.size
    assert [len(means.references) for means in given if means] == [1, 1]


def test_a_picture_of_one_pixel_is_followed(asked: Asked) -> None:
    tiny = unit(asked, picture=asked.kept(Image.new("RGB", (1, 1), "white")))
    assert asked.picture(request(controls=(tiny,))).size == (64, 64)


# -- a whole studio -------------------------------------------------------------------------------


@pytest.fixture
def studio(tiny_checkpoint: Path, tmp_path: Path, nets: Path) -> Iterator[Studio]:
    entries = "".join(
        f"  - {{id: {id}, title: {{en: {id}, zh: {id}}}, family: {family}, kinds: [{kind}], licence: test,"
        f" source: {{kind: local, path: {nets / 'edges1'}}}}}\n"
        for id, family, kind in (("edges1", "sd1", "canny"), ("xl", "sdxl", "pose"))
    )
    file = tmp_path / "models.yaml"
    file.write_text(catalog_text(("tiny", tiny_checkpoint)) + "controls:\n" + entries, encoding="utf-8")
    catalog = read_catalog(file)
    assert not catalog.problems
    data = tmp_path / "data"
    studio = Studio(Settings(data=data), catalog, local_engine(data, ThreadHost))
    studio.start()
    yield studio
    studio.close()


def draft(studio: Studio, person: Person, colour: str | None, **changes: Any) -> Draft:
    import io

    units = ()
    if colour:
        buffer = io.BytesIO()
        drawing(colour).save(buffer, "PNG")
        picture = studio.keep_input(buffer.getvalue(), person).picture
        units = (samples.unit(picture=picture, **changes),)
    return Draft(model="tiny", prompt="a red cat", seed=5, width=64, height=64, steps=3, controls=units)


def test_four_people_at_once_get_their_own_pictures(studio: Studio) -> None:
    people = [Person(id=f"p{n}") for n in range(4)]
    drafts = [draft(studio, one, colour) for one, colour in zip(people, DRAWINGS, strict=True)]
    jobs = [studio.submit(one, person) for one, person in zip(drafts, people, strict=True)]
    at_once = [_picture(studio, job, person) for job, person in zip(jobs, people, strict=True)]
    alone = [
        _picture(studio, studio.submit(one, person), person)
        for one, person in zip(drafts, people, strict=True)
    ]
    assert at_once == alone and len(set(alone)) == 4
    plain = draft(studio, people[0], None)
    assert _picture(studio, studio.submit(plain, people[0]), people[0]) not in alone


def _picture(studio: Studio, job: str, person: Person) -> bytes:
    (saved,) = (event for event in told(studio, job, person) if isinstance(event, Saved))
    file = studio.picture_file(saved.picture.id, person)
    with Image.open(file) as picture:
        return picture.tobytes()


def test_the_wrong_family_is_refused_before_anything_is_brought(studio: Studio) -> None:
    ann = Person(id="ann")
    other_family, no_net = {"net": "xl", "kind": "pose"}, {"kind": "pose"}
    for unfit, code in ((other_family, "control_other_family"), (no_net, "control_not_here")):
        with pytest.raises(StudioError, match=code):
            studio.submit(draft(studio, ann, "red", **unfit), ann)
    assert not any(device.held for device in studio.devices(ann))


def test_a_recipe_brings_its_references_back(studio: Studio) -> None:
    from studio.limits import draft_of

    ann = Person(id="ann")
    first = draft(studio, ann, "red", weight=0.8, end=0.9)
    (saved,) = (e for e in told(studio, studio.submit(first, ann), ann) if isinstance(e, Saved))
    again = draft_of(saved.picture.recipe.request)
    (one,) = again.controls
    assert (one.net, one.detector) == ("edges1", "canny")
    assert (one.model_copy(update={"net": "", "detector": ""}),) == first.controls
    with Image.open(studio.picture_file(saved.picture.id, ann)) as picture:
        assert _picture(studio, studio.submit(again, ann), ann) == picture.tobytes()


# -- in half precision, and on a GPU --------------------------------------------------------------


def with_everything(asked: Asked) -> GenerationRequest:
    units = (unit(asked, balance="prompt"), unit(asked, "blue", net="edges2"), style(asked, "green"))
    return request(controls=units)


def test_half_precision_follows_references_too(asked: Asked) -> None:
    asked.registry = Registry(Device("cpu", torch.bfloat16, 2**40), asked.registry.data)
    led, free = asked.picture(with_everything(asked)), asked.picture(request())
    assert led.tobytes() != free.tobytes()
    assert asked.picture(with_everything(asked)).tobytes() == led.tobytes()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("mode", ["device", "offload", "group", "fp8"])
def test_on_a_gpu_every_mode_follows_references_and_leaves_the_model_as_it_was(
    asked: Asked, mode: str
) -> None:
    gpu = Device("cuda:0", torch.float16, 2**40, mode, host_budget=2**40, is_host=False)
    asked.registry = Registry(gpu, asked.registry.data)
    free = asked.picture(request())
    led = asked.picture(with_everything(asked))
    assert led.tobytes() != free.tobytes()
    assert asked.picture(with_everything(asked)).tobytes() == led.tobytes()
    assert asked.picture(request()).tobytes() == free.tobytes()
    assert {one.mode for one in asked.registry.held() if one.model != "tiny"} == {"device"}
