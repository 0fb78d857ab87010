"""Whether the studio answers."""

from __future__ import annotations

from studio import __version__
from studio.service import Studio
from tests.api.conftest import client


def test_health_tells_version_and_models_to_anybody(public: Studio) -> None:
    answer = client(public).get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "version": __version__, "models": 1}


def test_health_answers_before_the_studio_has_painted_or_loaded_anything(alone: Studio) -> None:
    assert alone.models(alone.person(None, "en"))[0].place != "resident"
    assert client(alone).get("/health").json()["status"] == "ok"
