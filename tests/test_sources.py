"""From a source to a picture: a model from a hub on this machine, and a file dropped into the data folder."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from studio.catalog import Catalog
from studio.engine.local import ThreadHost
from studio.messages import AnyEvent, Done, Downloading, Draft, Failed, HubSource, Person, Saved
from studio.service import Studio
from studio.settings import Settings
from tests.hub import Hub, serving
from tests.tiny_classic import classic
from tests.worlds import local_engine, paint, tiny_catalog

ANN = Person(id="ann", role="admin")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with serving() as hub:
        yield hub


@contextmanager
def painting(catalog: Catalog, settings: Settings) -> Iterator[Studio]:
    """A studio that paints with real, tiny models in a thread."""
    studio = Studio(settings, catalog, local_engine(settings.data, ThreadHost))
    studio.start()
    try:
        yield studio
    finally:
        studio.close()


def picture(studio: Studio, events: list[AnyEvent]) -> bytes:
    assert isinstance(events[-1], Done), events[-1]
    (saved,) = [event for event in events if isinstance(event, Saved)]
    return studio.picture_file(saved.picture.id, ANN).read_bytes()


def draft(model: str) -> Draft:
    return Draft(model=model, prompt="a red cat", seed=7, steps=2, width=64, height=64)


def test_a_model_of_a_hub_is_fetched_and_paints_what_its_folder_paints(
    hub: Hub, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    files = [path for path in tiny_checkpoint.rglob("*") if path.is_file()]
    hub.repos["a/tiny"] = {path.relative_to(tiny_checkpoint).as_posix(): path.read_bytes() for path in files}
    catalog = tiny_catalog(tmp_path, near=tiny_checkpoint, far=tiny_checkpoint)
    catalog.specs["far"] = catalog.specs["far"].model_copy(update={"source": HubSource(repo="a/tiny")})
    with painting(catalog, Settings(data=tmp_path / "data", hub=hub.url)) as studio:
        assert {state.spec.id: state.place for state in studio.models(ANN)}["far"] == "hub"
        near, far = paint(studio, draft("near"), ANN), paint(studio, draft("far"), ANN)
        told = [event for event in far if isinstance(event, Downloading)]
        assert told and told[-1].done == told[-1].total
        assert pixels(picture(studio, far)) == pixels(picture(studio, near))
        assert {state.spec.id: state.place for state in studio.models(ANN)}["far"] != "hub"


def test_without_a_network_the_job_says_at_once_what_is_missing_and_what_is_here(
    hub: Hub, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    catalog = tiny_catalog(tmp_path, near=tiny_checkpoint, far=tiny_checkpoint)
    catalog.specs["far"] = catalog.specs["far"].model_copy(update={"source": HubSource(repo="a/tiny")})
    with painting(catalog, Settings(data=tmp_path / "data", hub="http://127.0.0.1:9")) as studio:
        last = paint(studio, draft("far"), ANN)[-1]
        assert isinstance(last, Failed)
        assert (last.code, last.params["missing"], last.params["box"]) == ("offline", "a/tiny", "near")
        assert isinstance(paint(studio, draft("near"), ANN)[-1], Done)


def test_a_file_dropped_into_the_data_folder_paints_without_a_restart(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    catalog = tiny_catalog(tmp_path, near=tiny_checkpoint)
    with painting(catalog, Settings(data=tmp_path / "data")) as studio:
        studio._own._fresh_seconds = 0.0
        assert len(studio.models(ANN)) == 1
        file = classic(tiny_checkpoint, "sd1", tmp_path / "data" / "checkpoints" / "mine.safetensors")
        (own,) = [state.spec for state in studio.models(ANN) if state.spec.own]
        assert (own.title.en, own.family) == ("mine", "sd1")
        asked = draft(own.id).model_copy(update={"width": 256, "height": 256})
        assert isinstance(paint(studio, asked, ANN)[-1], Done)
        file.unlink()
        assert len(studio.models(ANN)) == 1


def pixels(data: bytes) -> bytes:
    """What is seen of a picture, without what is written about it."""
    return Image.open(io.BytesIO(data)).convert("RGB").tobytes()
