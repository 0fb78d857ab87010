"""On loopback the studio answers under its own names alone, whatever is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from studio.service import Studio
from tests.api.conftest import Open, client
from tests.ui.house import app_of, studio_at

STRANGE = "http://evil.example:7860"


@pytest.mark.parametrize("path", ["/health", "/api/inputs", "/nowhere"])
def test_a_strange_name_is_refused_with_what_to_do(alone: Studio, path: str) -> None:
    for method in ("GET", "POST"):
        answer = client(alone, base_url=STRANGE).request(method, path)
        assert answer.status_code == 421
        assert answer.headers["content-type"].startswith("text/plain")
        assert "STUDIO_HOSTS=evil.example" in answer.text
        assert "画室" in answer.text


def test_a_name_that_another_site_sends_along_does_not_help(alone: Studio) -> None:
    headers = {"x-forwarded-host": "localhost", "forwarded": "host=localhost", "origin": "http://localhost"}
    assert client(alone, base_url=STRANGE).get("/health", headers=headers).status_code == 421


@pytest.mark.parametrize("url", ["http://localhost:9", "http://127.0.0.1", "http://[::1]:7860"])
def test_this_machines_own_names_are_answered(alone: Studio, url: str) -> None:
    assert client(alone, base_url=url).get("/health").status_code == 200


def test_names_of_the_settings_are_answered(open_studio: Open) -> None:
    studio = open_studio(hosts="studio.example")
    assert client(studio, base_url="https://studio.example").get("/health").status_code == 200
    assert client(studio, base_url=STRANGE).get("/health").status_code == 421


@pytest.mark.parametrize("settings", [{"host": "0.0.0.0"}, {"public": True}], ids=["container", "proxy"])
def test_where_strangers_come_every_name_is_answered(open_studio: Open, settings: dict[str, object]) -> None:
    assert client(open_studio(**settings), base_url=STRANGE).get("/health").status_code == 200


def test_sockets_are_looked_at_too(alone: Studio) -> None:
    app = client(alone).app

    @app.websocket("/socket")
    async def socket(one: WebSocket) -> None:
        await one.accept()
        await one.close()

    with TestClient(app).websocket_connect("ws://localhost/socket"):
        pass
    with pytest.raises(WebSocketDisconnect), TestClient(app).websocket_connect("ws://evil.example/socket"):
        pass


def test_the_page_and_its_streams_are_behind_the_same_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    app = app_of(studio_at(tmp_path))
    for path in ("/", "/config", "/gradio_api/queue/data?session_hash=x", "/alive", "/theme.css"):
        assert TestClient(app, base_url=STRANGE).get(path).status_code == 421
    assert TestClient(app, base_url="http://localhost").get("/").status_code == 200
