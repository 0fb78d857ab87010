"""Fixtures of the tests that drive a real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.ui.browsing import CHROMIUM, FLAGS, WIDE, opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of a module."""
    playwright = pytest.importorskip("playwright.sync_api")
    playwright.expect.set_options(timeout=15_000)  # a busy machine draws late
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


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
