"""Captions that are written for a training's pictures, in a real Chromium, wide and narrow."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from studio.service import Studio
from tests.captioner_entries import entries
from tests.ui.browsing import IN_A_BROWSER, NARROW, WIDE, fits
from tests.ui.house import studio_with
from tests.ui.test_training_page import bring, open_training, pictures

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = IN_A_BROWSER
SEEN = re.compile("as near sees it$")
WRITE = ".trwrite [data-watch=write]"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A studio with a captioner that is here, and one that would have to be fetched."""
    folder = tmp_path_factory.mktemp("studio")
    return studio_with(folder, lambda catalog: catalog.update(captioners=entries(folder / "near")))


@contextmanager
def held(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Meanwhile a look at a few pictures lasts for as long as what it gives is not set."""
    answer, gate = studio._engine._answer, threading.Event()

    def later(request: Any) -> Iterator[Any]:
        gate.wait(60)
        yield from answer(request)

    with monkeypatch.context() as patch:
        patch.setattr(studio._engine, "_answer", later)
        try:
            yield gate
        finally:
            gate.set()


def brought(page: Any) -> Any:
    """The rows of a table of four pictures, of which one has no caption yet."""
    open_training(page)
    bring(page, *pictures())
    rows = page.locator(".trtable li")
    expect(rows).to_have_count(4)
    return rows


def captions(rows: Any) -> list[str]:
    return [str(one.input_value()) for one in rows.locator("textarea").all()]


@pytest.mark.parametrize(
    ("language", "width"), [("en-GB", WIDE), ("zh-CN", NARROW)], ids=["en-1440", "zh-390"]
)
def test_what_has_no_caption_gets_one_and_the_rest_only_when_asked(
    visit: Callable[..., Any], language: str, width: dict[str, Any]
) -> None:
    page, english = visit(language, **width), language == "en-GB"
    rows = brought(page)
    before = captions(rows)
    assert sorted(filter(None, before)) == ["a lamp", "blue hat", "red cat"]
    expect(page.locator(".trwrite select")).to_have_value("near")
    expect(page.locator(".trwrite")).to_contain_text("in English" if english else "用英文")
    assert width is WIDE or fits(page)
    page.locator(WRITE).click()
    bare = rows.filter(has_text="IMG_0001").locator("textarea")
    expect(bare).not_to_have_value("")
    assert bare.input_value().endswith("as near sees it")
    expect(page.locator(WRITE)).to_be_disabled()
    expect(page.locator(".trwrite")).to_contain_text(
        "Every picture has a caption" if english else "每张图片都有说明了"
    )
    assert set(filter(None, before)) < set(captions(rows))
    page.locator(".trwrite [type=checkbox]").check()
    page.locator(WRITE).click()
    for row in rows.locator("textarea").all():
        expect(row).to_have_value(SEEN)


def test_what_is_typed_meanwhile_stays_also_over_a_reload_and_it_can_be_stopped(
    visit: Callable[..., Any], studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visit()
    rows = brought(page)
    with held(studio, monkeypatch) as gate:
        page.locator(".trwrite [type=checkbox]").check()
        page.locator(WRITE).click()
        expect(page.locator(".trwrite [role=status]")).to_contain_text("0 of 4")
        rows.first.locator("textarea").fill("mine")
        page.reload()
        page.wait_for_selector("body[data-ready=yes]")
        open_training(page)
        gate.set()
        expect(rows.last.locator("textarea")).to_have_value(SEEN)
        assert captions(rows)[0] == "mine"
        expect(page.locator(WRITE)).to_be_enabled()
        gate.clear()
        page.locator(WRITE).click()
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(WRITE)).to_be_enabled()
    assert captions(rows)[0] == "mine"


def test_one_that_is_not_here_says_its_size_and_without_a_network_what_is_missing(
    visit: Callable[..., Any],
) -> None:
    page = visit()
    brought(page)
    page.locator(".trwrite select").select_option("far")
    expect(page.locator(".trwrite")).to_contain_text("The first time, Far is fetched: 470 MB.")
    page.locator(WRITE).click()
    expect(page.locator(".trwrite [role=alert]")).to_contain_text("a/far is not here")
    expect(page.locator(WRITE)).to_be_enabled()
    page.locator(".trwrite select").select_option("near")
    expect(page.locator(".trwrite [role=alert]")).to_have_count(0)
