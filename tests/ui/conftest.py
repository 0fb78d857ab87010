"""Fixtures of the tests that drive a real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.ui.browsing import CHROMIUM, FLAGS, SLOWNESS, WIDE, blank, opened, served, serving
from tests.ui.easel_page import Easel, Shelf, app_of

# What moves for its own sake is computed sixty times a second, and no test looks at it.
STILL = {"reduced_motion": "reduce"}
# No visitor of a test stays long enough to earn back the work of optimising scripts.
HASTY = "--js-flags=--no-opt"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of a module."""
    playwright = pytest.importorskip("playwright.sync_api")
    playwright.expect.set_options(timeout=15_000 * SLOWNESS)  # a busy machine draws late
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, HASTY])


@pytest.fixture(scope="module")
def url(studio: Any) -> Iterator[str]:
    """The page of the module's own studio."""
    with serving(studio) as url:
        yield url


class Seats:
    """Places of visitors. One is cleared and used again, because it keeps the page's scripts and styles: a visit then
    costs half of what it costs in a browser that has never seen them."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.free: dict[str, list[Any]] = {}
        # By place: what kind it is, and which pages it has seen.
        self.taken: dict[Any, tuple[str, str]] = {}

    def take(self, address: str, **options: Any) -> Any:
        """A place as empty as a new one."""
        kind = repr(sorted(options.items()))
        waiting = self.free.setdefault(kind, [])
        seat = waiting.pop() if waiting else self._made(options)
        self.taken[seat] = (kind, address)
        return seat

    def _made(self, options: dict[str, Any]) -> Any:
        made = self.browser.new_context(**options)
        made.on("close", lambda closed: self.taken.pop(closed, None))
        return made

    def clear(self) -> None:
        """Everybody leaves, and nothing of them stays."""
        for seat, (kind, address) in self.taken.items():
            for page in seat.pages:
                page.close()
            empty = seat.new_page()
            where = {"origin": address.rstrip("/"), "storageTypes": "all"}
            seat.new_cdp_session(empty).send("Storage.clearDataForOrigin", where)
            empty.close()
            seat.clear_cookies()
            seat.clear_permissions()
            self.free[kind].append(seat)
        self.taken.clear()


@pytest.fixture(scope="module")
def seats(browser: Any) -> Seats:
    """The places of a module's visitors."""
    return Seats(browser)


@pytest.fixture
def visit(seats: Seats, url: str) -> Iterator[Callable[..., Any]]:
    """Opens the page as a new visitor and hands back what they see."""

    def go(language: str = "en-GB", to: str = url, **options: Any) -> Any:
        return opened(seats.take(to, locale=language, **(WIDE | STILL | options)), to)

    yield go
    seats.clear()


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    """What the easel's server keeps."""
    return Shelf()


@pytest.fixture(scope="module")
def easel_url(shelf: Shelf) -> Iterator[str]:
    """The easel's page on a port of its own."""
    with served(app_of(shelf)) as url:
        yield url


@pytest.fixture
def easel(browser: Any, easel_url: str, shelf: Shelf) -> Iterator[Callable[..., Easel]]:
    """Opens the harness as a new visitor; an error in its scripts fails the test."""
    contexts = []
    shelf.refusing = ""

    def go(options: dict[str, Any] = WIDE, **more: Any) -> Easel:
        contexts.append(browser.new_context(**({"locale": "en-GB"} | options | more)))
        page = blank(contexts[-1], patience=8_000)
        page.goto(easel_url)
        return Easel(page, shelf)

    yield go
    for context in contexts:
        context.close()
