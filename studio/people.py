"""Who asks: the one person of a loopback studio, or a guest known by a signed cookie."""

from __future__ import annotations

import ipaddress
import secrets

from itsdangerous import BadSignature, URLSafeSerializer

from studio.errors import StudioError
from studio.files import write_whole
from studio.messages import Language, Person
from studio.settings import Settings, host_name

LOCAL = "local"


class People:
    """Tells who a cookie belongs to, and signs new ones."""

    def __init__(self, settings: Settings) -> None:
        self.strangers = settings.public or not _is_loopback(settings.host)
        told = settings.hosts.split(",")
        self._names = {host_name(name.rpartition("://")[2]) for name in told} - {""}
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

    def goes_by(self, host: str) -> bool:
        """Whether the studio may be asked under a name; on loopback whoever asks is the admin, so not under any."""
        name = host_name(host)
        return self.strangers or _is_this_machine(name) or name in self._names

    def _read(self, cookie: str | None) -> str | None:
        try:
            return str(self._serializer.loads(cookie)) if cookie else None
        except BadSignature:
            return None


def _is_this_machine(name: str) -> bool:
    # Browsers ask no one where such names lead.
    return _is_loopback(name) or name.endswith(".localhost")


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _secret(settings: Settings) -> str:
    if settings.cookie_secret:
        return settings.cookie_secret
    path = settings.data / "cookie.secret"
    if not path.is_file() or not path.stat().st_size:  # with an empty one anybody could sign
        write_whole(path, secrets.token_hex(32), mode=0o600)
    return path.read_text(encoding="ascii")
