"""The page in a real Chromium: served on a port of its own, opened as a visitor would."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from studio.service import Studio
from tests.ui.house import app_of

# The same engine without a browser around it, where it is there: a fifth less to compute.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
IN_A_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists() and not os.environ.get("CI"), reason="no Chromium here"),
]
WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 1000}}
NARROW: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
PROMPT = "#prompt textarea"
# How many times slower a page computes than it could: a test that looks before the page is done passes on a quiet
# machine and fails on a busy one, and with SLOW_PAGES=4 it fails on a quiet one too.
SLOWNESS = float(os.environ.get("SLOW_PAGES", "1"))


@contextmanager
def served(app: FastAPI, port: int = 0) -> Iterator[str]:
    """An app on a port of its own, for as long as it is needed."""
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(5)


@contextmanager
def serving(studio: Studio, port: int = 0) -> Iterator[str]:
    """The page of a studio that runs meanwhile."""
    studio.start()
    try:
        with served(app_of(studio), port) as url:
            yield url
    finally:
        studio.close()


def blank(context: Any, patience: int = 20_000) -> Any:
    """A page of a visitor with nothing in it yet. An error in its scripts fails the test."""
    page = context.new_page()
    page.set_default_timeout(patience * SLOWNESS)
    page.on("pageerror", lambda error: pytest.fail(f"the page's script broke: {error}"))
    if SLOWNESS > 1:
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWNESS})
    return page


def opened(context: Any, url: str) -> Any:
    """A page of a visitor, once it is ready. A request to elsewhere fails the test too."""
    page = blank(context)
    page.on("request", lambda request: _stay_here(request.url))
    page.goto(url)
    page.wait_for_selector("body[data-ready=yes]")
    return page


def _stay_here(address: str) -> None:
    assert address.startswith(("http://127.0.0.1:", "data:", "blob:")), f"the page asked {address}"


def idle(page: Any) -> None:
    """Waits until nothing is at work."""
    page.wait_for_selector("body[data-busy=no]", timeout=60_000)


def generate(page: Any) -> None:
    """Presses Generate and waits for what comes of it."""
    page.locator(".go.idle").click()
    page.wait_for_selector("body:not([data-busy=no])")
    idle(page)


def fits(page: Any) -> bool:
    """Whether nothing sticks out sideways of a telephone; not by innerWidth, as it zooms out until all fits."""
    return bool(page.evaluate("document.documentElement.scrollWidth") <= 390)


def kept(page: Any, at: int, value: Any) -> None:
    """Waits until a field of the form, by its place, has a value."""
    page.wait_for_function(
        "([at, value]) => JSON.parse(localStorage['studio.form'] || '[]')[at] === value", arg=[at, value]
    )


def comes(page: Any, asked: Sized, count: int) -> None:
    """Waits until the page has asked so often."""
    for _ in range(int(750 * SLOWNESS)):
        if len(asked) >= count:
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"the page asked {len(asked)} times, not {count}")


@contextmanager
def held_answers(page: Any, where: str = "**/gradio_api/run/**") -> Iterator[None]:
    """Lets the page wait for what it asks of its handlers meanwhile."""
    held: list[Any] = []
    holding = [True]
    page.route(where, lambda route: held.append(route) if holding else route.continue_())
    yield
    assert held
    holding.clear()
    for route in held:
        route.continue_()
