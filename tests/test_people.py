"""Who asks: one admin on loopback, guests by signed cookie everywhere else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.people import People
from studio.settings import Settings


def people(folder: Path, **changes: object) -> People:
    return People(Settings(**{"data": folder, "public": True} | changes))


def secret_file(folder: Path) -> Path:
    return folder / "cookie.secret"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_on_loopback_there_is_one_person_and_it_is_the_admin(tmp_path: Path, host: str) -> None:
    here = people(tmp_path, public=False, host=host)
    alone = here.who(None, "zh")
    assert (alone.id, alone.role, alone.language) == ("local", "admin", "zh")
    assert here.who("whatever").id == "local"
    assert here.welcome(None) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "studio.example", "localhost.example", ""])
def test_on_any_other_host_strangers_come(tmp_path: Path, host: str) -> None:
    here = people(tmp_path, public=False, host=host)
    assert here.who(here.welcome(None)).role == "guest"


def test_in_public_even_loopback_has_guests_and_no_admin(tmp_path: Path) -> None:
    here = people(tmp_path, host="127.0.0.1")
    assert here.who(here.welcome(None)).role == "guest"


OWN = ["localhost", "LOCALHOST:7860", "127.0.0.1:7860", "127.8.8.8", "[::1]:7860", "[::ffff:127.0.0.1]"]
OWN += ["localhost.", "studio.localhost:80"]
STRANGE = ["evil.example", "evil.example:7860", "192.168.1.5", "[fe80::1]:7860", "0.0.0.0:7860", "", "[::1"]
STRANGE += ["localhost.evil.example", "evil.example//localhost", "127.0.0.1.evil.example", "notlocalhost"]


@pytest.mark.parametrize("listens", ["127.0.0.1", "::1", "localhost"])
def test_on_loopback_the_studio_goes_by_this_machines_names_alone(tmp_path: Path, listens: str) -> None:
    here = people(tmp_path, public=False, host=listens)
    assert [name for name in OWN + STRANGE if here.goes_by(name)] == OWN


def test_the_settings_add_names_however_they_are_written(tmp_path: Path) -> None:
    here = people(tmp_path, public=False, hosts="studio.example, https://Other.example:8443/, [fd00::7]")
    for name in ("studio.example:443", "other.example", "[fd00::7]:7860", "localhost"):
        assert here.goes_by(name)
    for name in ("evil.studio.example", "evil.example", ""):
        assert not here.goes_by(name)


@pytest.mark.parametrize("settings", [{"host": "0.0.0.0", "public": False}, {"public": True}])
def test_where_strangers_come_the_studio_goes_by_any_name(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    assert people(tmp_path, **settings).goes_by("studio.example")


def test_a_guest_without_a_cookie_is_told_so(tmp_path: Path) -> None:
    for cookie in (None, ""):
        with pytest.raises(StudioError, match="cookie_needed"):
            people(tmp_path).who(cookie)


def test_a_guest_is_the_same_person_with_the_same_cookie(tmp_path: Path) -> None:
    here = people(tmp_path)
    ann, bob = here.welcome(None), here.welcome(None)
    assert here.who(ann) == here.who(ann)
    assert here.who(ann).id != here.who(bob).id
    assert here.welcome(ann) is None


def forgeries(cookie: str) -> list[str]:
    name, signature = cookie.split(".")
    return [
        name,
        f"{name}.",
        f"{name}.{signature[:-2]}",
        f"{name[:-1]}{'A' if name[-1] != 'A' else 'B'}.{signature}",
        '"local".',
        "local",
        ".",
        "cookie.ü",
        "../../etc",
        "a" * 10_000,
    ]


def test_a_forged_cookie_is_nobodys_and_is_replaced(tmp_path: Path) -> None:
    here = people(tmp_path)
    cookie = here.welcome(None)
    assert cookie
    for forged in forgeries(cookie):
        with pytest.raises(StudioError, match="cookie_needed"):
            here.who(forged)
        assert here.welcome(forged)


def test_a_cookie_of_another_studio_is_nobodys(tmp_path: Path) -> None:
    theirs = people(tmp_path / "theirs").welcome(None)
    with pytest.raises(StudioError, match="cookie_needed"):
        people(tmp_path / "ours").who(theirs)


def test_a_guest_stays_known_over_a_restart(tmp_path: Path) -> None:
    before = people(tmp_path)
    cookie = before.welcome(None)
    assert people(tmp_path).who(cookie) == before.who(cookie)


def test_the_secret_is_for_the_owners_eyes_only(tmp_path: Path) -> None:
    people(tmp_path)
    assert stat.S_IMODE(secret_file(tmp_path).stat().st_mode) == 0o600
    assert len(secret_file(tmp_path).read_text("ascii")) == 64
    assert [path.name for path in tmp_path.iterdir()] == ["cookie.secret"]


def test_an_empty_secret_is_never_signed_with(tmp_path: Path) -> None:
    secret_file(tmp_path).touch()
    cookie = people(tmp_path).welcome(None)
    assert secret_file(tmp_path).stat().st_size
    assert stat.S_IMODE(secret_file(tmp_path).stat().st_mode) == 0o600
    assert people(tmp_path).who(cookie).role == "guest"


def test_a_secret_from_the_settings_is_shared_and_never_written(tmp_path: Path) -> None:
    one = people(tmp_path / "one", cookie_secret="shared")
    other = people(tmp_path / "other", cookie_secret="shared")
    cookie = one.welcome(None)
    assert one.who(cookie) == other.who(cookie)
    assert not secret_file(tmp_path / "one").exists()


def test_a_cookie_says_nothing_about_the_secret(tmp_path: Path) -> None:
    cookie = people(tmp_path, cookie_secret="very secret words").welcome(None)
    assert cookie and "secret" not in cookie
