"""Pictures and masks over the wire: taken in up to a limit, told in words, shown by their hash alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from studio.api import inputs as surface
from studio.errors import StudioError
from studio.i18n import TABLES
from studio.service import Studio
from studio.settings import LANGUAGE_COOKIE
from tests.api.conftest import client, guest, painted

ROUTES = ("/api/inputs", "/api/masks")


def png(mode: str = "RGB", size: tuple[int, int] = (12, 8), colour: object = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, "PNG")  # type: ignore[arg-type]
    return buffer.getvalue()


def stored(studio: Studio) -> list[Path]:
    return list((studio.settings.data / "inputs").glob("*"))


def test_a_picture_is_brought_and_shown_again(alone: Studio) -> None:
    browser = client(alone)
    answer = browser.post("/api/inputs", content=png())
    assert answer.status_code == 200
    told = answer.json()
    assert told == {"picture": told["picture"], "width": 12, "height": 8, "notes": []}
    shown = browser.get(f"/api/inputs/{told['picture']}")
    assert shown.status_code == 200 and shown.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(shown.content)) as image:
        assert (image.size, image.getpixel((3, 3))) == ((12, 8), (255, 0, 0))


def test_it_is_kept_by_browsers_for_good_and_never_taken_for_a_page(alone: Studio) -> None:
    browser = client(alone)
    digest = browser.post("/api/inputs", content=png()).json()["picture"]
    headers = browser.get(f"/api/inputs/{digest}").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert {"private", "immutable"} <= {part.strip() for part in headers["cache-control"].split(",")}


def test_a_mask_is_brought_as_a_mask(alone: Studio) -> None:
    strokes = Image.new("RGBA", (6, 4))
    strokes.paste((10, 20, 30, 255), (0, 0, 3, 4))
    buffer = io.BytesIO()
    strokes.save(buffer, "PNG")
    browser = client(alone)
    told = browser.post("/api/masks", content=buffer.getvalue()).json()
    with Image.open(io.BytesIO(browser.get(f"/api/inputs/{told['picture']}").content)) as image:
        assert (image.mode, image.getpixel((0, 0)), image.getpixel((5, 0))) == ("L", 255, 0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_was_changed_is_told_in_the_persons_language(alone: Studio, language: str) -> None:
    browser = client(alone)
    browser.cookies.set(LANGUAGE_COOKIE, language)
    told = browser.post("/api/inputs", content=png("RGBA", colour=(0, 0, 0, 0))).json()
    words = TABLES[language]["error.input_on_white"]
    assert told["notes"] == [{"code": "input_on_white", "text": words}]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("route", ROUTES)
def test_what_is_no_picture_is_refused_in_words(alone: Studio, route: str, language: str) -> None:
    browser = client(alone)
    browser.cookies.set(LANGUAGE_COOKIE, language)
    answer = browser.post(route, content=b"hello")
    assert answer.status_code == 422
    words = TABLES[language]["error.input_no_picture"]
    assert answer.json() == {"code": "input_no_picture", "text": words}
    assert stored(alone) == []


@pytest.mark.parametrize("route", ROUTES)
def test_a_form_is_refused_with_what_to_send_instead(alone: Studio, route: str) -> None:
    answer = client(alone).post(route, files={"file": ("a.png", png(), "image/png")})
    assert (answer.status_code, answer.json()["code"]) == (415, "upload_form")
    answer = client(alone).post(route, data={"path": "/etc/passwd"})
    assert (answer.status_code, answer.json()["code"]) == (415, "upload_form")


# -- how much -------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surface, "MOST_BYTES", 2**20)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("route", ROUTES)
def test_an_upload_announced_as_too_large_is_refused_unread(alone: Studio, route: str) -> None:
    answer = client(alone).post(route, content=bytes(2**20 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
    assert "1 MB" in answer.json()["text"]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("announced", [None, "12", "-1", "many"])
def test_an_upload_that_does_not_say_how_long_it_is_ends_at_the_limit(
    alone: Studio, announced: str | None
) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield bytes(2**16)

    headers = {"content-length": announced} if announced else {}
    answer = client(alone).post("/api/inputs", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
    assert stored(alone) == []


@pytest.mark.usefixtures("small")
def test_an_upload_of_just_the_limit_is_taken(alone: Studio) -> None:
    answer = client(alone).post("/api/inputs", content=png().ljust(2**20, b"\0"))
    assert answer.status_code == 200


# -- who ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://localhost"},
        {"origin": "http://elsewhere.example"},
        {"origin": "http://localhost.elsewhere.example"},
        {"origin": "http://localhost:81"},
        {"origin": "null"},
        {"origin": ""},
    ],
)
def test_another_sites_page_can_bring_nothing(alone: Studio, route: str, headers: dict[str, str]) -> None:
    answer = client(alone).post(route, content=png(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "upload_cross_site")
    assert stored(alone) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "same-origin", "origin": "https://studio.example"},
        {"sec-fetch-site": "none"},
        {"origin": "http://localhost"},
        {"origin": "https://studio.example", "x-forwarded-host": "studio.example"},
        {"origin": "https://studio.example", "x-forwarded-host": "studio.example, inside:7860"},
    ],
)
def test_the_studios_own_page_and_programs_can(alone: Studio, headers: dict[str, str]) -> None:
    assert client(alone).post("/api/inputs", content=png(), headers=headers).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
def test_where_strangers_come_a_cookie_is_needed(public: Studio, route: str) -> None:
    answer = client(public).post(route, content=png())
    assert (answer.status_code, answer.json()["code"]) == (403, "cookie_needed")
    assert stored(public) == []
    cookie, _ = guest(public)
    assert client(public, cookie).post(route, content=png()).status_code == 200


def test_whoever_knows_the_hash_is_shown_the_picture(public: Studio) -> None:
    (ann, _), (bob, _) = guest(public), guest(public)
    digest = client(public, ann).post("/api/inputs", content=png()).json()["picture"]
    assert client(public, bob).get(f"/api/inputs/{digest}").status_code == 200
    assert client(public).get(f"/api/inputs/{digest}").status_code == 404


@pytest.mark.parametrize(
    "digest",
    [
        "0" * 64,
        "..",
        "%2e%2e",
        "..%2f..%2fcookie.secret",
        "..%5c..%5cindex.sqlite",
        "%2fetc%2fpasswd",
        "%00",
        "*",
        "A" * 64,
        "a" * 64 + "%0a",
        "a" * 64 + ".png",
        "a" * 3000,
    ],
)
def test_no_trick_opens_another_file(alone: Studio, digest: str) -> None:
    client(alone).post("/api/inputs", content=png())
    answer = client(alone).get(f"/api/inputs/{digest}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


def test_other_ways_of_asking_are_not_answered(alone: Studio) -> None:
    browser = client(alone)
    digest = browser.post("/api/inputs", content=png()).json()["picture"]
    for method, path in [
        ("GET", "/api/inputs"),
        ("GET", "/api/masks"),
        ("PUT", "/api/inputs"),
        ("POST", f"/api/inputs/{digest}"),
        ("PUT", f"/api/inputs/{digest}"),
        ("DELETE", f"/api/inputs/{digest}"),
    ]:
        assert browser.request(method, path).status_code == 405, (method, path)
    assert len(stored(alone)) == 1


# -- one's own pictures ---------------------------------------------------------------------------


def test_a_painted_picture_becomes_one_to_start_from(alone: Studio) -> None:
    me = alone.person(None, "en")
    picture = painted(alone, me)
    kept = alone.input_from_picture(picture.id, me)
    assert (kept.size, kept.notes) == (picture.size, ())
    with (
        Image.open(alone.input_file(kept.picture, me)) as start,
        Image.open(alone.picture_file(picture.id, me)) as original,
    ):
        assert start.convert("RGB").tobytes() == original.convert("RGB").tobytes()
        assert not start.info


def test_nobody_starts_from_anothers_picture(public: Studio) -> None:
    (_, ann), (_, bob) = guest(public), guest(public)
    picture = painted(public, ann)
    with pytest.raises(StudioError) as caught:
        public.input_from_picture(picture.id, bob)
    assert caught.value.code == "picture_unknown"


def test_several_at_once_are_all_kept(alone: Studio) -> None:
    with TestClient(client(alone).app, base_url="http://localhost") as browser:

        def bring(red: int) -> str:
            answer = browser.post("/api/inputs", content=png(colour=(red, 0, 0)))
            return str(answer.json()["picture"])

        with ThreadPoolExecutor(8) as people:
            digests = list(people.map(bring, range(16)))
    assert len(set(digests)) == len(stored(alone)) == 16
