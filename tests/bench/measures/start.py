"""How much the studio adds to the start of its page."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from tests.bench import register
from tests.bench.table import Row, at_most
from tests.floors import ROOT, sources, web_side

PAIRS = 3


@register("Start")
def start() -> list[Row]:
    """Importing the whole web side, as a multiple of importing Gradio alone."""
    everything = ["gradio", *web_side(sources())]
    seconds(everything), seconds(["gradio"])  # once unmeasured: files come off the disk
    ratios = [seconds(everything) / seconds(["gradio"]) for _ in range(PAIRS)]
    return [at_most("import of the web side / of gradio alone", statistics.median(ratios), 1.3)]


def seconds(modules: list[str]) -> float:
    """How long a fresh Python takes to import modules."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {', '.join(modules)}"], cwd=ROOT, check=True)
    return time.perf_counter() - began
