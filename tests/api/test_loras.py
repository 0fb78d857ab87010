"""The shelf of LoRAs over the wire: cards in both languages, pictures, stars, files that are brought."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from safetensors.numpy import save

from studio.api import loras as surface
from studio.i18n import TABLES
from studio.service import Studio
from tests.api.conftest import client, guest
from tests.test_loras import kohya

ANOTHER = {"sec-fetch-site": "cross-site"}


def weights(family: str = "sd1") -> bytes:
    """A LoRA of a family that nobody paints with."""
    return save(kohya(family, wanted="attn2.to_k"), {"modelspec.trigger_phrase": "tuan cat"})


def put(studio: Studio, name: str, family: str = "sd1") -> Path:
    """A LoRA in the folder where people drop them."""
    file = studio.settings.data / "loras" / f"{name}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(weights(family))
    return file


def shelf(browser: TestClient) -> dict[str, dict[str, object]]:
    """The cards by name."""
    told = browser.get("/api/loras", params={"model": "tiny"})
    assert told.status_code == 200
    return {str(card["name"]): card for card in told.json()["loras"]}


def test_the_shelf_says_in_both_languages_why_something_does_not_fit(alone: Studio) -> None:
    put(alone, "cat")
    put(alone, "large", "sdxl")
    cards = shelf(client(alone))
    assert cards["cat"]["fits"] and cards["cat"]["why"] is None
    assert cards["cat"]["triggers"] == ["tuan cat"]
    assert not cards["large"]["fits"]
    en, zh = cards["large"]["why"]  # type: ignore[misc]
    title = cards["large"]["title"][0]  # type: ignore[index]
    assert en.startswith(f"“{title}” is made for") and zh.startswith(f"「{title}」是为")
    assert client(alone).get("/api/loras", params={"model": "none"}).status_code == 404


def test_a_picture_beside_a_file_is_shown_and_none_is_told(alone: Studio) -> None:
    file = put(alone, "cat")
    browser = client(alone)
    card = shelf(browser)["cat"]
    assert not card["picture"]
    assert browser.get(f"/api/loras/{card['id']}/picture").status_code == 404
    Image.new("RGB", (900, 900), "red").save(file.with_suffix(".png"))
    assert shelf(browser)["cat"]["picture"]
    shown = browser.get(f"/api/loras/{card['id']}/picture")
    assert shown.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(shown.content)) as image:
        assert max(image.size) <= 512


def test_a_star_is_given_and_taken_off(alone: Studio) -> None:
    put(alone, "cat")
    browser = client(alone)
    id = shelf(browser)["cat"]["id"]
    for on in (True, False):
        assert browser.post(f"/api/loras/{id}/favourite", json={"on": on}).status_code == 200
        assert shelf(browser)["cat"]["favourite"] is on
    assert browser.post("/api/loras/none/favourite", json={"on": True}).status_code == 422
    sent = browser.post(f"/api/loras/{id}/favourite", json={"on": True}, headers=ANOTHER)
    assert sent.status_code == 403 and not shelf(browser)["cat"]["favourite"]


def test_a_file_that_is_brought_stands_on_the_shelf(alone: Studio) -> None:
    browser = client(alone)
    answer = browser.post("/api/loras/files", params={"name": "tuan.safetensors"}, content=weights())
    assert answer.status_code == 200
    assert shelf(browser)["tuan"]["id"] == answer.json()["id"]


def test_what_is_no_lora_is_refused_in_words_and_not_kept(alone: Studio) -> None:
    browser = client(alone)
    answer = browser.post("/api/loras/files", params={"name": "x.safetensors"}, content=b"no weights")
    assert answer.status_code == 422 and answer.json()["text"]
    assert shelf(browser) == {}


def test_only_so_much_of_a_file_is_read(alone: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surface, "LARGEST_LORA", 1000)
    browser = client(alone)
    too_large = browser.post("/api/loras/files", params={"name": "x.safetensors"}, content=weights())
    assert too_large.status_code == 413
    unannounced = browser.post(
        "/api/loras/files", params={"name": "x.safetensors"}, content=iter([weights()] * 2)
    )
    assert unannounced.status_code == 413
    assert shelf(browser) == {}


def test_guests_look_and_bring_nothing(public: Studio) -> None:
    cookie, _ = guest(public)
    browser = client(public, cookie)
    told = browser.get("/api/loras", params={"model": "tiny"}).json()
    assert (told["admin"], told["arrivals"]) == (False, [])
    asked = [
        browser.post("/api/loras/files", params={"name": "x.safetensors"}, content=weights()),
        browser.post("/api/loras/repository", json={"address": "somebody/something"}),
        browser.post("/api/loras/bring", json={"address": "somebody/something", "file": ""}),
        browser.post("/api/loras/none/fetch"),
        browser.delete("/api/loras/none/fetch"),
    ]
    assert [answer.json()["text"] for answer in asked] == [TABLES["en"]["error.admin_only"]] * len(asked)


def test_an_address_that_names_no_repository_is_told_in_words(alone: Studio) -> None:
    answer = client(alone).post("/api/loras/repository", json={"address": "not an address"})
    assert answer.status_code == 422 and "not an address" in answer.json()["text"]


@pytest.mark.parametrize("route", ["files?name=x.safetensors", "repository", "bring", "none/fetch"])
def test_nothing_is_taken_from_a_page_of_another_site(alone: Studio, route: str) -> None:
    body = {"address": "somebody/something"} if route in ("repository", "bring") else None
    answer = client(alone).post(f"/api/loras/{route}", json=body, headers=ANOTHER)
    assert answer.json()["code"] == "upload_cross_site"


def test_a_mix_is_saved_renamed_and_taken_away(alone: Studio) -> None:
    put(alone, "cat")
    browser = client(alone)
    uses = [{"id": shelf(browser)["cat"]["id"], "weight": 1, "text_encoder_weight": 0.5}]
    saved = browser.post("/api/loras/mixes", json={"name": "Ink", "uses": uses})
    assert saved.status_code == 200
    (mix,) = saved.json()["mixes"]
    assert (mix["name"], mix["uses"][0]["name"], mix["uses"][0]["text_encoder_weight"]) == ("Ink", "cat", 0.5)
    renamed = browser.post(f"/api/loras/mixes/{mix['id']}", json={"name": "Night ink"})
    assert [one["name"] for one in renamed.json()["mixes"]] == ["Night ink"]
    told = browser.get("/api/loras", params={"model": "tiny"}).json()
    assert told["mixes"] == renamed.json()["mixes"] and told["sizes_coming"] is False
    assert browser.delete(f"/api/loras/mixes/{mix['id']}").json() == {"mixes": []}
    assert browser.delete(f"/api/loras/mixes/{mix['id']}").status_code == 404


def test_what_is_no_mix_is_refused(alone: Studio) -> None:
    browser = client(alone)
    for sent in ({"name": "Ink"}, {"name": "Ink", "uses": [{"weight": 1}]}, {"name": "", "uses": []}):
        assert browser.post("/api/loras/mixes", json=sent).status_code == 422
    mix = {"name": "Ink", "uses": [{"id": "far"}]}
    assert browser.post("/api/loras/mixes", json=mix, headers=ANOTHER).status_code == 403
