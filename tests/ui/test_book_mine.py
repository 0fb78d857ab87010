"""One's own spells, styles and scenes, stars and what was used last, on a bare page with a studio's own routes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.i18n import TABLES
from studio.messages import Person
from studio.service import Studio
from tests.ui.book_page import Visit, app_with, chapter, chips, tag, visits
from tests.ui.browsing import IN_A_BROWSER, NARROW, PROMPT, comes, fits, served
from tests.ui.house import studio_at
from tests.worlds import until

pytestmark = IN_A_BROWSER
ANN = Person(id="local", role="admin")
NEGATIVE, FORM, OWN = "#negative textarea", ".bkform", ".bktag.own"
BLEND = '("a cat", "a dog").blend(1, 2)'
MINE, FAVOURITES, RECENT = "~mine", "~favourites", "~recent"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return studio_at(tmp_path_factory.mktemp("mine"))


@pytest.fixture(scope="module")
def url(studio: Studio) -> Iterator[str]:
    with served(app_with(studio)) as url:
        yield url


@pytest.fixture
def come(browser: Any, url: str, studio: Studio) -> Iterator[Visit]:
    """A page of somebody who has nothing of their own yet."""
    for item in studio.own_book(ANN).items:
        studio.delete_own(item.id, ANN)
    for key in studio.own_book(ANN).favourites:
        studio.favourite(key, False, ANN)
    with visits(browser, url) as go:
        yield go


def add(page: Any, name: str, kind: str = "spells") -> None:
    """Saves what stands in the prompt."""
    chapter(page, MINE)
    page.click("[data-mine=add]")
    page.click(f"{FORM} [data-kind={kind}]")
    page.fill(f"{FORM} [name=name]", name)


def save(page: Any) -> None:
    page.click(f"{FORM} [type=submit]")
    page.wait_for_selector(FORM, state="detached")


def text(page: Any) -> str:
    return str(page.input_value(PROMPT))


# -- the sheet ----------------------------------------------------------------------------------------


def test_what_was_typed_into_the_sheet_outlives_another_language_and_a_search(come: Visit) -> None:
    page = come(typed="red fox")
    add(page, "Half a na")
    page.fill(f"{FORM} textarea[name=prompt]", "a whole new fox")
    page.focus(f"{FORM} [name=name]")
    page.evaluate("document.documentElement.dataset.lang = 'zh'")
    page.wait_for_selector(f"{FORM} [type=submit]:has-text('{TABLES['zh']['book.keep']}')")
    page.keyboard.type("me")
    page.fill(".bkfind input", "x")
    page.fill(".bkfind input", "")
    assert page.input_value(f"{FORM} [name=name]") == "Half a name"
    assert page.input_value(f"{FORM} textarea[name=prompt]") == "a whole new fox"


def test_a_second_press_before_the_answer_keeps_nothing_twice(come: Visit, studio: Studio) -> None:
    page = come(typed="red fox")
    add(page, "Fox")
    page.evaluate("for (const turn of [1, 2]) document.querySelector('.bkform').requestSubmit()")
    page.wait_for_selector(FORM, state="detached")
    page.locator(OWN).hover()
    page.locator(f"{OWN} [data-mine=edit]").click()
    page.click(f"{FORM} [data-mine=delete]")
    page.wait_for_selector("#book .dl[data-kind=deleted]")
    assert studio.own_book(ANN).spells == ()
    page.evaluate("for (const turn of [1, 2]) document.querySelector('#book [data-deal=restore]').click()")
    page.wait_for_selector("#book .dl", state="detached")
    assert len(studio.own_book(ANN).spells) == 1


# -- spells -------------------------------------------------------------------------------------------


def test_a_prompt_is_saved_and_comes_back_with_one_click(come: Visit, studio: Studio) -> None:
    page = come(typed="red fox, (moonlight:1.2), a zorblax")
    page.fill(NEGATIVE, "lowres")
    add(page, "Night fox")
    save(page)
    (spell,) = studio.own_book(ANN).spells
    assert (spell.name, spell.prompt.en) == ("Night fox", "red fox, (moonlight:1.2), a zorblax")
    assert page.locator(f"{OWN}.on small").inner_text() == "3 spells"
    page.reload()
    page.wait_for_selector("body[data-book=yes]")
    page.fill(PROMPT, "x")
    page.locator(f"{OWN} .tb").click()
    assert sorted(text(page).split(", ")) == ["(moonlight:1.2)", "a zorblax", "red fox", "x"]
    page.locator(f"{OWN} .tb").click()
    assert text(page) == "x"


def test_only_what_is_selected_is_saved(come: Visit, studio: Studio) -> None:
    page = come("zh-CN", typed="一只狗，月光，油画")
    page.locator(PROMPT).evaluate("field => field.setSelectionRange(4, 6)")
    add(page, "月色")
    assert page.input_value(f"{FORM} [name=prompt]") == "月光"
    save(page)
    assert studio.own_book(ANN).spells[0].prompt.zh == "月光"
    for sound in ("yuese", "ys"):
        page.fill(".bkfind input", sound)
        page.locator(f"{OWN} .tb").wait_for()
    assert text(page) == "一只狗，月光，油画"


@pytest.mark.parametrize("words", ["{red|blue} hat, x", "(a, b:1.2) BREAK c"])
def test_what_is_more_than_phrases_goes_in_and_out_as_it_stands(
    come: Visit, studio: Studio, words: str
) -> None:
    studio.keep_own_written("spells", {"name": "Odd", "prompt": {"en": words}}, ANN)
    page = come(typed=" A dog")
    chapter(page, MINE)
    page.locator(f"{OWN} .tb").click()
    assert text(page) == f" A dog, {words}" and page.locator(f"{OWN}.on").count() == 1
    page.locator(f"{OWN} .tb").click()
    assert text(page) == " A dog" and page.locator(f"{OWN}.on").count() == 0


def test_a_blend_of_ones_own_takes_the_whole_prompt_and_can_be_undone(come: Visit, studio: Studio) -> None:
    studio.keep_own_written("spells", {"name": "Both", "prompt": {"en": BLEND}}, ANN)
    page = come(typed="x, moonlight")
    chapter(page, MINE)
    page.locator(f"{OWN} .tb").click()
    assert text(page) == BLEND
    page.locator("#book [data-deal=back]").click()
    assert text(page) == "x, moonlight"


@pytest.mark.parametrize("words", ["moonlight, red fox", "{red|blue} hat, x"])
def test_ones_own_cannot_join_a_blend_and_says_so(come: Visit, studio: Studio, words: str) -> None:
    studio.keep_own_written("spells", {"name": "Odd", "prompt": {"en": words}}, ANN)
    page = come(typed=BLEND)
    chapter(page, MINE)
    page.locator(f"{OWN} .tb").click()
    page.wait_for_selector(".toast")
    assert page.locator(".toast").inner_text() == TABLES["en"]["book.blend"] and text(page) == BLEND


def test_a_blend_of_ones_own_leaves_what_was_typed_behind_it(come: Visit, studio: Studio) -> None:
    studio.keep_own_written("spells", {"name": "Both", "prompt": {"en": BLEND}}, ANN)
    page = come()
    chapter(page, MINE)
    page.locator(f"{OWN} .tb").click()
    page.fill(PROMPT, f"{BLEND}<lora:ink:0.8>")
    page.locator(f"{OWN} .tb").click()
    assert text(page) == "<lora:ink:0.8>"


# -- changing, deleting -------------------------------------------------------------------------------


def test_a_spell_is_changed_deleted_and_put_back(come: Visit, studio: Studio) -> None:
    studio.keep_own_written("spells", {"name": "Fox", "prompt": {"en": "red fox", "zh": "赤狐"}}, ANN)
    page = come()
    chapter(page, MINE)
    page.locator(OWN).hover()
    page.locator(f"{OWN} [data-mine=edit]").click()
    assert page.locator(f"{FORM} [name=prompt]").evaluate_all("all => all.map(one => one.value)") == [
        "red fox",
        "赤狐",
    ]
    page.fill(f"{FORM} [name=name]", "Vixen")
    save(page)
    assert [(one.name, one.prompt.zh) for one in studio.own_book(ANN).spells] == [("Vixen", "赤狐")]
    page.locator(OWN).hover()
    page.locator(f"{OWN} [data-mine=edit]").click()
    page.click(f"{FORM} [data-mine=delete]")
    page.wait_for_selector("#book .dl[data-kind=deleted]")
    assert studio.own_book(ANN).spells == ()
    page.click("#book [data-deal=restore]")
    page.locator(OWN).wait_for()
    assert [(one.name, one.prompt.zh) for one in studio.own_book(ANN).spells] == [("Vixen", "赤狐")]


@pytest.mark.parametrize(("language", "table"), [("en-GB", "en"), ("zh-CN", "zh")])
def test_what_cannot_be_kept_is_said_in_the_sheet(come: Visit, language: str, table: str) -> None:
    page = come(language, typed="oil")
    add(page, " ")
    page.click(f"{FORM} [type=submit]")
    page.wait_for_selector(f"{FORM} .err:not([hidden])")
    assert page.locator(f"{FORM} .err").inner_text() == TABLES[table]["error.own_nameless"]
    assert page.input_value(f"{FORM} [name=prompt]") == "oil"


def test_a_style_is_made_of_a_prompt_with_a_place_for_others(come: Visit, studio: Studio) -> None:
    page = come(typed="crayon doodle, thick lines")
    add(page, "Doodle", "styles")
    assert page.input_value(f"{FORM} [name=prompt]") == "{prompt}, crayon doodle, thick lines"
    assert "{prompt} is where" in page.locator(f"{FORM} .bkhint").inner_text()
    page.fill(f"{FORM} [name=prompt]", "no place")
    page.click(f"{FORM} [type=submit]")
    page.wait_for_selector(f"{FORM} .err:not([hidden])")
    page.fill(f"{FORM} [name=prompt]", "doodle of {prompt}")
    save(page)
    assert [style.prompt.en for style in studio.own_book(ANN).styles] == ["doodle of {prompt}"]


# -- stars, and what was used -------------------------------------------------------------------------


def test_a_star_is_given_by_hand_and_by_key_and_stays(come: Visit, studio: Studio) -> None:
    page = come()
    chapter(page, "light")
    tag(page, "soft light").hover()
    tag(page, "soft light").locator(".str").click()
    tag(page, "hard light").locator(".tb").focus()
    page.keyboard.press("f")
    chapter(page, FAVOURITES)
    starred = page.locator(".bktag .tb > span")
    assert starred.all_inner_texts() == ["hard light", "soft light"]
    until(lambda: studio.own_book(ANN).favourites == ("soft light", "hard light"))
    page.reload()
    page.wait_for_selector("body[data-book=yes]")
    page.wait_for_selector("[data-star='hard light'][aria-pressed=true]")
    starred.first.click()
    assert text(page) == "hard light"
    page.locator(".ct .cb").click()
    with page.expect_response("**/favourite"):
        page.locator("[data-tool=star]").click()
    assert studio.own_book(ANN).favourites == ("soft light",)


def test_stars_given_at_once_arrive_in_their_order_and_no_answer_on_the_way_takes_one_off(
    come: Visit, studio: Studio
) -> None:
    page = come()
    chapter(page, "light")
    asked: list[Any] = []
    page.route("**/favourite", lambda route: asked.append(route))
    for words in ("soft light", "hard light", "rim light"):
        tag(page, words).locator(".tb").focus()
        page.keyboard.press("f")
    page.wait_for_timeout(100)
    assert len(asked) == 1, "the second waits for the first"
    _let_on(page, asked, 1)
    chapter(page, FAVOURITES)
    starred = page.locator(".bktag .tb > span")
    assert starred.all_inner_texts() == ["rim light", "hard light", "soft light"]
    _let_on(page, asked, 2)
    asked[2].continue_()
    until(lambda: studio.own_book(ANN).favourites == ("soft light", "hard light", "rim light"))


def _let_on(page: Any, asked: list[Any], at: int) -> None:
    """Lets the last request through, and waits for the one that waited for it."""
    asked[at - 1].continue_()
    comes(page, asked, at + 1)


def test_a_star_that_the_server_refuses_is_taken_back(come: Visit) -> None:
    page = come()
    page.route("**/favourite", lambda route: route.abort())
    chapter(page, "light")
    tag(page, "soft light").locator(".tb").focus()
    page.keyboard.press("f")
    page.wait_for_selector(".toast")
    assert page.locator("[data-star][aria-pressed=true]").count() == 0


def test_what_was_used_last_comes_first_and_is_there_on_the_next_visit(come: Visit) -> None:
    page = come()
    chapter(page, "light")
    with page.expect_response("**/used"):
        for words in ("soft light", "hard light", "soft light"):
            tag(page, words).locator(".tb").click()
    page.reload()
    page.wait_for_selector("body[data-book=yes]")
    chapter(page, RECENT)
    assert page.locator(".bktag .tb > span").all_inner_texts()[:2] == ["hard light", "soft light"]


# -- files --------------------------------------------------------------------------------------------


def bring(page: Any, name: str, data: str) -> str:
    chapter(page, MINE)
    page.set_input_files(
        "[data-import]", {"name": name, "mimeType": "text/plain", "buffer": data.encode("utf-8")}
    )
    page.wait_for_selector(".bktold")
    return str(page.locator(".bktold").inner_text())


def test_styles_csv_is_taken_in_and_what_was_left_out_is_named(come: Visit, studio: Studio) -> None:
    page = come()
    told = bring(
        page, "styles.csv", "name,prompt,negative_prompt\nOil,oil of {prompt},photo\nBad,{{prompt}|x},\n"
    )
    assert "styles.csv" in told and "1 added." in told and "“Bad”" in told
    assert [style.name for style in studio.own_book(ANN).styles] == ["Oil"]
    assert page.locator("[data-group=styles] .bkcard b").inner_text() == "Oil"


def test_a_book_with_a_mistake_names_its_line(come: Visit, studio: Studio) -> None:
    page = come("zh-CN")
    book = "spells:\n  - {name: Fox, prompt: {en: red fox}}\n  - {name: Odd, prompt: {en: x}, colour: red}\n"
    told = bring(page, "mine.yaml", book)
    assert "mine.yaml" in told and "加进 1 条" in told and "3" in told and "colour" in told
    assert [spell.name for spell in studio.own_book(ANN).spells] == ["Fox"]


@pytest.mark.parametrize(("language", "table"), [("en-GB", "en"), ("zh-CN", "zh")])
def test_another_file_is_refused_in_words(come: Visit, language: str, table: str) -> None:
    told = bring(come(language), "cat.txt", "meow")
    assert "cat.txt" in told and TABLES[table]["error.import_unread"] in told


def test_what_is_exported_can_be_taken_in_again(come: Visit, studio: Studio, tmp_path: Path) -> None:
    studio.keep_own_written("spells", {"name": "Fox", "prompt": {"en": "red fox"}}, ANN)
    page = come()
    chapter(page, MINE)
    with page.expect_download() as download:
        page.click("a[download]")
    given = Path(download.value.path()).read_text("utf-8")
    (fox,) = studio.own_book(ANN).spells
    studio.delete_own(fox.id, ANN)
    assert "1 added." in bring(page, "mine.yaml", given)
    assert [spell.prompt.en for spell in studio.own_book(ANN).spells] == ["red fox"]


# -- in the hand, and without a server ----------------------------------------------------------------


def test_it_fits_a_telephone(come: Visit, studio: Studio) -> None:
    studio.keep_own_written("spells", {"name": "Fox" * 20, "prompt": {"en": "red fox, moonlight"}}, ANN)
    page = come("zh-CN", typed="一只狗", **NARROW)
    chapter(page, MINE)
    assert fits(page)
    page.locator(f"{OWN} .tb").tap()
    assert chips(page) == ["狐狸", "月光"] and fits(page)
    page.locator(f"{OWN} [data-mine=edit]").tap()
    assert fits(page)
    heights = page.locator(f"{FORM} .dlrow button").evaluate_all("all => all.map(one => one.offsetHeight)")
    assert min(heights) >= 40


def test_the_book_opens_where_ones_own_cannot_be_had(browser: Any, url: str) -> None:
    page = browser.new_page()
    page.route("**/api/book/mine", lambda route: route.abort())
    page.goto(url)
    page.wait_for_selector("body[data-book=yes]")
    chapter(page, MINE)
    assert TABLES["en"]["book.away"] in page.locator(".bkshelf").inner_text()
    page.unroute("**/api/book/mine")
    page.click("[data-mine=reload]")
    page.wait_for_selector("[data-mine=reload]", state="detached")
    page.close()
