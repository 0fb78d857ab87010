"""Captions over the wire: who can write them, how far they are, and who may ask."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from studio.messages import CaptionerSpec
from studio.own import Library
from studio.service import Studio
from tests.api.conftest import client, guest
from tests.captioner_entries import entries
from tests.training.bringing import png
from tests.worlds import PATIENCE

PATH = "/api/trainings/captions"
ANOTHER = {"sec-fetch-site": "cross-site"}


@pytest.fixture(autouse=True)
def captioners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [CaptionerSpec.model_validate(one) for one in entries(tmp_path / "near")]
    monkeypatch.setattr(Library, "captioners", {one.id: one for one in found})


def brought(browser: TestClient, count: int = 3) -> list[str]:
    files = [("files", (f"{number}.png", png(number))) for number in range(count)]
    answer = browser.post("/api/trainings/pictures", files=files)
    return [one["picture"] for one in answer.json()["pictures"]]


def ended(browser: TestClient, job: str) -> dict[str, Any]:
    """What is told of a job once it is over."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        told: dict[str, Any] = browser.get(f"{PATH}/{job}").json()
        if told["state"] not in ("queued", "running"):
            return told
        time.sleep(0.02)
    raise AssertionError(f"it never ended: {told}")


def test_who_can_write_is_told_with_where_it_is_and_what_it_weighs(alone: Studio) -> None:
    near, far = client(alone).get(PATH).json()["captioners"]
    assert near == {"id": "near", "title": ["Near", "Near"], "note": None, "place": "disk", "bytes": 0}
    assert (far["id"], far["place"], far["bytes"]) == ("far", "hub", 470_000_000)


def test_every_picture_gets_a_caption(alone: Studio) -> None:
    browser = client(alone)
    pictures = brought(browser, 6)
    job = browser.post(PATH, json={"captioner": "near", "pictures": pictures}).json()["id"]
    told = ended(browser, job)
    assert (told["state"], told["pictures"], told["why"]) == ("done", 6, None)
    assert told["captions"] == {one: f"picture {one[:6]} as near sees it" for one in pictures}
    assert browser.post(f"{PATH}/{job}/cancel").status_code == 200  # too late, and no harm


def test_what_goes_wrong_is_told_in_both_languages(alone: Studio) -> None:
    browser = client(alone)
    job = browser.post(PATH, json={"captioner": "far", "pictures": brought(browser)}).json()["id"]
    told = ended(browser, job)
    english, chinese = told["why"]
    assert told["state"] == "failed" and told["captions"] == {}
    assert "a/far is not here" in english and "STUDIO_HUB" in english and "a/far 还不在这里" in chinese


def test_what_cannot_be_is_refused_in_words(alone: Studio) -> None:
    browser = client(alone)
    pictures = brought(browser)
    for wanted, code in (
        ({"captioner": "none", "pictures": pictures}, "entry_unknown"),
        ({"captioner": "near", "pictures": []}, "training_without_pictures"),
        ({"captioner": "near", "pictures": ["0" * 64]}, "input_unknown"),
    ):
        answer = browser.post(PATH, json=wanted)
        assert (answer.status_code, answer.json()["code"]) == (422, code) and answer.json()["text"]
    assert browser.post(PATH, json={"captioner": "near", "pictures": ["../x"]}).status_code == 422
    assert browser.get(f"{PATH}/none").status_code == 404
    assert browser.post(f"{PATH}/none/cancel").json()["code"] == "job_unknown"


def test_strangers_and_other_sites_have_nothing_written(public: Studio, alone: Studio) -> None:
    cookie, _ = guest(public)
    wanted = {"captioner": "near", "pictures": ["0" * 64]}
    assert client(public, cookie).post(PATH, json=wanted).json()["code"] == "admin_only"
    assert client(alone).post(PATH, json=wanted, headers=ANOTHER).status_code == 403
    assert client(alone).post(f"{PATH}/x/cancel", headers=ANOTHER).status_code == 403
