"""Fixtures of the tests that drive a real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.ui.browsing import CHROMIUM, FLAGS, WIDE, opened, served, serving
from tests.ui.easel_page import Easel, Shelf, app_of

# No visitor of a test stays long enough to earn back the work of optimising scripts.
HASTY = "--js-flags=--no-opt"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of a module."""
    playwright = pytest.importorskip("playwright.sync_api")
    playwright.expect.set_options(timeout=15_000)  # a busy machine draws late
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, HASTY])


@pytest.fixture(scope="module")
def url(studio: Any) -> Iterator[str]:
    """The page of the module's own studio."""
    with serving(studio) as url:
        yield url


@pytest.fixture
def visit(browser: Any, url: str) -> Iterator[Callable[..., Any]]:
    """Opens the page as a new visitor and hands back what they see."""
    contexts = []

    def go(language: str = "en-GB", to: str = url, **options: Any) -> Any:
        contexts.append(browser.new_context(locale=language, **(WIDE | options)))
        return opened(contexts[-1], to)

    yield go
    for context in contexts:
        context.close()


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
        page = contexts[-1].new_page()
        page.set_default_timeout(8000)
        page.on("pageerror", lambda error: pytest.fail(f"the page's script broke: {error}"))
        page.goto(easel_url)
        return Easel(page, shelf)

    yield go
    for context in contexts:
        context.close()
