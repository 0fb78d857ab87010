"""Jobs whose model has to be fetched first: no device waits for a network."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio.downloads import Tell, Unwanted
from studio.errors import StudioError
from studio.messages import Cancelled, Done, Downloading, Draft, Failed, ModelSpec, Person
from studio.service import Studio
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

    def needed(self, spec: ModelSpec) -> bool:
        return spec.id == "tiny" and not self.here.is_dir()

    def fetch(self, spec: ModelSpec, tell: Tell, unwanted: Callable[[], bool]) -> Path:
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
