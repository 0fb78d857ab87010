"""Teaches the pocket a style through the page, live, and has its judge look: `python -m tests.ui.live_style`.

Eight drawings of the pocket's world in one style go in, everything else is left as the page offers it. What is
painted of other subjects afterwards is judged without the LoRA, with half of it and with all of it.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.sync_api import expect, sync_playwright

from app import make_engine
from pocket.evaluate import WEIGHTS, tell
from pocket.loras import judged
from pocket.prompts import Prompt, one, say
from pocket.world import Scene, draw, sample
from studio.catalog import read_catalog
from studio.service import Studio
from studio.settings import ROOT, Settings
from tests.ui.browsing import CHROMIUM, FLAGS, WIDE, opened, serving
from tests.ui.test_training_page import bring, field, open_training

BROUGHT, ASKED, FIRST = 8, 16, 3_000_000
WORD = "tianxia"
PATIENCE = 1_200_000
"""Milliseconds: a processor alone may need its time."""


def drawings(style: str) -> list[tuple[str, bytes]]:
    """What a person brings: pictures, and beside each what it shows, but nothing of how it is made."""
    files = []
    for k in range(BROUGHT):
        scene = replace(sample(FIRST + k, "train", "single", plain=True), style=style)
        held = io.BytesIO()
        draw(scene, 256).image.save(held, "PNG")
        files += [(f"{k}.png", held.getvalue()), (f"{k}.txt", say("background", scene, "en").encode())]
    return files


def asked() -> list[Prompt]:
    """The word that calls it, and things of other kinds and colours than those that were brought."""
    out = []
    for k in range(ASKED):
        scene: Scene = sample(FIRST + 500 + k, "held_out", "single", plain=True)
        out.append(Prompt("colours", "en", f"{WORD}, {one(scene, 0, 'en')}", scene, 70_000 + k))
    return out


def studio_at(folder: Path) -> Studio:
    """The studio as `app.py` starts it: what learns has a process of its own."""
    settings = Settings(data=folder, models=ROOT / "models.yaml", devices="cpu")
    catalog = read_catalog(settings.models)
    return Studio(settings, catalog, make_engine(settings, catalog))


def teach(page: Any, style: str) -> float:
    """Trains through the page; the seconds from the click until the LoRA stands on the shelf."""
    open_training(page)
    bring(page, *drawings(style))
    expect(page.locator(".trtable li")).to_have_count(BROUGHT)
    field(page, "name").fill(f"My {style}")
    field(page, "trigger").fill(WORD)
    began = time.monotonic()
    page.locator(".trgo").click()
    expect(page.locator(".trtop h3")).to_have_text(f"“My {style}” is ready", timeout=PATIENCE)
    return time.monotonic() - began


def main() -> None:
    """Teach, then judge."""
    style = sys.argv[1] if len(sys.argv) > 1 else "neon"
    with tempfile.TemporaryDirectory() as held, sync_playwright() as started:
        folder = Path(held)
        with serving(studio_at(folder)) as url:
            browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = opened(browser.new_context(locale="en-GB", **WIDE), url)
            sys.stdout.write(f"learned in {teach(page, style):.0f} seconds\n")
            browser.close()
        (lora,) = (folder / "loras").glob("*.safetensors")
        tell(judged("mine", style, asked(), lora, WEIGHTS), None)


if __name__ == "__main__":
    main()
