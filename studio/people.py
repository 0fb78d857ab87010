"""Who asks: the one person of a loopback studio, or a guest known by a signed cookie."""

from __future__ import annotations

import ipaddress
import secrets
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer

from studio.errors import StudioError
from studio.messages import Language, Person
from studio.settings import Settings

LOCAL = "local"


class People:
    """Tells who a cookie belongs to, and signs new ones."""

    def __init__(self, settings: Settings) -> None:
        self.strangers = settings.public or not _is_loopback(settings.host)
        self._serializer = URLSafeSerializer(_secret(settings), salt="person")

    def who(self, cookie: str | None, language: Language = "en") -> Person:
        """The person behind a cookie; where strangers come, a cookie is needed."""
        if not self.strangers:
            return Person(id=LOCAL, role="admin", language=language)
        person = self._read(cookie)
        if person is None:
            raise StudioError("cookie_needed")
        return Person(id=person, role="guest", language=language)

    def welcome(self, cookie: str | None) -> str | None:
        """A new signed cookie for whoever needs one; None where the old one does or none is needed."""
        if not self.strangers or self._read(cookie):
            return None
        return str(self._serializer.dumps(secrets.token_hex(8)))

    def _read(self, cookie: str | None) -> str | None:
        try:
            return str(self._serializer.loads(cookie)) if cookie else None
        except BadSignature:
            return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(settings: Settings) -> str:
    if settings.cookie_secret:
        return settings.cookie_secret
    path = settings.data / "cookie.secret"
    if not path.is_file() or not path.stat().st_size:  # with an empty one anybody could sign
        _write_secret(path)
    return path.read_text(encoding="ascii")


def _write_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{secrets.token_hex(4)}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(secrets.token_hex(32), encoding="ascii")
    unfinished.replace(path)
