"""What the repository holds, for the tests and measures that look at it as a whole."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.floors import ROOT


def tracked(*patterns: str) -> list[Path]:
    """The files under version control, and those about to be; git's own patterns choose among them."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in dict.fromkeys(names.split("\0")) if name and (ROOT / name).is_file()]


def requirements(file: str) -> dict[str, str]:
    """Packages of a requirements file, by normalised name, with the rest of their line."""
    found: dict[str, str] = {}
    for line in (ROOT / file).read_text("utf-8").splitlines():
        text = line.partition(" #")[0].strip()
        if match := re.match(r"[A-Za-z0-9][\w.-]*", text):
            found[normalised(match[0])] = text[match.end() :]
    return found


def normalised(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def targets() -> set[str]:
    """The targets of the Makefile that a person calls."""
    text = (ROOT / "Makefile").read_text("utf-8")
    names = re.search(r"^\.PHONY:(.*)$", text, re.MULTILINE)
    rules = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    return rules & set(names[1].split() if names else [])
