"""A coloured map corrected on the easel: it stays made of named colours, of whole cells, of what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.control import grid, histogram
from tests.ui.browsing import IN_A_BROWSER
from tests.ui.easel_page import NARROW, SIZE, Easel, Shelf, painted, png

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = IN_A_BROWSER
SKY, TREE, SEA = (6, 230, 230), (4, 200, 3), (9, 7, 230)
REGIONS = {"flat": True, "named": True}
GRID = {"flat": True, "free": True, "cells": "grid", "count": 8}
STRIPES = {"flat": True, "free": True, "cells": "stripes"}
SOFT = {"free": True}
SHADES = {"shades": True, "hint": "recolour_depth"}


def regions(shelf: Shelf) -> str:
    """A map with sky above and trees below, to the pixel."""
    image = Image.new("RGB", SIZE, SKY)
    image.paste(TREE, (0, 300, *SIZE))
    return shelf.put(png(image))


def cells(shelf: Shelf, size: tuple[int, int] = SIZE, count: int = 8) -> str:
    """The grid of a picture of many colours, as it is taken of it."""
    return shelf.put(png(grid.detect(painted(*size), {"cells": count}, {})))


def opened(easel: Easel, map: str, pen: dict[str, Any], **more: Any) -> Easel:
    """The map on the easel, once its colours can be chosen."""
    easel.open("colours", mask=map, pen=pen, **({"picture": ""} | more))
    expect(easel.page.locator(".eswatch").first).to_be_visible()
    return easel


def corrected(easel: Easel, count: int = 1) -> np.ndarray[Any, Any]:
    """The map as it was sent last."""
    return easel.shelf.mask(easel.wait("easel:drawn", count)["mask"])


def colours(found: np.ndarray[Any, Any]) -> set[tuple[int, ...]]:
    """Every colour that is in it."""
    return {tuple(map(int, one)) for one in np.unique(found.reshape(-1, 3), axis=0)}


def as_hex(colour: tuple[int, ...]) -> str:
    """A colour as the page writes it."""
    return "#" + "".join(f"{level:02x}" for level in colour)


def swatch(easel: Easel, colour: tuple[int, ...]) -> Any:
    """The button of a colour."""
    return easel.page.locator(f".eswatch[data-colour='{as_hex(colour)}']")


@pytest.mark.parametrize("tool", ["brush", "rectangle", "lasso"])
def test_regions_corrected_with_a_swatch_stay_the_colours_of_the_palette(
    easel: Callable[..., Easel], shelf: Shelf, tool: str
) -> None:
    board = opened(easel(), regions(shelf), REGIONS)
    swatch(board, TREE).click()
    board.press(tool)
    board.drag((100, 100), (163, 141), (120, 190))
    found = corrected(board)
    assert found.shape == (400, 600, 3)
    assert colours(found) == {SKY, TREE}, "nothing is mixed at the edge of a stroke"
    assert tuple(found[112, 112]) == TREE
    assert tuple(found[20, 300]) == SKY


def test_the_eraser_brings_back_what_was_there_and_undo_and_all_of_it_too(
    easel: Callable[..., Easel], shelf: Shelf
) -> None:
    board, map = easel(), regions(shelf)
    opened(board, map, REGIONS)
    expect(board.page.locator("[data-act=clear]")).to_be_disabled()
    swatch(board, TREE).click()
    board.drag((100, 100), (400, 100))
    assert tuple(corrected(board)[100, 300]) == TREE
    board.press("eraser")
    board.drag((250, 100), (400, 100))
    erased = corrected(board, 2)
    assert tuple(erased[100, 350]) == SKY
    assert tuple(erased[100, 150]) == TREE
    board.press("undo")
    assert tuple(corrected(board, 3)[100, 350]) == TREE
    board.press("clear")
    assert board.wait("easel:drawn", 4)["mask"] == map, "to the pixel"
    expect(board.page.locator("[data-act=clear]")).to_be_disabled()


def test_a_map_corrected_before_goes_back_to_what_it_was_before_that(
    easel: Callable[..., Easel], shelf: Shelf
) -> None:
    map, changed = regions(shelf), Image.new("RGB", SIZE, SEA)
    board = opened(easel(), shelf.put(png(changed)), REGIONS, detected=map)
    expect(swatch(board, SEA)).to_be_visible()
    board.press("clear")
    assert board.wait("easel:drawn")["mask"] == map


def test_a_region_is_named_and_others_than_those_in_the_map_can_be_painted(
    easel: Callable[..., Easel], shelf: Shelf
) -> None:
    board = opened(easel(), regions(shelf), REGIONS)
    names = board.page.locator(".eswatch")
    expect(names).to_have_text(["sky75% of the map", "tree25% of the map"])
    board.page.evaluate("document.documentElement.dataset.lang = 'zh'")
    expect(names).to_have_text(["天空占全图 75%", "树占全图 25%"])
    board.page.get_by_label("这块区域是什么").select_option(label="海")
    board.drag((300, 350))
    assert colours(corrected(board)) == {SKY, TREE, SEA}


def test_a_stroke_on_a_grid_fills_whole_cells(easel: Callable[..., Easel], shelf: Shelf) -> None:
    map = cells(shelf)
    board, before = opened(easel(), map, GRID), shelf.mask(map)
    board.page.get_by_label("Any colour").fill("#102030")
    board.drag((110, 60), (180, 70))  # from the third cell of the second row into the fourth
    found = corrected(board)
    small = Image.fromarray(found).resize((12, 8), Image.Resampling.NEAREST)
    assert np.array_equal(np.asarray(small.resize(SIZE, Image.Resampling.NEAREST)), found), "a true grid"
    other = np.any(found != before, axis=2)
    assert np.array_equal(np.argwhere(other).min(0), (50, 100))
    assert np.array_equal(np.argwhere(other).max(0), (99, 199))
    assert colours(found[50:100, 100:200]) == {(16, 32, 48)}


@pytest.mark.parametrize(("size", "count"), [((330, 517), 7), ((603, 211), 16), ((97, 61), 32)])
def test_the_cells_are_found_whatever_the_size_and_however_many(
    easel: Callable[..., Easel], shelf: Shelf, size: tuple[int, int], count: int
) -> None:
    map = cells(shelf, size, count)
    board, before = opened(easel(), map, GRID, size=size), shelf.mask(map)
    board.page.get_by_label("Any colour").fill("#102030")
    board.press("rectangle")
    board.drag((size[0] / 2, size[1] / 2), (size[0] / 2 + 2, size[1] / 2 + 2))
    found, cell = corrected(board), min(size) / count
    shape = tuple(round(side / cell) for side in size)
    small = Image.fromarray(found).resize(shape, Image.Resampling.NEAREST)
    assert np.array_equal(np.asarray(small.resize(size, Image.Resampling.NEAREST)), found)
    assert 0 < np.any(found != before, axis=2).sum() <= 4 * (cell + 1) ** 2


def test_a_stripe_of_a_palette_is_filled_as_a_whole(easel: Callable[..., Easel], shelf: Shelf) -> None:
    stripes = histogram.detect(painted(*SIZE), {"colours": 6}, {})
    board = opened(easel(), shelf.put(png(stripes)), STRIPES)
    board.page.get_by_label("Any colour").fill("#ff8800")
    board.drag((2, 200))
    found = corrected(board)
    assert (found == found[:1]).all(), "stripes from top to bottom"
    assert tuple(found[0, 0]) == (255, 136, 0)
    row, was = found[0], np.asarray(stripes)[0]
    same_as_first = (was == was[0]).all(axis=1)
    assert np.array_equal((row != was).any(axis=1), same_as_first)


@pytest.mark.parametrize("way", ["alt", "button", "key"])
def test_the_pipette_takes_the_colour_under_the_pointer(
    easel: Callable[..., Easel], shelf: Shelf, way: str
) -> None:
    board = opened(easel(), regions(shelf), REGIONS)
    expect(swatch(board, SKY)).to_have_attribute("aria-checked", "true")
    if way == "button":
        board.press("pipette")
    if way == "key":
        board.page.locator(".eview").focus()
        board.page.keyboard.press("i")
    if way == "alt":
        board.page.keyboard.down("Alt")
    board.drag((300, 350))
    board.page.keyboard.up("Alt")
    expect(swatch(board, TREE)).to_have_attribute("aria-checked", "true")
    expect(board.page.locator("[data-act=brush]")).to_have_attribute("aria-pressed", "true")
    board.drag((300, 100))
    assert len(board.heard("easel:drawn")) == 0, "taking a colour changed nothing"
    assert tuple(corrected(board)[100, 300]) == TREE


def test_a_map_of_many_shades_is_painted_softly_and_offers_its_own_colours(
    easel: Callable[..., Easel], shelf: Shelf
) -> None:
    map = shelf.picture(*SIZE)
    board, before = opened(easel(), map, SOFT), shelf.mask(map)
    offered = board.page.evaluate(
        "[...document.querySelectorAll('.eswatch')].map((one) => one.dataset.colour)"
    )
    mine = {as_hex(colour) for colour in colours(before)}
    assert 6 <= len(offered) <= 12
    assert set(offered) <= mine
    board.page.get_by_label("Any colour").fill("#ff0000")
    board.size(40)
    board.drag((300, 200))
    found = corrected(board)
    assert tuple(found[200, 300]) == (255, 0, 0)
    assert len(colours(found[180:220, 280:320]) - colours(before)) > 8, "its edge is soft"
    assert np.array_equal(found[:150], before[:150])


def test_a_map_of_depth_is_corrected_nearer_and_farther(easel: Callable[..., Easel], shelf: Shelf) -> None:
    board = opened(easel(), shelf.put(png(Image.new("RGB", SIZE, (90, 90, 90)))), SHADES)
    expect(board.page.locator(".esay")).to_have_text("Light is near, dark is far; the eraser restores")
    board.size(40)
    board.drag((100, 100), (200, 100))
    near = corrected(board)
    assert tuple(near[100, 150]) == (255, 255, 255), "white is at hand, as it is for lines"
    swatch(board, (64, 64, 64)).click()
    board.drag((100, 300), (200, 300))
    corrected(board, 2)
    board.page.get_by_label("How light").fill("140")
    board.drag((400, 300), (500, 300))
    found = corrected(board, 3)
    assert [tuple(found[300, across]) for across in (150, 450)] == [(64, 64, 64), (140, 140, 140)]
    assert all(len(set(colour)) == 1 for colour in colours(found)), "shades alone, also at soft edges"


def test_a_map_of_depth_is_begun_from_black_and_taken_back_to_nothing(easel: Callable[..., Easel]) -> None:
    board = opened(easel(), "", SHADES)
    swatch(board, (128, 128, 128)).click()
    board.drag((100, 100), (200, 100))
    found = corrected(board)
    assert (tuple(found[100, 150]), tuple(found[300, 300])) == ((128, 128, 128), (0, 0, 0))
    board.press("undo")
    assert not board.wait("easel:drawn", 2)["mask"]


def test_swatches_are_reached_and_chosen_with_the_keyboard(easel: Callable[..., Easel], shelf: Shelf) -> None:
    board = opened(easel(), regions(shelf), REGIONS)
    board.page.get_by_label("What the region shows").focus()
    board.page.keyboard.press("Tab")
    expect(swatch(board, SKY)).to_be_focused()
    board.page.keyboard.press("ArrowRight")
    expect(swatch(board, TREE)).to_be_focused()
    expect(swatch(board, TREE)).to_have_attribute("aria-checked", "true")


def test_it_all_fits_a_telephone(easel: Callable[..., Easel], shelf: Shelf) -> None:
    board = opened(easel(NARROW), regions(shelf), REGIONS)
    assert board.page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in board.page.locator(".etray button, .etray select").all():
        assert button.bounding_box()["height"] >= 40
    board.page.touchscreen.tap(*board.at(300, 350))
    board.wait("easel:drawn")
