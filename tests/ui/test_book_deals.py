"""Wand, dice, whole prompts and blends on a bare page, asked of a studio's own routes with the whole book."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from studio.i18n import TABLES
from studio.spellbook import FORMULA, anatomy
from tests.spellbook.test_index import index
from tests.ui.book_page import Visit, app_with, chapter, chips, tag, visits
from tests.ui.browsing import IN_A_BROWSER, NARROW, PROMPT, fits, served
from tests.ui.house import studio_at

pytestmark = IN_A_BROWSER
FIGURE, BOOK = "#anatomy .bkdeal", "#book .bkdeal"
TYPED = "  A zorblax,,  watercolour ， "
BLEND = '("a cat", "a dog").blend(1, 2)'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deals")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """A page whose model blends."""
    with served(app_with(studio_at(folder))) as url:
        yield url


@pytest.fixture
def come(browser: Any, url: str) -> Iterator[Visit]:
    with visits(browser, url) as go:
        yield go


def deal(page: Any, name: str, where: str = FIGURE) -> None:
    page.locator(f"{where} [data-deal={name}]").first.click()


def dealt(page: Any, kind: str, where: str = FIGURE) -> None:
    page.wait_for_selector(f"{where} .dl[data-kind={kind}]")


def wave(page: Any) -> list[str]:
    page.click("[data-local=wand]")
    page.wait_for_selector(f"{FIGURE} .wc")
    return proposed(page)


def proposed(page: Any) -> list[str]:
    return list(page.locator(f"{FIGURE} .wc > span").all_inner_texts())


def seed(page: Any, where: str = FIGURE) -> str:
    return str(page.input_value(f"{where} input[data-deal=seed]"))


def type_seed(page: Any, text: str, where: str = FIGURE) -> None:
    with page.expect_response("**/api/book/*"):
        page.fill(f"{where} input[data-deal=seed]", text)
        page.keyboard.press("Enter")


def text(page: Any) -> str:
    return str(page.input_value(PROMPT))


# -- the wand -----------------------------------------------------------------------------------------


def test_the_wand_proposes_and_dismissing_it_changes_no_byte(come: Visit) -> None:
    page = come(typed=TYPED)
    lacking = anatomy(index(), TYPED).lacking
    offered = wave(page)
    elements = {place.element for place in index().places if place.spell.en in offered}
    assert elements <= set(lacking) and len(elements) >= 3
    assert text(page) == TYPED
    deal(page, "close")
    assert page.locator(".dl").count() == 0 and text(page) == TYPED


def test_what_is_accepted_goes_in_without_what_was_taken_out_of_it(come: Visit) -> None:
    page = come(typed=TYPED)
    offered = wave(page)
    page.locator(f"{FIGURE} .wc").first.click()
    assert proposed(page) == offered[1:] and text(page) == TYPED
    deal(page, "accept")
    assert sorted(chips(page)) == sorted(["watercolour", *offered[1:]])
    assert text(page).startswith("  A zorblax,,  watercolour ，") and offered[0] not in text(page)


def test_what_was_there_is_one_click_away_and_so_is_the_way_back(come: Visit) -> None:
    page = come(typed=TYPED)
    wave(page)
    deal(page, "accept")
    after = text(page)
    deal(page, "back")
    assert text(page) == TYPED
    deal(page, "back")
    assert text(page) == after
    page.locator("[data-tool=clear]").click()
    assert text(page) == TYPED, "what was typed is still known from what the wand brought"


def test_another_wave_proposes_others_and_a_seed_the_same_again(come: Visit) -> None:
    page = come(typed="a zorblax")
    first, number = wave(page), seed(page)
    with page.expect_response("**/api/book/wand"):
        deal(page, "again")
    page.wait_for_function(
        "([query, old]) => document.querySelector(query)?.value !== old",
        arg=[f"{FIGURE} input[data-deal=seed]", number],
    )
    assert proposed(page) != first
    type_seed(page, f" {number} ")
    page.wait_for_function(
        "([query, old]) => document.querySelector(query)?.textContent === old",
        arg=[f"{FIGURE} .wc > span", first[0]],
    )
    assert proposed(page) == first


def test_a_seed_that_is_no_number_is_put_back(come: Visit) -> None:
    page = come(typed="a zorblax")
    first, number = wave(page), seed(page)
    page.fill(f"{FIGURE} input[data-deal=seed]", "moon")
    page.keyboard.press("Enter")
    assert (seed(page), proposed(page)) == (number, first)


@pytest.mark.parametrize(("language", "table"), [("en-GB", "en"), ("zh-CN", "zh")])
def test_a_blend_takes_no_more_and_that_is_said(come: Visit, language: str, table: str) -> None:
    page = come(language, typed=BLEND)
    page.click("[data-local=wand]")
    dealt(page, "refused")
    assert page.locator(f"{FIGURE} b").inner_text() == TABLES[table]["error.blend_takes_no_more"]
    assert text(page) == BLEND


def test_the_dice_cannot_join_a_blend_and_say_so(come: Visit) -> None:
    page = come(typed=BLEND)
    chapter(page, "light")
    page.locator("[data-dice=light]").first.click()
    page.wait_for_selector(".toast")
    assert page.locator(".toast").inner_text() == TABLES["en"]["book.blend"] and text(page) == BLEND
    assert page.locator(f"{FIGURE} .dl").count() == 0


def test_where_nothing_is_lacking_the_wand_says_so(come: Visit) -> None:
    page = come(typed="red fox")
    wave(page)
    deal(page, "accept")
    page.click("[data-local=wand]")
    page.wait_for_function("document.querySelector('#anatomy .dl b')?.textContent === 'Nothing is lacking'")
    assert page.locator(".ana .present").count() == len(FORMULA)


def test_an_answer_that_does_not_come_loses_nothing(come: Visit) -> None:
    page = come(typed="red fox")
    page.route("**/api/book/wand", lambda route: route.abort())
    page.click("[data-local=wand]")
    dealt(page, "refused")
    assert page.locator(f"{FIGURE} b").inner_text() == TABLES["en"]["book.away"] and text(page) == "red fox"


# -- dice ---------------------------------------------------------------------------------------------


def in_chapter(words: list[str], id: str) -> list[str]:
    return [place.spell.en for place in index().sources[id] if place.spell.en in words]


def fell(page: Any, where: str, kind: str) -> list[str]:
    """What is chosen after a throw, once another seed than before stands there."""
    number = f"{BOOK} input[data-deal=seed]"
    before = page.input_value(number) if page.locator(number).count() else None
    page.locator(where).click()
    page.wait_for_function(
        "([at, old]) => ![null, undefined, old].includes(document.querySelector(at)?.value)",
        arg=[number, before],
    )
    dealt(page, kind, BOOK)
    return chips(page)


def throw(page: Any, where: str) -> list[str]:
    return fell(page, where, "dice")


def test_the_dice_of_a_chapter_throw_one_and_the_next_one_takes_its_place(come: Visit) -> None:
    page = come(typed="a zorblax")
    thrown = [throw(page, "[data-dice=light][data-of='']") for _ in range(4)]
    assert all(len(one) == 1 and in_chapter(one, "light") == one for one in thrown)
    assert all(one != other for one, other in pairwise(thrown))
    deal(page, "back", BOOK)
    assert text(page) == "a zorblax"


def test_the_dice_of_a_group_keep_to_it_and_to_their_seed(come: Visit) -> None:
    page = come(typed="a zorblax")
    (first,) = throw(page, "[data-dice=light][data-of=hour]")
    assert in_chapter([first], "light/hour") == [first]
    number = seed(page, BOOK)
    throw(page, "[data-dice=light][data-of=hour]")
    type_seed(page, number, BOOK)
    page.wait_for_function("old => document.querySelector('.ct .cb span').textContent === old", arg=first)
    assert text(page) == f"a zorblax, {first}"


def test_the_key_throws_the_dice_of_the_open_chapter(come: Visit) -> None:
    page = come(typed="a zorblax")
    chapter(page, "animals")
    page.locator(".bktag .tb").first.focus()
    page.keyboard.press("r")
    dealt(page, "dice", BOOK)
    assert in_chapter(chips(page), "animals")


# -- whole prompts ------------------------------------------------------------------------------------


def whole(page: Any) -> list[str]:
    return fell(page, ".bkhead [data-tool=dice]", "whole")


def test_a_whole_prompt_comes_again_with_its_seed(come: Visit) -> None:
    page = come(typed=TYPED)
    first, number = whole(page), seed(page, BOOK)
    assert text(page) == ", ".join(first) and len(first) >= 3
    assert whole(page) != first
    type_seed(page, number, BOOK)
    page.wait_for_function(
        "old => document.querySelector('#prompt textarea').value === old", arg=", ".join(first)
    )
    deal(page, "back", BOOK)
    assert text(page) == TYPED, "back to what was there before the first of them"


def test_what_is_locked_stays_with_its_weight(come: Visit) -> None:
    page = come(typed=TYPED)
    page.fill(".bkfind input", "giant panda")
    tag(page, "giant panda").locator(".tb").click()
    tag(page, "giant panda").locator("[data-by='1']").click()
    page.locator(".ct[data-key='giant panda'] .cb").focus()
    page.keyboard.press("l")
    for _ in range(3):
        assert "giant panda" in whole(page) and "watercolour" not in chips(page)[1:2]
        assert "(giant panda:1.05)" in text(page) and "zorblax" not in text(page)
    page.locator("[data-tool=lock-all]").click()
    before = sorted(chips(page))
    whole(page)
    assert set(before) <= set(chips(page))


def test_all_are_locked_and_unlocked_at_once(come: Visit) -> None:
    page = come(typed="red fox, watercolour")
    locks = page.locator(".cb .bi[style*='/lock.svg']")
    for count in (2, 0):
        page.locator("[data-tool=lock-all]").click()
        assert locks.count() == count


def test_clearing_the_prompt_by_the_dice_at_it_can_be_undone_there(come: Visit) -> None:
    page = come("zh-CN", typed="一只狗")
    page.click("[data-local=dice]")
    dealt(page, "whole")
    assert "一只狗" not in text(page)
    deal(page, "back")
    assert text(page) == "一只狗"


# -- blends -------------------------------------------------------------------------------------------


def blend(page: Any, first: str, second: str) -> None:
    page.locator(f".ct[data-key='{first}'] .cb").click()
    page.locator("[data-tool=blend]").click()
    page.locator(f".ct[data-key='{second}'] .cb").click()


def test_two_of_the_chosen_are_blended_in_proportion(come: Visit) -> None:
    page = come(typed='A "dog", red fox, giant panda, moonlight')
    blend(page, "red fox", "giant panda")
    first, second = r"A \"dog\", red fox, moonlight", r"A \"dog\", giant panda, moonlight"
    assert text(page) == f'("{first}", "{second}").blend(1, 1)'
    for _ in range(2):
        page.locator(f"{FIGURE} [data-deal=more][data-at='0']").click()
    page.locator(f"{FIGURE} [data-deal=more][data-at='1']").click()
    assert text(page) == f'("{first}", "{second}").blend(3, 2)'
    deal(page, "back")
    assert text(page) == 'A "dog", red fox, giant panda, moonlight'


def test_a_blend_can_be_given_up_before_the_second_is_chosen(come: Visit) -> None:
    page = come(typed="red fox, moonlight")
    page.locator(".ct[data-key='red fox'] .cb").click()
    page.locator("[data-tool=blend]").click()
    page.locator("[data-tool=no-blend]").click()
    page.locator(".ct[data-key=moonlight] .cb").click()
    assert text(page) == "red fox, moonlight" and page.locator(".bktools").count() == 1


def test_a_family_that_cannot_blend_says_so(browser: Any, folder: Path) -> None:
    with served(app_with(studio_at(folder), blends="no")) as url, visits(browser, url) as come:
        page = come(typed="red fox, moonlight")
        page.locator(".ct[data-key='red fox'] .cb").click()
        button = page.locator(".bktools button:disabled", has=page.locator(".bi[style*=blend]"))
        assert button.locator(".tip").inner_text() == "Test cannot blend phrases"


# -- in the hand --------------------------------------------------------------------------------------


def test_it_fits_a_telephone(come: Visit) -> None:
    page = come(typed="a zorblax", **NARROW)
    wave(page)
    assert fits(page)
    heights = page.locator(f"{FIGURE} button, {FIGURE} input").evaluate_all(
        "all => all.map(one => one.offsetHeight)"
    )
    assert min(heights) >= 40
    page.locator(f"{FIGURE} [data-deal=accept]").tap()
    page.locator(".bkhead [data-tool=dice]").tap()
    dealt(page, "whole", BOOK)
    assert fits(page)
