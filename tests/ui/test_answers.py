"""Answers that write into the form: what somebody changes while the server is asked stays, in a real Chromium too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest

from studio.messages import Person
from studio.ui.answers import OF_ONE_PICTURE, apart
from studio.ui.form import FIELDS
from tests.ui.browsing import IN_A_BROWSER, PROMPT, generate, held_answers, kept
from tests.ui.house import studio_at

ANN = Person(id="local", role="admin")
AT = {name: at for at, name in enumerate(FIELDS)}
FORM: list[Any] = ["" for _ in FIELDS]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A studio with two models."""
    return studio_at(tmp_path_factory.mktemp("answers"), step_seconds=0.01, models=2)


# -- without a browser ----------------------------------------------------------------------------------


def test_values_are_told_apart_from_all_else() -> None:
    told = [gr.update(value=4, maximum=60), "<b>", gr.skip(), 7]
    fields, rest = apart(told, [AT["steps"], None, AT["size"], AT["seed"]], FORM)
    assert fields == {AT["steps"]: {"value": 4, "most": 60}, AT["seed"]: {"value": 7}}
    assert rest == [gr.update(maximum=60), "<b>", gr.skip(), gr.update()]


def test_what_is_offered_is_told_with_a_value() -> None:
    rows = gr.update(value="b", choices=[("A", "a"), ("B", "b")]), gr.update(value=1, choices=[1, 2])
    fields, rest = apart(rows, [AT["sampler"], AT["count"]], FORM)
    assert fields[AT["sampler"]]["offers"] == ["a", "b"] and fields[AT["count"]]["offers"] == [1, 2]
    assert [one["choices"] for one in rest] == [[("A", "a"), ("B", "b")], [1, 2]]


@pytest.mark.parametrize(("before", "whole"), [("", True), ("ab", False), (None, True)])
def test_what_belongs_to_a_picture_goes_with_it(before: str | None, whole: bool) -> None:
    form = FORM.copy()
    form[AT["picture"]] = before
    names = (*OF_ONE_PICTURE, "prompt")
    fields, _ = apart(["ab" if name == "picture" else "" for name in names], [AT[n] for n in names], form)
    assert {bool(fields[AT[name]].get("whole")) for name in OF_ONE_PICTURE} == {whole}
    assert "whole" not in fields[AT["prompt"]]


# -- in a browser ---------------------------------------------------------------------------------------


def marked(test: Callable[..., None]) -> Callable[..., None]:
    """Only where there is a Chromium."""
    for mark in IN_A_BROWSER:
        test = mark(test)
    return test


def choose(page: Any, model: str) -> None:
    page.locator("#tools [data-local=menu]").click()
    page.get_by_role("menuitemradio", name=model).click()


def typed(page: Any, text: str) -> None:
    page.fill(PROMPT, text)
    kept(page, AT["prompt"], text)


@marked
def test_what_is_set_while_another_model_is_chosen_stays(visit: Any) -> None:
    page = visit()
    typed(page, "a fox")
    page.locator("#details_fold .label-wrap").click()
    with held_answers(page):
        choose(page, "Large")
        page.locator(PROMPT).press_sequentially(" in the snow")
        page.fill("#steps input[type=number]", "7")
        page.press("#steps input[type=number]", "Tab")
    kept(page, AT["model"], "large")
    kept(page, AT["size"], "768x768")  # what nobody touched is the model's own
    kept(page, AT["steps"], 7)
    assert page.input_value(PROMPT).startswith("a fox") and " in the snow" in page.input_value(PROMPT)
    kept(page, AT["prompt"], page.input_value(PROMPT))


@marked
def test_of_two_models_chosen_at_once_the_second_stays(visit: Any) -> None:
    page = visit()
    choose(page, "Large")
    kept(page, AT["model"], "large")
    with held_answers(page):
        choose(page, "Pocket")
        choose(page, "Large")
    page.wait_for_timeout(500)  # both answers are there
    kept(page, AT["model"], "large")
    kept(page, AT["size"], "768x768")


@marked
def test_an_answer_that_was_overtaken_takes_nothing_back_that_its_model_does_not_offer(visit: Any) -> None:
    page = visit()
    said = page.evaluate(
        """(at) => {
          const form = Array(60).fill(""), { asked, answered } = studio.answers;
          form[at] = "768x768";
          const [first] = asked([null, ...form]), [second] = asked([null, ...form]);
          const answer = (ticket, value, offers) => ({ ticket, fields: { [at]: { value, offers } } });
          answered([answer(second, "768x768", ["768x768", "512x768"]), ...form], 1);
          form[at] = "512x768";
          return answered([answer(first, "512x512", ["512x512"]), ...form], 1)[at] ?? null;
        }""",
        AT["size"],
    )
    assert said is None


@marked
def test_an_answer_that_gradio_is_still_setting_gives_way_to_what_was_asked_later(visit: Any) -> None:
    page = visit()
    said = page.evaluate(
        """(at) => {
          const form = Array(60).fill(""), { asked, answered } = studio.answers;
          form[at] = "large";
          const [first] = asked([null, ...form]), [second] = asked([null, ...form]);
          const answer = (ticket, value) => ({ ticket, fields: { [at]: { value } } });
          const one = answered([answer(first, "pocket"), ...form], 1)[at];
          const two = answered([answer(second, "large"), ...form], 1)[at];
          const [third] = asked([null, ...form]), [fourth] = asked([null, ...form]);
          const both = answered([answer(fourth, "large"), answer(third, "pocket"), ...form], 2)[at];
          return [one, two, both, answered([answer(fourth, "pocket"), ...form], 1)[at] ?? null];
        }""",
        AT["model"],
    )
    assert said[:2] == ["pocket", "large"]
    assert said[2] in (None, "large"), "of two that came together the later asked stays"
    assert said[3] is None, "what was taken up is not taken up again"


@marked
def test_a_size_that_the_new_model_does_not_offer_gives_way(visit: Any) -> None:
    page = visit()
    with held_answers(page):
        choose(page, "Large")
        page.locator("#size label", has_text="16:9").click()
        page.wait_for_selector("#size label.selected:has-text('16:9')")
    kept(page, AT["model"], "large")
    kept(page, AT["size"], "768x768")


@marked
def test_what_is_typed_while_a_starter_fills_the_form_stays(visit: Any) -> None:
    page = visit()
    typed(page, "mine")
    with held_answers(page):
        page.locator(".starter").first.click()
        page.fill(PROMPT, "mine after all")
    kept(page, AT["seed"], 41285)
    kept(page, AT["prompt"], "mine after all")
    assert page.input_value(PROMPT) == "mine after all"


@marked
def test_what_is_typed_while_a_scene_fills_the_form_stays(visit: Any) -> None:
    page = visit()
    page.wait_for_selector("body[data-book=yes]")
    page.locator("#ltabs [role=tab]").nth(1).click()
    page.locator("[data-pane=scenes]").click()
    with held_answers(page):
        page.locator("[data-scene=robot-driver]").click()
        page.locator("#ltabs [role=tab]").nth(0).click()
        page.fill(PROMPT, "mine after all")
    page.wait_for_selector("#size label.selected:has-text('16:9')")
    kept(page, AT["prompt"], "mine after all")


@marked
def test_what_is_set_while_a_recipe_comes_back_stays(visit: Any) -> None:
    page = visit()
    typed(page, "once painted")
    generate(page)
    typed(page, "something else")
    page.locator("#details_fold .label-wrap").click()
    page.locator("#nav [role=tab]").nth(1).click()
    page.locator("#gallery .pc").first.click()
    with held_answers(page):
        page.get_by_role("button", name="Paint again from this recipe").click()
        page.locator("#nav [role=tab]").nth(0).click()
        page.fill("#steps input[type=number]", "9")
        page.press("#steps input[type=number]", "Tab")
    kept(page, AT["prompt"], "once painted")
    kept(page, AT["lock"], True)
    kept(page, AT["steps"], 9)


@marked
def test_a_negative_prompt_typed_while_the_usual_one_is_asked_for_stays(visit: Any) -> None:
    page = visit()
    page.locator("#negative_fold .label-wrap").click()
    page.fill("#negative textarea", "rain")
    kept(page, AT["negative"], "rain")
    button = page.locator("#use_default button")
    button.wait_for()
    with held_answers(page):
        button.click()
        page.fill("#negative textarea", "rain and fog")
    page.wait_for_timeout(500)  # the answer is there
    assert page.input_value("#negative textarea") == "rain and fog"


@marked
def test_a_seed_typed_while_a_job_is_asked_for_stays(visit: Any) -> None:
    page = visit()
    typed(page, "a lamp")
    page.locator("#details_fold .label-wrap").click()
    page.locator("#seed input").wait_for()
    with held_answers(page, "**/gradio_api/queue/join**"):
        page.locator(".go.idle").click()
        page.fill("#seed input", "4711")
        page.press("#seed input", "Tab")
        kept(page, AT["lock"], True)
    page.wait_for_selector(".plate.on .shot img[src^=pictures]")
    kept(page, AT["seed"], 4711)


@marked
def test_the_seed_that_was_drawn_is_told(visit: Any, studio: Any) -> None:
    page = visit()
    typed(page, "a lamp")
    generate(page)
    kept(page, AT["seed"], studio.pictures(ANN)[0].recipe.request.seed)
    kept(page, AT["lock"], False)
