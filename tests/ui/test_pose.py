"""The pose editor in a real Chromium: hands and faces beside the joints, from a detector to the map and back."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from studio.control.standard import drawn
from studio.messages import Figure
from studio.service import Studio
from studio.skeletons import HAND_BONES, JOINTS, wheel
from studio.ui.reference_poses import shelf
from tests.ui.browsing import IN_A_BROWSER, NARROW, PROMPT, WIDE, fits, generate
from tests.ui.house import studio_with
from tests.ui.test_reference_page import add, bring, net, open_tab, picture, png, units

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = IN_A_BROWSER
BOTH = pytest.mark.parametrize("width", [WIDE, NARROW], ids=["1440", "390"])
SIDE = 512
LEFT, RIGHT, FACE, ALL = 18, 39, 60, 130
"""Where the parts of a figure begin among its points, in the editor's order."""
ELBOW, WRIST, NOSE, NECK = 3, 4, 0, 1
Place = tuple[float, float]


def _hand(wrist: Place) -> tuple[Place, ...]:
    """A large hand to the right of a wrist: fingers below each other, far enough apart to be told apart."""
    x, y = wrist
    fingers = ((x + 24 + 16 * at, y - 40 + 20 * finger) for finger in range(5) for at in range(4))
    return (wrist, *fingers)


BODY = next(tuple(pose["people"][0]) for pose in shelf() if pose["id"] == "arms-out")
BENT = {"right_wrist": (150.0, 380.0), "left_wrist": (330.0, 380.0)}
"""Where hands lie apart from everything else."""
SOMEBODY = Figure(
    joints=tuple(
        BENT.get(name, joint and (round(joint[0] * SIDE, 1), round(joint[1] * SIDE, 1)))
        for name, joint in zip(JOINTS, BODY, strict=True)
    ),
    left_hand=_hand(BENT["left_wrist"]),
    right_hand=_hand(BENT["right_wrist"]),
    face=tuple((20.0 + 12 * (k % 10), 20.0 + 12 * (k // 10)) for k in range(70)),
)


FILL = """() => {
  const all = {}, room = (kept) => { try { kept(); return true; } catch (full) { return false; } };
  const notes = () => { localStorage["studio.reference"] = JSON.stringify(all); };
  do all[Object.keys(all).length + "x"] = { source: "x".repeat(65536) }; while (room(notes));
  for (let size = 65536, rest = ""; size >= 1; size /= 2)
    if (room(() => { localStorage.filler = rest + "x".repeat(size); })) rest += "x".repeat(size);
}"""
"""Leaves no room in what the browser keeps."""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A studio whose model follows poses, and where something can read them."""
    folder = tmp_path_factory.mktemp("studio")

    def change(catalog: dict[str, Any]) -> None:
        catalog["controls"] = [net(folder / "one", "sd1", "pose", "canny")]
        (folder / "body.safetensors").write_bytes(b"\x02" + bytes(7) + b"{}")
        catalog["detectors"] = [
            {
                "id": "body", "title": {"en": "Body", "zh": "身体"}, "detector": "openpose", "licence": "test",
                "source": {"kind": "file", "path": str(folder / "body.safetensors")},
            }
        ]  # fmt: skip

    return studio_with(folder, change)


def posing(page: Any, pose: str = "standing") -> Any:
    """Puts a figure of the shelf on the easel and hands back its card."""
    open_tab(page)
    card = add(page, "pose")
    card.get_by_role("button", name="Choose a pose").click()
    page.locator(f"[data-pose={pose}]").click()
    return card


def press(page: Any, *acts: str) -> None:
    """Presses buttons of the bar."""
    for act in acts:
        page.locator(f".easel [data-act={act}]").click()


def points(page: Any, who: int = 0) -> dict[int, Place]:
    """Where the joints and, looked at closely, the points of a figure are."""
    found = page.evaluate(
        "(who) => [...document.querySelectorAll(`.pjoint[data-who='${who}']`)].filter((one) => one.style.display"
        " !== 'none').map((one) => [one.dataset.joint, one.getAttribute('transform')])",
        who,
    )
    return {int(at): tuple(float(part) for part in where[10:-1].split()) for at, where in found}


def screen(page: Any, joint: int) -> Place:
    """Where a point lies on the screen."""
    box = page.locator(f".pjoint[data-joint='{joint}'] .pdot").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Any, start: Place, by: Place) -> None:
    """Drags whatever lies at a place of the screen."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + by[0], start[1] + by[1], steps=4)
    page.mouse.up()


def turn(start: Place, end: Place) -> float:
    return math.atan2(end[1] - start[1], end[0] - start[0])


def same(one: dict[int, Place], other: dict[int, Place], within: float = 0.02) -> bool:
    """Whether two figures have the same points in the same places."""
    return one.keys() == other.keys() and all(math.dist(one[at], other[at]) <= within for at in one)


# -- from a detector through the editor into the map -----------------------------------------------


@pytest.fixture
def reading(studio: Studio) -> Callable[[Any], str]:
    """Lets a page's poses be read as somebody with hands and a face; tells the map's digest."""

    def reads(page: Any) -> str:
        file = io.BytesIO()
        drawn([SOMEBODY], (SIDE, SIDE)).save(file, "PNG")
        map = studio.keep_input(file.getvalue(), studio.person(None, "en"))
        told = map.model_copy(update={"figures": (SOMEBODY,)}).model_dump(mode="json")
        page.route("**/api/maps", lambda route: route.fulfill(json=told))
        return map.picture

    return reads


def edit(page: Any) -> Any:
    """Brings a photo and opens the pose that was read in it."""
    open_tab(page)
    card = add(page, "pose")
    bring(card, png((SIDE, SIDE), "grey"))
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    card.get_by_role("button", name="Edit pose").click()
    expect(page.locator(".pflat")).to_have_count(ALL - len(JOINTS))
    return card


def test_a_detected_pose_keeps_hands_and_face_through_the_editor_and_into_the_map(
    visit: Callable[..., Any], studio: Studio, reading: Callable[[Any], str]
) -> None:
    page = visit()
    page.fill(PROMPT, "a dancer")
    read = reading(page)
    card = edit(page)
    page.get_by_role("button", name="Use this pose").click()
    expect(card.locator(f"[data-fig=map] img:not([src$='{read}'])")).to_be_visible()
    generate(page)
    [unit] = units(studio)
    assert unit.map and unit.picture != read
    pixels = np.asarray(picture(studio, unit.picture)).astype(int)

    def colour(x: float, y: float) -> list[int]:
        return pixels[int(y), int(x)].tolist()

    for hand in (SOMEBODY.left_hand, SOMEBODY.right_hand):
        assert hand and {tuple(colour(*point)) for point in hand if point} == {(0, 0, 255)}
        for k in (1, 2, 3, 5, 18):
            first, last = (hand[end] for end in HAND_BONES[k])
            found = colour(*np.mean([first, last], 0))
            assert np.abs(np.subtract(found, wheel(k / 20))).max() <= 30, (
                "bones are as bright as on the server's map"
            )
    assert {tuple(colour(*point)) for point in SOMEBODY.face or () if point} == {(255, 255, 255)}
    server = np.asarray(drawn([SOMEBODY], (SIDE, SIDE))).astype(int)
    lit = server.any(-1) | pixels.any(-1)
    differ = np.abs(server - pixels).max(-1) > 100
    assert differ.sum() < 0.25 * lit.sum(), "only edges, which the browser draws softly, differ"


def test_what_was_posed_by_hand_is_there_again_after_a_reload_and_an_untouched_map_that_is_kept_too(
    visit: Callable[..., Any], reading: Callable[[Any], str]
) -> None:
    page = visit()
    reading(page)
    card = edit(page)
    page.locator("[data-joint='4']").focus()
    page.keyboard.press("Shift+ArrowLeft")
    press(page, "fingers")
    before = points(page)
    page.get_by_role("button", name="Use this pose").click()
    page.wait_for_function(  # the form knows the map that was posed
        "Object.entries(JSON.parse(localStorage['studio.reference'] || '{}'))"
        ".some(([map, told]) => told.people && localStorage['studio.form']?.includes(map))"
    )
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    open_tab(page)
    page.locator(".rf").get_by_role("button", name="Edit pose").click()
    expect(page.locator(".pflat")).to_have_count(ALL - len(JOINTS))
    press(page, "fingers")
    assert same(points(page), before, 0.1)
    press(page, "cancel")
    page.locator(".rf").get_by_role("button", name="Remove").click()
    card = edit(page)
    press(page, "cancel")
    card.get_by_role("button", name="Keep this map").click()
    card.get_by_role("button", name="Edit pose").click()
    expect(page.locator(".pflat")).to_have_count(ALL - len(JOINTS))


def test_a_pose_stored_before_hands_were_known_is_still_read(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    card = posing(page)
    page.get_by_role("button", name="Use this pose").click()
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    stored = json.loads(page.evaluate("localStorage['studio.reference']"))
    [(digest, note)] = stored.items()
    [person] = note["people"]
    assert len(person) == len(JOINTS), "joints alone are kept as they always were"
    person[WRIST] = [77, 88]
    page.evaluate("(text) => { localStorage['studio.reference'] = text; }", json.dumps({digest: note}))
    card.get_by_role("button", name="Edit pose").click()
    expect(page.locator(".pjoint")).to_have_count(len(JOINTS))
    assert points(page)[WRIST] == (77, 88)
    press(page, "hands", "fingers")
    assert len(points(page)) == len(JOINTS) + 42


def test_a_pose_is_kept_also_where_the_browser_has_no_more_room(visit: Callable[..., Any]) -> None:
    page = visit()
    card = posing(page)
    press(page, "hands", "face")
    page.evaluate(FILL)
    page.get_by_role("button", name="Use this pose").click()
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    kept = json.loads(page.evaluate("localStorage['studio.reference']"))
    digest = card.locator("[data-fig=map] img").get_attribute("src").rpartition("/")[2]
    assert {"joints", "left_hand", "right_hand", "face"} == set(kept[digest]["people"][0])
    assert "0x" not in kept and len(kept) > 10, "the oldest made room"


def test_a_map_from_elsewhere_is_read_by_its_joints_and_its_hands_are_not_taken_for_people(
    visit: Callable[..., Any],
) -> None:
    page, file = visit(), io.BytesIO()
    drawn([SOMEBODY], (SIDE, SIDE)).save(file, "PNG")
    open_tab(page)
    card = add(page, "pose")
    page.route("**/api/maps", lambda route: route.abort())
    bring(card, file.getvalue())
    card.get_by_role("radio", name="A map").click()
    card.get_by_role("button", name="Edit pose").click()
    expect(page.locator(".easel .esay")).to_contain_text("Only the joints could be read")
    found = points(page)
    assert {at for at in found if at in (NECK, 2, 3, 5, 6, 8, 9, 10, 11, 12, 13)} == {
        1,
        2,
        3,
        5,
        6,
        8,
        9,
        10,
        11,
        12,
        13,
    }
    assert all(math.dist(found[at], SOMEBODY.joints[at]) < 3 for at in (NECK, 2, 3, 9, 12))  # type: ignore[arg-type]


# -- what goes along -------------------------------------------------------------------------------


def test_a_hand_goes_with_its_wrist_and_turns_with_the_forearm(visit: Callable[..., Any]) -> None:
    page = visit()
    posing(page)
    press(page, "hands", "fingers")
    before = points(page)
    start = screen(page, WRIST)
    drag(page, start, (-90, -60))
    after = points(page)
    assert math.dist(after[WRIST], before[WRIST]) > 50
    by = turn(after[ELBOW], after[WRIST]) - turn(before[ELBOW], before[WRIST])
    assert abs(by) > 0.3
    for at in range(RIGHT, FACE):
        x, y = np.subtract(before[at], before[WRIST])
        meant = np.add(
            after[WRIST], (x * math.cos(by) - y * math.sin(by), x * math.sin(by) + y * math.cos(by))
        )
        assert math.dist(after[at], meant) < 0.1, "it keeps its shape"
    others = {at: where for at, where in before.items() if at != WRIST and not RIGHT <= at < FACE}
    assert same({at: after[at] for at in others}, others)
    page.keyboard.press("Control+z")
    assert same(points(page), before)
    page.keyboard.press("Control+Shift+z")
    assert same(points(page), after)


def test_the_elbow_takes_the_hand_along_as_it_is_and_alt_leaves_it_behind(visit: Callable[..., Any]) -> None:
    page = visit()
    posing(page)
    press(page, "hands", "fingers")
    before = points(page)
    page.locator("[data-joint='3']").focus()
    page.keyboard.press("Shift+ArrowLeft")
    moved = points(page)
    for at in (ELBOW, WRIST, *range(RIGHT, FACE)):
        assert moved[at] == pytest.approx((before[at][0] - 10, before[at][1]))
    page.locator("[data-joint='4']").focus()
    page.keyboard.press("Alt+Shift+ArrowLeft")
    alone = points(page)
    assert alone[WRIST][0] == pytest.approx(moved[WRIST][0] - 10)
    assert same({at: alone[at] for at in range(RIGHT, FACE)}, {at: moved[at] for at in range(RIGHT, FACE)})


def test_a_face_goes_with_the_nose_and_everything_goes_with_the_figure(visit: Callable[..., Any]) -> None:
    page = visit()
    posing(page)
    press(page, "hands", "face", "fingers")
    before = points(page)
    assert len(before) == ALL
    page.locator("[data-joint='0']").focus()
    page.keyboard.press("Shift+ArrowUp")
    nodded = points(page)
    head = (NOSE, 14, 15, 16, 17, *range(FACE, ALL))
    for at in before:
        assert nodded[at] == pytest.approx((before[at][0], before[at][1] - (10 if at in head else 0)))
    page.locator("[data-joint='1']").focus()
    page.keyboard.press("Shift+ArrowRight")
    moved = points(page)
    assert all(moved[at] == pytest.approx((x + 10, y)) for at, (x, y) in nodded.items())
    hip, knee = screen(page, 8), screen(page, 9)
    drag(page, (hip[0] * 0.5 + knee[0] * 0.5, hip[1] * 0.5 + knee[1] * 0.5), (40, 0))
    dragged = points(page)
    by = {round(dragged[at][0] - moved[at][0], 2) for at in moved}
    assert len(by) == 1 and by.pop() > 20, "a bone takes the whole figure, hands and face included"
    page.keyboard.press("]")
    larger = points(page)
    ratios = [
        math.dist(larger[a], larger[b]) / math.dist(dragged[a], dragged[b])
        for a, b in ((1, 8), (39, 51), (60, 76))
    ]
    assert ratios == pytest.approx([ratios[0]] * 3) and ratios[0] > 1.05
    page.keyboard.press("[")
    assert same(points(page), dragged)


def test_turning_round_swaps_the_hands_and_the_sides_of_the_face(visit: Callable[..., Any]) -> None:
    page = visit()
    posing(page, "waving")
    press(page, "hands", "face", "fingers")
    before = points(page)
    press(page, "flip")
    after = points(page)
    width = page.evaluate("document.querySelector('.psheet').viewBox.baseVal.width")
    for at in range(21):
        assert after[LEFT + at] == pytest.approx((width - before[RIGHT + at][0], before[RIGHT + at][1]))
    for one, other in ((0, 16), (8, 8), (17, 26), (36, 45), (41, 46), (48, 54), (60, 64), (68, 69)):
        assert after[FACE + one] == pytest.approx((width - before[FACE + other][0], before[FACE + other][1]))
    press(page, "flip")
    assert same(points(page), before)


def test_both_sides_move_both_hands_and_the_same_finger_of_each(visit: Callable[..., Any]) -> None:
    page = visit()
    posing(page)
    press(page, "hands", "fingers", "both")
    before = points(page)
    tip = RIGHT + 8
    page.locator(f"[data-joint='{tip}']").focus()
    page.keyboard.press("Shift+ArrowLeft")
    after = points(page)
    assert after[tip][0] == pytest.approx(before[tip][0] - 10)
    assert after[LEFT + 8][0] == pytest.approx(before[LEFT + 8][0] + 10)
    rest = set(before) - {tip, LEFT + 8}
    assert same({at: after[at] for at in rest}, {at: before[at] for at in rest})


# -- the switches ----------------------------------------------------------------------------------


def test_hands_and_a_face_come_and_go_by_switches_and_by_undo(visit: Callable[..., Any]) -> None:
    page = visit()
    posing(page)
    hands, face, fingers = (page.locator(f".easel [data-act={act}]") for act in ("hands", "face", "fingers"))
    expect(fingers).to_be_disabled()
    press(page, "hands")
    expect(hands).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".pflat")).to_have_count(42)
    expect(page.locator(".easel .esay")).to_contain_text("Zoom in")
    press(page, "face")
    expect(page.locator(".pflat")).to_have_count(112)
    press(page, "hands")
    expect(hands).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".pflat")).to_have_count(70)
    press(page, "undo", "undo")
    expect(page.locator(".pflat")).to_have_count(42)
    expect(face).to_have_attribute("aria-pressed", "false")
    press(page, "redo")
    expect(page.locator(".pflat")).to_have_count(112)
    press(page, "person")
    expect(hands).to_have_attribute("aria-pressed", "false"), "the switches are about the chosen figure"
    page.locator("[data-who='0'][data-joint='13']").focus()
    expect(hands).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".pjoint.paside")).to_have_count(len(JOINTS))


def test_one_hand_of_two_is_completed_before_both_are_taken_away(
    visit: Callable[..., Any], reading: Callable[[Any], str], studio: Studio
) -> None:
    page = visit()
    posing(page)
    press(page, "hands", "fingers")
    for at in range(LEFT, RIGHT):
        page.locator(f"[data-joint='{at}']").focus()
        page.keyboard.press("Delete")
    hands = page.locator(".easel [data-act=hands]")
    expect(hands).to_have_attribute("aria-pressed", "mixed")
    kept = {at: where for at, where in points(page).items() if RIGHT <= at < FACE}
    hands.click()
    expect(hands).to_have_attribute("aria-pressed", "true")
    after = points(page)
    assert same({at: after[at] for at in kept}, kept) and LEFT in after


def test_a_plain_hand_is_sized_by_its_forearm_and_a_plain_face_by_the_ears(visit: Callable[..., Any]) -> None:
    page = visit()
    for pose in ("standing", "waving", "arms-out"):
        [joints] = next(one["people"] for one in shelf() if one["id"] == pose)
        person = [joint and [SIDE * part for part in joint] for joint in joints]
        left, right, face = page.evaluate(
            "(joints) => { const p = studio.poses, who = p.whole(joints); return [p.openHand(who, p.LEFT),"
            " p.openHand(who, p.RIGHT), p.plainFace(who)]; }",
            person,
        )
        for hand, wrist, elbow in ((left, 7, 6), (right, 4, 3)):
            arm = math.dist(person[wrist], person[elbow])
            assert hand[0] == pytest.approx(person[wrist])
            assert math.dist(hand[0], hand[12]) == pytest.approx(0.7 * arm, rel=0.05)
            assert math.cos(turn(hand[0], hand[12]) - turn(person[elbow], person[wrist])) > 0.99
        ears = math.dist(person[16], person[17])
        assert 0.7 * ears < math.dist(face[0], face[16]) < 1.3 * ears
        assert face[68][0] < face[69][0] and face[8][1] > face[27][1], (
            "the right eye on the left, the chin below"
        )
        assert np.mean([face[68], face[69]], 0) == pytest.approx(np.mean([person[14], person[15]], 0), abs=2)


def test_a_thumb_points_towards_the_body_or_upwards(visit: Callable[..., Any]) -> None:
    page = visit()
    for wrist, elbow, side in (
        ((40, 20), (40, 60), (1, 0)),
        ((40, 100), (40, 60), (1, 0)),
        ((0, 50), (40, 50), (0, -1)),
    ):
        joints: list[Any] = [None] * 18
        joints[1], joints[3], joints[4] = [100, 50], list(elbow), list(wrist)
        hand = page.evaluate(
            "(j) => { const p = studio.poses; return p.openHand(p.whole(j), p.RIGHT); }", joints
        )
        thumb, middle = np.array(hand[3]), np.array(hand[10])
        assert (thumb - middle) @ np.array(side) > 5


# -- single points ---------------------------------------------------------------------------------


@BOTH
def test_fingers_are_had_only_where_one_looks_closely_and_joints_come_first(
    visit: Callable[..., Any], width: dict[str, Any]
) -> None:
    page, narrow = visit(**width), width is NARROW
    posing(page)
    press(page, "hands", "face")
    expect(page.locator(".ppoint")).to_have_count(0)
    assert not narrow or fits(page)
    page.locator("[data-joint='4']").focus()
    for _ in range(4):
        page.keyboard.press("+")
    expect(page.locator(".ppoint")).to_have_count(112)
    expect(page.locator("[data-act=fit]")).not_to_have_text("100%")
    assert not narrow or fits(page)
    before, tip = points(page), RIGHT + 7
    drag(page, screen(page, tip), (-30, 0))
    after = points(page)
    by = after[tip][0] - before[tip][0]
    assert by < -3
    assert after[tip + 1] == pytest.approx((before[tip + 1][0] + by, before[tip + 1][1])), (
        "what hangs on it comes along"
    )
    rest = set(before) - {tip, tip + 1}
    assert same({at: after[at] for at in rest}, {at: before[at] for at in rest})
    drag(page, screen(page, RIGHT), (-30, 0))  # the root of the hand lies under the wrist
    assert points(page)[WRIST][0] < after[WRIST][0] - 3
    page.keyboard.press("0")
    expect(page.locator(".ppoint")).to_have_count(0)


def test_a_hand_is_a_handle_of_its_wrist_where_nobody_looks_closely(visit: Callable[..., Any]) -> None:
    page = visit()
    posing(page)
    before = points(page)
    press(page, "hands")
    box = page.locator(".pflat[data-holds='4']").nth(12).bounding_box()
    drag(page, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), (-40, 0))
    after = points(page)
    assert after[WRIST][0] < before[WRIST][0] - 10
    assert after[ELBOW] == before[ELBOW]


@pytest.mark.parametrize(
    ("language", "name"), [("en-GB", "right index finger, joint 4"), ("zh-CN", "右手食指第 4 节")]
)
def test_a_finger_is_reached_and_nudged_by_keys_and_has_a_name(
    visit: Callable[..., Any], language: str, name: str
) -> None:
    page = visit(language)
    open_tab(page)
    add(page, "pose").locator("[data-ref=pose]").first.click()
    page.locator("[data-pose=standing]").click()
    page.locator("[data-joint='4']").focus()
    page.keyboard.press("h")
    page.keyboard.press("d")
    expect(page.locator(".ppoint")).to_have_count(42)
    expect(page.locator("[data-joint='4']")).to_be_focused()
    tip = page.get_by_role("button", name=name)
    before = points(page)
    tip.focus()
    expect(page.locator(".ptip")).to_have_text(name)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    at = RIGHT + 8
    assert points(page)[at] == pytest.approx((before[at][0] + 10, before[at][1] + 1))
    page.keyboard.press("Delete")
    assert at not in points(page)


def test_keys_are_for_the_figure_that_was_touched_last(visit: Callable[..., Any]) -> None:
    page = visit()
    card = posing(page)
    card.locator(".rfkind").focus()
    neck, hip = screen(page, NECK), screen(page, 8)
    drag(page, (neck[0] * 0.5 + hip[0] * 0.5, neck[1] * 0.5 + hip[1] * 0.5), (20, 0))
    page.keyboard.press("h")
    expect(page.locator(".pflat")).to_have_count(42)


def test_two_fingers_zoom_in_and_take_back_what_the_first_began(visit: Callable[..., Any]) -> None:
    page = visit(**NARROW)
    posing(page)
    press(page, "hands")
    before, (x, y) = points(page), screen(page, WRIST)
    hand = page.context.new_cdp_session(page)

    def touch(kind: str, *places: Place) -> None:
        touches = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(places)]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    touch("touchStart", (x, y))
    touch("touchMove", (x - 4, y))
    touch("touchStart", (x - 4, y), (x + 40, y))
    for part in range(1, 9):
        touch("touchMove", (x - 4 - 8 * part, y), (x + 40 + 8 * part, y))
    touch("touchEnd")
    expect(page.locator(".ppoint")).to_have_count(42)
    after = points(page)
    assert same({at: after[at] for at in before}, before)
    assert fits(page)
    page.get_by_role("button", name="Use this pose").click()
    expect(page.locator(".easel")).to_have_count(0)
