"""What the file of a LoRA may be called."""

from __future__ import annotations

LONGEST = 200
"""Bytes, not letters: disks count those, up to 255, and a Chinese letter has three. Endings, a number behind the name
and the marks of what is unfinished come on top.
"""


def short(name: str) -> str:
    """A name that any disk can keep, cut between two letters where it is too long."""
    return name.encode(errors="ignore")[:LONGEST].decode(errors="ignore").strip(". ")
