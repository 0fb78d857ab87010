"""Training in a real Chromium, wide and narrow: what a person brings, is told, watches, pauses, keeps and uses."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from studio.catalog import read_catalog
from studio.engine.fake import FakeEngine
from studio.engine.local import ThreadHost
from studio.messages import TrainingRequest
from studio.service import Studio
from studio.settings import ROOT, Settings
from tests.training.bringing import png, zipped
from tests.ui.browsing import IN_A_BROWSER, NARROW, PROMPT, WIDE, fits, idle, serving
from tests.ui.house import studio_at
from tests.ui.test_lora_page import lora, put
from tests.worlds import local_engine, until

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = IN_A_BROWSER
ALL = pytest.mark.parametrize(
    ("language", "width"),
    [("en-GB", WIDE), ("zh-CN", NARROW)],
    ids=["en-1440", "zh-390"],
)
NAMES = ("red cat.png", "blue hat.png", "IMG_0001.png", "a lamp.png")
LIVE_MS = 300_000


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A studio with two models, of which one is of a family that takes no LoRAs."""
    folder = tmp_path_factory.mktemp("studio")
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    studio_at(folder, models=2)
    catalog = yaml.safe_load((folder / "models.yaml").read_text("utf-8"))
    large = catalog["models"][1]
    large["family"], large["defaults"]["sampler"] = "sd3", "flow_euler"
    large["limits"]["multiple"] = 16
    (folder / "models.yaml").write_text(yaml.safe_dump(catalog, allow_unicode=True), "utf-8")
    settings = Settings(data=folder / "data", models=folder / "models.yaml", engine="fake")
    read = read_catalog(settings.models)
    assert not read.problems, read.problems
    return Studio(settings, read, FakeEngine(step_seconds=0.02))


@pytest.fixture(autouse=True)
def nothing_is_left(studio: Studio) -> Iterator[None]:
    """No test sees the trainings of another one."""
    yield
    person = studio.person(None, "en")
    for job in studio.trainings(person):
        studio.discard_training(job.id, person)


def open_training(page: Any) -> None:
    """Opens the LoRA tab, and in it what trains one."""
    page.wait_for_selector("body[data-book=yes]")
    page.locator("#tab_lora-button").click()
    page.locator(".lctrain .lctake").click()
    expect(page.locator(".trhead")).to_be_visible()


def bring(page: Any, *files: tuple[str, bytes]) -> None:
    """Chooses files."""
    given = [{"name": name, "mimeType": "", "buffer": data} for name, data in files]
    page.locator(".tr [data-training-files]").first.set_input_files(given)


def pictures(count: int = len(NAMES)) -> list[tuple[str, bytes]]:
    """Pictures with names, each in another shape."""
    return [(NAMES[at], png(at, (96 + 32 * at, 128))) for at in range(count)]


def field(page: Any, name: str) -> Any:
    """A field of the form."""
    return page.locator(f".trform [name={name}]")


def begin(page: Any, steps: int, **more: str) -> None:
    """Brings four pictures and begins a training."""
    bring(page, *pictures())
    expect(page.locator(".trtable li")).to_have_count(4)
    field(page, "trigger").fill(more.get("trigger", "zub"))
    if not page.locator(".trdetails").get_attribute("open"):
        page.locator(".trdetails summary").click()
    for name, value in {"steps": str(steps), **more}.items():
        field(page, name).fill(value)
    page.locator(".trgo").click()
    expect(page.locator(".trtop")).to_be_visible()


def asked(studio: Studio) -> TrainingRequest:
    """What was begun last."""
    request = studio.trainings(studio.person(None, "en"))[0].requests[0]
    assert isinstance(request, TrainingRequest)
    return request


@ALL
def test_bring_caption_begin_and_watch(
    visit: Callable[..., Any], studio: Studio, language: str, width: dict[str, Any]
) -> None:
    page, narrow, english = visit(language, **width), width is NARROW, language == "en-GB"
    open_training(page)
    bring(
        page,
        *pictures(3),
        ("lamp.zip", zipped({"a lamp.png": png(7), "a lamp.txt": b"a lit lamp"}).getvalue()),
    )
    rows = page.locator(".trtable li")
    expect(rows).to_have_count(4)
    assert sorted(one.input_value() for one in rows.locator("textarea").all()) == [
        "", "a lit lamp", "blue hat", "red cat",
    ]  # fmt: skip
    expect(rows.first).to_contain_text("seen as" if english else "学")
    field(page, "name").fill("My zub")
    field(page, "trigger").fill("zub")
    rows.filter(has_text="IMG_0001").locator("textarea").fill("a green cat")
    page.get_by_role("radio", name="A person" if english else "一个人物").click()
    assert not narrow or fits(page)
    page.locator(".trdetails summary").click()
    field(page, "steps").fill("60")
    field(page, "sample_every").fill("20")
    expect(page.locator(".trdetails summary")).to_contain_text("60")
    page.locator(".trgo").click()
    expect(page.locator(".trtop h3")).to_contain_text("My zub")
    expect(page.locator(".trcurve")).to_be_visible()
    expect(page.locator(".trsample").first).to_be_visible()
    assert page.locator(".trsample img").first.evaluate("(image) => image.decode().then(() => true)")
    assert not narrow or fits(page)
    expect(page.locator(".trtop h3")).to_have_text("“My zub” is ready" if english else "“My zub”学好了")
    expect(page.locator(".trsample")).to_have_count(3)
    request = asked(studio)
    assert (request.name, request.trigger, request.preset) == ("My zub", "zub", "person")
    assert "a green cat" in [one.caption for one in request.pictures]
    assert request.settings.steps == 60 and request.sample_every == 20


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_what_cannot_be_used_is_told_in_words_before_anything_runs(
    visit: Callable[..., Any], studio: Studio, language: str
) -> None:
    page, english = visit(language), language == "en-GB"
    open_training(page)
    told = page.locator(".trbegin [role=alert]")
    bring(page, ("bomb.zip", zipped({"a.png": bytes(40 * 2**20)}).getvalue()))
    expect(told).to_contain_text("unpack to hundreds of times" if english else "大出几百倍")
    bring(page, ("notes.md", b"x"))
    expect(told).to_contain_text("no picture among these" if english else "没有图片")
    bring(page, *pictures(2), ("broken.png", png(0)[:-200]))
    expect(page.locator(".trtable li")).to_have_count(2)
    expect(page.locator(".trform .told")).to_contain_text("“broken.png”")
    page.locator(".trgo").click()
    expect(told).to_contain_text("2 pictures were brought" if english else "带来了 2 张图片")
    bring(page, *pictures(4))
    expect(page.locator(".trtable li")).to_have_count(4)
    expect(page.locator(".trform .told")).to_contain_text("2 of these" if english else "其中 2 张")
    page.locator(".trgo").click()
    expect(told).to_contain_text("needs a name" if english else "需要一个名字")
    field(page, "trigger").fill("zub, (cat)")
    page.locator(".trgo").click()
    expect(told).to_contain_text("cannot be a trigger" if english else "不能当触发词")
    expect(page.locator("option[value=large]")).to_be_disabled()
    page.locator(".trunfit summary").click()
    expect(page.locator(".trunfit li")).to_contain_text("Stable Diffusion 3")
    assert studio.trainings(studio.person(None, "en")) == ()


def test_numbers_stay_within_what_the_model_can_and_the_form_survives_a_reload(
    visit: Callable[..., Any],
) -> None:
    page = visit()
    open_training(page)
    bring(page, *pictures(3))
    expect(page.locator(".trtable li")).to_have_count(3)
    page.locator(".trdetails summary").click()
    expect(field(page, "rank")).to_have_attribute("placeholder", "16")
    field(page, "rank").fill("9999")
    field(page, "rank").blur()
    expect(field(page, "rank")).to_have_value("256")
    field(page, "name").fill("Kept")
    page.get_by_role("radio", name="A style").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="An object")).to_be_focused()
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    open_training(page)
    expect(page.get_by_label("Name", exact=True)).to_have_value("Kept")
    expect(page.get_by_role("radio", name="An object")).to_have_attribute("aria-checked", "true")
    expect(page.locator(".trtable li")).to_have_count(3)
    page.locator(".trtable li").first.get_by_role("button").click()
    expect(page.locator(".trtable li")).to_have_count(2)


def test_pause_go_on_give_up_and_keep(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit()
    open_training(page)
    begin(page, 5000)
    expect(page.locator(".trcurve")).to_be_visible()
    expect(page.locator("#tab_lora-button")).to_have_attribute("data-learning", "yes")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".trtop")).to_contain_text("Stopped at step")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Stop and keep").click()
    expect(page.locator(".trtop h3")).to_have_text("“zub” is ready")
    assert asked(studio).early
    page.get_by_role("button", name="Train another one").click()
    begin(page, 5000, trigger="mot")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    page.get_by_role("button", name="Discard it").click()
    # The row of the kept one stood there all the while.
    until(lambda: asked(studio).trigger == "zub")
    expect(page.locator(".trrow")).to_have_count(1)


def test_what_stops_between_two_answers_can_go_on_at_once(visit: Callable[..., Any]) -> None:
    page = visit()
    open_training(page)
    begin(page, 5000)
    expect(page.locator(".trcurve")).to_be_visible()
    with page.expect_response(lambda answer: answer.url.endswith("/trainings")) as told:
        pass
    # All are told of as they were before it stopped; the one that is watched, as it is.
    page.route("**/trainings", lambda route: route.fulfill(json=told.value.json()))
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".trtop")).to_contain_text("Stopped at step")
    expect(page.get_by_role("button", name="Go on")).to_be_enabled()


def test_one_is_listed_after_a_restart_and_goes_on(visit: Callable[..., Any], tmp_path: Path) -> None:
    with serving(studio_at(tmp_path)) as url:
        page = visit(to=url)
        open_training(page)
        begin(page, 5000)
        expect(page.locator(".trcurve")).to_be_visible()
        page.context.close()
    with serving(studio_at(tmp_path)) as url:
        page = visit(to=url)
        open_training(page)
        expect(page.locator(".trrow")).to_contain_text("paused at step")
        page.locator(".trrow").click()
        expect(page.locator(".trtop")).to_contain_text("The studio was restarted")
        expect(page.locator(".trcurve")).to_be_visible()
        page.get_by_role("button", name="Go on").click()
        expect(page.locator(".trtop h3")).to_contain_text("Learning")


def test_pictures_are_painted_and_seen_while_one_learns(visit: Callable[..., Any]) -> None:
    page = visit()
    page.fill(PROMPT, "an orange cat")
    open_training(page)
    begin(page, 5000)
    expect(page.locator("#training .trtop")).to_be_visible()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("body:not([data-busy=no])")
    idle(page)
    expect(page.locator(".plate.on .shot img")).to_be_visible()
    expect(page.locator("#training .trtop")).to_be_hidden()
    page.locator("#tab_lora-button").click()
    expect(page.locator("#training .trtop h3")).to_contain_text("Learning")


def late(route: Any) -> None:
    """All trainings as they stood a moment ago, when none was ready."""
    if route.request.method != "GET":
        return route.continue_()
    answer = route.fetch()
    told = answer.json()
    for one in told["trainings"]:
        one.update(state="running", lora="")
    return route.fulfill(response=answer, json=told)


@pytest.mark.parametrize("between", [False, True], ids=["seen", "between two looks"])
def test_one_that_is_ready_is_chosen_with_its_trigger_word(
    visit: Callable[..., Any], studio: Studio, between: bool
) -> None:
    page = visit()
    if between:
        page.route("**/api/trainings", late)
    page.fill(PROMPT, "on a chair")
    open_training(page)
    begin(page, 5, trigger="wug")
    file = put(studio.settings.data, "wug", lora(trigger_phrase="wug"))
    try:
        page.get_by_role("button", name="Use it").click()
        row = page.locator(".lo", has=page.locator("header > b", has_text="wug"))
        expect(row.locator(".loword.on")).to_have_text("wug")
        assert page.input_value(PROMPT) == "on a chair, wug"
    finally:
        file.unlink()


def test_guests_are_not_offered_a_training(visit: Callable[..., Any], tmp_path: Path) -> None:
    house = studio_at(tmp_path)
    settings = house.settings.model_copy(update={"public": True})
    with serving(Studio(settings, read_catalog(settings.models), FakeEngine())) as url:
        page = visit(to=url)
        page.wait_for_selector("body[data-book=yes]")
        page.locator("#tab_lora-button").click()
        expect(page.locator(".loshelf")).to_contain_text("Nothing on the shelf yet.")
        expect(page.locator(".lctrain")).to_have_count(0)


# -- the pocket, alive ----------------------------------------------------------------------------


def pocket(folder: Path) -> Studio:
    """The studio as it comes, on a device of its own."""
    settings = Settings(data=folder, models=ROOT / "models.yaml", devices="cpu")
    return Studio(settings, read_catalog(settings.models), local_engine(folder, ThreadHost))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_pocket_learns_is_paused_goes_on_after_a_restart_and_is_used(
    visit: Callable[..., Any], tmp_path: Path
) -> None:
    with serving(pocket(tmp_path)) as url:
        page = visit(to=url)
        page.fill(PROMPT, "a red house")
        open_training(page)
        begin(page, 400, trigger="mystyle", rank="4", batch="1", sample_every="4")
        expect(page.locator(".trsample").first).to_be_visible(timeout=LIVE_MS)
        page.keyboard.press("Control+Enter")  # the model is free between two turns
        page.wait_for_selector("body:not([data-busy=no])")
        page.wait_for_selector("body[data-busy=no]", timeout=LIVE_MS)
        expect(page.locator(".plate.on .shot img")).to_be_visible()
        page.locator("#tab_lora-button").click()
        page.get_by_role("button", name="Pause").click()
        expect(page.locator(".trtop")).to_contain_text("Stopped at step", timeout=LIVE_MS)
        assert not list((tmp_path / "loras").glob("*.safetensors"))
        page.context.close()
    with serving(pocket(tmp_path)) as url:
        page = visit(to=url)
        open_training(page)
        page.locator(".trrow").click()
        before = page.locator(".trsample").count()
        page.get_by_role("button", name="Go on").click()
        expect(page.locator(".trsample")).not_to_have_count(before, timeout=LIVE_MS)
        page.get_by_role("button", name="Stop and keep").click()
        expect(page.locator(".trtop h3")).to_have_text("“mystyle” is ready", timeout=LIVE_MS)
        page.get_by_role("button", name="Use it").click()
        row = page.locator(".lo", has=page.locator("header > b", has_text="mystyle"))
        expect(row.locator(".loword.on")).to_have_text("mystyle")
        expect(row.locator(".lopic img")).to_be_visible()
    assert [file.name for file in (tmp_path / "loras").glob("*.safetensors")] == ["mystyle.safetensors"]
