"""Guests are given a signed cookie, once; on loopback nobody is."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from studio.api.identity import asker
from studio.service import Studio
from studio.settings import LANGUAGE_COOKIE, PERSON_COOKIE
from tests.api.conftest import client, guest


def test_a_newcomer_gets_a_cookie_once(public: Studio) -> None:
    browser = client(public)
    first = browser.get("/health")
    assert first.headers["set-cookie"].startswith(f"{PERSON_COOKIE}=")
    assert "set-cookie" not in browser.get("/health").headers


def test_the_cookie_is_one_the_studio_knows_its_guest_by(public: Studio) -> None:
    browser = client(public)
    browser.get("/health")
    person = public.person(browser.cookies[PERSON_COOKIE], "en")
    assert person.role == "guest" and person.id


def test_two_newcomers_are_two_people(public: Studio) -> None:
    cookies = []
    for _ in range(2):
        browser = client(public)
        browser.get("/health")
        cookies.append(browser.cookies[PERSON_COOKIE])
    assert len({public.person(cookie, "en").id for cookie in cookies}) == 2


def test_no_script_reads_the_cookie_and_it_stays_a_year(public: Studio) -> None:
    told = client(public).get("/health").headers["set-cookie"].lower()
    parts = {part.strip() for part in told.split(";")}
    assert {"httponly", "samesite=lax", "path=/", f"max-age={365 * 24 * 3600}"} <= parts
    assert "secure" not in parts


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://testserver", {}),
        ("http://testserver", {"x-forwarded-proto": "https"}),
        ("http://testserver", {"x-forwarded-proto": "https,http"}),
    ],
    ids=["https", "https ended before us", "and another proxy between"],
)
def test_over_https_the_cookie_works_inside_the_frame_of_a_hub(
    public: Studio, url: str, headers: dict[str, str]
) -> None:
    told = client(public, base_url=url).get("/health", headers=headers).headers["set-cookie"].lower()
    assert {"secure", "samesite=none", "httponly"} <= {part.strip() for part in told.split(";")}


@pytest.mark.parametrize("forged", ["local", "ImxvY2FsIg.AAAA", "nonsense", "a.b.c", "%00"])
def test_a_forged_cookie_is_replaced_by_a_true_one(public: Studio, forged: str) -> None:
    told = client(public).get("/health", headers={"cookie": f"{PERSON_COOKIE}={forged}"})
    given = told.cookies[PERSON_COOKIE]
    assert given != forged
    assert public.person(given, "en").id != "local"


def test_a_newcomer_gets_their_cookie_with_a_page_that_is_not_there_too(public: Studio) -> None:
    answer = client(public).get("/nowhere")
    assert answer.status_code == 404 and PERSON_COOKIE in answer.cookies


def test_only_a_get_gives_a_cookie(public: Studio) -> None:
    assert "set-cookie" not in client(public).post("/health").headers


def test_on_loopback_nobody_needs_a_cookie(alone: Studio) -> None:
    assert "set-cookie" not in client(alone).get("/health").headers


def asked(**cookies: str) -> Request:
    text = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return Request({"type": "http", "headers": [(b"cookie", text.encode())]})


@pytest.mark.parametrize(("chosen", "spoken"), [("zh", "zh"), ("en", "en"), ("fr", "en"), ("", "en")])
def test_who_asks_is_known_in_the_language_they_chose(public: Studio, chosen: str, spoken: str) -> None:
    cookie, person = guest(public)
    who = asker(public, asked(**{PERSON_COOKIE: cookie, LANGUAGE_COOKIE: chosen}))
    assert (who.id, who.language) == (person.id, spoken)


def test_within_another_sites_frame_the_cookie_is_marked_for_that(public: Studio) -> None:
    told = client(public).get("/health", headers={"x-forwarded-proto": "https"}).headers["set-cookie"]
    assert {"secure", "samesite=none", "partitioned"} <= {part.strip().lower() for part in told.split(";")}
