"""`/api/book/mine`: one's own spells, styles and scenes, kept, changed, given and taken; nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from studio.i18n import TABLES
from studio.messages import LANGUAGES
from studio.service import Studio
from studio.settings import LANGUAGE_COOKIE
from tests.api.conftest import client, guest

MINE = "/api/book/mine"
CAT = {"kind": "spells", "item": {"name": "我家的橘猫", "prompt": {"en": "ginger cat, (sitting:1.1)"}}}
DOODLE = {"kind": "styles", "item": {"name": "Doodle", "prompt": {"en": "{prompt}, crayon doodle"}}}
BOOTH = {
    "kind": "scenes",
    "item": {"name": "Booth", "prompt": {"en": "a robot waving"}, "aspect": "16:9", "seed": 7},
}


def post(browser: TestClient, path: str, body: object, status: int = 200) -> Any:
    answer = browser.post(f"{MINE}{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_what_is_kept_is_told_as_the_page_shows_it(alone: Studio) -> None:
    browser = client(alone)
    ids = [post(browser, "", one)["kept"] for one in (CAT, DOODLE, BOOTH)]
    told = browser.get(MINE).json()
    (cat,), (doodle,), (booth,) = told["spells"], told["styles"], told["scenes"]
    assert [cat["id"], doodle["id"], booth["id"]] == ids
    assert cat["title"] == ["我家的橘猫", "我家的橘猫"] and cat["prompt"] == ["ginger cat, (sitting:1.1)", ""]
    assert cat["pinyin"] == "wo jia de ju mao"
    assert (booth["aspect"], booth["seed"]) == ("16:9", 7) and "lora" not in booth
    assert (told["favourites"], told["recent"], told["problems"]) == ([], [], [])


def test_it_is_changed_in_its_place_and_deleted(alone: Studio) -> None:
    browser = client(alone)
    id = post(browser, "", CAT)["kept"]
    changed = post(browser, "", {"kind": "spells", "item": CAT["item"] | {"id": id, "name": "Tuan"}})  # type: ignore[operator]
    assert [(spell["id"], spell["title"][0]) for spell in changed["spells"]] == [(id, "Tuan")]
    assert browser.delete(f"{MINE}/{id}").json()["spells"] == []
    again = browser.delete(f"{MINE}/{id}")
    assert (again.status_code, again.json()["code"]) == (404, "own_spell_gone")


def test_stars_and_what_was_used_are_kept(alone: Studio) -> None:
    browser = client(alone)
    post(browser, "/favourite", {"key": "soft light", "on": True})
    post(browser, "/favourite", {"key": "moonlight", "on": True})
    assert post(browser, "/favourite", {"key": "soft light", "on": False})["favourites"] == ["moonlight"]
    post(browser, "/used", {"keys": ["a", "b"]})
    assert post(browser, "/used", {"keys": ["b", "c"]})["recent"] == ["b", "c", "a"]


def test_everybody_has_their_own_and_nobody_else_s(public: Studio) -> None:
    ann, ben = (client(public, guest(public)[0]) for _ in range(2))
    id = post(ann, "", CAT)["kept"]
    assert ben.get(MINE).json()["spells"] == []
    assert ben.delete(f"{MINE}/{id}").status_code == 404
    for method, path in (("GET", MINE), ("GET", f"{MINE}/export"), ("POST", f"{MINE}/import")):
        answer = client(public).request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "cookie_needed")
    assert len(ann.get(MINE).json()["spells"]) == 1


def test_what_cannot_be_kept_is_refused_in_words(alone: Studio) -> None:
    nameless = {"kind": "spells", "item": {"name": " ", "prompt": {"en": "a"}}}
    slotless = {"kind": "styles", "item": {"name": "x", "prompt": {"en": "oil"}}}
    for language in LANGUAGES:
        browser = client(alone)
        browser.cookies.set(LANGUAGE_COOKIE, language)
        for body, code in ((nameless, "own_nameless"), (slotless, "style_without_slot")):
            told = post(browser, "", body, 422)
            assert told["code"] == code
            assert told["text"] == TABLES[language][f"error.{code}"].replace("{{", "{").replace("}}", "}")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {"kind": "jokes", "item": {}}),
        ("", {"kind": "spells"}),
        ("", {"kind": "spells", "item": {}, "more": 1}),
        ("/favourite", {"key": "soft light", "on": "yes"}),
        ("/favourite", {"key": "x" * 201, "on": True}),
        ("/used", {"keys": "soft light"}),
    ],
)
def test_what_makes_no_sense_is_refused(alone: Studio, path: str, body: object) -> None:
    post(client(alone), path, body, 422)


def test_a_book_is_given_to_another(public: Studio) -> None:
    ann, ben = (client(public, guest(public)[0]) for _ in range(2))
    for one in (CAT, DOODLE, BOOTH):
        post(ann, "", one)
    given = ann.get(f"{MINE}/export")
    assert "attachment" in given.headers["content-disposition"]
    told = ben.post(f"{MINE}/import", content=given.content).json()
    assert told["imported"] == {"added": 3, "known": 0, "troubles": []}
    assert [one["title"] for one in told["spells"]] == [["我家的橘猫", "我家的橘猫"]]


def test_styles_csv_is_taken_in_and_what_is_left_out_is_told(alone: Studio) -> None:
    csv = "name,prompt,negative_prompt\nOil,oil painting of {prompt},photo\nBad,{{prompt}|x},\n"
    browser = client(alone)
    told = browser.post(f"{MINE}/import", content=csv.encode()).json()
    assert told["imported"]["added"] == 1 and [one["title"][0] for one in told["styles"]] == ["Oil"]
    assert told["imported"]["troubles"] == [TABLES["en"]["error.import_left_out"].format(name="Bad")]


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"hello", 422, "import_unread"),
        (b"spells: []\n", 422, "import_empty"),
        (b"x" * 6_000_000, 413, "import_too_large"),
    ],
)
def test_another_file_is_refused(alone: Studio, data: bytes, status: int, code: str) -> None:
    answer = client(alone).post(f"{MINE}/import", content=data)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_another_sites_page_changes_nothing(alone: Studio) -> None:
    browser = client(alone)
    headers = {"Sec-Fetch-Site": "cross-site"}
    answers = [
        browser.post(MINE, json=CAT, headers=headers),
        browser.post(f"{MINE}/import", content=b"spells: []", headers=headers),
        browser.delete(f"{MINE}/own-1", headers=headers),
    ]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "upload_cross_site")] * 3
    assert browser.get(MINE).json()["spells"] == []
