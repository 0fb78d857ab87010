"""Takes the README's pictures from a running studio: `python -m tests.ui.shots OUTDIR [URL]`."""

from __future__ import annotations

import io
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDE = {"viewport": {"width": 1440, "height": 1000}}
NARROW = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
LARGEST = 400_000
PATIENCE = 600_000
"""Milliseconds: a processor alone may need its time."""


def main() -> None:
    """Paints what the pictures show, then takes them."""
    out = Path(sys.argv[1])
    url = sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:7860/"
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = visit(browser, url, "en-GB", "light", WIDE)
        paint_starters(page)
        save(page, out / "create-en-1440.png")
        page.locator("#nav [role=tab]").nth(1).click()
        page.locator("#gallery .pc").nth(1).click()
        settle(page)
        save(page, out / "gallery-en-1440.png")
        for name, language, theme, size in SHOTS:
            save(visit(browser, url, language, theme, size, page), out / name)
        browser.close()


SHOTS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("create-zh-1440.png", "zh-CN", "light", WIDE),
    ("create-zh-dark-1440.png", "zh-CN", "dark", WIDE),
    ("create-en-390.png", "en-GB", "light", NARROW),
    ("create-zh-390.png", "zh-CN", "light", NARROW),
]


def visit(
    browser: Browser, url: str, language: str, theme: str, size: dict[str, Any], like: Page | None = None
) -> Page:
    """The page in a language and a theme; the form as another visitor left it."""
    state = like.context.storage_state() if like else None
    context = browser.new_context(locale=language, color_scheme=theme, storage_state=state, **size)  # type: ignore[arg-type]
    spoken = "zh" if language.startswith("zh") else "en"
    context.add_init_script(f"localStorage.setItem('studio.language', '\"{spoken}\"')")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    page.wait_for_selector("body[data-ready=yes]")
    settle(page)
    return page


def paint_starters(page: Page) -> None:
    """Two pictures of each starter, then four of the first, so that the gallery and the stage have something."""
    cards = page.locator(".starter")
    for index in range(cards.count() - 1, -1, -1):
        page.evaluate(f"document.querySelectorAll('.starter')[{index}].click()")
        page.wait_for_timeout(400)
        page.locator("#count label", has_text="4" if index == 0 else "2").click()
        page.wait_for_timeout(400)
        page.keyboard.press("Control+Enter")
        page.wait_for_selector("body:not([data-busy=no])")
        page.wait_for_selector("body[data-busy=no]")
    settle(page)


def settle(page: Page) -> None:
    """Waits until pictures and fonts are there."""
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    page.evaluate("document.fonts.ready")
    time.sleep(1)


def save(page: Page, path: Path) -> None:
    """A picture of the page, with fewer colours where it would be too large."""
    taken = page.screenshot()
    if len(taken) > LARGEST:
        buffer = io.BytesIO()
        Image.open(io.BytesIO(taken)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
            buffer, "PNG", optimize=True
        )
        taken = buffer.getvalue()
    path.write_bytes(taken)
    sys.stdout.write(f"{path.name}: {len(taken) // 1000} KB\n")


if __name__ == "__main__":
    main()
