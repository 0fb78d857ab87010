"""Brings the files of one listing here: continued where it was cut, checked, and marked once it is whole."""

from __future__ import annotations

import glob
import hashlib
import json
import time
from pathlib import Path
from typing import BinaryIO

import httpx2

from studio.catalog import COMPLETE
from studio.downloads.flight import Flight
from studio.downloads.remote import TIMEOUT, Listing, RemoteFile, answered
from studio.errors import StudioError
from studio.files import write_whole
from studio.messages import RECORD_FORMAT

CHUNK = 1 << 16
ATTEMPTS = 3
"""How often in a row a file may be cut off with nothing new of it here."""
PAUSE = 0.5
"""Seconds before a file that was cut off is asked for again."""
TAGS = ".fetching.json"
"""Which content the files are that were fetched so far: a repository can change before the rest comes."""


class Transfer:
    """One download: its files one after another, the marker last."""

    def __init__(self, model: str, listing: Listing, store: Path, flight: Flight) -> None:
        self._model, self._listing, self._store, self._flight = model, listing, store, flight
        self._total = sum(file.size for file in listing.files)
        self._here = self._total - left_of(listing, store)

    def run(self) -> None:
        """Brings what is not here yet."""
        self._flight.progress(self._here, self._total)
        with httpx2.Client(timeout=TIMEOUT, follow_redirects=True, headers=self._headers()) as client:
            tags = _tags(self._store)
            for file in self._listing.files:
                if not _is_here(file, self._store, tags):
                    self._bring(client, file)
                    tags[file.name] = file.tag
                    _write(self._store / TAGS, tags)
        self._mark()

    def _headers(self) -> dict[str, str]:
        # Packed on the way, a file could not be continued and its bytes would not be those that are counted.
        return {**self._listing.headers, "accept-encoding": "identity"}

    def _bring(self, client: httpx2.Client, file: RemoteFile) -> None:
        part = _part(file, self._store)
        part.parent.mkdir(parents=True, exist_ok=True)
        for stale in set(part.parent.glob(f"{glob.escape(Path(file.name).name)}.*.part")) - {part}:
            stale.unlink()  # of content that the repository does not offer any more
        empty_handed = 0
        while _size(part) < file.size or not part.exists():
            before = _size(part)
            self._attempt(client, file, part)
            empty_handed = 0 if _size(part) > before else empty_handed + 1
            if _size(part) < file.size:
                if empty_handed == ATTEMPTS:
                    raise StudioError("download_cut", model=self._model, file=file.name)
                self._rest()
        self._finish(file, part)

    def _attempt(self, client: httpx2.Client, file: RemoteFile, part: Path) -> None:
        """Continues a file as far as the connection holds."""
        have = _size(part)
        asked = {"range": f"bytes={have}-"} if have else {}
        try:
            with client.stream("GET", file.url, headers=asked) as answer:
                if answer.status_code == 416 or (have and answer.status_code == 200):
                    self._forget(part)  # it does not continue: all of it comes again
                if answer.status_code != 416:
                    self._check(answer)
                    with part.open("ab") as stream:
                        self._receive(answer, file, stream)
        except httpx2.TransportError:
            return  # what came is here; the next attempt goes on from there

    def _check(self, answer: httpx2.Response) -> None:
        if answer.status_code >= 500 or answer.status_code == 429:
            raise httpx2.RemoteProtocolError(f"the server answers {answer.status_code}")
        if answer.status_code >= 400:
            raise answered(answer.status_code, self._listing.repo)

    def _receive(self, answer: httpx2.Response, file: RemoteFile, stream: BinaryIO) -> None:
        for chunk in answer.iter_bytes(CHUNK):
            stream.write(chunk)
            self._here += len(chunk)
            if stream.tell() > file.size:
                return  # whatever this is, the check at its end refuses it
            self._flight.progress(self._here, self._total)

    def _rest(self) -> None:
        deadline = time.monotonic() + PAUSE
        while time.monotonic() < deadline:
            self._flight.progress(self._here, self._total)
            time.sleep(PAUSE / 10)

    def _finish(self, file: RemoteFile, part: Path) -> None:
        if not _is_whole(file, part):
            self._forget(part)
            raise StudioError("download_wrong", model=self._model, file=file.name)
        part.replace(self._store / file.name)

    def _forget(self, part: Path) -> None:
        self._here -= _size(part)
        part.unlink(missing_ok=True)

    def _mark(self) -> None:
        """From now on the model is here."""
        about = {
            "format": RECORD_FORMAT,
            "repo": self._listing.repo,
            "commit": self._listing.commit,
            "files": {file.name: file.size for file in self._listing.files},
        }
        _write(self._store / COMPLETE, about)


def left_of(listing: Listing, store: Path) -> int:
    """The bytes of a listing that are not here yet."""
    tags = _tags(store)
    missing = [file for file in listing.files if not _is_here(file, store, tags)]
    return sum(file.size - min(file.size, _size(_part(file, store))) for file in missing)


def _is_here(file: RemoteFile, store: Path, tags: dict[str, str]) -> bool:
    # A file gets its name only once it is whole and checked.
    return tags.get(file.name) == file.tag and _size(store / file.name) == file.size


def _is_whole(file: RemoteFile, part: Path) -> bool:
    if _size(part) != file.size:
        return False
    if file.sha256:
        return _digest(part, hashlib.sha256()) == file.sha256
    begun = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
    return not file.blob or _digest(part, begun) == file.blob


def _tags(store: Path) -> dict[str, str]:
    try:
        return dict(json.loads((store / TAGS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _write(path: Path, content: object) -> None:
    write_whole(path, json.dumps(content, indent=1))


def _part(file: RemoteFile, store: Path) -> Path:
    tag = hashlib.sha256(file.tag.encode()).hexdigest()[:12]
    target = store / file.name
    return target.with_name(f"{target.name}.{tag}.part")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _digest(path: Path, begun: hashlib._Hash) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: begun).hexdigest()
