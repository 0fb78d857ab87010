"""How fast the whole spellbook answers in a browser, by the page's own clock."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.bench import register
from tests.bench.table import Row, at_most
from tests.ui.browsing import CHROMIUM, FLAGS, PROMPT, WIDE, opened, serving
from tests.ui.house import studio_at

CLICKS = 40
TYPED = "flat illustration of an orange cat, sitting, round eyes, on a green meadow with a small tree"
OPEN = """async () => {
  const began = performance.now();
  document.querySelectorAll('#ltabs [role=tab]')[1].click();
  while (!document.querySelector('.bktag')?.offsetParent) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""
CLICK = """async (count) => {
  const field = document.querySelector('#prompt textarea'), handled = [], painted = [];
  for (let at = 0; at < count; at++) {
    const before = field.value, began = performance.now();
    document.querySelectorAll('.bktag .tb')[at % 20].click();
    handled.push(performance.now() - began);
    if (field.value === before) throw new Error('the click did nothing');
    await new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
    painted.push(performance.now() - began);
    await new Promise((next) => setTimeout(next, 60));
  }
  return [handled, painted];
}"""
SEARCH = """async (texts) => {
  const field = document.querySelector('.bkfind input'), times = [];
  for (const text of texts) {
    const began = performance.now();
    field.value = text;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    times.push(performance.now() - began);
    if (!document.querySelector('.bktag')) throw new Error('nothing was found');
    await new Promise(requestAnimationFrame);
  }
  return times;
}"""


@register("Spellbook")
def book() -> list[Row]:
    """Opening the book, clicking spells, and searching as one types."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(studio_at(Path(folder))) as url,
        sync_playwright() as started,
    ):
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            return measured(opened(browser.new_context(**WIDE), url))
        finally:
            browser.close()


def measured(page: Any) -> list[Row]:
    """The rows, from a page with the whole book loaded."""
    page.wait_for_selector("body[data-book=yes]", timeout=60_000)
    page.fill(PROMPT, TYPED)
    opening = page.evaluate(OPEN)
    handled, painted = page.evaluate(CLICK, CLICKS)
    searched = page.evaluate(SEARCH, ["s", "so", "sof", "soft", "软", "软光", "r", "ru", "ruan", "rg"])
    return [
        at_most("from the click on its tab to the open book, ms", float(opening), 1000),
        at_most("from a click to the prompt, ms", statistics.median(handled), 50),
        at_most("the same, nine clicks of ten", statistics.quantiles(handled, n=10)[-1], 50),
        Row("from a click to the picture of it, ms", statistics.median(painted)),
        at_most("a letter of a search, ms", statistics.median(searched), 50),
    ]
