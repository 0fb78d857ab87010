"""Takes a LoRA or an embedding into the data folder: looked at first, whole or not at all, never twice."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from studio.errors import StudioError
from studio.loras import read_lora, short, why_not
from studio.messages import LARGEST_LORA
from studio.own import PICKLES
from studio.weights import read_kind

log = logging.getLogger(__name__)
CHUNK = 1 << 20
FOLDERS = {"lora": "loras", "embedding": "embeddings"}
_NAMING = threading.Lock()
"""Held from choosing a name until the file has it."""


def take_in(
    file: IO[bytes],
    name: str,
    data: Path,
    there: Callable[[], Iterable[Path]],
    hash_of: Callable[[Path], str],
) -> Path:
    """Keeps an open file under its name and says where it lies now; `there` are the files that one may be again."""
    name = _safe(name)
    with _told_as_unwritable(data), _aside(data) as aside:
        brought = aside / name
        digest = _copied(file, brought)
        folder = data / FOLDERS[_looked_at(brought)]
        with _NAMING:
            same = _same(brought, digest, there(), hash_of)
            return same or _placed(brought, folder)


def _safe(name: str) -> str:
    """A file's name without its folders, in signs that every disk can keep."""
    bare = name.replace("\\", "/").rpartition("/")[2]
    stem, dot, ending = bare.rpartition(".")
    if f".{ending.lower()}" in PICKLES:
        raise StudioError("own_pickle", file=bare)
    if not dot or ending.lower() != "safetensors":
        raise StudioError("lora_not_safetensors", file=bare)
    kept = "".join("-" if sign in '<>:"|?*' or not sign.isprintable() else sign for sign in stem)
    return f"{short(kept.strip('. ')) or 'lora'}.safetensors"


@contextlib.contextmanager
def _told_as_unwritable(data: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        log.exception("a LoRA that was brought cannot be kept")
        raise StudioError("disk_unwritable", folder=data.name) from error


@contextlib.contextmanager
def _aside(data: Path) -> Iterator[Path]:
    """A folder on the same disk that nobody looks into: what is not done there is gone with it."""
    aside = data / FOLDERS["lora"] / f".coming-{secrets.token_hex(4)}"
    aside.mkdir(parents=True)
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _copied(file: IO[bytes], path: Path) -> str:
    """The sha256 of what came, once all of it is on the disk."""
    digest, length = hashlib.sha256(), 0
    with path.open("wb") as stream:
        while chunk := file.read(CHUNK):
            length += len(chunk)
            if length > LARGEST_LORA:
                raise StudioError("lora_too_large", file=path.name, most=LARGEST_LORA // 2**30)
            digest.update(chunk)
            stream.write(chunk)
    return digest.hexdigest()


def _looked_at(path: Path) -> str:
    """What a file is, by its header; one that could never be used is refused."""
    kind = read_kind(path).kind
    if kind == "embedding":
        return kind
    if refused := why_not(read_lora(path)):
        raise StudioError(refused.code, **refused.params)
    return "lora"


def _same(path: Path, digest: str, there: Iterable[Path], hash_of: Callable[[Path], str]) -> Path | None:
    """The file that was there before with the same content."""
    size = path.stat().st_size
    for other in there:
        with contextlib.suppress(OSError):  # it goes at this moment
            if other.stat().st_size == size and hash_of(other) == digest:
                return other
    return None


def _placed(path: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    target, number = folder / path.name, 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem}-{number}.safetensors"
    return path.replace(target)
