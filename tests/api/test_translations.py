"""`/api/translations`: a prompt in a model's language, whose words it is, and what is left."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI

from studio import api
from studio.engine.fake import FakeEngine
from studio.messages import ENDED, Draft, Job, Person
from studio.service import Studio
from tests.api.conftest import client
from tests.test_languages import here, said, studio_with
from tests.ui.browsing import served
from tests.worlds import until

ROUTE = "/api/translations"


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setattr(FakeEngine, "_answer", lambda self, request: iter([said(request)]))
    studio = studio_with(tmp_path, here(tmp_path / "translator"))
    studio.start()
    yield studio
    studio.close()


def post(studio: Studio, body: dict[str, Any], status: int = 200, **headers: str) -> Any:
    answer = client(studio).post(ROUTE, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_the_book_answers_at_once_and_names_the_rest(studio: Studio) -> None:
    told = post(studio, {"model": "tiny", "text": "月光，3只佐布", "ask": False})
    assert (told["text"], told["unknown"], told["rest"]) == ("moonlight, 3只佐布", ["只佐布"], ["3只佐布"])
    assert told["translator"] == {"id": "zh-en", "place": "disk", "bytes": 315000000}


def test_the_translator_is_asked_for_the_rest(studio: Studio) -> None:
    told = post(studio, {"model": "tiny", "text": "月光，3只佐布，佐布"})
    assert (told["text"], told["unknown"], told["rest"]) == ("moonlight, Three Zobos, 佐布", ["佐布"], [])
    assert [one["by"] for one in told["stretches"]] == ["book", "person", "translator", "person", "nobody"]


def test_a_model_that_reads_both_needs_no_translator(studio: Studio) -> None:
    told = post(studio, {"model": "both", "text": "佐布"})
    assert (told["text"], told["translator"]) == ("佐布", None)


def test_what_cannot_be_is_refused_in_words(studio: Studio) -> None:
    assert post(studio, {"model": "none", "text": "佐布"}, 422)["code"] == "model_unknown"
    assert post(studio, {"model": "tiny", "text": "佐布"}, 403, origin="http://elsewhere")["code"]
    post(studio, {"model": "tiny", "text": "佐布", "more": 1}, 422)


def test_a_translation_that_nobody_waits_for_any_more_leaves_the_line(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio._engine, "_step_seconds", 1.0)
    app, bob = FastAPI(), Person(id="bob")
    api.join(app, studio)
    painting = studio.submit(Draft(model="tiny", prompt="a cat", seed=1, steps=40), bob)
    with served(app) as url:
        waiting = http.client.HTTPConnection(urlsplit(url).netloc)
        asked = json.dumps({"model": "tiny", "text": "佐布"})
        waiting.request("POST", ROUTE, asked.encode(), {"content-type": "application/json"})
        until(lambda: bool(_translations(studio)))
        waiting.close()
        until(lambda: _translations(studio)[0].state in ENDED)
    assert _translations(studio)[0].state == "cancelled"
    assert studio.job(painting, bob).state == "running"


def _translations(studio: Studio) -> list[Job]:
    return [job for job in list(studio._book._jobs.values()) if job.draft is None]
