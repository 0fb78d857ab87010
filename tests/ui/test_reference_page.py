"""References in a real Chromium, wide and narrow: what a person holds up, sees, corrects, and is painted by."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.messages import ControlUnit
from studio.service import Studio
from studio.ui.reference_poses import shelf
from tests.ui.browsing import IN_A_BROWSER, NARROW, PROMPT, WIDE, fits, generate, idle
from tests.ui.house import checkpoint, studio_with
from tests.ui.test_start_page import drop, last_request, paint_mask, png
from tests.worlds import until

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = IN_A_BROWSER
BLIND_CAMERA = """() => {
  navigator.mediaDevices.getUserMedia = async () => ({ getTracks: () => [] });
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", { set() {} });
  HTMLMediaElement.prototype.play = async () => {};
}"""
BOTH = pytest.mark.parametrize("width", [WIDE, NARROW], ids=["1440", "390"])


def net(folder: Path, family: str, *kinds: str) -> dict[str, Any]:
    """An entry of a control net that nobody loads."""
    checkpoint(folder)
    (folder / "unet" / "config.json").write_text("{}", encoding="utf-8")
    return {
        "id": f"{family}-{kinds[0]}", "title": {"en": f"Net {kinds[0]}", "zh": f"网络 {kinds[0]}"}, "family": family,
        "kinds": list(kinds), "licence": "Apache-2.0", "source": {"kind": "local", "path": str(folder / "unet")},
    }  # fmt: skip


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A studio whose first model follows edges, scribbles and poses, whose second follows depth alone, and whose
    third follows nothing."""
    folder = tmp_path_factory.mktemp("studio")

    def change(catalog: dict[str, Any]) -> None:
        catalog["models"][1]["family"] = "sd2"
        bare = {"id": "bare", "title": {"en": "Bare", "zh": "空手"}, "family": "sd3"}
        flowing = {"defaults": catalog["models"][0]["defaults"] | {"sampler": "flow_euler"}}
        catalog["models"].append(catalog["models"][0] | bare | flowing)
        catalog["controls"] = [
            net(folder / "one", "sd1", "canny", "scribble", "pose"), net(folder / "two", "sd2", "depth")
        ]  # fmt: skip

    return studio_with(folder, change)


def open_tab(page: Any) -> None:
    """Opens the Reference tab."""
    page.locator("#tab_reference-button").click()
    expect(page.locator("#reference .rfadd, #reference .rffull")).to_be_visible()


def add(page: Any, kind: str) -> Any:
    """Adds a reference of a kind and hands back its card."""
    page.locator(".rfadd").click()
    card = page.locator(".rf").last
    card.locator(".rfkind").click()
    card.locator(f"[data-kind={kind}]").click()
    expect(card.locator(f"[data-kind={kind}]")).to_have_attribute("aria-checked", "true")
    return card


def bring(card: Any, data: bytes) -> None:
    """Chooses a file in a card."""
    file = {"name": "mine.png", "mimeType": "image/png", "buffer": data}
    card.locator("[data-ref-file]").first.set_input_files(file)


def units(studio: Studio) -> tuple[ControlUnit, ...]:
    """The references of what was asked for last."""
    return last_request(studio).controls


def picture(studio: Studio, digest: str) -> Image.Image:
    """A picture that the studio keeps."""
    with Image.open(studio.input_file(digest, studio.person(None, "en"))) as image:
        return image.convert("RGB")


@BOTH
def test_see_the_map_correct_it_with_the_brush_and_generate(
    visit: Callable[..., Any], studio: Studio, width: dict[str, Any]
) -> None:
    page, narrow = visit(**width), width is NARROW
    page.fill(PROMPT, "a house")
    open_tab(page)
    card = add(page, "canny")
    bring(card, png(colour="black"))
    expect(card.locator("[data-fig=picture] img")).to_be_visible()
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    card.locator("input[data-set=weight]").fill("0.6")
    assert not narrow or fits(page)
    card.get_by_role("button", name="Correct it").click()
    page.wait_for_selector(".easel[data-way=sketch] .efilm")
    page.wait_for_function("document.querySelector('.easel .esay')?.textContent !== 'Fetching the picture'")
    paint_mask(page, narrow)
    assert not narrow or fits(page)
    generate(page)  # without "Done" first: the last stroke must be in it
    [unit] = units(studio)
    assert (unit.kind, unit.map, unit.weight, unit.net) == ("canny", True, 0.6, "sd1-canny")
    drawn = picture(studio, unit.picture)
    assert drawn.size == (600, 400)
    assert drawn.getpixel((300, 200)) == (255, 255, 255)
    assert drawn.getpixel((5, 5)) == (0, 0, 0)
    expect(page.locator(".plate.on .recipe")).to_contain_text("0.60")


def test_a_drawing_taken_back_to_nothing_is_no_reference_and_an_erased_map_is_black(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    page.fill(PROMPT, "a house")
    open_tab(page)
    card = add(page, "scribble")
    card.get_by_role("button", name="Draw it").click()
    page.wait_for_selector(".easel[data-way=sketch] .efilm")
    page.wait_for_function("document.querySelector('.easel .esay')?.textContent !== 'Fetching the picture'")
    paint_mask(page, False)
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    page.locator(".easel [data-act=undo]").click()
    expect(card.get_by_role("button", name="Draw it")).to_be_visible()
    page.locator(".easel [data-act=redo]").click()
    expect(card.get_by_role("button", name="Correct it")).to_be_visible()
    page.locator(".easel [data-act=done]").click()
    card.get_by_role("button", name="Correct it").click()
    expect(page.locator(".easel [data-act=clear]")).to_be_enabled()
    page.locator(".easel [data-act=clear]").click()
    generate(page)
    [unit] = units(studio)
    assert picture(studio, unit.picture).getextrema() == ((0, 0),) * 3


def begin(page: Any, card: Any, button: str, way: str = "sketch") -> None:
    """Puts a card's map on the easel and waits until it can be drawn on."""
    card.get_by_role("button", name=button).click()
    page.wait_for_selector(f".easel[data-way={way}] .efilm")
    page.wait_for_function("document.querySelector('.easel .esay')?.textContent !== 'Fetching the picture'")


def turn(card: Any, kind: str) -> None:
    """Makes a card one of another kind."""
    card.locator(".rfkind").click()
    card.locator(f"[data-kind={kind}]").click()
    expect(card.locator(f"[data-kind={kind}]")).to_have_attribute("aria-checked", "true")


def test_a_corrected_map_is_none_of_another_kind_and_is_back_with_its_own(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    page.fill(PROMPT, "a house")
    open_tab(page)
    card = add(page, "canny")
    bring(card, png(colour="black"))
    begin(page, card, "Correct it")
    paint_mask(page, False)
    turn(card, "scribble")  # with the last stroke still on the easel
    expect(page.locator(".easel")).to_have_count(0)
    expect(card.get_by_role("radio", name="A picture")).to_have_attribute("aria-checked", "true")
    expect(card.get_by_role("note")).to_contain_text("another kind (Hard edges (Canny))")
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    generate(page)
    [read] = units(studio)
    assert (read.kind, read.map) == ("scribble", False)
    assert picture(studio, read.picture).getextrema() == ((0, 0),) * 3
    turn(card, "canny")
    expect(card.get_by_role("radio", name="A map")).to_have_attribute("aria-checked", "true")
    generate(page)
    [unit] = units(studio)
    assert (unit.kind, unit.map) == ("canny", True)
    assert picture(studio, unit.picture).getpixel((300, 200)) == (255, 255, 255)


def test_a_drawing_serves_every_kind_of_lines_and_is_a_picture_for_the_others(
    visit: Callable[..., Any],
) -> None:
    page = visit()
    open_tab(page)
    card = add(page, "scribble")
    begin(page, card, "Draw it")
    paint_mask(page, False)
    page.locator(".easel [data-act=done]").click()
    turn(card, "canny")
    expect(card.get_by_role("radio", name="A map")).to_have_attribute("aria-checked", "true")
    turn(card, "pose")
    expect(card.get_by_role("radio", name="A picture")).to_have_attribute("aria-checked", "true")
    expect(card.get_by_role("note")).to_contain_text("As Hard edges (Canny) it was a map")


def test_a_picture_on_its_way_reaches_its_card_though_the_model_is_changed_meanwhile(
    visit: Callable[..., Any],
) -> None:
    page, slow = visit(), []
    open_tab(page)
    card = add(page, "canny")
    card.get_by_role("button", name="Leave it out for now").click()
    page.route("**/api/inputs", lambda route: slow.append(route), times=1)
    bring(card, png())
    while not slow:
        page.wait_for_timeout(20)
    page.locator("#tools [data-local=menu]").click()
    page.locator("#tools [role=menuitemradio]", has_text="Large").click()
    expect(card.locator(".rfbad")).to_be_visible()
    page.wait_for_timeout(500)  # the form is heard of a moment after the model
    slow[0].continue_()
    expect(card.locator("[data-fig=picture] img")).to_be_visible()


@BOTH
def test_a_ready_reference_is_tried_in_one_click(
    visit: Callable[..., Any], studio: Studio, width: dict[str, Any]
) -> None:
    page, narrow = visit(**width), width is NARROW
    page.fill(PROMPT, "a house")
    open_tab(page)
    # Of the kinds that a net follows, and of colours, which need none.
    expect(page.locator(".rfrow")).to_have_count(5)
    page.locator("[data-ready=canny-cottage]").click()
    card = page.locator(".rf")
    for shown in ("picture", "map"):
        expect(card.locator(f"[data-fig={shown}] img")).to_be_visible()
    expect(page.locator(".rfshelf[open]")).to_have_count(0)
    assert not narrow or fits(page)
    generate(page)
    [unit] = units(studio)
    assert (unit.kind, unit.map, unit.net) == ("canny", False, "sd1-canny")
    assert picture(studio, unit.picture).size == (512, 512)


def test_a_ready_palette_is_followed_without_a_net(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit()
    page.fill(PROMPT, "a house")
    open_tab(page)
    page.locator("[data-ready=palette-sea]").click()
    card = page.locator(".rf")
    for shown in ("picture", "map"):
        expect(card.locator(f"[data-fig={shown}] img")).to_be_visible()
    card.get_by_text("More").click()
    expect(card.locator("[data-set=net]")).to_have_count(0)
    generate(page)
    [unit] = units(studio)
    assert (unit.kind, unit.detector, unit.net) == ("palette", "histogram", "")


def test_a_ready_map_needs_no_detector_and_a_ready_pose_can_be_changed(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit("zh-CN")
    page.fill(PROMPT, "招手的人")
    open_tab(page)
    card = add(page, "pose")
    card.get_by_role("button", name="试试：招手").click()
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    expect(card.get_by_role("radio", name="控制图", exact=True)).to_have_attribute("aria-checked", "true")
    generate(page)
    [unit] = units(studio)
    assert (unit.kind, unit.map) == ("pose", True)
    card.get_by_role("button", name="改姿势").click()
    expect(page.locator(".pjoint")).to_have_count(18)
    [pose] = [one for one in shelf() if one["id"] == "waving"]
    for number, (x, y) in enumerate(pose["people"][0]):
        at = page.locator(f"[data-joint='{number}']").get_attribute("transform")
        assert [float(part) for part in at[10:-1].split()] == pytest.approx([x * 512, y * 512], abs=3)


def test_a_ready_reference_that_does_not_come_is_told_on_its_card(visit: Callable[..., Any]) -> None:
    page = visit()
    page.route("**/references/*.webp", lambda route: route.abort())
    open_tab(page)
    page.locator("[data-ready=canny-cat]").click()
    expect(page.locator(".rf [role=alert]")).to_be_visible()
    page.unroute("**/references/*.webp")
    page.locator(".rf [data-ready=canny-cat]").click()
    expect(page.locator(".rf [data-fig=map] img")).to_be_visible()


@BOTH
def test_a_pose_is_dragged_and_followed(
    visit: Callable[..., Any], studio: Studio, width: dict[str, Any]
) -> None:
    page, narrow = visit(**width), width is NARROW
    page.fill(PROMPT, "a dancer")
    open_tab(page)
    add(page, "pose").get_by_role("button", name="Choose a pose").click()
    page.locator("[data-pose=arms-out]").click()
    wrist = page.locator("[data-joint='4'] .pdot")
    expect(wrist).to_be_visible()
    sheet, box = page.locator(".psheet").bounding_box(), wrist.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    to = (sheet["x"] + sheet["width"] * 0.25, sheet["y"] + sheet["height"] * 0.25)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(*to, steps=5)
    page.mouse.up()
    assert not narrow or fits(page)
    page.get_by_role("button", name="Use this pose").click()
    expect(page.locator(".easel")).to_have_count(0)
    generate(page)
    [unit] = units(studio)
    assert (unit.kind, unit.map) == ("pose", True)
    drawn = picture(studio, unit.picture)
    assert drawn.size == (512, 512)
    near = [drawn.getpixel((128 + dx, 128 + dy)) for dx in range(-3, 4) for dy in range(-3, 4)]
    assert (170, 255, 0) in near, "the right wrist has its own colour where it was dragged to"


def test_undo_and_both_sides(visit: Callable[..., Any]) -> None:
    page = visit()
    open_tab(page)
    add(page, "pose").get_by_role("button", name="Choose a pose").click()
    page.locator("[data-pose=standing]").click()
    places = "[...document.querySelectorAll('.pjoint')].map((one) => one.getAttribute('transform'))"
    before = page.evaluate(places)
    page.locator("[data-act=both]").click()
    page.locator("[data-joint='4']").focus()
    page.keyboard.press("Shift+ArrowLeft")
    moved = page.evaluate(places)
    at = [[float(part) for part in one[10:-1].split()] for one in (before[4], moved[4], before[7], moved[7])]
    assert at[1][0] - at[0][0] == pytest.approx(-10)
    assert at[3][0] - at[2][0] == pytest.approx(10)
    page.keyboard.press("Control+z")
    assert page.evaluate(places) == before


def nudged(page: Any) -> None:
    """Moves the right wrist of the figure on the easel by ten pixels."""
    page.locator("[data-joint='4']").focus()
    page.keyboard.press("Shift+ArrowLeft")


def wrist(page: Any) -> list[float]:
    """Where the right wrist of the figure on the easel is."""
    at = page.locator("[data-joint='4']").get_attribute("transform")
    return [float(part) for part in at[10:-1].split()]


def test_a_pose_that_is_cancelled_changes_nothing_and_one_that_is_left_for_another_card_is_kept(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    page.fill(PROMPT, "a dancer")
    open_tab(page)
    card = add(page, "pose")
    card.get_by_role("button", name="Choose a pose").click()
    nudged(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".easel")).to_have_count(0)
    page.wait_for_timeout(300)
    expect(card.get_by_role("button", name="Choose a pose")).to_be_visible()
    card.get_by_role("button", name="Choose a pose").click()
    nudged(page)
    add(page, "scribble").get_by_role("button", name="Draw it").click()
    expect(page.locator(".easel[data-way=sketch]")).to_be_visible()
    expect(page.locator(".rf").first.locator("[data-fig=map] img")).to_be_visible()


def test_a_pose_that_could_not_be_kept_is_kept_with_another_try(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    open_tab(page)
    card = add(page, "pose")
    card.get_by_role("button", name="Choose a pose").click()
    nudged(page)
    moved = wrist(page)
    page.route("**/api/inputs", lambda route: route.abort())
    page.keyboard.press("Escape")
    expect(page.locator(".easel .esay.bad")).to_be_visible()
    page.unroute("**/api/inputs")
    page.locator(".easel [data-act=retry]").click()
    expect(page.locator(".easel")).to_have_count(0)
    card.get_by_role("button", name="Edit pose").click()
    expect(page.locator(".pjoint")).to_have_count(18)
    assert wrist(page) == pytest.approx(moved, abs=0.1)


def test_a_figure_is_taken_away_also_after_an_undo(visit: Callable[..., Any]) -> None:
    page = visit()
    open_tab(page)
    add(page, "pose").get_by_role("button", name="Choose a pose").click()
    page.locator("[data-pose=standing]").click()
    for act, joints in (("person", 36), ("person", 54), ("undo", 36), ("unperson", 18)):
        page.locator(f".easel [data-act={act}]").click()
        expect(page.locator(".pjoint")).to_have_count(joints)


def test_what_no_net_follows_is_shown_with_the_models_that_have_one(visit: Callable[..., Any]) -> None:
    page = visit()
    open_tab(page)
    card = add(page, "canny")
    bring(card, png())
    card.locator(".rfkind").click()
    depth = card.locator("[data-kind=depth]")
    expect(depth).to_have_attribute("aria-disabled", "true")
    expect(depth).to_contain_text("Pocket has no control net for this. These have: Large.")
    expect(card.locator("[data-kind=tile]")).to_contain_text("No model here has a control net for this.")
    depth.click(force=True)
    expect(card.locator(".rfkind")).to_contain_text("Canny")
    page.locator("#tools [data-local=menu]").click()
    page.locator("#tools [role=menuitemradio]", has_text="Large").click()
    expect(card.locator(".rfbad")).to_contain_text("Large has no control net for this. These have: Pocket.")


def test_an_unsent_reference_survives_a_reload_and_can_be_muted_and_removed(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    page.fill(PROMPT, "a boat")
    open_tab(page)
    card = add(page, "scribble")
    bring(card, png(colour="white"))
    card.locator(".rfmore summary").click()
    card.get_by_role("radio", name="Prompt leads").click()
    card.get_by_role("button", name="Leave it out for now").click()
    page.wait_for_function("localStorage.getItem('studio.form').includes('muted')")
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    open_tab(page)
    card = page.locator(".rf.muted")
    expect(card.locator("[data-fig=picture] img")).to_be_visible()
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    expect(card.locator(".rfmore summary")).to_contain_text("Prompt leads")
    card.get_by_role("button", name="Use it again").click()
    generate(page)
    assert [(unit.kind, unit.balance, unit.muted) for unit in units(studio)] == [
        ("scribble", "prompt", False)
    ]
    page.locator(".rf").get_by_role("button", name="Remove").click()
    generate(page)
    assert units(studio) == ()


def choose(page: Any, model: str) -> None:
    """Another model."""
    page.locator("#tools [data-local=menu]").click()
    page.get_by_role("menuitemradio", name=model).click()
    expect(page.locator("#tools .chip")).to_contain_text(model)


def test_what_no_model_followed_wakes_up_with_one_that_follows_it_unless_a_person_muted_it(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    page.fill(PROMPT, "a boat")
    open_tab(page)
    choose(page, "Bare")
    expect(page.locator(".rfnone")).to_be_visible()
    for kind, colour in (("canny", "white"), ("scribble", "black"), ("grey", "red")):
        bring(add(page, kind), png(colour=colour))
        expect(page.locator(".rf").last.locator("[data-fig=picture] img")).to_be_visible()
    asleep = page.get_by_role("button", name="Use it again")
    expect(asleep).to_have_count(3)
    for name in ("Use it again", "Leave it out for now"):
        page.locator(".rf").nth(1).get_by_role("button", name=name).click()
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    choose(page, "Pocket")
    open_tab(page)
    expect(asleep).to_have_count(2)
    generate(page)
    assert [(unit.kind, unit.muted) for unit in units(studio)] == [
        ("canny", False), ("scribble", True), ("grey", True)
    ]  # fmt: skip
    choose(page, "Bare")
    expect(asleep).to_have_count(3)
    generate(page)
    assert all(unit.muted for unit in units(studio))


def test_a_drop_on_the_tab_is_a_reference_and_its_size_can_be_taken(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    page.fill(PROMPT, "a bridge")
    open_tab(page)
    drop(page, png((600, 300)))
    expect(page.locator(".rf [data-fig=picture] img")).to_be_visible()
    expect(page.locator("#tab_reference-button")).to_have_attribute("data-n", "1")
    page.get_by_role("button", name="Take its shape").click()
    expect(page.locator("#size_label")).to_contain_text("600 × 304")
    generate(page)
    request = last_request(studio)
    assert request.start is None
    assert (request.width, request.height) == (600, 304)


def test_a_painted_picture_becomes_a_reference_and_the_gallery_brings_it_back(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    page.fill(PROMPT, "a tower")
    generate(page)
    page.locator(".plate.on").get_by_role("button", name="Reference").click()
    expect(page.locator(".rf [data-fig=picture] img")).to_be_visible()
    generate(page)
    newest = studio.pictures(studio.person(None, "en"))[0]
    [unit] = newest.recipe.request.controls
    page.locator(".rf").get_by_role("button", name="Remove").click()
    expect(page.locator(".rf")).to_have_count(0)
    page.locator("#nav > .tab-wrapper [role=tab]").nth(1).click()
    page.locator(f"#gallery .pc[data-id='{newest.id}']").click()
    page.locator("#gallery .drawer [data-do=again]").click()
    open_tab(page)
    expect(page.locator(f".rf [data-fig=picture] img[src$='{unit.picture}']")).to_be_visible()
    idle(page)


def test_a_picture_is_painted_only_once_its_reference_is_there(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page, slow = visit(), []
    page.fill(PROMPT, "a house")
    open_tab(page)
    card = add(page, "canny")
    page.route("**/api/inputs", lambda route: slow.append(route))
    bring(card, png())
    before = len(studio.jobs(studio.person(None, "en"), 99))
    page.locator(".go.idle").click()
    page.wait_for_timeout(500)
    assert len(studio.jobs(studio.person(None, "en"), 99)) == before
    slow[0].abort()
    expect(card.get_by_role("alert")).to_be_visible()
    idle(page)
    bring(card, png())
    page.locator(".go.idle").click()
    page.wait_for_timeout(200)
    slow[1].continue_()
    until(lambda: len(studio.jobs(studio.person(None, "en"), 99)) == before + 1)
    expect(page.locator(".plate.on .recipe")).to_contain_text("Canny")


def test_what_was_changed_about_a_picture_is_told_on_its_card(visit: Callable[..., Any]) -> None:
    page, data = visit(), io.BytesIO()
    Image.new("RGBA", (60, 40), (255, 0, 0, 128)).save(data, "PNG")
    open_tab(page)
    card = add(page, "canny")
    bring(card, data.getvalue())
    expect(card).to_contain_text("they are white now")
    expect(card.locator("[data-fig=map] img")).to_be_visible()


def test_a_camera_that_shows_nothing_is_told_on_the_card(visit: Callable[..., Any]) -> None:
    page = visit()
    page.evaluate(BLIND_CAMERA)
    open_tab(page)
    card = add(page, "canny")
    card.locator(".rfcamera").click()
    page.get_by_role("button", name="Take it").click()
    expect(card.get_by_role("alert")).to_be_visible()


def test_a_detector_that_fails_is_told_on_the_card(visit: Callable[..., Any]) -> None:
    page = visit("zh-CN")
    page.route("**/api/maps", lambda route: route.fulfill(status=400, json={"code": "x", "text": "内存不够"}))
    open_tab(page)
    card = add(page, "canny")
    bring(card, png())
    expect(card.get_by_role("alert")).to_contain_text("内存不够")
    page.unroute("**/api/maps")
    card.get_by_role("button", name="再试一次").click()
    expect(card.locator("[data-fig=map] img")).to_be_visible()
