"""Eight people with eight mixes at once: everybody gets the picture that they would get alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.catalog import Catalog
from studio.diffusion.encoding import CACHE
from studio.engine.local import ThreadHost
from studio.errors import StudioError
from studio.messages import Done, Draft, GenerationRequest, LoraUse, Person, Saved
from studio.service import Studio
from studio.settings import Settings
from tests import tiny_loras
from tests.diffusion.painting import loaded, spec
from tests.rack.house import lora, put
from tests.tiny_families import BUILDERS
from tests.worlds import local_engine, told

FAMILIES = {"sd1": ("unet", "text_encoder"), "sdxl": ("unet", "text_encoder", "text_encoder_2")}
PEOPLE = [Person(id=f"p{number}") for number in range(8)]
EACH = 8
"""LoRAs of each family."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tiny checkpoints, and a data folder with LoRAs for both, as kohya's trainer writes them."""
    folder = tmp_path_factory.mktemp("people")
    for family, names in FAMILIES.items():
        parts = loaded(BUILDERS[family](folder / family), family).parts
        own = {name: parts[name] for name in names}
        for number in range(EACH):
            how = {"seed": number, "rank": 1 + number % 4, "size": 0.2}
            how["wanted"] = tiny_loras.everything if number % 3 == 0 else tiny_loras.attention
            path = folder / "data" / "loras" / f"{family}-{number}.safetensors"
            tiny_loras.written(tiny_loras.kohya(own, alpha=lambda layer: 2.0, **how), path)
    return folder


@contextmanager
def opened(place: Path) -> Iterator[Studio]:
    """A studio whose worker has nothing in memory yet."""
    specs = {family: spec(place / family / "checkpoint", family, family) for family in FAMILIES}
    data = place / "data"
    studio = Studio(Settings(data=data), Catalog(specs), local_engine(data, ThreadHost))
    studio.start()
    try:
        yield studio
    finally:
        studio.close()


def mixes(studio: Studio) -> list[Draft]:
    """A draft for each person: some LoRAs are named in the prompt, some beside it, one in both."""
    dice = random.Random(5)
    drafts = []
    for number in range(len(PEOPLE)):
        family = list(FAMILIES)[number % 2]
        ids = {card.name: card.id for card in studio.loras(family, PEOPLE[0]) if card.fits}
        chosen = dice.sample(sorted(ids), 1 + number)
        weights = {name: round(dice.uniform(-0.8, 0.8), 2) for name in chosen}
        beside = [LoraUse(id=ids[name], weight=weights[name]) for name in chosen[::2]]
        tags = "".join(f"<lora:{name}:{weights[name] / 2:g}:{weights[name]:g}>" for name in chosen[1::2])
        drafts.append(draft(family, prompt=f"a red cat{tags}<lora:{chosen[0]}:0.1>", loras=tuple(beside)))
    return drafts


def draft(family: str, **changes: Any) -> Draft:
    return Draft(model=family, prompt="a red cat", seed=7, steps=2, width=64, height=64).model_copy(
        update=changes
    )


def picture(studio: Studio, job: str, person: Person) -> tuple[bytes, GenerationRequest]:
    events = told(studio, job, person)
    assert isinstance(events[-1], Done)
    (saved,) = (event for event in events if isinstance(event, Saved))
    with Image.open(studio.picture_file(saved.picture.id, person)) as image:
        return image.tobytes(), saved.picture.recipe.request


def painted(studio: Studio, wanted: Draft, person: Person = PEOPLE[0]) -> bytes:
    return picture(studio, studio.submit(wanted, person), person)[0]


def test_eight_people_at_once_get_what_each_gets_alone_and_the_models_stay_as_they_were(place: Path) -> None:
    with opened(place) as studio:
        drafts = mixes(studio)
        plain = [painted(studio, draft(family)) for family in FAMILIES]
        jobs = [studio.submit(one, person) for one, person in zip(drafts, PEOPLE, strict=True)]
        at_once = [picture(studio, job, person) for job, person in zip(jobs, PEOPLE, strict=True)]
        assert [painted(studio, draft(family)) for family in FAMILIES] == plain
    assert [len(request.loras) for _, request in at_once] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert all(one.sha256 and one.name for _, request in at_once for one in request.loras)
    with opened(place) as alone:
        for wanted, person, (found, _) in zip(drafts, PEOPLE, at_once, strict=True):
            _as_new(alone)
            assert painted(alone, wanted, person) == found
    assert len({found for found, _ in at_once} | set(plain)) == 10


def _as_new(studio: Studio) -> None:
    """Nothing is in memory, and nobody remembers what a text encoder said."""
    studio.unload_all(Person(id="root", role="admin"))
    CACHE._kept.clear()


def test_a_picture_asks_for_itself_again_and_says_whose_file_has_changed(place: Path) -> None:
    (ann,) = PEOPLE[:1]
    file = tiny_loras.written(
        tiny_loras.kohya({"unet": loaded(place / "sd1" / "checkpoint").parts["unet"]}, seed=99),
        place / "data" / "loras" / "passing.safetensors",
    )
    with opened(place) as studio:
        wanted = draft("sd1", prompt="a <lora:passing:0.5> cat", loras=_beside(studio, "sd1-1"))
        found, _ = picture(studio, studio.submit(wanted, ann), ann)
        (kept, *_) = studio.pictures(ann)
        again = studio.redraft(kept.id, ann)
        assert (again.prompt, [one.name for one in again.loras]) == (wanted.prompt, ["sd1-1"])
        assert painted(studio, again, ann) == found and studio.lora_troubles(kept.id, ann) == ()
        file.write_bytes((place / "data" / "loras" / "sd1-2.safetensors").read_bytes())
        studio._own.look_again()
        (changed,) = studio.lora_troubles(kept.id, ann)
        assert (changed.code, changed.params) == ("lora_changed", {"lora": "passing"})
        file.unlink()
        studio._own.look_again()
        (gone,) = studio.lora_troubles(kept.id, ann)
        assert (gone.code, gone.params) == ("lora_missing", {"lora": "passing"})
        assert [one.code for one in studio.remarks(again, ann)] == ["lora_not_here"]


def _beside(studio: Studio, name: str) -> tuple[LoraUse, ...]:
    return tuple(LoraUse(id=card.id) for card in studio.loras("sd1", PEOPLE[0]) if card.name == name)


def test_the_wrong_family_is_refused_before_anything_is_brought(place: Path) -> None:
    put(place / "data" / "loras" / "real.safetensors", lora("sd1"))
    with opened(place) as studio:
        unfit = {
            "lora_family": draft("sdxl", prompt="a cat<lora:real:1>"),
            "lora_sizes": draft("sdxl", loras=_beside(studio, "sd1-0")),
        }
        for code, wanted in unfit.items():
            assert code in [one.code for one in studio.remarks(wanted, PEOPLE[0])]
            with pytest.raises(StudioError, match=code):
                studio.submit(wanted, PEOPLE[0])
        assert not any(device.held for device in studio.devices(PEOPLE[0]))
