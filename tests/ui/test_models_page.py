"""The Models page through the studio on the fake engine: its handlers, and a person in front of it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.messages import Person, Trouble
from studio.service import Studio
from studio.ui.tabs.models import PATIENCE, Models
from tests.ui.browsing import NARROW, serving
from tests.ui.house import studio_at
from tests.ui.shelves import EveryState, state

REQUEST: Any = SimpleNamespace(cookies={}, headers={}, session_hash="s")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A studio with two models on the fake engine."""
    made = studio_at(tmp_path, step_seconds=0.01, models=2)
    made.start()
    yield made
    made.close()


def said(**data: str) -> gr.EventData:
    """What a click brings."""
    return gr.EventData(None, data)


def test_load_unload_and_free_all_through_the_door(studio: Studio) -> None:
    page, me = Models(studio), studio.person(None, "en")

    def places() -> list[str]:
        return [one.place for one in studio.models(me)]

    html, chip, picked, *_ = page.bring(said(model="large"), "pocket", "", "all", REQUEST)
    assert places() == ["disk", "resident"]
    assert "1 resident" in chip or "on disk" in chip
    assert picked == "large"
    assert "Large is resident" in html
    html = page.drop(said(model="large"), "pocket", "", "all", REQUEST)[0]
    assert places() == ["disk", "disk"]
    page.bring(said(model="pocket"), "pocket", "", "all", REQUEST)
    page.free("pocket", "pocket", "all", REQUEST)
    assert places() == ["disk", "disk"]


def test_picking_and_narrowing_are_remembered_and_nonsense_is_not(studio: Studio) -> None:
    page = Models(studio)
    html, _, picked, only, note = page.look(said(model="large", only="here"), "pocket", "", "all", REQUEST)
    assert (picked, only) == ("large", "here")
    assert "If you load Large" in html
    assert note == gr.skip()
    assert page.look(said(only="<b>"), "pocket", "large", "all", REQUEST)[3] == "all"
    assert "If you load Pocket" in page.look(said(), "pocket", "gone", "all", REQUEST)[0]


def test_an_unknown_model_is_refused_in_words(studio: Studio) -> None:
    note = Models(studio).bring(said(model="<i>x"), "pocket", "", "all", REQUEST)[4]
    assert "&lt;i&gt;x" in note


def test_a_guest_who_asks_all_the_same_is_refused(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Person(id="g", role="guest")
    monkeypatch.setattr(studio, "person", lambda cookie, language: guest)
    page = Models(studio)
    for answer in (
        page.bring(said(model="large"), "pocket", "", "all", REQUEST),
        page.drop(said(model="large"), "pocket", "", "all", REQUEST),
        page.free("pocket", "", "all", REQUEST),
    ):
        assert "data-n=" in answer[4]
        assert 'data-do="bring"' not in answer[0]
    assert [one.place for one in studio.models(guest)] == ["disk", "disk"]
    assert not page.orders.open(studio.models(guest))


def test_the_chip_alone(studio: Studio) -> None:
    chip = Models(studio).glance("large", REQUEST)
    assert "Large" in chip
    assert "Manage models" in chip


def test_orders_end_with_the_change_with_a_failure_or_late(monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.ui.tabs.models import Orders

    orders, disk = Orders(), state("a", "A", "disk", 1)
    orders.give("load", disk)
    assert orders.open((disk,)) == {"a": "load"}
    assert orders.open((state("a", "A", "resident", 1),)) == {}
    orders.give("load", disk)
    assert orders.open((state("a", "A", "disk", 1, trouble=Trouble(code="bug")),)) == {}
    orders.give("unload", state("a", "A", "resident", 1))
    assert orders.open((state("a", "A", "resident", 1),)) == {"a": "unload"}
    assert orders.open((state("a", "A", "host", 1),)) == {}
    orders.give("load", disk)
    monkeypatch.setattr("studio.ui.tabs.models.time", SimpleNamespace(monotonic=lambda: 1e12 + PATIENCE))
    assert orders.open((disk,)) == {}
    assert orders.open(()) == {}


# -- in a real Chromium ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio that takes a second to load a model."""
    folder = tmp_path_factory.mktemp("models")
    studio = studio_at(folder, step_seconds=0.03, models=2)
    load = studio._engine.load
    studio._engine.load = lambda spec: threading.Timer(1.0, load, (spec,)).start()  # type: ignore[method-assign]
    with serving(studio) as url:
        yield url


browser = pytest.mark.browser
chromium = pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium here")


@browser
@chromium
def test_load_unload_and_switch_the_language(visit: Callable[..., Any]) -> None:
    from playwright.sync_api import expect

    page = visit()
    page.locator("[data-local=menu]").click()
    page.get_by_role("menuitem", name="Manage models").click()
    page.wait_for_selector("body[data-page=models]")
    expect(page.locator(".popover")).to_be_hidden()
    large = page.locator(".mrow[data-id=large]")
    expect(large).to_contain_text("On disk")
    large.get_by_role("button", name="Load").click()
    expect(large).to_contain_text("Loading")
    expect(large).to_contain_text("Resident")
    expect(page.locator(".mlegend")).to_contain_text("Large")
    page.get_by_role("button", name="中", exact=True).click()
    expect(large).to_contain_text("常驻")
    expect(page.locator("#nav")).to_contain_text("模型")
    large.get_by_role("button", name="卸下").click()
    expect(large).to_contain_text("在磁盘")
    page.get_by_role("button", name="用它画").click()
    page.wait_for_selector("body[data-page=create]")
    expect(page.locator("#tools .chip")).to_contain_text("Large")


@browser
@chromium
def test_keys_reach_the_page_and_its_rows(visit: Callable[..., Any]) -> None:
    from playwright.sync_api import expect

    page = visit()
    page.locator("#nav [role=tab]").first.focus()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_selector("body[data-page=models]")
    page.locator(".mrow[data-id=large] .mpick").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".outlook")).to_contain_text("If you load Large")
    expect(page.locator(".mrow[data-id=large] .mpick")).to_be_focused()


@browser
@chromium
def test_the_menu_explains_what_will_not_fit(visit: Callable[..., Any], tmp_path: Path) -> None:
    from playwright.sync_api import expect

    studio = studio_at(tmp_path)
    studio.__class__ = EveryState
    with serving(studio) as url:
        page = visit(to=url)
        page.locator("[data-local=menu]").click()
        page.keyboard.press("ArrowUp")
        expect(page.locator(".pmanage")).to_be_focused()
        page.locator(".popover [data-model=flux]").press("Enter")
        expect(page.locator(".outlook")).to_contain_text("What stops FLUX.1 dev")
        page.wait_for_timeout(2500)  # longer than the page takes to ask again
        expect(page.locator(".outlook")).to_contain_text("STUDIO_MEMORY_MODE=offload")
        expect(page.locator("#tools .chip")).to_contain_text("Pocket")


@browser
@chromium
@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_a_telephone_needs_no_sideways_scrolling(visit: Callable[..., Any], language: str) -> None:
    page = visit(language, **NARROW)
    page.locator(".mnav [data-page=models]").tap()
    page.wait_for_selector(".mrow")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("#footer").is_hidden()
    page.locator("[data-local=menu]").tap()
    box = page.locator(".popover").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
