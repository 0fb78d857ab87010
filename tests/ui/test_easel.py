"""The easel in a real Chromium: what is painted lands on the picture's own pixels."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studio.i18n import TABLES
from tests.ui.browsing import IN_A_BROWSER, WIDE
from tests.ui.easel_page import NARROW, SHARP, SIZE, Easel, Shelf, near, png

pytestmark = IN_A_BROWSER
REACHED = ["brush", "eraser", "rectangle", "lasso", "range", "invert", "out", "fit", "in", "done"]
"""What the Tab key comes by, in order; what has nothing to do yet is passed over."""


def white(mask: np.ndarray[Any, Any]) -> tuple[int, int, int, int]:
    """The box of what is more white than black: left, top, right, bottom."""
    down, across = np.nonzero(mask > 127)
    return int(across.min()), int(down.min()), int(across.max()) + 1, int(down.max()) + 1


# -- painting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [WIDE, SHARP, NARROW], ids=["1440", "1440 at 2x", "390"])
def test_a_stroke_is_white_at_the_pictures_own_pixels(easel: Callable[..., Easel], options: Any) -> None:
    board = easel(options).open()
    board.size(40)
    board.drag((100, 100), (300, 100), (300, 250))
    mask = board.mask()
    assert mask.shape == (400, 600)
    assert near(white(mask), (80, 80, 320, 270), 4)
    assert all(mask[y, x] == 255 for x, y in [(100, 100), (200, 100), (296, 120), (300, 200), (300, 250)])
    assert all(mask[y, x] == 0 for x, y in [(0, 0), (200, 160), (100, 130), (350, 200), (599, 399)])
    assert board.heard("easel:busy") == [{"name": "easel:busy", "busy": busy} for busy in (True, False)]


@pytest.mark.parametrize("options", [WIDE, SHARP], ids=["1x", "2x"])
def test_painting_while_zoomed_and_moved(easel: Callable[..., Easel], options: Any) -> None:
    board = easel(options).open()
    board.size(10)
    eye = board.at(450, 300)
    board.page.mouse.move(*eye)
    board.page.keyboard.down("Control")
    for _ in range(4):
        board.page.mouse.wheel(0, -100)
    board.page.keyboard.up("Control")
    board.page.wait_for_timeout(100)
    # Wheels point at whole pixels of the screen, and the zoom makes more of the rest.
    assert near(board.at(450, 300), eye, 3), "the pixel under the pointer stays there"
    zoomed = board.at(451, 300)[0] - board.at(450, 300)[0]
    assert zoomed > 3
    board.page.keyboard.down("Space")
    board.drag((450, 300), (470, 310))
    board.page.keyboard.up("Space")
    assert near(board.at(450, 300), (eye[0] + 20 * zoomed, eye[1] + 10 * zoomed), 2), (
        "space and drag moves it"
    )
    board.drag((430, 290), (460, 290))
    mask = board.mask()
    assert near(white(mask), (425, 285, 465, 295), 2)
    board.press("fit")
    assert board.at(1, 0)[0] - board.at(0, 0)[0] < 2


def test_erasing_undoing_and_redoing(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    keys = board.page.keyboard
    undo, redo = (board.page.locator(f"[data-act={act}]") for act in ("undo", "redo"))
    assert undo.is_disabled()
    board.size(60)
    board.drag((100, 200), (500, 200))
    whole = board.mask()
    keys.press("e")
    assert board.page.locator("[data-act=eraser]").get_attribute("aria-pressed") == "true"
    board.drag((300, 100), (300, 300))
    cut = board.mask()
    assert cut[200, 300] == 0
    assert cut[200, 200] == 255
    assert cut[200, 400] == 255
    keys.press("Control+z")
    assert np.array_equal(board.mask(), whole)
    keys.press("Control+z")
    assert board.page.evaluate("studio.easel.settled()") == ""
    assert undo.is_disabled()
    keys.press("Control+Shift+z")
    redo.click()
    assert redo.is_disabled()
    assert np.array_equal(board.mask(), cut)
    keys.press("b")
    undo.click()
    board.drag((50, 50))
    assert redo.is_disabled(), "what is new takes the place of what was undone"
    assert board.mask()[50, 50] == 255


def test_thirty_steps_and_more_can_be_undone(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    board.size(12)
    spots = [(30 + 50 * (n % 11), 30 + 80 * (n // 11)) for n in range(33)]
    for spot in spots:
        board.drag(spot)
    assert all(board.mask()[y, x] == 255 for x, y in spots)
    for _ in range(31):
        board.page.keyboard.press("Control+z")
    mask = board.mask()
    assert [(x, y) for x, y in spots if mask[y, x]] == spots[:2]
    for _ in range(31):
        board.page.keyboard.press("Control+y")
    assert all(board.mask()[y, x] == 255 for x, y in spots)


def test_invert_and_clear(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    board.drag((200, 200), (400, 200))
    mask = board.mask()
    board.press("invert")
    assert np.array_equal(board.mask(), 255 - mask)
    board.press("invert")
    assert np.array_equal(board.mask(), mask)
    posted = len(board.shelf.masks)
    board.press("clear")
    assert board.page.evaluate("studio.easel.settled()") == ""
    assert board.heard("easel:change")[-1]["mask"] == "", "no mask at all rather than one of nothing"
    assert len(board.shelf.masks) == posted
    assert board.page.locator("[data-act=clear]").is_disabled()
    board.page.keyboard.press("Control+z")
    assert np.array_equal(board.mask(), mask)


def test_rectangle_and_lasso_fill_and_with_alt_take_away(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    board.press("rectangle")
    board.drag((400, 300), (100, 100))
    mask = board.mask()
    assert near(white(mask), (100, 100, 400, 300), 1)
    assert set(np.unique(mask)) == {0, 255}, "a rectangle has sharp edges"
    board.page.keyboard.press("l")
    board.page.keyboard.down("Alt")
    board.drag((150, 120), (350, 120), (250, 280))
    board.page.keyboard.up("Alt")
    mask = board.mask()
    assert mask[180, 250] == 0
    assert mask[270, 160] == 255
    board.drag((450, 50), (580, 50), (580, 350), (450, 350))
    mask = board.mask()
    assert mask[200, 515] == 255
    board.press("rectangle")
    board.drag((20, 20))
    assert np.array_equal(board.mask(), mask), "a click alone is no rectangle"


def test_a_stroke_may_begin_and_end_beside_the_picture(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    board.size(40)
    board.drag((-10, 200), (610, 200))
    mask = board.mask()
    assert near(white(mask), (0, 180, 600, 220), 1)


def test_a_mask_that_is_there_is_gone_on_with(easel: Callable[..., Easel], shelf: Shelf) -> None:
    soft = Image.new("L", SIZE, 0)
    soft.paste(255, (0, 0, 100, 400))
    soft.paste(128, (500, 0, 600, 400))
    board = easel().open(mask=shelf.put(png(soft)))
    assert board.page.locator("[data-act=clear]").is_enabled()
    assert board.page.locator("[data-act=undo]").is_disabled()
    board.drag((300, 200))
    mask = board.mask()
    assert (mask[10, 50], mask[10, 550], mask[200, 300], mask[10, 300]) == (255, 128, 255, 0)


@pytest.mark.parametrize(("side", "crisp"), [(128, True), (4096, False)])
def test_small_and_huge_pictures(easel: Callable[..., Easel], side: int, crisp: bool) -> None:
    board = easel().open(size=(side, side))
    image = board.page.locator(".eimage")
    assert ("pixelated" in image.evaluate("i => getComputedStyle(i).imageRendering")) == crisp
    unit = side // 16
    board.size(unit)
    board.drag((2 * unit, 2 * unit), (8 * unit, 8 * unit))
    mask = board.mask()
    assert mask.shape == (side, side)
    assert mask[5 * unit, 5 * unit] == 255
    assert mask[5 * unit, 8 * unit] == 0
    assert near(white(mask), (1.5 * unit, 1.5 * unit, 8.5 * unit, 8.5 * unit), max(1.5, unit / 16))
    board.press("invert")
    board.page.keyboard.press("Control+z")
    assert np.array_equal(board.mask(), mask)


@pytest.mark.parametrize("shade", [0, 128, 255], ids=["black", "grey", "white"])
def test_the_mask_shows_on_any_picture(easel: Callable[..., Easel], shelf: Shelf, shade: int) -> None:
    board = easel()
    plain = shelf.put(png(Image.new("RGB", SIZE, (shade,) * 3)))
    board.open(picture=plain)
    board.size(100)
    board.drag((200, 200), (400, 200))
    board.mask()
    board.page.mouse.move(5, 5)
    seen = screen(board)
    (left, top), (right, bottom) = board.at(250, 180), board.at(350, 220)
    hatch = seen[int(top) : int(bottom), int(left) : int(right)].reshape(-1, 3).astype(int)
    light = hatch @ np.array([299, 587, 114]) / 1000
    assert np.percentile(light, 90) - np.percentile(light, 10) > 35, "stripes, not colour alone"
    assert np.abs(light - shade).max() > 60
    x, y = board.at(300, 330)
    assert tuple(seen[int(y), int(x)]) == (shade,) * 3, "what is not painted looks as it was"


def screen(board: Easel) -> np.ndarray[Any, Any]:
    """What is on the screen, as pixels."""
    import io

    return np.asarray(Image.open(io.BytesIO(board.page.screenshot())).convert("RGB"))


def test_the_brushs_outline_follows_the_pointer_at_its_size(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    board.size(50)
    place = board.at(300, 200)
    board.page.mouse.move(*place)
    ring = board.page.locator(".ering")
    box = ring.bounding_box()
    meant = 50 * (board.at(1, 0)[0] - board.at(0, 0)[0])
    assert near((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), place, 1.5)
    assert abs(box["width"] - meant) <= 2
    board.page.keyboard.press("]")
    assert ring.bounding_box()["width"] > box["width"]
    for _ in range(40):
        board.page.keyboard.press("[")
    assert board.page.locator(".esize output").text_content() == "1 px"
    board.page.keyboard.press("r")
    assert ring.is_hidden()


def test_the_mask_stays_on_the_picture_when_the_window_changes(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    board.size(40)
    board.drag((100, 100))
    board.page.set_viewport_size({"width": 1100, "height": 700})
    board.page.wait_for_timeout(200)
    board.drag((500, 300))
    mask = board.mask()
    assert (mask[100, 100], mask[300, 500]) == (255, 255)
    assert near(white(mask), (80, 80, 520, 320), 2)


# -- fingers and pens ---------------------------------------------------------------------------------------------


class Fingers:
    """Touches as the browser's own protocol sends them."""

    def __init__(self, board: Easel) -> None:
        self.board = board
        self.session = board.page.context.new_cdp_session(board.page)

    def send(self, kind: str, *points: tuple[float, float]) -> None:
        """One event with all fingers that are down."""
        touches = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def drag(self, *points: tuple[float, float]) -> None:
        """One finger through pixels of the picture."""
        places = [self.board.at(*point) for point in points]
        self.send("touchStart", places[0])
        for (ax, ay), (bx, by) in pairwise(places):
            for part in range(1, 9):
                self.send("touchMove", (ax + (bx - ax) * part / 8, ay + (by - ay) * part / 8))
        self.send("touchEnd")


def test_a_finger_paints_and_the_page_stays(easel: Callable[..., Easel]) -> None:
    board = easel(NARROW).open()
    board.size(40)
    Fingers(board).drag((100, 350), (100, 50), (400, 50))
    mask = board.mask()
    assert near(white(mask), (80, 30, 420, 370), 5)
    assert board.page.evaluate("scrollY") == 0
    assert board.page.locator(".ering").is_hidden()
    assert board.page.evaluate("getComputedStyle(document.querySelector('.efilm')).touchAction") == "none"
    assert board.page.evaluate("getComputedStyle(document.querySelector('.ebar')).touchAction") != "none"


def test_two_fingers_zoom_and_move_and_paint_nothing(easel: Callable[..., Easel]) -> None:
    board = easel(NARROW).open()
    (x, y), fingers = board.at(300, 200), Fingers(board)
    fingers.send("touchStart", (x - 30, y))
    fingers.send("touchMove", (x - 32, y))
    fingers.send("touchStart", (x - 32, y), (x + 30, y))
    for part in range(1, 11):
        fingers.send("touchMove", (x - 32 - 5 * part, y + 4 * part), (x + 30 + 5 * part, y + 4 * part))
    fingers.send("touchEnd")
    board.page.wait_for_timeout(150)
    unit = board.at(1, 0)[0] - board.at(0, 0)[0]
    fitted = (390 - 34 - 32) / 600
    assert unit > 2 * fitted
    assert abs(board.at(300, 200)[1] - (y + 40)) < 8, "what is between the fingers goes with them"
    assert board.page.evaluate("studio.easel.settled()") == "", "what the first finger began is taken back"
    assert board.heard("easel:change") == []
    board.size(20)
    fingers.drag((290, 200), (310, 200))
    assert near(white(board.mask()), (280, 190, 320, 210), 3)


def test_a_pens_pressure_makes_the_line(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    board.size(80)
    session = board.page.context.new_cdp_session(board.page)

    def pen(kind: str, x: float, force: float) -> None:
        place = board.at(x, 200)
        session.send(
            "Input.dispatchMouseEvent",
            {"type": kind, "x": place[0], "y": place[1], "button": "left", "buttons": 1, "force": force}
            | {"pointerType": "pen", "clickCount": 1},
        )

    pen("mousePressed", 100, 0.1)
    for step in range(1, 41):
        pen("mouseMoved", 100 + 10 * step, 0.1 + step / 45)
    pen("mouseReleased", 500, 0)
    mask = board.mask()
    thin, thick = (int((mask[:, x] > 127).sum()) for x in (120, 480))
    assert thin < 35
    assert thick > 60


# -- keys and buttons ---------------------------------------------------------------------------------------------


def test_letters_that_are_typed_are_letters(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    page = board.page
    pressed = "document.querySelector('.eseg [aria-pressed=true]').dataset.act"
    page.focus("#note")
    page.keyboard.type("reel [1] 2")
    assert page.input_value("#note") == "reel [1] 2"
    assert page.evaluate(pressed) == "brush"
    page.locator(".eview").focus()
    composing = "new KeyboardEvent('keydown', {key: 'e', isComposing: true, bubbles: true})"
    page.evaluate(f"document.activeElement.dispatchEvent({composing})")
    assert page.evaluate(pressed) == "brush"
    page.keyboard.press("e")
    assert page.evaluate(pressed) == "eraser"
    page.evaluate("heard.length = 0")
    page.keyboard.press("r")
    page.keyboard.press("g")
    assert [key["key"] for key in board.heard("key")] == ["g"], "the page's own letters stay its own"


def test_everything_can_be_reached_and_has_a_name(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    page, names = board.page, []
    page.evaluate("document.querySelector('#host').tabIndex = -1; document.querySelector('#host').focus()")
    for _ in REACHED:
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.dataset.act || document.activeElement.type"))
    assert names == REACHED
    for name in ("Brush", "Eraser", "Rectangle", "Lasso", "Invert", "Clear", "Zoom out", "Zoom in", "Done"):
        assert page.get_by_role("button", name=name, exact=True).count() == 1
    assert page.get_by_role("slider", name="Brush size").count() == 1
    page.locator(".esize input").focus()
    was = page.locator(".esize output").text_content()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageUp")
    assert page.locator(".esize output").text_content() != was
    page.locator("[data-act=lasso]").focus()
    page.keyboard.press("Space")
    assert page.locator("[data-act=lasso]").get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("way", ["inpaint", "outpaint"])
def test_a_thumb_finds_everything_at_390(easel: Callable[..., Easel], way: str) -> None:
    board = easel(NARROW).open(way)
    boxes = board.page.locator(".easel button:visible")
    for index in range(boxes.count()):
        box = boxes.nth(index).bounding_box()
        assert min(box["width"], box["height"]) >= 40, boxes.nth(index).inner_text()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert board.page.evaluate("document.documentElement.scrollWidth") <= 390
    view = board.page.locator(".eview").bounding_box()
    assert view["height"] > 300


def test_the_words_follow_the_language(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    assert board.page.locator(".esay").inner_text() == TABLES["en"]["easel.hint"]
    board.page.evaluate("document.documentElement.dataset.lang = 'zh'")
    board.page.wait_for_function(
        f"document.querySelector('.esay').textContent === '{TABLES['zh']['easel.hint']}'"
    )
    assert board.page.get_by_role("button", name="画笔", exact=True).count() == 1
    board.page.evaluate("studio.easel.words({done: 'That is it'})")
    assert board.page.locator("[data-act=done]").text_content() == "That is it"
    keys = board.page.evaluate(
        "[...document.querySelectorAll('.easel [data-say], .easel [data-name]')]"
        ".flatMap((n) => [n.dataset.say, n.dataset.name]).filter(Boolean)"
    )
    assert {f"easel.{key}" for key in keys} <= set(TABLES["en"])


def test_closing_keeps_what_was_painted(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    board.drag((100, 100), (200, 100))
    board.press("done")
    board.wait("easel:close")
    assert board.page.locator(".easel").count() == 0
    digest = board.wait("easel:change")["mask"]
    assert board.shelf.mask(digest)[100, 150] == 255
    assert len(board.heard("easel:close")) == 1
    board.page.evaluate("studio.easel.close()")
    assert len(board.heard("easel:close")) == 1
    board.open(mask=digest)
    board.page.keyboard.press("Escape")
    board.wait("easel:close", 2)
    assert board.page.locator(".easel").count() == 0
    assert len(board.heard("easel:change")) == 1, "nothing changed, nothing is told"


def test_escape_leaves_the_easel_alone_while_something_is_painted(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    board.page.evaluate("document.body.dataset.busy = 'yes'")
    board.page.keyboard.press("Escape")
    assert board.page.locator(".easel").count() == 1
    board.page.evaluate("document.body.dataset.busy = 'no'")
    board.page.keyboard.press("Escape")
    board.wait("easel:close")
    assert board.page.locator(".easel").count() == 0


def test_done_leaves_only_once_the_mask_is_kept(easel: Callable[..., Easel], shelf: Shelf) -> None:
    board = easel().open()
    shelf.refusing = "The disk is full."
    board.drag((100, 100), (200, 100))
    board.press("done")
    board.wait("easel:failed")
    board.page.wait_for_timeout(100)
    assert board.page.locator(".easel").count() == 1 and board.heard("easel:close") == []
    shelf.refusing = ""
    board.press("done")
    board.wait("easel:close")
    names = board.page.evaluate("heard.map((one) => one.name)")
    assert names.index("easel:change") < names.index("easel:close")
    assert shelf.mask(board.heard("easel:change")[-1]["mask"])[100, 150] == 255


def test_a_mask_that_could_not_be_kept_is_said_and_tried_again(
    easel: Callable[..., Easel], shelf: Shelf
) -> None:
    board = easel().open()
    shelf.refusing = "The disk is full."
    board.drag((100, 100), (200, 100))
    assert board.wait("easel:failed")["text"] == "The disk is full."
    assert "The disk is full." in board.page.locator(".esay").inner_text()
    assert board.heard("easel:change") == []
    shelf.refusing = ""
    board.press("retry")
    board.wait("easel:change")
    assert board.mask()[100, 150] == 255
    assert board.page.locator(".esay").inner_text() == ""


def test_a_picture_that_is_gone_is_said(easel: Callable[..., Easel]) -> None:
    board = easel()
    options = {"way": "inpaint", "picture": "0" * 64, "size": SIZE}
    shown = board.page.evaluate("(o) => studio.easel.open(document.querySelector('#host'), o)", options)
    assert shown is False
    assert TABLES["en"]["easel.gone"] in board.page.locator(".esay").inner_text()
    board.page.locator(".efilm").click()
    assert board.page.locator("[data-act=undo]").is_disabled()


def test_a_stage_that_is_drawn_anew_closes_the_easel(easel: Callable[..., Easel]) -> None:
    board = easel().open()
    board.drag((100, 100), (200, 100))
    board.page.evaluate("document.querySelector('#host').replaceChildren()")
    board.wait("easel:close")
    assert board.shelf.mask(board.wait("easel:change")["mask"])[100, 150] == 255
    board.page.keyboard.press("e")
