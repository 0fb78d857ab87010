"""The page in a real Chromium, on the fake engine: what a person does, seen as a person sees it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.ui.form import FIELDS
from tests.ui.browsing import IN_A_BROWSER, NARROW, PROMPT, fits, generate, idle, kept, opened, serving
from tests.ui.house import studio_at

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

pytestmark = IN_A_BROWSER


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio with two models that takes a second for a picture."""
    folder = tmp_path_factory.mktemp("studio")
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    with serving(studio_at(folder, step_seconds=0.05, models=2)) as url:
        yield url


def paint(page: Any, prompt: str) -> None:
    """Paints one picture and waits for it."""
    page.fill(PROMPT, prompt)
    page.press(PROMPT, "Control+Enter")
    page.wait_for_selector("body:not([data-busy=no])")
    idle(page)


def test_type_watch_stop_and_generate_again(visit: Callable[..., Any], tmp_path: Path) -> None:
    with serving(studio_at(tmp_path, step_seconds=0.25)) as slow:
        _watch_and_stop(visit(to=slow))


def _watch_and_stop(page: Any) -> None:
    page.fill(PROMPT, "an orange cat <script>alert(1)</script>")
    expect(page.locator("#meter")).to_contain_text("/ 75")
    page.press(PROMPT, "Control+Enter")
    page.wait_for_selector(".plate.on .ring[aria-valuenow]:not([aria-valuenow='0'])")
    expect(page.locator(".plate.on .shot img")).to_have_attribute("src", re.compile("^data:image/jpeg"))
    page.keyboard.press("Escape")
    expect(page.locator(".plate.on")).to_contain_text("Stopped at step")
    idle(page)
    page.get_by_role("button", name="Paint again").click()
    page.wait_for_selector("body:not([data-busy=no])")
    idle(page)
    picture = page.locator(".plate.on .shot img")
    expect(picture).to_have_attribute("src", _is_picture())
    page.wait_for_function("document.querySelector('.plate.on .shot img').naturalWidth === 512")
    expect(page.locator(".plate.on .recipe")).to_contain_text("<script>alert(1)</script>")


def _is_picture() -> Any:
    return re.compile(r"^pictures/.+\.png$")


def test_several_pictures_skipping_and_queueing_another(visit: Callable[..., Any], tmp_path: Path) -> None:
    # Slow enough for every click to come before what it is about is over, on a busy machine too.
    with serving(studio_at(tmp_path, step_seconds=0.2)) as slow:
        skip_and_queue(visit(to=slow))


def skip_and_queue(page: Any) -> None:
    """Skips one of three pictures, queues another job and takes it out of the line again."""
    page.fill(PROMPT, "far hills")
    page.locator("#count label", has_text="3").click()
    page.press(PROMPT, "Control+Enter")
    page.wait_for_selector(".plate.on .ring")
    expect(page.locator(".sb")).to_have_count(3)
    # Whichever is being painted when the click arrives is skipped: on a busy machine not always the first.
    page.locator("#foot").get_by_role("button", name="Skip this one").click()
    expect(page.locator(".sb", has_text="skipped")).to_have_count(1, timeout=30_000)
    page.locator("#foot").get_by_role("button", name="Queue another").click()
    expect(page.locator(".pill")).to_contain_text("Your next one")
    first = page.locator("#stage .stage").get_attribute("data-job")
    page.locator(".pill button").click()
    expect(page.locator(".pill")).to_have_count(0)
    idle(page)
    assert page.locator("#stage .stage").get_attribute("data-job") == first
    page.locator(".sb:not(:has-text('skipped'))").last.click()
    expect(page.locator(".plate.on")).to_contain_text(re.compile(r"Picture [123] of 3"))


def test_close_the_page_in_mid_run_and_find_the_picture(visit: Callable[..., Any], tmp_path: Path) -> None:
    with serving(studio_at(tmp_path, step_seconds=0.15)) as slow:
        _leave_and_come_back(visit(to=slow), slow)


def _leave_and_come_back(page: Any, url: str) -> None:
    page.fill(PROMPT, "a fish at sea, found again")
    page.locator("#count label", has_text="4").click()
    page.press(PROMPT, "Control+Enter")
    page.wait_for_selector(".plate.on .ring")
    context = page.context
    page.close()
    back = opened(context, url)
    back.wait_for_selector(".plate.on .ring")
    assert back.input_value(PROMPT) == "a fish at sea, found again"
    back.close()
    time.sleep(2)
    found = opened(context, url)
    idle(found)
    expect(found.locator(".plate.on .recipe")).to_contain_text("a fish at sea, found again")
    expect(found.locator(".plate.on .shot img")).to_have_attribute("src", _is_picture())
    expect(found.locator(".sb img[src^=pictures]")).to_have_count(4)


def test_the_language_changes_without_losing_a_letter(visit: Callable[..., Any]) -> None:
    page = visit()
    page.fill(PROMPT, "half a wor")
    page.get_by_role("button", name="中", exact=True).click()
    expect(page.locator("#foot")).to_contain_text("生成")
    expect(page.locator("#nav")).to_contain_text("画廊")
    expect(page.locator("#details_fold")).to_contain_text("参数")
    assert page.input_value(PROMPT) == "half a wor"
    page.locator(PROMPT).press_sequentially("d")
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    expect(page.locator("#negative_fold")).to_contain_text("负面咒语")
    assert page.input_value(PROMPT) == "half a word"


@pytest.mark.parametrize("spoken", ["zh", "zh-Hans-CN"])
def test_it_begins_in_the_browsers_language(visit: Callable[..., Any], spoken: str) -> None:
    page = visit(spoken)
    expect(page.locator("#details_fold")).to_contain_text("参数")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"


def test_a_refresh_keeps_the_form(visit: Callable[..., Any]) -> None:
    page = visit()
    page.fill(PROMPT, "kept over a refresh")
    page.locator("#size label", has_text="16:9").click()
    page.locator("#count label", has_text="2").click()
    page.locator("#details_fold .label-wrap").click()
    page.fill("#steps input[type=number]", "7")
    page.press("#steps input[type=number]", "Tab")
    page.fill("#seed input", "4711")
    page.press("#seed input", "Tab")
    expect(page.locator("#size_label")).to_contain_text("680 × 384")
    expect(page.locator("#details_sum")).to_contain_text("7 steps")
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    expect(page.locator("#details_sum")).to_contain_text("7 steps")
    expect(page.locator("#size_label")).to_contain_text("680 × 384")
    assert page.input_value(PROMPT) == "kept over a refresh"
    assert page.locator("#count label.selected").inner_text() == "2"


def test_what_is_typed_last_outlives_a_refresh(visit: Callable[..., Any]) -> None:
    page = visit()
    page.locator("#negative_fold .label-wrap").click()
    page.fill(PROMPT, "heard")
    kept(page, 1, "heard")
    fields = {PROMPT: "a prompt that nobody heard of", "#negative textarea": "nor of this one"}
    for field, typed in fields.items():
        page.locator(field).evaluate("(field, typed) => { field.value = typed; }", typed)
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    assert page.input_value(PROMPT) == fields[PROMPT]
    assert page.evaluate("studio.kept()[2]") == "nor of this one"


def test_a_negative_counts_as_was_chosen_and_the_picture_says_so(visit: Callable[..., Any]) -> None:
    page = visit()
    page.locator("#negative_fold .label-wrap").click()
    chosen = page.locator("#negative_counts label.selected")
    expect(chosen).to_have_text("All of it")
    page.fill("#negative textarea", "blurry")
    page.locator("#negative_counts label", has_text="As needed").click()
    paint(page, "a cat")
    expect(page.locator(".plate.on .recipe")).to_contain_text(re.compile("Negative counts.*As needed"))
    kept(page, FIELDS.index("negative_counts"), "needed")
    page.reload()
    page.locator("#negative_fold .label-wrap").click()
    expect(chosen).to_have_text("As needed")


def test_a_starter_fills_prompt_and_seed_and_another_model_brings_its_numbers(
    visit: Callable[..., Any],
) -> None:
    page = visit()
    page.get_by_role("button", name="Fish at sea").click()
    expect(page.locator(PROMPT)).to_have_value(
        "flat illustration of an orange fish in the blue sea, sun, clear sky"
    )
    page.locator("[data-local=menu]").click()
    page.get_by_role("menuitemradio", name="Large").click()
    expect(page.locator("#size_label")).to_contain_text("768 × 768")
    expect(page.locator("#tools .chip")).to_contain_text("Large")
    assert "orange fish" in page.input_value(PROMPT)


def test_gallery_open_walk_delete_and_paint_again(visit: Callable[..., Any]) -> None:
    page = visit()
    for prompt in ("first of two", "second of two"):
        paint(page, prompt)
    page.fill(PROMPT, "something else")
    page.keyboard.press("Tab")
    page.locator("#nav [role=tab]").nth(1).click()
    cards = page.locator("#gallery .pc")
    expect(cards.first).to_contain_text("second of two")
    count = cards.count()
    cards.first.click()
    expect(page.locator(".drawer")).to_contain_text("second of two")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".drawer")).to_contain_text("first of two")
    page.get_by_role("button", name="Paint again from this recipe").click()
    expect(page.locator(PROMPT)).to_have_value("first of two")
    assert page.evaluate("document.body.dataset.busy") == "no"
    page.locator("#stage .sb, #stage [tabindex], #stage button").first.focus()
    with page.expect_download() as loaded:
        page.keyboard.press("d")
    shown = page.locator("#stage .plate.on a[download]").get_attribute("href")
    assert loaded.value.url.endswith(shown), "what is on the stage, not what was open in the gallery"
    page.locator("#nav [role=tab]").nth(1).click()
    cards.first.click()
    page.locator(".drawer [data-local=delete]").click()
    page.get_by_role("button", name="Keep it").click()
    expect(cards).to_have_count(count)
    page.locator(".drawer [data-local=delete]").click()
    page.locator("dialog.ask .ask-yes").click()
    expect(cards).to_have_count(count - 1)
    expect(cards.first).to_contain_text("first of two")
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_be_hidden()


def test_no_letter_acts_while_somebody_types_or_composes(visit: Callable[..., Any]) -> None:
    page = visit()
    page.locator(PROMPT).press_sequentially("gg gc d")
    assert page.evaluate("document.body.dataset.page") == "create"
    composing = (
        "new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, bubbles: true, isComposing: true})"
    )
    page.evaluate(f"document.querySelector('{PROMPT}').dispatchEvent({composing})")
    assert page.evaluate("document.body.dataset.busy") == "no"
    page.locator("#nav [role=tab]").first.focus()
    page.keyboard.press("g")
    page.keyboard.press("g")
    page.wait_for_selector("body[data-page=gallery]")


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_a_telephone_needs_no_sideways_scrolling(visit: Callable[..., Any], language: str) -> None:
    page = visit(language, **NARROW)
    page.fill(PROMPT, "a cherry tree on a hill, in a long prompt that needs more than one line")
    page.locator("#details_fold .label-wrap").tap()
    assert fits(page)
    page.locator(".go.idle").tap()
    page.wait_for_selector("body[data-page=picture]")
    idle(page)
    expect(page.locator(".plate.on .shot img")).to_be_visible()
    assert fits(page)
    page.locator(".mnav [data-page=gallery]").tap()
    page.locator("#gallery .pc").first.tap()
    expect(page.locator(".drawer")).to_be_visible()
    assert fits(page)
    page.locator(".drawer .shut").tap()
    page.locator(".mnav [data-page=create]").tap()
    expect(page.locator(".result")).to_be_visible()
    expect(page.locator(".go.idle")).to_be_visible()
    assert fits(page)


def test_dark_and_light(visit: Callable[..., Any]) -> None:
    page = visit(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 18, 16)"
    page.locator(".theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(248, 244, 237)"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_a_restart_in_mid_run_is_told_and_the_rest_is_painted(
    visit: Callable[..., Any], tmp_path: Path
) -> None:
    with serving(studio_at(tmp_path, step_seconds=0.2)) as url:
        page = visit(to=url)
        page.fill(PROMPT, "before and after")
        page.locator("#count label", has_text="2").click()
        page.press(PROMPT, "Control+Enter")
        page.wait_for_selector(".sb img[src^=pictures]")
    expect(page.locator("#lost")).to_be_visible(timeout=12000)
    with serving(studio_at(tmp_path, step_seconds=0.05), port=int(url.split(":")[2].strip("/"))):
        page.get_by_role("button", name="Try now").click()
        expect(page.locator(".plate.on")).to_contain_text("This was interrupted", timeout=12000)
        assert page.input_value(PROMPT) == "before and after"
        page.get_by_role("button", name="Paint the rest").click()
        expect(page.locator(".sb img[src^=pictures]")).to_have_count(2)
        idle(page)


def test_the_gallery_of_a_phone_shows_what_was_painted_since_it_was_left(visit: Callable[..., Any]) -> None:
    page = visit(**NARROW)
    for fruit in ("apple", "pear"):
        page.locator("[data-local=go][data-page=create]:visible").click()
        page.fill(PROMPT, f"one {fruit}")
        generate(page)
        page.locator("[data-local=go][data-page=gallery]:visible").click()
        expect(page.locator("#gallery .pc").first).to_contain_text(f"one {fruit}")
