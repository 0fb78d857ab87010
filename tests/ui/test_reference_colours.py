"""Coloured maps on the page: seen, corrected in their own colours, and followed as they were corrected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.control import grid
from studio.service import Studio
from tests.ui.browsing import IN_A_BROWSER, NARROW, PROMPT, fits, generate
from tests.ui.easel_page import painted, png
from tests.ui.house import studio_with
from tests.ui.test_reference_page import BOTH, add, begin, bring, net, open_tab, picture, turn, units
from tests.ui.test_start_page import paint_mask

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = IN_A_BROWSER
SKY, TREE = (6, 230, 230), (4, 200, 3)
# The engine of these tests gives a picture back as its map.
GRID = grid.detect(painted(600, 400), {"cells": 8}, {})


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A studio whose model follows colours in place, regions, edges, and shades."""
    folder = tmp_path_factory.mktemp("studio")

    def change(catalog: dict[str, Any]) -> None:
        catalog["controls"] = [net(folder / "one", "sd1", "colour", "segmentation", "canny", "grey")]

    return studio_with(folder, change)


@BOTH
def test_a_grid_is_corrected_cell_by_cell_and_followed(
    visit: Callable[..., Any], studio: Studio, width: dict[str, Any]
) -> None:
    page, narrow = visit(**width), width is NARROW
    page.fill(PROMPT, "a house")
    open_tab(page)
    card = add(page, "colour")
    bring(card, png(GRID))
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    begin(page, card, "Correct it", "colours")
    assert not narrow or fits(page)
    page.get_by_label("Any colour").fill("#102030")
    paint_mask(page, narrow)
    generate(page)  # without "Done" first: the last stroke must be in it
    [unit] = units(studio)
    assert (unit.kind, unit.map) == ("colour", True)
    found = picture(studio, unit.picture)
    small = found.resize((12, 8), Image.Resampling.NEAREST)
    assert small.resize((600, 400), Image.Resampling.NEAREST).tobytes() == found.tobytes(), "a true grid"
    cells, before = np.asarray(small), np.asarray(GRID.resize((12, 8), Image.Resampling.NEAREST))
    changed = np.any(cells != before, axis=2)
    assert changed.any()
    assert not changed.all()
    assert {tuple(map(int, one)) for one in cells[changed]} == {(16, 32, 48)}


def test_regions_are_corrected_by_name_and_given_back_with_their_kind(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page, data = visit("zh-CN"), Image.new("RGB", (600, 400), SKY)
    page.fill(PROMPT, "树林")
    open_tab(page)
    card = add(page, "segmentation")
    bring(card, png(data))
    card.get_by_role("radio", name="控制图", exact=True).click()
    card.get_by_role("button", name="用笔修改").click()
    expect(page.locator(".eswatch").first).to_be_visible()
    page.get_by_label("这块区域是什么").select_option(label="树")
    paint_mask(page, False)
    generate(page)
    [unit] = units(studio)
    found = picture(studio, unit.picture)
    assert {colour for _, colour in found.getcolors()} == {SKY, TREE}
    turn(card, "canny")
    expect(card.get_by_role("radio", name="普通图片", exact=True)).to_have_attribute("aria-checked", "true")
    turn(card, "segmentation")
    expect(card.locator(f"[data-fig=map] img[src$='{unit.picture}']")).to_be_visible()


def test_what_was_read_comes_back_in_whole_also_on_a_later_visit_to_the_easel(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    page.fill(PROMPT, "a house")
    open_tab(page)
    card = add(page, "colour")
    bring(card, png(GRID))
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    read = card.locator("[data-fig=map] img").get_attribute("src")
    begin(page, card, "Correct it", "colours")
    page.get_by_label("Any colour").fill("#102030")
    paint_mask(page, False)
    page.locator(".easel [data-act=done]").click()
    expect(card.locator(f"[data-fig=map] img[src='{read}']")).to_have_count(0)
    begin(page, card, "Correct it", "colours")
    page.locator(".easel [data-act=clear]").click()
    expect(card.locator(f"[data-fig=map] img[src='{read}']")).to_be_visible()
    page.locator(".easel [data-act=undo]").click()
    expect(card.locator(f"[data-fig=map] img[src='{read}']")).to_have_count(0)
    card.get_by_role("button", name="Back to the picture").click()
    expect(page.locator(".easel")).to_have_count(0)
    expect(card.get_by_role("radio", name="A picture")).to_have_attribute("aria-checked", "true")
    generate(page)
    [unit] = units(studio)
    assert (unit.kind, unit.map) == ("colour", False)
    assert picture(studio, unit.picture).tobytes() == GRID.tobytes()


def test_a_map_of_shades_is_begun_on_black_and_followed(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit()
    page.fill(PROMPT, "a house")
    open_tab(page)
    card = add(page, "grey")
    begin(page, card, "Draw it", "colours")
    page.get_by_label("How light").fill("128")
    paint_mask(page, False)
    generate(page)
    [unit] = units(studio)
    assert (unit.kind, unit.map) == ("grey", True)
    found = picture(studio, unit.picture).convert("RGB")
    assert {(0, 0, 0), (128, 128, 128)} <= {colour for _, colour in found.getcolors(1 << 16)}
