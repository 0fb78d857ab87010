"""How much of the host's memory a container, or another control group, lets this process have; only Linux has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOUNTED, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
Names = tuple[str, str, str]
SECOND: Names = ("memory.max", "memory.current", "")
FIRST: Names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
"""The files of a limit and of what is used, and how counts of a group with all below it begin, by version."""
CACHES = ("active_file", "inactive_file")
"""What the kernel gives up before it kills anybody: copies of what lies on a disk."""


@dataclass(frozen=True)
class Share:
    """The bytes that a group may have, and those that it has for good."""

    limit: int
    used: int


def shares(mounted: Path = MOUNTED, own: Path = OWN) -> tuple[Share, ...]:
    """Every limit that this process is under; none where nobody set one."""
    return tuple(share for folder, names in _groups(mounted, own) if (share := _read(folder, names)))


def _groups(mounted: Path, own: Path) -> Iterator[tuple[Path, Names]]:
    for line in _text(own).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from ((folder, SECOND) for folder in _upward(mounted, path))
        elif "memory" in controllers.split(","):
            yield from ((folder, FIRST) for folder in _upward(mounted / "memory", path))


def _upward(base: Path, path: str) -> Iterator[Path]:
    """A group and those that it is in; a container may see no other than the outermost."""
    folder = base / path.strip("/")
    while folder != base and ".." not in path:
        yield folder
        folder = folder.parent
    yield base


def _read(folder: Path, names: Names) -> Share | None:
    limit, used = (_text(folder / name).strip() for name in names[:2])
    if not limit.isdecimal() or not used.isdecimal():  # `max`, or no such group
        return None
    counts = dict(line.split()[:2] for line in _text(folder / "memory.stat").splitlines())
    return Share(int(limit), int(used) - sum(int(counts.get(names[2] + name, 0)) for name in CACHES))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
