"""`/api/book`: the whole book, once, and what chance makes of it."""

from __future__ import annotations

import gzip

import pytest
from fastapi.testclient import TestClient

from studio.i18n import TABLES
from studio.messages import LANGUAGES
from studio.service import Studio
from studio.settings import LANGUAGE_COOKIE
from studio.spellbook import PRESETS, book_for_page, read_spellbook
from tests.api.conftest import client


def test_the_book_is_told_as_a_whole(alone: Studio) -> None:
    browser = client(alone)
    told = browser.get("/api/book")
    assert told.status_code == 200 and told.headers["content-type"] == "application/json"
    assert told.json() == book_for_page(read_spellbook(PRESETS))


def test_whoever_has_it_already_is_not_sent_it_again(alone: Studio) -> None:
    browser = client(alone)
    name = browser.get("/api/book").headers["etag"]
    for known in (name, f"W/{name}", f'"other", {name}'):
        again = browser.get("/api/book", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
    other = browser.get("/api/book", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200 and other.headers["etag"] == name


def test_it_travels_packed_only_to_those_who_unpack(alone: Studio) -> None:
    browser = client(alone)
    packed = browser.get("/api/book", headers={"Accept-Encoding": "gzip"})
    plain = browser.get("/api/book", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert len(gzip.compress(plain.content)) < len(plain.content) / 2
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2


# -- by chance ------------------------------------------------------------------------------------


def spells(browser: TestClient, way: str, **asked: object) -> list[str]:
    answer = browser.post(f"/api/book/{way}", json={"seed": 7} | asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["spells"])


def test_the_wand_proposes_what_is_lacking_and_the_same_for_the_same_seed(alone: Studio) -> None:
    browser = client(alone)
    proposed = spells(browser, "wand", prompt="red fox, moonlight")
    assert proposed == [place.spell.en for place in alone.wand("red fox, moonlight", 7)]
    assert proposed and not {"red fox", "moonlight"} & set(proposed)
    assert spells(browser, "wand", prompt="red fox, moonlight", seed=8) != proposed


def test_the_wand_says_why_a_blend_takes_no_more(alone: Studio) -> None:
    asked = {"prompt": '("a cat", "a dog").blend(1, 2)', "seed": 1}
    for language in LANGUAGES:
        browser = client(alone)
        browser.cookies.set(LANGUAGE_COOKIE, language)
        answer = browser.post("/api/book/wand", json=asked)
        assert answer.status_code == 422 and answer.json()["code"] == "blend_takes_no_more"
        assert answer.json()["text"] == TABLES[language]["error.blend_takes_no_more"]


def test_dice_throw_one_of_a_chapter_or_nothing(alone: Studio) -> None:
    browser = client(alone)
    (one,) = spells(browser, "dice", chapter="light", group="quality")
    (other,) = spells(browser, "dice", chapter="light", group="quality", besides=[one])
    assert one != other
    assert spells(browser, "dice", chapter="nobody") == []


def test_a_whole_prompt_keeps_what_is_locked(alone: Studio) -> None:
    browser = client(alone)
    whole = spells(browser, "random", locks=["giant panda"])
    assert "giant panda" in whole and len(whole) > 3
    assert spells(browser, "random", locks=["giant panda"]) == whole


@pytest.mark.parametrize(
    ("way", "asked"),
    [
        ("wand", {"prompt": "x"}),
        ("wand", {"prompt": "x", "seed": -1}),
        ("wand", {"prompt": "x", "seed": "7"}),
        ("wand", {"prompt": "x", "seed": 7.5}),
        ("wand", {"prompt": "x" * 20_001, "seed": 1}),
        ("wand", {"prompt": "x", "seed": 1, "colour": "red"}),
        ("dice", {"chapter": 7, "seed": 1}),
        ("random", {"seed": 1, "locks": "giant panda"}),
        ("random", {"seed": 2**60}),
    ],
)
def test_what_makes_no_sense_is_refused(alone: Studio, way: str, asked: dict[str, object]) -> None:
    assert client(alone).post(f"/api/book/{way}", json=asked).status_code == 422


def test_another_sites_page_may_not_ask(alone: Studio) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = client(alone).post("/api/book/random", json={"seed": 1}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "upload_cross_site")
