"""A person's own pictures as files, and nobody else's."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from studio.messages import Person
from studio.metadata import read_recipe
from studio.service import Studio
from tests.api.conftest import client, guest, painted

TRICKS = [
    "..",
    "%2e%2e",
    "..%2f..%2findex.sqlite",
    "..%5c..%5cindex.sqlite",
    "%2e%2e%2f%2e%2e%2fcookie.secret",
    "%2fetc%2fpasswd",
    "....%2f%2f",
    "%00",
    "*",
    "' or '1'='1",
    "%25",
]


def test_my_own_picture_is_served_as_it_was_saved_recipe_inside(alone: Studio, tmp_path: Path) -> None:
    me = alone.person(None, "en")
    picture = painted(alone, me)
    answer = client(alone).get(f"/pictures/{picture.id}.png")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content == alone.picture_file(picture.id, me).read_bytes()
    (tmp_path / "mine.png").write_bytes(answer.content)
    assert read_recipe(tmp_path / "mine.png") == picture.recipe


def test_its_small_copy_is_served_beside_it(alone: Studio) -> None:
    picture = painted(alone, alone.person(None, "en"))
    answer = client(alone).get(f"/pictures/{picture.id}/thumbnail")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert Image.open(io.BytesIO(answer.content)).size == (64, 64)


def test_a_browser_may_keep_a_picture_and_nobody_in_between(alone: Studio) -> None:
    picture = painted(alone, alone.person(None, "en"))
    for path in (f"/pictures/{picture.id}.png", f"/pictures/{picture.id}/thumbnail"):
        kept = client(alone).get(path).headers["cache-control"]
        assert "private" in kept and "immutable" in kept


def test_a_picture_is_shown_unless_a_download_is_asked_for(alone: Studio) -> None:
    picture = painted(alone, alone.person(None, "en"))
    browser = client(alone)
    assert "content-disposition" not in browser.get(f"/pictures/{picture.id}.png").headers
    told = browser.get(f"/pictures/{picture.id}.png?download=1").headers["content-disposition"]
    assert told == f'attachment; filename="spellbook-{picture.id}.png"'


def test_each_guest_is_served_their_own_and_nobody_elses(public: Studio) -> None:
    (ann_cookie, ann), (bob_cookie, bob) = guest(public), guest(public)
    anns, bobs = painted(public, ann), painted(public, bob)
    browsers = {"ann": client(public, ann_cookie), "bob": client(public, bob_cookie), "new": client(public)}
    for who, picture, status in [
        ("ann", anns, 200),
        ("bob", bobs, 200),
        ("ann", bobs, 404),
        ("bob", anns, 404),
        ("new", anns, 404),
    ]:
        for path in (f"/pictures/{picture.id}.png", f"/pictures/{picture.id}/thumbnail"):
            assert browsers[who].get(path).status_code == status, (who, path)


def test_someone_elses_picture_looks_the_same_as_one_that_never_was(public: Studio) -> None:
    _, ann = guest(public)
    bob_cookie, _ = guest(public)
    picture, browser = painted(public, ann), client(public, bob_cookie)
    theirs = browser.get(f"/pictures/{picture.id}.png")
    nobodys = browser.get(f"/pictures/{picture.id[:-1]}x.png")
    assert (theirs.status_code, theirs.json()) == (nobodys.status_code, nobodys.json())


def test_a_forged_cookie_opens_no_picture(public: Studio) -> None:
    cookie, ann = guest(public)
    picture = painted(public, ann)
    for forged in (ann.id, f"{cookie}x", cookie.split(".")[0]):
        assert client(public, forged).get(f"/pictures/{picture.id}.png").status_code == 404


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("form", ["/pictures/{}.png", "/pictures/{}/thumbnail", "/pictures/{}"])
def test_no_trick_with_a_path_reaches_a_file(alone: Studio, trick: str, form: str) -> None:
    painted(alone, alone.person(None, "en"))
    assert client(alone).get(form.format(trick)).status_code == 404


def test_a_trick_around_a_true_name_reaches_nothing_either(alone: Studio) -> None:
    picture = painted(alone, alone.person(None, "en"))
    for path in (
        f"/pictures/local%2f{picture.id}.png",
        f"/pictures/.%2f{picture.id}.png",
        f"/pictures/{picture.id}.png%00",
        f"/pictures/{picture.id}.PNG",
        f"/pictures/{picture.id}%00.png",
        f"/pictures/{picture.id}.webp",
    ):
        assert client(alone).get(path).status_code == 404, path


def test_a_deleted_picture_is_not_served_any_more(alone: Studio) -> None:
    me = alone.person(None, "en")
    picture = painted(alone, me)
    alone.delete(picture.id, me)
    for path in (f"/pictures/{picture.id}.png", f"/pictures/{picture.id}/thumbnail"):
        assert client(alone).get(path).status_code == 404


def test_a_picture_whose_file_was_taken_away_is_not_found_rather_than_broken(alone: Studio) -> None:
    me = alone.person(None, "en")
    picture = painted(alone, me)
    alone.picture_file(picture.id, me).unlink()
    answer = client(alone).get(f"/pictures/{picture.id}.png")
    assert answer.status_code == 404 and "gone" in answer.json()["detail"]


def test_a_guest_named_like_the_person_of_loopback_gets_nothing_of_theirs(public: Studio) -> None:
    picture = painted(public, Person(id="local"))
    cookie, _ = guest(public)
    assert client(public, cookie).get(f"/pictures/{picture.id}.png").status_code == 404


def test_what_is_not_there_is_told_in_the_language_that_was_chosen(alone: Studio) -> None:
    answer = client(alone).get("/pictures/none.png", headers={"cookie": "studio_language=zh"})
    assert answer.status_code == 404 and "你的画里没有这一张" in answer.json()["detail"]
