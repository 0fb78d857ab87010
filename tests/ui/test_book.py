"""The spellbook on the real page: what is clicked in its tab is in the form, and comes back with the recipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape
from typing import Any, NamedTuple

import pytest

from studio.messages import Bilingual, Draft, Person
from studio.spellbook import SceneLora
from studio.ui.book import figure, scene, styled, titles, with_scene
from studio.ui.drafts import draft_of, form_from_draft
from studio.ui.form import form_of, fresh
from tests.ui.browsing import IN_A_BROWSER, NARROW, PROMPT, fits, generate, held_answers, kept
from tests.ui.house import studio_at

ANN = Person(id="local", role="admin")
TAB = "#ltabs [role=tab]"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A studio with two models."""
    return studio_at(tmp_path_factory.mktemp("book"), step_seconds=0.01, models=2)


# -- without a browser ----------------------------------------------------------------------------------


def test_the_page_is_told_what_the_model_reads_and_how_models_are_called(studio: Any) -> None:
    states = studio.models(ANN)
    spec = states[0].spec.model_copy(update={"languages": ("zh", "en")})
    told = figure(fresh(states[0]), spec, states)
    assert 'data-languages="zh en"' in told and 'data-family="sd1"' in told
    names = json.loads(unescape(told.split('data-titles="')[1].split('"')[0]))
    assert names["large"] == ["Large", "Large"] and names["sdxl"][0] == "Stable Diffusion XL"
    assert 'data-blends="yes"' in told and " seed lock " in told.split('data-fields="')[1].split('"')[0]
    unread = spec.model_copy(update={"family": "sd3"})
    assert 'data-blends="no"' in figure(fresh(states[0]), unread, states)


class Scene(NamedTuple):
    """A scene with no file behind it."""

    id: str = "booth"
    title: Bilingual = Bilingual(en="Booth", zh="展台")
    prompt: Bilingual = Bilingual(en="a robot", zh="机器人")
    negative: Bilingual = Bilingual(en="text", zh="文字")
    aspect: str = "16:9"
    style: str = "watercolour"
    seed: int | None = None
    lora: SceneLora | None = None


def test_a_scene_fills_words_shape_and_style_and_leaves_the_rest(studio: Any) -> None:
    state = studio.models(ANN)[0]
    form = fresh(state)
    filled = with_scene(form, state.spec, Scene(), "en")
    width, height = map(int, filled.size.split("x"))
    assert (filled.prompt, filled.negative, filled.styles) == ("a robot", "text", "watercolour")
    assert width > height and filled.steps == form.steps
    assert (filled.seed, filled.lock) == (form.seed, form.lock)
    assert with_scene(form, state.spec, Scene(), "zh").prompt == "机器人"
    silent = Scene(negative=Bilingual(en="", zh=""))
    assert with_scene(form, state.spec, silent, "en").negative == state.spec.defaults.negative


def test_a_scene_brings_its_seed_and_keeps_it(studio: Any) -> None:
    state = studio.models(ANN)[0]
    filled = with_scene(fresh(state), state.spec, Scene(seed=2024), "en")
    assert (filled.seed, filled.lock) == (2024, True)


def test_own_scenes_and_styles_stand_beside_those_of_the_book(studio: Any) -> None:
    booth = studio.keep_own_written("scenes", {"name": "Booth", "prompt": {"en": "a robot"}}, ANN)
    oil = studio.keep_own_written("styles", {"name": "My oil", "prompt": {"en": "{prompt}, oil"}}, ANN)
    assert scene(studio, booth.id, ANN) == booth and scene(studio, booth.id, Person(id="ben")) is None
    assert [one.en for one in titles(studio, ["watercolour", oil.id, "gone"], ANN)][1:] == ["My oil", "gone"]
    shipped = scene(studio, "robot-driver", ANN)
    assert shipped and shipped.aspect == "16:9"


def test_styles_travel_from_the_form_to_the_draft_and_back(studio: Any) -> None:
    state = studio.models(ANN)[0]
    form = form_of({"prompt": "a fox", "styles": "watercolour fresco"}, state)
    assert draft_of(form).styles == ("watercolour", "fresco")
    assert form_from_draft(draft_of(form), state).styles == "watercolour fresco"
    assert form_from_draft(Draft(model=state.spec.id), state).styles == ""
    assert form_of({"styles": "<b>"}, state).styles == ""


def test_styles_are_shown_with_what_they_make_of_the_prompt() -> None:
    assert styled([], "a <fox>") == ""
    named = [Bilingual(en="Fresco", zh="湿壁画"), Bilingual(en="Film", zh="电影")]
    told = styled(named, "a <fox>")
    assert "Fresco, Film" in told and "湿壁画、电影" in told and "a &lt;fox&gt;" in told


# -- in a browser ---------------------------------------------------------------------------------------


def marked(test: Callable[..., None]) -> Callable[..., None]:
    """Only where there is a Chromium."""
    for mark in IN_A_BROWSER:
        test = mark(test)
    return test


def book(page: Any) -> Any:
    """The page with the book open."""
    page.wait_for_selector("body[data-book=yes]")
    page.locator(TAB).nth(1).click()
    page.wait_for_selector(".bktag")
    return page


def click(page: Any, words: str) -> None:
    page.fill(".bkfind input", words)
    page.locator(".bktag .tb").first.click()


@marked
def test_a_click_in_the_book_is_in_the_form_on_the_tab_and_in_the_recipe(visit: Any, studio: Any) -> None:
    page = visit()
    page.fill(PROMPT, "a fox")
    book(page)
    for wanted in ("ruanguang", "watercolour"):
        click(page, wanted)
    page.fill(".bkfind input", "软光")
    page.locator(".bktag [data-by='1']").first.click()
    text = "a fox, watercolour, (soft light:1.05)"
    assert page.input_value(PROMPT) == text
    kept(page, 1, text)
    assert page.locator(f"{TAB}[data-count='2']").count() == 1
    generate(page)
    assert studio.pictures(ANN)[0].recipe.request.prompt == text


@marked
def test_a_negative_spell_reaches_the_form_though_its_fold_is_closed(visit: Any) -> None:
    page = book(visit())
    before = "blurry, noisy, text, watermark, cropped, extra limbs"
    click(page, "worst quality")
    kept(page, 2, f"{before}, worst quality")
    click(page, "worst quality")
    kept(page, 2, before)


@marked
def test_the_books_parts_are_walked_with_arrows_and_keep_the_focus(visit: Any) -> None:
    page = book(visit())
    tabs = page.locator("[data-pane]")
    tabs.first.click()
    names = tabs.all_inner_texts()
    assert len(names) == 3
    for key, at in (("ArrowRight", 1), ("ArrowLeft", 0), ("ArrowLeft", -1)):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.innerText") == names[at]
        assert page.locator("[data-pane][aria-selected=true]").all_inner_texts() == [names[at]]


@marked
def test_a_scene_fills_the_form_and_styles_are_told_before_painting(visit: Any, studio: Any) -> None:
    page = book(visit())
    page.locator("[data-pane=scenes]").click()
    page.locator("[data-scene=robot-driver]").click()
    page.wait_for_function("() => document.querySelector('#prompt textarea').value.includes('robot')")
    page.wait_for_selector(".bkcard.on[data-scene=robot-driver]")
    page.locator("[data-pane=styles]").click()
    for id in ("watercolour", "gouache"):
        page.locator(f"[data-style={id}]").click()
    page.locator(TAB).nth(0).click()
    told = page.locator("#styled p", has_text="gouache painting of")  # the second one came around the first
    told.wait_for()
    assert told.inner_text().startswith("gouache painting of") and "watercolour painting" in told.inner_text()
    assert page.locator("#size label.selected").inner_text() == "16:9"
    generate(page)
    request = studio.pictures(ANN)[0].recipe.request
    assert request.styles == ("watercolour", "gouache") and request.prompt == told.inner_text()
    page.locator("[data-local=styles]").click()
    page.wait_for_selector("#styled .styled", state="detached")


@marked
def test_what_a_scene_replaced_is_one_click_away_with_the_whole_form(visit: Any) -> None:
    page = visit()
    page.wait_for_selector("body[data-book=yes]")
    page.fill(PROMPT, "  my fox,, moonlight ")
    kept(page, 1, "  my fox,, moonlight ")
    page.locator("#size label", has_text="3:4").click()
    page.wait_for_selector("#size label.selected:has-text('3:4')")
    book(page)
    page.locator("[data-pane=scenes]").click()
    page.locator("[data-scene=spring-festival-dragon]").click()
    page.wait_for_selector("#size label.selected:has-text('1:1')", state="attached")
    page.wait_for_selector("#book .dl[data-kind=scene]")
    assert page.input_value(PROMPT) == "a dragon in the style of Chinese Spring Festival"
    assert "spring-festival-dragon" in page.locator("#book .dlsays").inner_text()
    kept(page, 8, 2024)
    page.locator("#book [data-deal=back]").click()
    page.wait_for_selector("#size label.selected:has-text('3:4')", state="attached")
    assert page.input_value(PROMPT) == "  my fox,, moonlight "
    kept(page, 8, None)
    page.locator("#book [data-deal=back]").click()
    page.wait_for_selector("#size label.selected:has-text('1:1')", state="attached")
    assert page.input_value(PROMPT) == "a dragon in the style of Chinese Spring Festival"


@marked
def test_a_starter_can_be_undone(visit: Any) -> None:
    page = visit()
    page.wait_for_selector("body[data-book=yes]")
    page.fill(PROMPT, "my fox")
    page.locator(".starter").first.click()
    page.wait_for_function("() => document.querySelector('#prompt textarea').value.includes('red house')")
    page.locator("#anatomy [data-deal=back]").click()
    page.wait_for_function("() => document.querySelector('#prompt textarea').value === 'my fox'")


@marked
def test_a_negative_that_the_default_replaced_can_be_had_back(visit: Any) -> None:
    page = visit()
    page.wait_for_selector("body[data-book=yes]")
    page.locator("#negative_fold .label-wrap").click()
    page.fill("#negative textarea", "no hats, please")
    kept(page, 2, "no hats, please")
    page.locator("#use_default [data-do=use]").click()
    page.wait_for_function("() => document.querySelector('#negative textarea').value !== 'no hats, please'")
    page.wait_for_timeout(500)  # as long as it takes to see what it did
    page.locator("#anatomy .dl[data-kind=usual] [data-deal=back]").click()
    kept(page, 2, "no hats, please")
    assert page.input_value("#negative textarea") == "no hats, please"


@marked
def test_what_changed_while_the_way_back_was_asked_for_stays(visit: Any) -> None:
    page = visit()
    page.wait_for_selector("body[data-book=yes]")
    page.fill(PROMPT, "my fox")
    kept(page, 1, "my fox")
    page.locator(".starter").first.click()
    page.wait_for_function("() => document.querySelector('#prompt textarea').value.includes('red house')")
    seed = page.evaluate("JSON.parse(localStorage['studio.form'])[8]")
    with held_answers(page):
        page.locator("#anatomy [data-deal=back]").click()
        page.fill(PROMPT, "")
        page.locator("#size label", has_text="3:4").click()
        page.wait_for_selector("#size label.selected:has-text('3:4')")
    assert seed is not None
    kept(page, 8, None)  # the answer is there
    kept(page, 1, "")
    assert page.input_value(PROMPT) == ""
    assert page.locator("#size label.selected").inner_text() == "3:4"


@marked
def test_the_bin_can_be_undone_and_own_styles_are_worn(visit: Any, studio: Any) -> None:
    style = studio.keep_own_written("styles", {"name": "My oil", "prompt": {"en": "oil of {prompt}"}}, ANN)
    page = visit()
    page.wait_for_selector("body[data-book=yes]")
    page.fill(PROMPT, "my fox")
    kept(page, 1, "my fox")
    page.locator("#meter [data-do=clear]").click()
    page.wait_for_selector("#anatomy .dl[data-kind=cleared]")
    page.wait_for_function("() => document.querySelector('#prompt textarea').value === ''")
    page.locator("#anatomy [data-deal=back]").click()
    page.wait_for_function("() => document.querySelector('#prompt textarea').value === 'my fox'")
    kept(page, 1, "my fox")
    book(page)
    page.locator("[data-pane=styles]").click()
    page.locator(f"[data-style={style.id}]").click()
    page.locator(TAB).nth(0).click()
    page.locator("#styled p").wait_for()
    assert page.locator("#styled p").inner_text() == "oil of my fox"
    generate(page)
    assert studio.pictures(ANN)[0].recipe.request.prompt == "oil of my fox"


@marked
def test_the_wand_at_the_prompt_reaches_the_form(visit: Any) -> None:
    page = visit("zh-CN")
    page.wait_for_selector("body[data-book=yes]")
    page.fill(PROMPT, "一只狗")
    page.click("#meter [data-local=wand]")
    page.wait_for_selector("#anatomy .wc")
    page.click("#anatomy [data-deal=accept]")
    page.wait_for_selector("#anatomy .dl[data-kind=accepted]")
    kept(page, 1, page.input_value(PROMPT))
    assert page.input_value(PROMPT).startswith("一只狗，")


@marked
def test_the_figure_stands_under_the_prompt_and_opens_the_book(visit: Any) -> None:
    page = visit("zh-CN")
    page.wait_for_selector("body[data-book=yes]")
    page.fill(PROMPT, "一只猫")
    page.locator(".ana [data-element=light]").click()
    page.wait_for_selector("[data-chapter=light][aria-current=true]")
    assert page.locator(TAB).nth(1).get_attribute("aria-selected") == "true"


@marked
def test_the_book_fits_a_telephone(visit: Any) -> None:
    page = book(visit(**NARROW))
    page.locator(".bktag .tb").first.tap()
    page.wait_for_selector(".ct")
    assert fits(page)
    bar, foot = page.locator(".bkchosen").bounding_box(), page.locator("#footer").bounding_box()
    assert bar["y"] + bar["height"] <= foot["y"] + 1


@marked
def test_the_slash_opens_the_book_at_its_search(visit: Any) -> None:
    page = visit()
    page.wait_for_selector("body[data-book=yes]")
    page.keyboard.press("/")
    page.wait_for_function("document.activeElement.matches('.bkfind input')")
    page.keyboard.type("ruanguang")
    assert page.locator(".bktag .tb > span").first.inner_text() == "soft light"
