"""The easel's frame in a real Chromium: sides are pulled by the model's multiple, and no further than it may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.ui.browsing import IN_A_BROWSER, WIDE
from tests.ui.easel_page import NARROW, SHARP, Easel, near

pytestmark = IN_A_BROWSER


def handle(board: Easel, edges: str) -> tuple[float, float]:
    """The middle of a handle."""
    box = board.page.locator(f".ehandle[data-edges='{edges}']").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pull(board: Easel, edges: str, dx: float, dy: float) -> dict[str, int]:
    """Pulls a handle by pixels of the picture and hands back the sides that were told."""
    unit = board.at(1, 0)[0] - board.at(0, 0)[0]
    x, y = handle(board, edges)
    count = len(board.heard("easel:change"))
    board.page.mouse.move(x, y)
    board.page.mouse.down()
    board.page.mouse.move(x + dx * unit, y + dy * unit, steps=5)
    board.page.mouse.up()
    return board.wait("easel:change", count + 1)["sides"]


@pytest.mark.parametrize("options", [WIDE, SHARP, NARROW], ids=["1440", "1440 at 2x", "390"])
def test_the_sides_are_pulled_by_the_models_multiple(easel: Callable[..., Easel], options: Any) -> None:
    board = easel(options).open("outpaint", multiple=16)
    assert pull(board, "left", -50, 0) == {"left": 48, "right": 0, "top": 0, "bottom": 0}
    assert pull(board, "bottom", 0, 41)["bottom"] == 48
    assert pull(board, "right top", 33, -66) == {"left": 48, "right": 32, "top": 64, "bottom": 48}
    assert pull(board, "left", 500, 0)["left"] == 0, "not into the picture"
    assert board.page.locator(".esum").inner_text() == "600 × 400 → 632 × 512"
    numbers = board.page.locator(".enumber").all_inner_texts()
    assert numbers == ["0", "32", "64", "48"]
    frame, (x, y) = board.page.locator(".eframe").bounding_box(), board.at(0, 0)
    unit = board.at(1, 0)[0] - x
    assert near((x - frame["x"], y - frame["y"]), (0, 64 * unit), 1)
    assert near((frame["width"], frame["height"]), (632 * unit, 512 * unit), 1)


def test_the_sides_by_keys(easel: Callable[..., Easel]) -> None:
    board = easel().open("outpaint")
    page = board.page
    page.locator("[data-edges=right]").focus()
    board.hurry("ArrowRight", "ArrowRight", "Shift+ArrowRight", "ArrowLeft")
    assert board.wait("easel:change")["sides"] == {"left": 0, "right": 40, "top": 0, "bottom": 0}
    assert len(board.heard("easel:change")) == 1, "a hurried hand is told once"
    assert page.locator("[data-edges=right]").get_attribute("aria-valuetext") == "40 px"
    page.locator("[data-edges='left top']").focus()
    board.hurry("ArrowUp", "ArrowLeft")
    assert board.wait("easel:change", 2)["sides"] == {"left": 8, "right": 40, "top": 8, "bottom": 0}
    board.press("reset")
    assert set(board.wait("easel:change", 3)["sides"].values()) == {0}


def test_the_frame_goes_no_further_than_it_may(easel: Callable[..., Easel]) -> None:
    board = easel().open("outpaint", sides={"left": 64}, largest=768)
    for _ in range(6):
        board.page.locator("[data-edges=right]").focus()
        board.page.keyboard.press("Shift+ArrowRight")
    assert board.wait("easel:change")["sides"] == {"left": 64, "right": 104, "top": 0, "bottom": 0}


def test_sides_from_the_form_are_shown_and_not_told_back(easel: Callable[..., Easel]) -> None:
    board = easel().open("outpaint", sides={"left": 8, "right": 0, "top": 0, "bottom": 0})
    board.page.evaluate("studio.easel.sides({left: 128, right: 128, top: 0, bottom: 64})")
    assert board.page.locator(".esum").inner_text() == "600 × 400 → 856 × 464"
    board.page.wait_for_timeout(300)
    assert board.heard("easel:change") == []
    assert pull(board, "top", 0, -30) == {"left": 128, "right": 128, "top": 32, "bottom": 64}
