"""The book's tab in a real Chromium, on a page with nothing but two prompts: clicks, search, order, the figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.ui.book_page import Visit, app_of, chapter, chips, tag, visits
from tests.ui.browsing import IN_A_BROWSER, NARROW, fits, served
from tests.ui.small_book import BOOK

pytestmark = IN_A_BROWSER
PROMPT, NEGATIVE, SEARCH = "#prompt textarea", "#negative textarea", ".bkfind input"


@pytest.fixture(scope="module")
def english() -> Iterator[str]:
    """The page with a model that reads English alone."""
    with served(app_of(BOOK, "en")) as url:
        yield url


@pytest.fixture(scope="module")
def bilingual() -> Iterator[str]:
    """The page with a model that reads both languages."""
    with served(app_of(BOOK, "en zh")) as url:
        yield url


@pytest.fixture
def come(browser: Any, english: str) -> Iterator[Visit]:
    """Opens the page as a new visitor."""
    with visits(browser, english) as go:
        yield go


def lit(page: Any) -> list[str]:
    return list(page.locator(".bktag.on .tb > span").all_inner_texts())


# -- clicks -------------------------------------------------------------------------------------------


def test_a_click_puts_a_spell_in_and_another_takes_exactly_it_out(come: Visit) -> None:
    page = come(typed="A dog,  asleep ")
    tag(page, "soft light").locator(".tb").click()
    assert page.input_value(PROMPT) == "A dog,  asleep, soft light " and lit(page) == ["soft light"]
    tag(page, "soft light").locator(".tb").click()
    assert page.input_value(PROMPT) == "A dog,  asleep " and lit(page) == []


@pytest.mark.parametrize("kept", ['{"parts": {"prompt": [null, 7]}}', '{"parts": 7, "open": []}', "[]", "7"])
def test_what_a_browser_kept_badly_does_not_keep_the_book_shut(come: Visit, kept: str) -> None:
    page = come()
    page.evaluate("kept => { localStorage['studio.book'] = kept; }", kept)
    page.reload()
    page.wait_for_selector("body[data-book=yes]")
    tag(page, "soft light").locator(".tb").click()
    assert page.input_value(PROMPT) == "soft light"


def test_the_weight_is_set_by_buttons_by_keys_and_by_shift(come: Visit) -> None:
    page = come(typed="a dog")
    tag(page, "golden hour").locator(".tb").click()
    tag(page, "golden hour").locator("[data-by='1']").click()
    page.keyboard.press("+")
    assert page.input_value(PROMPT) == "a dog, (golden hour:1.1)"
    tag(page, "golden hour").locator(".tb").click(modifiers=["Shift"])
    assert page.input_value(PROMPT) == "a dog, (golden hour:1.15)"
    for _ in range(3):
        tag(page, "golden hour").locator("[data-by='-1']").click()
    assert page.input_value(PROMPT) == "a dog, golden hour"


def test_a_weight_stops_at_both_ends(come: Visit) -> None:
    page = come(typed="(golden hour:1.55)")
    tag(page, "golden hour").hover()
    tag(page, "golden hour").locator("[data-by='1']").click()
    assert page.input_value(PROMPT) == "(golden hour:1.6)"
    assert tag(page, "golden hour").locator("[data-by='1']").is_disabled()
    page.fill(PROMPT, "(golden hour:0.5)")
    assert tag(page, "golden hour").locator("[data-by='-1']").is_disabled()


@pytest.mark.parametrize(("typed", "key"), [("(golden hour: 2)", "+"), ("(golden hour:0.3)", "-")])
def test_a_weight_typed_beyond_the_scale_is_not_brought_back_by_going_on(
    come: Visit, typed: str, key: str
) -> None:
    page = come(typed=typed)
    tag(page, "golden hour").locator(".tb").focus()
    page.keyboard.press(key)
    assert page.input_value(PROMPT) == typed


def test_what_is_typed_by_hand_lights_up_in_both_languages(come: Visit) -> None:
    page = come()
    page.locator(PROMPT).press_sequentially("Soft Light，金色时刻, hard lights")
    assert lit(page) == ["soft light", "golden hour"]
    page.fill(PROMPT, "a dog in soft light on the beach")
    assert lit(page) == [] and tag(page, "soft light").get_attribute("data-mark") == "said"


def test_a_spell_goes_in_as_text_that_the_model_reads(come: Visit, bilingual: str) -> None:
    page = come("zh-CN", typed="一只狗")
    tag(page, "软光").locator(".tb").click()
    assert page.input_value(PROMPT) == "一只狗, soft light"
    page = come("zh-CN", to=bilingual, typed="一只狗")
    tag(page, "软光").locator(".tb").click()
    assert page.input_value(PROMPT) == "一只狗，柔和的光线"
    page = come("en-GB", to=bilingual, typed="a dog")
    tag(page, "soft light").locator(".tb").click()
    assert page.input_value(PROMPT) == "a dog, soft light"


def test_a_spell_of_a_negative_chapter_goes_to_the_other_side(come: Visit) -> None:
    page = come(typed="a dog")
    page.fill(NEGATIVE, "(lowres, low quality:1.2)")
    chapter(page, "quality")
    assert lit(page) == ["lowres", "low quality"]
    tag(page, "worst quality").locator(".tb").click()
    assert page.input_value(NEGATIVE) == "(lowres, low quality:1.2), worst quality"
    tag(page, "lowres").locator(".tb").click()
    assert page.input_value(NEGATIVE) == "(low quality:1.2), worst quality"
    assert page.input_value(PROMPT) == "a dog"


def test_a_second_one_of_a_kind_offers_to_replace_the_first(come: Visit) -> None:
    page = come(typed="a dog")
    for words in ("soft light", "hard light"):
        tag(page, words).locator(".tb").click()
    assert page.locator(".bkoffer").inner_text().startswith("hard light in place of soft light?")
    page.locator("[data-tool=both]").click()
    assert (
        page.input_value(PROMPT) == "a dog, soft light, hard light" and not page.locator(".bkoffer").count()
    )
    tag(page, "soft light").locator(".tb").click()
    tag(page, "soft light").locator(".tb").click()
    page.locator("[data-tool=replace]").click()
    assert page.input_value(PROMPT) == "a dog, soft light" and lit(page) == ["soft light"]


def test_a_blend_stays_the_whole_prompt(come: Visit) -> None:
    page = come(typed='("a dog", "a cat").blend(1, 2)')
    tag(page, "soft light").locator(".tb").click()
    assert page.input_value(PROMPT) == '("a dog", "a cat").blend(1, 2)'
    assert "blend" in page.locator(".toast").inner_text()


# -- the search -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted", ["soft light", "SOFT-L", "软光", "柔光", "ruanguang", "ruan g", "rg", "gentle"]
)
def test_spells_are_found_as_one_types_in_both_languages_and_by_their_sound(come: Visit, wanted: str) -> None:
    page = come()
    chapter(page, "animals")
    page.locator(SEARCH).press_sequentially(wanted)
    assert page.locator(".bktag .tb > span").first.inner_text() == "soft light"
    page.keyboard.press("Enter")
    assert page.input_value(PROMPT) == "soft light"
    page.keyboard.press("Escape")
    assert (
        page.input_value(SEARCH) == "" and page.locator("[data-chapter=animals][aria-current=true]").count()
    )


def test_a_search_without_an_answer_says_so_and_shows_no_markup(come: Visit) -> None:
    page = come()
    page.fill(SEARCH, "<b>no</b>")
    assert "<b>no</b>" in page.locator(".bknone").inner_text()


def test_the_slash_goes_to_the_search_but_never_while_typing(come: Visit) -> None:
    page = come()
    page.locator(PROMPT).press_sequentially("a/b")
    assert page.input_value(PROMPT) == "a/b"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    page.wait_for_function("document.activeElement.matches('.bkfind input')")
    assert page.input_value(SEARCH) == ""


# -- what is chosen ---------------------------------------------------------------------------------------


def filled(page: Any) -> None:
    """Three spells, clicked in another order than the formula's."""
    tag(page, "golden hour").locator(".tb").click()
    tag(page, "soft light").locator(".tb").click()
    chapter(page, "animals")
    tag(page, "cat").locator(".tb").click()


def test_the_chosen_stand_in_the_formulas_order(come: Visit) -> None:
    page = come(typed="x")
    filled(page)
    assert chips(page) == ["cat", "golden hour", "soft light"]
    assert page.input_value(PROMPT) == "x, cat, golden hour, soft light"


def test_a_chosen_one_is_dragged_to_another_place(come: Visit) -> None:
    page = come(typed="x")
    filled(page)
    first, last = (page.locator(".ct").nth(at).bounding_box() for at in (0, 2))
    page.mouse.move(first["x"] + 30, first["y"] + 14)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] - 4, last["y"] + 14, steps=12)
    assert page.locator(".ct.drag").count() == 1
    page.mouse.up()
    assert page.input_value(PROMPT) == "x, golden hour, soft light, cat"
    assert page.locator(".bktools").count() == 0, "a drag is no click"


def test_a_chosen_one_is_moved_weighed_and_taken_out_by_keys(come: Visit) -> None:
    page = come(typed="x")
    filled(page)
    page.locator(".ct .cb").nth(2).focus()
    page.keyboard.press("Alt+ArrowLeft")
    page.keyboard.press("Alt+ArrowUp")
    assert chips(page) == ["soft light", "cat", "golden hour"]
    page.keyboard.press("-")
    assert page.input_value(PROMPT) == "x, (soft light:0.95), cat, golden hour"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")
    assert page.input_value(PROMPT) == "x, (soft light:0.95), golden hour"
    assert page.evaluate("document.activeElement.closest('.ct').dataset.key") == "soft light"


def test_a_chosen_one_goes_to_the_negative_side_and_back(come: Visit) -> None:
    page = come(typed="x")
    filled(page)
    page.fill(NEGATIVE, "blurry")
    page.locator(".ct .cb").nth(0).click()
    page.locator("[data-tool=across]").click()
    assert page.input_value(PROMPT) == "x, golden hour, soft light"
    assert page.input_value(NEGATIVE) == "blurry, cat" and chips(page, "negative") == ["cat"]
    page.locator(".ct[data-side=negative] .cb").click()
    page.locator("[data-tool=across]").click()
    assert page.input_value(NEGATIVE) == "blurry" and "cat" in page.input_value(PROMPT)


def test_its_weight_goes_to_the_other_side_with_it_and_what_was_typed_comes_back_as_it_was(
    come: Visit,
) -> None:
    page = come(typed="(cat : 1.2), x")
    page.locator(".ct[data-key=cat] .cb").click()
    page.locator("[data-tool=across]").click()
    assert (page.input_value(PROMPT), page.input_value(NEGATIVE)) == ("x", "(cat:1.2)")
    page.locator(".ct[data-side=negative] .cb").click()
    page.locator("[data-tool=across]").click()
    assert (page.input_value(PROMPT), page.input_value(NEGATIVE)) == ("(cat : 1.2), x", "")


def test_clearing_leaves_what_was_typed_and_what_is_locked(come: Visit) -> None:
    page = come(typed="hard light, x")
    filled(page)
    page.locator(".ct[data-key=cat] .cb").focus()
    page.keyboard.press("l")
    page.locator("[data-tool=clear]").click()
    assert page.input_value(PROMPT) == "hard light, x, cat"
    assert page.locator("[data-tool=clear]").count() == 0, "nothing is left to clear"


def test_what_clearing_took_is_one_click_away_with_its_weights(come: Visit) -> None:
    page = come(typed="x")
    filled(page)
    page.locator(".ct[data-key='golden hour'] .cb").focus()
    page.keyboard.press("+")
    before = page.input_value(PROMPT)
    assert "(golden hour:1.05)" in before
    page.locator("[data-tool=clear]").click()
    assert page.input_value(PROMPT) == "x"
    page.locator("#book [data-deal=back]").click()
    assert page.input_value(PROMPT) == before


def test_the_next_visit_still_knows_what_was_clicked(come: Visit) -> None:
    page = come(typed="x,")
    filled(page)
    page.evaluate("text => sessionStorage.setItem('text', text)", page.input_value(PROMPT))
    page.add_init_script(
        "addEventListener('DOMContentLoaded', () => {"
        "document.querySelector('#prompt textarea').value = sessionStorage.getItem('text') });"
    )
    page.reload()
    page.wait_for_selector("body[data-book=yes]")
    page.locator("[data-tool=clear]").click()
    assert page.input_value(PROMPT) == "x,"


# -- the figure -------------------------------------------------------------------------------------------


def present(page: Any) -> list[str]:
    return list(page.locator(".ana .present").evaluate_all("all => all.map(one => one.dataset.element)"))


def test_the_figure_shows_what_is_there_and_offers_one_thing_at_a_time(come: Visit) -> None:
    page = come()
    assert present(page) == [] and page.locator(".hint span").first.inner_text() == ""
    page.fill(PROMPT, "two cats")
    assert present(page) == ["subject"]
    assert page.locator(".hint").inner_text().startswith("No lighting yet. Try")
    page.locator("[data-hint=try]").click()
    assert page.input_value(PROMPT) == "two cats, soft light" and present(page) == ["subject", "light"]
    assert page.locator("[data-hint=try]").count() == 0


def test_a_hint_that_was_dismissed_stays_away(come: Visit) -> None:
    page = come(typed="two cats")
    page.locator("[data-hint=dismiss]").click()
    page.reload()
    page.wait_for_selector("body[data-book=yes]")
    page.fill(PROMPT, "two cats")
    assert present(page) == ["subject"] and page.locator("[data-hint=try]").count() == 0
    page.locator("[data-hint=off]").click()
    assert page.locator(".ana").count() == 0
    page.locator("[data-hint=on]").click()
    assert page.locator("[data-hint=try]").count() == 1


def test_a_sign_of_the_figure_opens_its_chapter(come: Visit) -> None:
    page = come("zh-CN")
    page.locator(".ana [data-element=subject]").click()
    assert page.locator("[data-chapter=animals][aria-current=true]").count() == 1
    assert page.locator(".bktag .tb > span").first.inner_text() == "猫"


# -- in the hand ------------------------------------------------------------------------------------------


def test_it_works_in_the_hand(come: Visit) -> None:
    page = come(typed="x", **NARROW)
    assert fits(page)
    tag(page, "golden hour").locator(".tb").tap()
    tag(page, "golden hour").locator("[data-by='1']").tap()
    assert page.input_value(PROMPT) == "x, (golden hour:1.05)" and fits(page)
    page.locator(".ct .cb").tap()
    page.locator("[data-tool=remove]").tap()
    assert page.input_value(PROMPT) == "x" and fits(page)
    sizes = page.locator(".bktag .tb, .bknav button").evaluate_all("all => all.map(one => one.offsetHeight)")
    assert min(sizes) >= 38


def test_speaking_the_other_language_changes_no_prompt(come: Visit) -> None:
    page = come(typed="x")
    filled(page)
    text = page.input_value(PROMPT)
    page.evaluate("document.documentElement.dataset.lang = 'zh'")
    page.wait_for_function("document.querySelector('.ct .cb span').textContent === '猫'")
    assert page.input_value(PROMPT) == text and chips(page) == ["猫", "金色时刻", "软光"]
