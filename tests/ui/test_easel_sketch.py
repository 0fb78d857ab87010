"""A map drawn or corrected on the easel: white lines on black, as a net for lines reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.ui.browsing import IN_A_BROWSER
from tests.ui.easel_page import SIZE, Easel, Shelf, png

pytest.importorskip("playwright.sync_api")
pytestmark = IN_A_BROWSER


def lines(shelf: Shelf) -> str:
    """A map of one white line from left to right, with a grey one beneath it."""
    image = Image.new("L", SIZE)
    pen = ImageDraw.Draw(image)
    pen.line((0, 200, 600, 200), fill=255, width=3)
    pen.line((0, 300, 600, 300), fill=128, width=9)
    return shelf.put(png(image))


def drawn(easel: Easel, count: int = 1) -> np.ndarray[Any, Any]:
    """The map as it was sent last."""
    digest = easel.wait("easel:drawn", count)["mask"]
    return easel.shelf.mask(digest)[..., 0]


def test_a_stroke_adds_white_and_what_was_there_stays(easel: Callable[..., Easel], shelf: Shelf) -> None:
    board = easel().open("sketch", picture="", mask=lines(shelf))
    board.drag((300, 50), (300, 150))
    found = drawn(board)
    assert found.shape == (400, 600)
    assert found[100, 300] == found[200, 50] == 255
    assert found[300, 50] == 128
    assert found[50, 50] == 0
    assert shelf.masks == []


def test_the_eraser_draws_in_black_and_undo_takes_it_back(easel: Callable[..., Easel], shelf: Shelf) -> None:
    board = easel().open("sketch", picture="", mask=lines(shelf))
    board.press("eraser")
    board.size(24)
    board.drag((300, 200), (360, 200))
    gone = drawn(board)
    assert gone[200, 330] == 0
    assert gone[200, 50] == 255
    board.press("undo")
    assert drawn(board, 2)[200, 330] == 255


def test_a_map_names_what_it_was_drawn_for_also_when_another_was_opened_meanwhile(
    easel: Callable[..., Easel], shelf: Shelf
) -> None:
    board, slow = easel().open("sketch", picture="", mask=lines(shelf), more={"unit": "one"}), []
    board.page.route("**/api/inputs", lambda route: slow.append(route), times=1)
    board.drag((300, 50), (300, 150))
    while not slow:
        board.page.wait_for_timeout(20)
    board.open("sketch", picture="", mask=lines(shelf), more={"unit": "two"})
    slow[0].continue_()
    assert board.wait("easel:drawn")["unit"] == "one"


def test_a_picture_underneath_is_no_part_of_the_map(easel: Callable[..., Easel], shelf: Shelf) -> None:
    board = easel().open("sketch")
    board.drag((300, 50), (300, 350))
    found = drawn(board)
    assert found[200, 300] == 255
    assert np.count_nonzero(found) < 0.05 * found.size
    board.press("under")
    assert board.page.locator("[data-act=under]").get_attribute("aria-pressed") == "false"
