"""The gallery in a real Chromium: however many pictures there are, the oldest is reached and the page stays light."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from studio import gallery as module
from studio.gallery import Gallery
from studio.people import LOCAL
from studio.ui.tabs import gallery as tab
from tests.samples import media, recipe
from tests.ui.browsing import IN_A_BROWSER, NARROW, held_answers, serving
from tests.ui.house import studio_at

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

pytestmark = IN_A_BROWSER
PICTURES, PAGE, MOST = 60, 14, 28
NEWEST = datetime(2025, 6, 20, 12, tzinfo=UTC)
LOW: dict[str, Any] = {"viewport": {"width": 1440, "height": 500}, "timezone_id": "UTC"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio that painted a picture a day, and a page that holds few of them."""
    folder = tmp_path_factory.mktemp("studio")
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    with pytest.MonkeyPatch.context() as patch:
        paint_on_many_days(folder / "data", patch)
        patch.setattr(tab, "PAGE", PAGE)
        patch.setattr(tab, "MOST", MOST)
        with serving(studio_at(folder)) as url:
            yield url


def paint_on_many_days(data: Path, patch: pytest.MonkeyPatch) -> None:
    """Pictures 60 days back to one, the oldest first; each is called by its number."""
    gallery = Gallery(data)
    gallery.start()
    for number in range(PICTURES, 0, -1):
        moment = (NEWEST - timedelta(days=number - 1)).timestamp()
        clock = SimpleNamespace(time=lambda moment=moment: moment, strftime=time.strftime, gmtime=time.gmtime)
        patch.setattr(module, "time", clock)
        gallery.save(LOCAL, "job", media((number, 0, 0)), recipe(person=LOCAL, prompt=f"no. {number},"))
    patch.setattr(module, "time", time)


def gallery_of(page: Any) -> Any:
    """The cards, once the page of the gallery is there."""
    page.evaluate("studio.go('gallery')")
    cards = page.locator("#gallery .pc")
    expect(cards).to_have_count(PAGE)
    return cards


def turn(page: Any, way: str, first: int, last: int) -> None:
    """Goes on, and waits until the page holds a stretch."""
    page.locator(f"#gallery .{way}").click()
    holds(page, first, last)


def holds(page: Any, first: int, last: int) -> None:
    cards = page.locator("#gallery .pc")
    expect(cards).to_have_count(last - first + 1)
    expect(cards.first).to_contain_text(f"no. {first},")
    expect(cards.last).to_contain_text(f"no. {last},")


def top_of(page: Any, number: int) -> float:
    return float(page.locator("#gallery .pc", has_text=f"no. {number},").bounding_box()["y"])


@pytest.mark.parametrize("options", [LOW, NARROW], ids=["wide", "narrow"])
def test_the_oldest_is_reached_and_the_newest_again(
    visit: Callable[..., Any], options: dict[str, Any]
) -> None:
    page = visit(**options)
    gallery_of(page)
    turn(page, "older", 1, 28)
    for first, last in ((15, 42), (29, 56), (43, 60)):
        page.locator("#gallery .older").scroll_into_view_if_needed()
        was = top_of(page, first + MOST - PAGE - 1)
        turn(page, "older", first, last)
        assert top_of(page, first + MOST - PAGE - 1) == pytest.approx(was, abs=2)
    expect(page.locator("#gallery .older")).to_have_count(0)
    page.locator("#gallery .newer").scroll_into_view_if_needed()
    was = top_of(page, 43)
    turn(page, "newer", 29, 56)
    assert top_of(page, 43) == pytest.approx(was, abs=2)
    page.get_by_role("button", name="Back to the newest").click()
    holds(page, 1, PAGE)
    expect(page.locator("#gallery .newer")).to_have_count(0)


def test_the_calendar_leads_to_a_month_and_a_day(visit: Callable[..., Any]) -> None:
    page = visit(**LOW)
    gallery_of(page)
    months = page.locator("#gallery .months")
    months.locator("[data-local=menu]").click()
    months.get_by_role("menuitemradio", name="May 2025 31").click()
    holds(page, 21, 34)
    expect(months.locator("[data-local=menu]")).to_contain_text("May 2025")
    months.locator("[data-local=menu]").click()
    months.get_by_role("menuitemradio", name="10 May 2025 1", exact=True).click()
    holds(page, 42, 55)
    turn(page, "newer", 28, 55)


def test_what_is_held_stays_while_another_page_is_open(visit: Callable[..., Any]) -> None:
    page = visit(**LOW)
    gallery_of(page)
    for first, last in ((1, 28), (15, 42)):
        turn(page, "older", first, last)
    page.evaluate("studio.go('create')")
    page.evaluate("studio.go('gallery')")
    holds(page, 15, 42)


def test_arrows_go_on_beyond_what_the_page_holds(visit: Callable[..., Any]) -> None:
    page = visit(**LOW)
    cards = gallery_of(page)
    cards.last.click()
    for number in range(PAGE + 1, PAGE + 3):
        page.keyboard.press("ArrowRight")
        expect(page.locator(".drawer h2")).to_have_text(f"no. {number}")
    turn(page, "older", 15, 42)
    cards.first.focus()
    cards.first.click()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".drawer h2")).to_have_text("no. 14")


def test_whoever_goes_on_by_the_keyboard_goes_on_from_there(visit: Callable[..., Any]) -> None:
    page = visit(**LOW)
    gallery_of(page)
    for first, last in ((1, 28), (15, 42)):
        page.locator("#gallery .older").focus()
        page.keyboard.press("Enter")
        holds(page, first, last)
        expect(page.locator("#gallery .pc", has_text=f"no. {last - PAGE},")).to_be_focused()


def test_who_goes_on_while_the_gallery_is_read_anew_does_go_on(visit: Callable[..., Any]) -> None:
    page = visit(**LOW)
    gallery_of(page)
    with held_answers(page):
        page.evaluate("studio.go('create')")
        page.evaluate("studio.go('gallery')")
        page.locator("#gallery .older").click()
    holds(page, 1, 28)
