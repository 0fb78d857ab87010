"""The page as a whole: what its start asks of the server, and what every answer costs the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.ui.house import app_of, studio_at


@pytest.fixture(scope="module")
def handlers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """All that the page asks of the server, and when, as the browser is told."""
    folder: Path = tmp_path_factory.mktemp("layout")
    with TestClient(app_of(studio_at(folder)), base_url="http://localhost") as client:
        found = client.get("/config").json()["dependencies"]
    return [one for one in found if one["targets"]]


def test_a_start_asks_for_the_form_alone(handlers: list[dict[str, Any]]) -> None:
    at_start = [one for one in handlers if any(event == "load" for _, event in one["targets"])]
    assert len(at_start) == 1, "Gradio asks whatever is called load, of pages that nobody has opened too"
    assert len(at_start[0]["outputs"]) > 40


def test_no_field_is_told_how_far_an_answer_is(handlers: list[dict[str, Any]]) -> None:
    answering = [one for one in handlers if one["outputs"]]
    assert len(answering) > 60
    assert {(one["show_progress"], str(one["show_progress_on"])) for one in answering} == {("hidden", "[]")}
