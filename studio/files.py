"""Files that are written whole or not at all: whoever reads one never finds half of it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """A path to write to; what stood at the other one is replaced once all of it is there."""
    # Hidden, and under a name and an ending of its own: several may write the same file at once, and whoever lists
    # the folder meanwhile sees nothing.
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch(mode)
        # As any file here is: the library that writes weights lets nobody but its owner read them.
        allowed = unfinished.stat().st_mode
        yield unfinished
        unfinished.chmod(allowed)
        unfinished.replace(path)
    finally:
        with contextlib.suppress(OSError):  # the folder itself may be none
            unfinished.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes, mode: int = 0o666) -> None:
    """A small file; text as UTF-8."""
    with whole(path, mode) as unfinished:
        if isinstance(content, bytes):
            unfinished.write_bytes(content)
        else:
            unfinished.write_text(content, encoding="utf-8")
