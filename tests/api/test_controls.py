"""References over the wire: the kinds of a model, and maps."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from fastapi import FastAPI

from studio import api
from studio.catalog import read_catalog
from studio.engine.fake import FakeEngine
from studio.messages import ENDED, Draft, Job, Person
from studio.service import Studio
from studio.settings import ROOT, Settings
from tests.api.conftest import client
from tests.api.test_inputs import png
from tests.tiny import catalog_text
from tests.ui.browsing import served
from tests.worlds import fake_checkpoint, fake_studio, until

FILE = ROOT / "pocket" / "weights" / "detectors" / "reader.safetensors"
"""Any weights: nothing reads more of them than their header here."""


def test_the_kinds_of_a_model_are_told_with_their_detectors_and_settings(alone: Studio) -> None:
    told = client(alone).get("/api/controls", params={"model": "tiny"})
    assert told.status_code == 200
    kinds = {state["kind"]: state for state in told.json()}
    assert not kinds["canny"]["fits"], "this catalog has no control nets"
    canny = kinds["canny"]["detectors"][0]
    assert canny["id"] == "canny" and canny["place"] == "resident"
    assert {one["name"] for one in canny["settings"]} == {"low", "high", "resolution"}
    assert kinds["pose"]["detectors"] == [], "and no weights of detectors"
    assert client(alone).get("/api/controls", params={"model": "none"}).status_code == 404


def test_a_map_is_taken_and_named_by_its_digest(alone: Studio) -> None:
    browser = client(alone)
    picture = browser.post("/api/inputs", content=png()).json()["picture"]
    answer = browser.post("/api/maps", json={"kind": "canny", "picture": picture})
    assert answer.status_code == 200
    assert browser.get(f"/api/inputs/{answer.json()['picture']}").status_code == 200


def test_a_detector_whose_file_is_missing_is_told_so_and_another_reads(tmp_path: Path) -> None:
    with opened(tmp_path, "pidinet", "hed") as studio:
        shutil.copy(FILE, tmp_path / "hed.safetensors")
        browser = client(studio)
        picture = browser.post("/api/inputs", content=png()).json()["picture"]
        kinds = {one["kind"]: one for one in browser.get("/api/controls", params={"model": "tiny"}).json()}
        read, missing = kinds["soft_edge"]["detectors"]
        assert (read["id"], read["place"], missing["id"], missing["place"]) == (
            "hed",
            "disk",
            "pidinet",
            "missing",
        )
        asked = {"kind": "soft_edge", "picture": picture}
        assert browser.post("/api/maps", json=asked).status_code == 200
        refused = browser.post("/api/maps", json=asked | {"detector": "pidinet"})
        assert refused.status_code == 422 and refused.json()["code"] == "detector_file_missing"
        assert "pidinet.safetensors" in refused.json()["text"]


@contextlib.contextmanager
def opened(folder: Path, *detectors: str) -> Iterator[Studio]:
    """A studio whose catalog has local detectors, each with a file that may be there."""
    fake_checkpoint(folder / "checkpoint")
    catalog = yaml.safe_load(catalog_text(("tiny", folder / "checkpoint")))
    catalog["detectors"] = [
        {
            "id": one, "title": {"en": one, "zh": one}, "licence": "MIT", "detector": one,
            "source": {"kind": "file", "path": str(folder / f"{one}.safetensors")},
        }
        for one in detectors
    ]  # fmt: skip
    (folder / "models.yaml").write_text(yaml.safe_dump(catalog, allow_unicode=True), "utf-8")
    read = read_catalog(folder / "models.yaml")
    assert not read.problems
    studio = Studio(Settings(data=folder / "data"), read, FakeEngine(step_seconds=0))
    studio.start()
    yield studio
    studio.close()


def test_what_has_no_map_is_told_in_words(alone: Studio) -> None:
    browser = client(alone)
    picture = browser.post("/api/inputs", content=png()).json()["picture"]
    refused = browser.post("/api/maps", json={"kind": "telepathy", "picture": picture})
    assert refused.status_code == 422 and "telepathy" in refused.json()["text"]
    gone = browser.post("/api/maps", json={"kind": "canny", "picture": "0" * 64})
    assert gone.status_code == 422 and gone.json()["code"] == "input_unknown"
    elsewhere = {"sec-fetch-site": "cross-site"}
    sent = browser.post("/api/maps", json={"kind": "canny", "picture": picture}, headers=elsewhere)
    assert sent.status_code == 403


def test_a_map_that_nobody_waits_for_any_more_leaves_the_line(tmp_path: Path) -> None:
    studio = fake_studio(tmp_path, FakeEngine(step_seconds=1.0))
    studio.start()
    app, bob = FastAPI(), Person(id="bob")
    api.join(app, studio)
    try:
        picture = client(studio).post("/api/inputs", content=png()).json()["picture"]
        painting = studio.submit(Draft(model="tiny", prompt="a cat", seed=1, steps=40), bob)
        with served(app) as url:
            waiting = http.client.HTTPConnection(urlsplit(url).netloc)
            unit = json.dumps({"kind": "canny", "picture": picture})
            waiting.request("POST", "/api/maps", unit, {"content-type": "application/json"})
            until(lambda: bool(_maps(studio)))
            waiting.close()
            until(lambda: _maps(studio)[0].state in ENDED)
        assert _maps(studio)[0].state == "cancelled"
        assert studio.job(painting, bob).state == "running"
    finally:
        studio.close()


def _maps(studio: Studio) -> list[Job]:
    return [job for job in list(studio._book._jobs.values()) if job.draft is None]
