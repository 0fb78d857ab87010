"""Jobs whose model has to be fetched first: no device waits for a network."""

from __future__ import annotations

import io
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.downloads import Errands, Tell, Unwanted
from studio.errors import StudioError
from studio.messages import (
    Bilingual,
    Cancelled,
    Done,
    Downloading,
    Draft,
    Entry,
    Failed,
    HighResolution,
    HubSource,
    Loading,
    Person,
    Saved,
    Start,
    Upscale,
    UpscalerSpec,
    VaeSpec,
)
from studio.service import Studio
from tests import hub
from tests.test_weights import headed
from tests.worlds import PATIENCE, fake_studio, paint, told, wait_for

ANN, BOB = Person(id="ann"), Person(id="bob")


class Fetching:
    """A network of the test's own: the model arrives when it is let go, or an error does."""

    def __init__(self, folder: Path) -> None:
        self.here, self.away = folder / "checkpoint", folder / "away"
        shutil.move(self.here, self.away)
        self.arrives = threading.Event()
        self.error: Exception | None = None
        self.given_up = threading.Event()

    def needed(self, spec: Entry) -> bool:
        return spec.id == "tiny" and not self.here.is_dir()

    def fetch(self, spec: Entry, tell: Tell, unwanted: Callable[[], bool]) -> Path:
        tell(5, 10, 2.0)
        while not self.arrives.wait(0.01):
            if unwanted():
                self.given_up.set()
                raise Unwanted
        if self.error:
            raise self.error
        shutil.move(self.away, self.here)
        return self.here


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = fake_studio(tmp_path)
    fetching = Fetching(tmp_path)
    studio._downloads = studio._book._downloads = fetching  # type: ignore[assignment]
    studio._errands = Errands(fetching.fetch)  # type: ignore[arg-type]
    studio.start()
    yield studio
    studio.close()


def network(studio: Studio) -> Fetching:
    fetching = studio._downloads
    assert isinstance(fetching, Fetching)
    return fetching


def draft(**changes: object) -> Draft:
    return Draft(model="tiny", prompt="a red cat", steps=2).model_copy(update=changes)


def test_a_job_follows_its_download_and_then_paints(studio: Studio) -> None:
    job = studio.submit(draft(), ANN)
    event = wait_for(studio, job, ANN, Downloading)
    assert isinstance(event, Downloading) and (event.done, event.total) == (5, 10)
    assert studio.models(ANN)[0].place == "hub"
    network(studio).arrives.set()
    assert isinstance(told(studio, job, ANN)[-1], Done)
    assert studio.models(ANN)[0].place == "resident"


def test_a_download_that_fails_fails_its_job_in_words_and_it_can_be_tried_again(studio: Studio) -> None:
    network(studio).error = StudioError("offline", model="tiny", missing="all", box="Pocket")
    network(studio).arrives.set()
    job = studio.submit(draft(), ANN)
    last = told(studio, job, ANN)[-1]
    assert isinstance(last, Failed) and (last.code, last.params["box"]) == ("offline", "Pocket")
    network(studio).error = None
    studio.resume(job, ANN)
    assert isinstance(told(studio, job, ANN)[-1], Done)


def test_leaving_gives_the_download_up_and_the_job_never_runs(studio: Studio) -> None:
    job = studio.submit(draft(), ANN)
    wait_for(studio, job, ANN, Downloading)
    studio.cancel(job, ANN)
    assert isinstance(told(studio, job, ANN)[-1], Cancelled)
    assert network(studio).given_up.wait(PATIENCE)
    assert studio.pictures(ANN) == ()


def test_others_paint_while_a_model_is_fetched(studio: Studio, tmp_path: Path) -> None:
    shutil.copytree(network(studio).away, tmp_path / "other")
    spec = studio.library.spec("tiny")
    other = spec.model_copy(
        update={"id": "other", "source": spec.source.model_copy(update={"path": str(tmp_path / "other")})}
    )
    studio.library._catalog.specs["other"] = other
    waiting = studio.submit(draft(), ANN)
    wait_for(studio, waiting, ANN, Downloading)
    assert isinstance(paint(studio, draft(model="other"), BOB)[-1], Done)
    network(studio).arrives.set()
    assert isinstance(told(studio, waiting, ANN)[-1], Done)


# -- what a job needs beside its model ------------------------------------------------------------

TITLE = Bilingual(en="Part", zh="部件")


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A studio whose model is here; its VAE and its upscaler lie on a hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    weights = headed(tmp_path / "weights.safetensors", {"some.weight": (4, 3)}).read_bytes()
    with hub.serving() as remote:
        remote.repos["a/vae"] = {"config.json": b"{}", "diffusion_pytorch_model.safetensors": weights}
        remote.repos["a/large"] = {"x4.safetensors": weights}
        studio = fake_studio(tmp_path, hub=remote.url)
        studio.library._catalog.vaes["soft"] = VaeSpec(
            id="soft", title=TITLE, licence="test", families=("sd1",), source=HubSource(repo="a/vae")
        )
        source = HubSource(repo="a/large", file="x4.safetensors")
        studio.library._catalog.upscalers["large"] = UpscalerSpec(
            id="large", title=TITLE, licence="test", source=source
        )
        studio.start()
        yield studio
        studio.close()


def places(studio: Studio) -> list[str]:
    return [part.place for part in (*studio.vaes("tiny"), *studio.upscalers())]


def test_a_job_fetches_every_part_it_needs_names_each_and_then_paints(served: Studio) -> None:
    assert places(served) == ["hub", "hub"]
    events = paint(served, draft(vae="soft", high_resolution=HighResolution(upscaler="large")), ANN)
    fetched = [event for event in events if isinstance(event, Downloading)]
    assert list(dict.fromkeys(event.model for event in fetched)) == ["soft", "large"]
    assert all(event.total > 0 for event in fetched)
    brought = [event.model for event in events if isinstance(event, Loading)]
    assert brought == ["tiny", "soft", "large"] and isinstance(events[-1], Done)
    assert places(served) == ["resident", "resident"]


def test_a_job_that_paints_nothing_neither_fetches_nor_loads_its_model(served: Studio) -> None:
    from PIL import Image

    away = HubSource(repo="a/none")
    spec = served.library.spec("tiny")
    served.library._catalog.specs["tiny"] = spec.model_copy(update={"source": away})
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 10)).save(buffer, "PNG")
    start = Start(picture=served.keep_input(buffer.getvalue(), ANN).picture)
    larger = draft(start=start, base=False, upscale=Upscale(factor=3, upscaler="large"), steps=None)
    events = paint(served, larger, ANN)
    assert isinstance(events[-1], Done)
    assert {event.model for event in events if isinstance(event, Downloading | Loading)} == {"large"}
    (saved,) = (event.picture for event in events if isinstance(event, Saved))
    assert (saved.size.width, saved.size.height) == (120, 90)
    assert saved.recipe.model_title == TITLE.en


def test_a_part_that_cannot_be_fetched_fails_its_job_in_words(served: Studio) -> None:
    served.library._catalog.vaes["soft"] = served.library.vaes["soft"].model_copy(
        update={"source": HubSource(repo="a/none")}
    )
    last = paint(served, draft(vae="soft"), ANN)[-1]
    assert isinstance(last, Failed) and (last.code, last.params["repo"]) == ("repo_unknown", "a/none")


def test_a_vae_that_does_not_fit_is_refused_before_anything_is_recorded(served: Studio) -> None:
    away = served.library.vaes["soft"].model_copy(update={"families": ("sdxl",)})
    served.library._catalog.vaes["soft"] = away
    assert served.vaes("tiny") == ()
    with pytest.raises(StudioError):
        served.submit(draft(vae="soft"), ANN)
    assert served.jobs(ANN) == ()


# -- fetching that no job waits for ---------------------------------------------------------------

ADMIN = Person(id="ada", role="admin")


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_model_that_is_to_be_loaded_is_fetched_first_and_tells_how_far_it_is(studio: Studio) -> None:
    studio.load("tiny", ADMIN)
    until(lambda: (told := studio.models(ADMIN)[0].fetching) is not None and told.done == 5)
    studio.load("tiny", ADMIN)  # a second press changes nothing
    network(studio).arrives.set()
    until(lambda: studio.models(ADMIN)[0].place == "resident")
    assert studio.models(ADMIN)[0].fetching is None


def test_a_fetch_that_is_stopped_loads_nothing(studio: Studio) -> None:
    studio.load("tiny", ADMIN)
    until(lambda: studio.models(ADMIN)[0].fetching is not None)
    studio.stop_fetching("tiny", ADMIN)
    until(lambda: studio.models(ADMIN)[0].fetching is None)
    state = studio.models(ADMIN)[0]
    assert (state.place, state.trouble) == ("hub", None)


def test_a_fetch_that_fails_is_told_at_its_model_and_can_be_tried_again(studio: Studio) -> None:
    network(studio).error = StudioError("offline_alone", model="tiny", missing="all")
    network(studio).arrives.set()
    studio.load("tiny", ADMIN)
    until(lambda: studio.models(ADMIN)[0].trouble is not None)
    assert studio.models(ADMIN)[0].fetching is None
    network(studio).error = None
    studio.load("tiny", ADMIN)
    until(lambda: studio.models(ADMIN)[0].place == "resident")
    assert studio.models(ADMIN)[0].trouble is None


def test_admins_alone_fetch_and_stop(studio: Studio) -> None:
    for act in (studio.load, studio.stop_fetching):
        with pytest.raises(StudioError, match="admin_only"):
            act("tiny", ANN)
