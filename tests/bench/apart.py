"""A measure in a process of its own, whose memory and threads nothing else has touched."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from typing import Any

from tests.floors import ROOT


def measured(module: str, *words: str) -> dict[str, Any]:
    """What a module prints as JSON when it is run with these words and an empty folder; its failure is told."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", module, *words, folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
