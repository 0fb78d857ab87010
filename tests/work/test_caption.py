"""Pictures on their way through a captioner, on a registry of its own and through a worker."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.catalog import Catalog, read_catalog
from studio.engine.local import ThreadHost
from studio.inputs import Inputs
from studio.messages import Answered, Cancelled, CaptionRequest, Loading, Person
from studio.models import captioners
from studio.service import Studio
from studio.settings import Settings
from studio.work import caption as work
from tests.tiny_captioners import captioner_spec, tiny_blip
from tests.work.asking import Asked
from tests.worlds import local_engine, told

ANN = Person(id="ann", role="admin")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """It never comes to an end by itself."""
    known = captioners.NETWORKS["blip"]
    monkeypatch.setitem(captioners.NETWORKS, "blip", replace(known, most=8))


def noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 30, 3), dtype=np.uint8))


def kept(data: Path, *pictures: Image.Image) -> tuple[str, ...]:
    """Pictures as the page brings them, each by its hash."""
    found = []
    for one in pictures:
        buffer = io.BytesIO()
        one.save(buffer, "PNG")
        found.append(Inputs(data).keep(buffer.getvalue()).picture)
    return tuple(found)


def question(*pictures: str, id: str = "q") -> CaptionRequest:
    return CaptionRequest(id=f"{id}-1", job=id, person="ann", captioner="blip", pictures=pictures)


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    spec = captioner_spec(tiny_blip(tmp_path / "blip"))
    return Asked(work.caption, spec, tmp_path / "data")


def test_captions_come_one_a_picture_in_their_order_and_the_same_each_time(asked: Asked) -> None:
    pictures = kept(asked.data, *map(noise, range(work.TOGETHER + 2)))
    found = asked.said(question(*pictures))
    assert len(found) == len(pictures) and all(found) and len(set(found)) > 1
    assert found == asked.said(question(*pictures))
    assert asked.said(question(*reversed(pictures))) == tuple(reversed(found))


def test_pictures_of_every_kind_are_looked_at(asked: Asked) -> None:
    clear = Image.new("RGBA", (50, 20), (255, 0, 0, 0))
    clear.paste((0, 90, 0, 255), (10, 5, 30, 15))
    painted = noise(1).quantize(7)
    assert painted.mode == "P"
    pictures = kept(asked.data, Image.new("RGB", (1, 1), "red"), clear, painted, Image.new("L", (9, 300), 40))
    found = asked.said(question(*pictures))
    assert len(found) == len(pictures) and all(found)
    on_white = Image.new("RGB", (50, 20), "white")
    on_white.paste((0, 90, 0), (10, 5, 30, 15))
    assert asked.said(question(*kept(asked.data, on_white))) == (found[1],)


def test_the_captioner_is_brought_when_it_is_first_wanted(asked: Asked) -> None:
    (picture,) = kept(asked.data, noise(0))
    told = asked(question(picture))
    assert told[0] == Loading(request="q-1", model="blip")
    assert [event.kind for event in told] == ["loading", "answered"]
    assert [event.kind for event in asked(question(picture))] == ["answered"]


def test_one_that_is_unwanted_is_let_go_and_the_next_is_answered(asked: Asked) -> None:
    asked.unwanted = {"a-1"}
    (picture,) = kept(asked.data, noise(0))
    told = asked(question(picture, id="a"), question(picture, id="b"))
    ends = [(event.kind, event.request) for event in told if isinstance(event, Cancelled | Answered)]
    assert ends == [("cancelled", "a-1"), ("answered", "b-1")]


def test_one_is_let_go_of_between_its_pictures(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    before, gone = work.captions, []

    def then_unwanted(*given: object) -> Iterator[str]:
        gone.append(1)
        found = list(before(*given))  # type: ignore[arg-type]
        asked.unwanted.add("q-1")
        return iter(found)

    monkeypatch.setattr(work, "captions", then_unwanted)
    pictures = kept(asked.data, *map(noise, range(3 * work.TOGETHER)))
    assert isinstance(asked(question(*pictures))[-1], Cancelled)
    assert len(gone) == 1


# -- through a worker ------------------------------------------------------------------------------


def catalog(folder: Path, captioner: Path) -> Catalog:
    """A catalog with a captioner and no model that paints."""
    text = f"""models: []
captioners:
  - id: blip
    title: {{en: BLIP, zh: BLIP}}
    source: {{kind: local, path: {captioner}}}
    licence: test
    writes: en
"""
    path = folder / "models.yaml"
    path.write_text(text, encoding="utf-8")
    found = read_catalog(path)
    assert not found.problems
    return found


def test_a_worker_answers_and_counts_the_captioner_among_its_models(tmp_path: Path) -> None:
    found = catalog(tmp_path, tiny_blip(tmp_path / "blip"))
    studio = Studio(Settings(data=tmp_path), found, local_engine(tmp_path, ThreadHost))
    pictures = kept(tmp_path, *map(noise, range(6)))
    studio.start()
    try:
        job = studio.write_captions("blip", pictures, ANN)
        told(studio, job, ANN)
        news = studio.caption_news(job, ANN)
        held = [one.model for device in studio.devices(ANN) for one in device.held]
    finally:
        studio.close()
    assert (news.state, news.pictures, news.trouble) == ("done", 6, None)
    assert tuple(news.captions) == pictures and all(news.captions.values())
    assert held == ["blip"]
