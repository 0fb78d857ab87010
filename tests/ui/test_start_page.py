"""Starting from a picture in a real Chromium, wide and narrow: what a person brings, paints over and gets."""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from studio.messages import GenerationRequest, Person
from studio.service import Studio
from tests.ui.browsing import IN_A_BROWSER, NARROW, PROMPT, WIDE, fits, generate, idle, serving
from tests.ui.house import studio_at

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = IN_A_BROWSER
BOTH = pytest.mark.parametrize("width", [WIDE, NARROW], ids=["1440", "390"])
SIZE = (600, 400)
DROP = """([address, name]) => fetch(address).then((answer) => answer.blob()).then((blob) => {
  const held = new DataTransfer();
  held.items.add(new File([blob], name, { type: blob.type }));
  document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: held }));
})"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A studio that is quick, with two models."""
    folder = tmp_path_factory.mktemp("studio")
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    return studio_at(folder, step_seconds=0.02, models=2)


def png(size: tuple[int, int] = SIZE, colour: str = "orange") -> bytes:
    """A picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def bring(page: Any, data: bytes, name: str = "mine.png") -> None:
    """Chooses a file in the fold, opening it first."""
    if not page.locator("#way").is_visible():
        page.locator("#start_fold .label-wrap").first.click()
    file = {"name": name, "mimeType": "image/png", "buffer": data}
    page.locator("#start [data-bring], #start_tools [data-bring]").first.set_input_files(file)


def drop(page: Any, data: bytes) -> None:
    """Drops a picture onto the page."""
    address = "data:image/png;base64," + base64.b64encode(data).decode()
    page.evaluate(DROP, [address, "dropped.png"])


def take(page: Any, way: str) -> None:
    """Chooses what is done with the picture."""
    page.locator("#way label", has_text=re.compile(rf"^\s*{way}\s*$")).click()


def last_request(studio: Studio) -> GenerationRequest:
    """What was asked for last."""
    return studio.jobs(studio.person(None, "en"), 1)[0].requests[0]


def paint_mask(page: Any, touch: bool) -> None:
    """Draws one short stroke across the middle of the easel."""
    box = page.locator(".efilm").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if touch:
        swipe(page, x, y)
        return
    page.mouse.move(x - 30, y)
    page.mouse.down()
    page.mouse.move(x + 30, y, steps=6)
    page.mouse.up()


def swipe(page: Any, x: float, y: float) -> None:
    """A finger that is drawn from left to right."""
    finger = page.context.new_cdp_session(page)
    for kind, at in (("touchStart", -30), ("touchMove", 0), ("touchMove", 30), ("touchEnd", None)):
        points = [] if at is None else [{"x": x + at, "y": y}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@BOTH
def test_paint_a_mask_and_generate_at_once(
    visit: Callable[..., Any], studio: Studio, width: dict[str, Any]
) -> None:
    page, narrow = visit(**width), width is NARROW
    page.fill(PROMPT, "a blue door")
    bring(page, png())
    expect(page.locator("#start .have")).to_be_visible()
    take(page, "Inpaint")
    expect(page.locator("#start_sum")).to_contain_text("no mask yet")
    page.get_by_role("button", name="Paint the mask").click()
    page.wait_for_selector(".easel .efilm")
    page.wait_for_function("document.querySelector('.eimage')?.naturalWidth > 0")
    paint_mask(page, narrow)
    assert not narrow or fits(page)
    generate(page)  # without "Done" first: the last stroke must be in it
    request = last_request(studio)
    assert request.mask is not None
    person = studio.person(None, "en")
    with Image.open(studio.input_file(request.mask.picture, person)) as mask:
        assert mask.size == SIZE
        grey = mask.convert("L")
        assert grey.getpixel((300, 200)) == 255
        assert grey.getpixel((5, 5)) == grey.getpixel((590, 390)) == 0
    assert page.locator(".easel").count() == 0
    expect(page.locator(".plate.on .recipe")).to_contain_text("inpaint 0.75")


@BOTH
def test_drop_a_picture_and_upscale_it(
    visit: Callable[..., Any], studio: Studio, width: dict[str, Any]
) -> None:
    page = visit(**width)
    drop(page, png((301, 200), "green"))
    expect(page.locator("#start .have")).to_be_visible()
    take(page, "Upscale")
    expect(page.locator("#start_says")).to_contain_text("301 × 200 becomes 602 × 400.")
    assert width is WIDE or fits(page)
    generate(page)
    expect(page.locator(".plate.on .recipe")).to_contain_text("2× · Lanczos")
    shown = "document.querySelector('.plate.on .shot img')"
    page.wait_for_function(f"{shown}.naturalWidth > 0")
    assert page.evaluate(f"[{shown}.naturalWidth, {shown}.naturalHeight]") == [602, 400]
    assert not last_request(studio).paints


@BOTH
def test_a_stop_keeps_the_last_preview_and_paints_again(
    visit: Callable[..., Any], tmp_path: Path, width: dict[str, Any]
) -> None:
    with serving(studio_at(tmp_path, step_seconds=0.4)) as slow:
        page = visit(to=slow, **width)
        page.fill(PROMPT, "stopped half way")
        page.locator(".go.idle").click()
        page.wait_for_selector(".plate.on .ring[aria-valuenow]:not([aria-valuenow='0'])")
        page.locator(".go.stop.busy").click()
        expect(page.locator(".plate.on")).to_contain_text("Stopped at step")
        preview = page.locator(".plate.on .shot img")
        expect(preview).to_be_visible()
        assert preview.get_attribute("src").startswith("data:image/jpeg")
        idle(page)
        page.get_by_role("button", name="Paint again").click()
        page.wait_for_selector(".plate.on .ring")


def test_the_size_follows_the_picture_and_a_refresh_keeps_it_all(visit: Callable[..., Any]) -> None:
    page = visit()
    bring(page, png((1000, 667)))
    expect(page.locator("#size label.selected")).to_contain_text("888×592")
    expect(page.locator("#start_says")).to_contain_text(
        "Your picture is 1000 × 667; the model takes 888 × 592."
    )
    page.fill("#strength input[type=number]", "0.35")
    page.press("#strength input[type=number]", "Tab")
    expect(page.locator("#start_sum")).to_contain_text("Redraw · 0.35")
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    expect(page.locator("#start_sum")).to_contain_text("Redraw · 0.35")
    expect(page.locator("#size label.selected")).to_contain_text("888×592")
    page.locator("#start_fold .label-wrap").first.click()
    page.locator("#start_tools [data-do=remove]").click()
    expect(page.locator("#start_sum")).to_contain_text("None")
    expect(page.locator("#size label")).to_have_count(5)


def test_a_picture_that_is_gone_is_dropped_with_a_word(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit()
    bring(page, png((320, 320), "purple"))
    expect(page.locator("#start_sum")).to_contain_text("Redraw")
    page.wait_for_function(
        "JSON.parse(localStorage['studio.form']).some((one) => /^[0-9a-f]{64}$/.test(one))"
    )
    digest = page.locator("#start .have").get_attribute("data-picture")
    studio.input_file(digest, studio.person(None, "en")).unlink()
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    expect(page.locator(".toast")).to_contain_text("taken out of the form")
    expect(page.locator("#start_sum")).to_contain_text("None")


def test_what_is_no_picture_is_refused_in_words(visit: Callable[..., Any]) -> None:
    page = visit()
    bring(page, b"hello", "letter.png")
    expect(page.locator(".toast")).to_contain_text("no picture that can be read")
    expect(page.locator("#start .bring")).to_be_visible()
    assert page.evaluate("document.body.dataset.bringing") == "no"


def test_generate_without_a_mask_says_what_to_do(visit: Callable[..., Any]) -> None:
    page = visit()
    bring(page, png())
    expect(page.get_by_role("group", name="What is done with the picture")).to_be_visible()
    take(page, "Inpaint")
    expect(page.locator("#start_sum")).to_contain_text("no mask yet")
    page.locator(".go.idle").click()
    expect(page.locator("#trouble")).to_contain_text("Paint over what should change")
    idle(page)


def test_outpaint_by_quick_buttons_and_by_the_frame(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit()
    bring(page, png((400, 400)))
    take(page, "Outpaint")
    page.get_by_role("button", name="Left and right").click()
    expect(page.locator("#grow_left input[type=number]")).to_have_value("96")
    page.get_by_role("button", name="Set the frame").click()
    page.wait_for_selector(".easel")
    expect(page.locator(".esum")).to_contain_text("592 × 400")
    page.fill("#grow_top input[type=number]", "40")
    page.press("#grow_top input[type=number]", "Tab")
    expect(page.locator(".esum")).to_contain_text("592 × 440")
    page.get_by_role("button", name="Done").click()
    generate(page)
    request = last_request(studio)
    assert request.outpaint is not None
    assert (request.outpaint.left, request.outpaint.right, request.outpaint.top) == (96, 96, 40)
    assert (request.width, request.height) == (592, 440)


def test_send_a_finished_picture_on_and_find_its_recipe_again(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    page.fill(PROMPT, "first of all")
    generate(page)
    page.locator(".sends [data-way=redraw]").click()
    expect(page.locator("#start_sum")).to_contain_text("Redraw")
    expect(page.locator("#start .have")).to_be_visible()
    page.fill("#strength input[type=number]", "0.45")
    page.press("#strength input[type=number]", "Tab")
    page.fill(PROMPT, "second, from the first")
    generate(page)
    expect(page.locator(".plate.on .recipe")).to_contain_text("redraw 0.45")
    start = last_request(studio).start
    assert start is not None
    page.locator("#start_tools [data-do=remove]").click()
    expect(page.locator("#start_sum")).to_contain_text("None")
    page.locator("#nav [role=tab]").nth(1).click()
    page.locator("#gallery .pc", has_text="second, from the first").first.click()
    page.get_by_role("button", name="Paint again from this recipe").click()
    expect(page.locator(PROMPT)).to_have_value("second, from the first")
    expect(page.locator("#start_sum")).to_contain_text("Redraw · 0.45")
    expect(page.locator("#start .have")).to_have_attribute("data-picture", start.picture)


def test_a_page_keeps_what_stands_in_its_form(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit()
    bring(page, png(colour="teal"))
    expect(page.locator("#start .have")).to_be_visible()
    digest = page.locator("#start .have").get_attribute("data-picture")
    page.wait_for_function("digest => localStorage['studio.form'].includes(digest)", arg=digest)
    with page.expect_response("**/api/inputs/held") as told:
        page.reload()
    assert digest in told.value.request.post_data_json["pictures"]
    assert told.value.json()["held"] >= 1


def test_start_from_a_picture_of_the_gallery(visit: Callable[..., Any]) -> None:
    page = visit()
    page.fill(PROMPT, "kept for later")
    generate(page)
    page.locator("#nav [role=tab]").nth(1).click()
    page.locator("#gallery .pc", has_text="kept for later").first.click()
    page.locator(".drawer").get_by_role("button", name="Start from it").click()
    page.wait_for_selector("body[data-page=create]")
    expect(page.locator("#start .have")).to_be_visible()


def test_variations_keep_the_picture_and_mix_other_seeds_in(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    page.fill(PROMPT, "one of a kind")
    generate(page)
    first = last_request(studio)
    page.locator(".sends [data-way=variations]").click()
    expect(page.locator(".toast")).to_contain_text("Four variations")
    expect(page.locator("#variation_weight input[type=number]")).to_have_value("0.2")
    generate(page)
    person: Person = studio.person(None, "en")
    requests = studio.jobs(person, 1)[0].requests
    assert len(requests) == 4
    assert {request.seed for request in requests} == {first.seed}
    assert len({request.variation.seed for request in requests if request.variation}) == 4


def test_hold_to_compare_shows_what_it_started_from(visit: Callable[..., Any]) -> None:
    page = visit()
    bring(page, png((512, 512), "red"))
    expect(page.locator("#start .have")).to_be_visible()
    generate(page)
    shot = page.locator(".plate.on .shot")
    expect(shot.locator("img.before")).to_be_hidden()
    page.get_by_role("button", name="Hold to compare").hover()
    page.mouse.down()
    expect(shot.locator("img.before")).to_be_visible()
    page.wait_for_function("document.querySelector('.plate.on img.before').naturalWidth === 512")
    seen = Image.open(io.BytesIO(shot.screenshot())).convert("RGB")
    red, green, blue = ImageStat.Stat(seen.resize((9, 9)).crop((3, 3, 6, 6))).mean
    assert red > 200 > 60 > max(green, blue)
    page.mouse.up()
    expect(shot.locator("img.before")).to_be_hidden()


def test_the_hires_pass_and_a_long_prompt_are_said_before_painting(visit: Callable[..., Any]) -> None:
    page = visit("zh-CN")
    page.fill(PROMPT, "cat " * 80 + "[red|blue]")
    expect(page.locator("#meter")).to_contain_text("/ 150")
    expect(page.locator("#meter s")).to_have_count(2)
    expect(page.locator("#remarks .told")).to_have_count(1)
    page.locator("#details_fold .label-wrap").first.click()
    page.locator("#hires label").click()
    expect(page.locator("#hires_says")).to_contain_text("1024 × 1024")
    expect(page.locator("#details_sum")).to_contain_text("高清修复")


def test_a_slider_under_the_keyboard_is_marked_where_nothing_cuts_the_mark_off(
    visit: Callable[..., Any],
) -> None:
    page = visit()
    page.locator("#details_fold .label-wrap").first.click()
    slider = page.locator("#steps input[type=range]")
    before = Image.open(io.BytesIO(slider.screenshot())).convert("L")
    page.focus("#steps input[type=number]")
    page.keyboard.press("Tab")
    expect(slider).to_be_focused()
    after = Image.open(io.BytesIO(slider.screenshot())).convert("L")
    left, _, right, _ = ImageChops.difference(before, after).getbbox() or (0, 0, 0, 0)
    assert 4 < right - left <= 20
