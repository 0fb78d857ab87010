"""`/api/book`: the whole book, once."""

from __future__ import annotations

import gzip

from studio.service import Studio
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
