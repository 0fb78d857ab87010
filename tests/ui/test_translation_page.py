"""The strip below the prompt as a person uses it: seen, edited, turned off, painted with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.engine.fake import FakeEngine
from studio.messages import GenerationRequest
from studio.service import Studio
from tests.test_languages import here, studio_with
from tests.ui.browsing import IN_A_BROWSER, NARROW, PROMPT, fits, generate, serving
from tests.ui.test_translation import GONE, answer

pytestmark = IN_A_BROWSER
STRIP, TEXT, REST = "#translated_box", "#translated textarea", "#translated_rest"
Visit = Callable[..., Any]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    patch = pytest.MonkeyPatch()
    patch.setattr(FakeEngine, "_answer", answer)
    folder = tmp_path_factory.mktemp("translation")
    yield studio_with(folder, here(folder / "translator"))
    patch.undo()


@pytest.fixture(scope="module")
def url(studio: Studio) -> Iterator[str]:
    with serving(studio) as address:
        yield address


def shows(page: Any, text: str) -> None:
    page.wait_for_function(
        "([query, text]) => document.querySelector(query).value === text", arg=[TEXT, text]
    )


def painted(studio: Studio) -> GenerationRequest:
    request = studio.jobs(studio.person(None, "en"))[0].requests[0]
    assert isinstance(request, GenerationRequest)
    return request


def test_chinese_is_shown_in_english_before_it_is_painted(studio: Studio, visit: Visit) -> None:
    page = visit()
    page.fill(PROMPT, "a cat")
    assert not page.locator(STRIP).is_visible()
    page.fill(PROMPT, "一只橘猫，(月光:1.2)")
    shows(page, "a ginger cat, (moonlight:1.2)")
    assert page.locator(STRIP).is_visible() and not page.locator(f"{REST} mark").count()
    page.fill(PROMPT, "一只橘猫，(月光:1.2)，森林")
    shows(page, "a ginger cat, (moonlight:1.2), forest")
    generate(page)
    request = painted(studio)
    assert request.prompt == "a ginger cat, (moonlight:1.2), forest"
    assert request.written == "一只橘猫，(月光:1.2)，森林"


def test_the_translator_is_asked_once_typing_stops_and_the_rest_is_told(studio: Studio, visit: Visit) -> None:
    page = visit()
    page.fill(PROMPT, "一只橘猫追着佐布，佐布")
    shows(page, "a ginger cat chases Zobo, 佐布")
    page.wait_for_selector(f"{REST} mark")
    assert page.locator(f"{REST} mark").all_inner_texts() == ["佐布"]
    page.locator(".go.idle").click()
    page.wait_for_selector(".toast:has-text('佐布')")
    page.wait_for_selector("body[data-busy=no]")
    assert painted(studio).prompt == "a ginger cat chases Zobo, 佐布"


def test_what_is_edited_is_painted_until_the_prompt_is_another(studio: Studio, visit: Visit) -> None:
    page = visit()
    page.fill(PROMPT, "佐布，月光")
    page.wait_for_selector(f"{REST} mark")
    page.fill(TEXT, "Zobo, silver moonlight")
    page.wait_for_selector("[data-do=anew]")
    assert not page.locator(f"{REST} mark").count()
    generate(page)
    assert painted(studio).prompt == "Zobo, silver moonlight"
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    shows(page, "Zobo, silver moonlight")
    page.fill(PROMPT, "月光")
    shows(page, "moonlight")


def test_anew_takes_the_edits_back(visit: Visit) -> None:
    page = visit()
    page.fill(PROMPT, "月光")
    shows(page, "moonlight")
    page.fill(TEXT, "the moon")
    page.locator("[data-do=anew]").click()
    shows(page, "moonlight")


def test_it_can_be_turned_off_and_on_and_the_negative_has_its_own(studio: Studio, visit: Visit) -> None:
    page = visit()
    page.locator("#negative_fold > .label-wrap").click()
    page.fill("#negative textarea", "月光")
    page.wait_for_selector("#translated_negative_box .translation")
    page.fill(PROMPT, "森林")
    shows(page, "forest")
    page.locator(f"{STRIP} [data-do=turn_off]").click()
    page.wait_for_selector(f"{STRIP} .translation.off")
    assert not page.locator(TEXT).is_visible()
    generate(page)
    assert (painted(studio).prompt, painted(studio).negative) == ("森林", "月光")
    page.locator(f"{STRIP} [data-do=turn_on]").click()
    page.wait_for_selector(f"{STRIP} [data-do=turn_off]")
    generate(page)
    assert (painted(studio).prompt, painted(studio).negative) == ("forest", "moonlight")


def test_a_model_that_reads_both_shows_nothing(studio: Studio, visit: Visit) -> None:
    page = visit()
    page.fill(PROMPT, "月光，佐布")
    page.wait_for_selector(f"{STRIP} .translation")
    page.locator("#tools [data-local=menu]").first.click()
    page.locator("#tools [data-do=choose][data-model=both]").click()
    page.wait_for_selector(STRIP, state="hidden")
    generate(page)
    assert (painted(studio).prompt, painted(studio).translated) == ("月光，佐布", "")


def test_on_a_telephone_with_no_translator_here(tmp_path: Path, visit: Visit) -> None:
    studio = studio_with(tmp_path, GONE)
    with serving(studio) as address:
        page = visit("zh-CN", address, **NARROW)
        page.fill(PROMPT, "一只橘猫追着佐布，" * 6)
        page.wait_for_selector(f"{REST} [data-do=fetch]")
        assert fits(page)
        page.locator(f"{REST} [data-do=fetch]").click()
        page.wait_for_selector(f"{REST} .err")  # there is no network
