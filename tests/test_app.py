"""The whole studio over HTTP: eight strangers at once, each known by their cookie alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from app import Server, address, make_app, read_flags
from studio.errors import StudioError
from studio.messages import Draft, Person, Queued
from studio.service import Studio
from studio.settings import PERSON_COOKIE, Settings
from tests.tiny import catalog_text
from tests.worlds import PATIENCE, wait_for

PEOPLE = 8


class Served:
    """A studio on a port of its own."""

    def __init__(self, settings: Settings) -> None:
        self.app = make_app(settings)
        self.studio: Studio = self.app.state.studio
        config = uvicorn.Config(self.app, port=0, log_level="warning", timeout_graceful_shutdown=1)
        self._server = Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Served:
        self._thread.start()
        deadline = time.monotonic() + PATIENCE
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.05)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)


def test_a_start_says_where_the_page_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    models = tmp_path / "models.yaml"
    models.write_text("models: []", encoding="utf-8")
    settings = Settings(data=tmp_path / "data", models=models, engine="fake")
    with caplog.at_level("INFO", "studio"), Served(settings) as here:
        assert f"open at {here.url} " in caplog.text
        assert httpx.get(f"{here.url}/health").status_code == 200


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("127.0.0.1", "http://127.0.0.1:7860"),
        ("0.0.0.0", "http://127.0.0.1:7860"),
        ("::", "http://127.0.0.1:7860"),
        ("::1", "http://[::1]:7860"),
        ("gpu.example", "http://gpu.example:7860"),
    ],
)
def test_the_address_is_one_that_opens_on_this_machine(host: str, told: str) -> None:
    assert address(host, 7860) == told


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("public")
    models = folder / "models.yaml"
    models.write_text(catalog_text(("tiny", tiny_checkpoint)), encoding="utf-8")
    settings = Settings(data=folder / "data", models=models, public=True, devices="cpu")
    with Served(settings) as served:
        yield served


class Stranger:
    """A browser of somebody nobody knows."""

    def __init__(self, served: Served) -> None:
        self.http = httpx.Client(base_url=served.url, timeout=PATIENCE)
        self.http.get("/health")
        self.person: Person = served.studio.person(self.http.cookies[PERSON_COOKIE], "en")

    def generate(self, **fields: Any) -> list[dict[str, Any]]:
        """Calls the page's endpoint for programs and waits for its answer."""
        names = "prompt negative model width height steps guidance sampler seed count".split()
        data = [{"count": 1, **fields}.get(name) for name in names]
        call = self.http.post("/gradio_api/call/generate", json={"data": data})
        assert call.status_code == 200, call.text
        stream = self.http.get(f"/gradio_api/call/generate/{call.json()['event_id']}").text
        event, answer = last_event(stream)
        assert event == "complete", stream
        pictures: list[dict[str, Any]] = json.loads(answer)[0]
        return pictures


def last_event(stream: str) -> tuple[str, str]:
    """Name and data of the last server-sent event."""
    name, data = [block for block in stream.strip().split("\n\n") if block][-1].split("\n", 1)
    return name.removeprefix("event: "), data.removeprefix("data: ")


def test_eight_people_at_once_each_get_their_own_and_a_stop_hits_only_its_owner(served: Served) -> None:
    people = [Stranger(served) for _ in range(PEOPLE)]
    assert len({one.person.id for one in people}) == PEOPLE
    stopped = people[3]

    def use(number: int) -> list[dict[str, Any]]:
        one = people[number]
        steps = 50 if one is stopped else 5
        return one.generate(prompt=f"a red cat {number}", steps=steps, seed=100 * number, count=2)

    with ThreadPoolExecutor(PEOPLE) as pool:
        waiting = [pool.submit(use, number) for number in range(PEOPLE)]
        stop_first_job(served.studio, stopped.person)
        answers = [one.result(PATIENCE) for one in waiting]

    for number, (one, pictures) in enumerate(zip(people, answers, strict=True)):
        own = served.studio.pictures(one.person)
        assert {picture.recipe.request.prompt for picture in own} <= {f"a red cat {number}"}
        assert sorted(p["seed"] for p in pictures) == sorted(p.recipe.request.seed for p in own)
        if one is not stopped:
            assert [p["seed"] for p in pictures] == [100 * number, 100 * number + 1]
    assert len(answers[3]) < 2


def stop_first_job(studio: Studio, person: Person) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (jobs := studio.jobs(person)) and time.monotonic() < deadline:
        time.sleep(0.01)
    studio.cancel(jobs[0].id, person)


def test_each_of_the_waiting_is_told_a_place_of_their_own(served: Served) -> None:
    people = [Stranger(served).person for _ in range(4)]
    jobs = [served.studio.submit(Draft(model="tiny", prompt="x", steps=50), one) for one in people]
    for job, person in zip(jobs, people, strict=True):
        assert isinstance(wait_for(served.studio, job, person, Queued), Queued)
    for job, person in zip(jobs, people, strict=True):
        served.studio.cancel(job, person)


def test_another_persons_picture_is_not_served(served: Served) -> None:
    ann, bob = Stranger(served), Stranger(served)
    (picture,) = ann.generate(prompt="a blue house", steps=2)
    assert ann.http.get(picture["url"]).headers["content-type"] == "image/png"
    assert bob.http.get(picture["url"]).status_code == 404
    assert httpx.get(served.url + picture["url"]).status_code == 404
    with pytest.raises(StudioError, match="picture_unknown"):
        served.studio.delete(picture["id"], bob.person)


def test_what_cannot_be_painted_is_answered_in_words(served: Served) -> None:
    ann = Stranger(served)
    call = ann.http.post("/gradio_api/call/generate", json={"data": ["x", None, "nonsense", *[None] * 6, 1]})
    stream = ann.http.get(f"/gradio_api/call/generate/{call.json()['event_id']}").text
    assert last_event(stream)[0] == "error"
    assert "Traceback" not in stream and "/studio/" not in stream


def test_the_page_answers_all_the_time_while_a_model_is_brought(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    models = tmp_path / "models.yaml"
    models.write_text(catalog_text(("tiny", tiny_checkpoint)), encoding="utf-8")
    with Served(Settings(data=tmp_path / "data", models=models, devices="cpu")) as served:
        person = served.studio.person(None, "en")
        began = time.monotonic()
        job = served.studio.submit(Draft(model="tiny", prompt="x", steps=2), person)
        waits: list[float] = []
        with httpx.Client(base_url=served.url, timeout=PATIENCE) as http:
            # The worker starts, imports torch and loads meanwhile: seconds, in which a page is asked on.
            while not served.studio.job(job, person).pictures and time.monotonic() - began < PATIENCE:
                asked = time.monotonic()
                assert http.get("/config").status_code == 200
                waits.append(time.monotonic() - asked)
                time.sleep(0.1)
        took = time.monotonic() - began
    assert len(waits) >= 10
    assert max(waits) < took / 4


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_PORT", "1234")
    monkeypatch.setenv("STUDIO_HOST", "0.0.0.0")
    settings = read_flags(["--port", "4321"])
    assert (settings.port, settings.host) == (4321, "0.0.0.0")


@pytest.mark.parametrize(
    ("given", "told"),
    [({}, "5000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "passive"}, "None")],
    ids=["usually", "as somebody says", "otherwise as somebody says"],
)
def test_threads_that_wait_turn_only_briefly(given: dict[str, str], told: str) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("GOMP", "OMP"))}
    code = "import app, os, sys; print(os.environ.get('GOMP_SPINCOUNT'), 'torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=bare | given, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [told, "False"], "torch would have read it before"
