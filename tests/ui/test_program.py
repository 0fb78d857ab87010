"""The page's endpoint for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.ui.house import app_of, studio_at


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A quick studio."""
    folder = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        studio = studio_at(folder, step_seconds=0.001)
        studio.start()
        with TestClient(app_of(studio), base_url="http://localhost") as client:
            yield client
        studio.close()


def ask(client: TestClient, *data: Any) -> str:
    """The stream of an answer as text."""
    posted = client.post("/gradio_api/call/generate", json={"data": list(data)})
    assert posted.status_code == 200, posted.text
    return client.get(f"/gradio_api/call/generate/{posted.json()['event_id']}").text


def test_pictures_with_their_seeds(client: TestClient) -> None:
    answer = ask(client, "an orange cat", None, None, 256, 256, 3, None, None, 7, 2)
    found = json.loads(answer.split("data: ")[1])[0]
    assert [one["seed"] for one in found] == [7, 8]
    picture = client.get(found[0]["url"])
    assert picture.headers["content-type"] == "image/png"


def test_an_error_is_worded(client: TestClient) -> None:
    answer = ask(client, "an orange cat", None, "no-such-model", None, None, None, None, None, None, 1)
    assert "event: error" in answer
    assert "There is no model" in answer
    assert "Traceback" not in answer


def test_only_this_is_public(client: TestClient) -> None:
    known = client.get("/gradio_api/info").json()
    assert list(known["named_endpoints"]) == ["/generate"]
    assert not known["unnamed_endpoints"]
    names = [one["parameter_name"] for one in known["named_endpoints"]["/generate"]["parameters"]]
    assert names[:3] == ["prompt", "negative", "model"]


def test_the_page_tells_nothing_of_the_server(client: TestClient) -> None:
    page = client.get("/").text
    assert page.index("dataset.lang") < page.index("<meta")
    assert str(Path.home()) not in page
    assert client.get("/gradio_api/file=/etc/hostname").status_code in (403, 404)
    assert client.get("/assets-studio/../app.py").status_code == 404
    assert client.get("/assets-studio/fonts/inter-latin.woff2").status_code == 200
