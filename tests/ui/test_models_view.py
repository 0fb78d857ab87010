"""The Models page and the chip's menu as pure functions: every state, no markup of strangers, guests' eyes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from studio.messages import DeviceState, Fetching, Forecast, Held, Person, Trouble
from studio.ui.header import model_chip
from studio.ui.models_view import draw, listed
from studio.ui.shelf import Shelf, Verb, ago, held_bytes, seen_by
from tests.ui.shelves import DEVICE, GB, NOW, REFUSED, STATES, state

ADMIN, GUEST = Person(id="a", role="admin"), Person(id="g", role="guest")


def shelf(**changes: object) -> Shelf:
    """The shelf with every state, as an admin sees it."""
    full = Shelf(STATES, (DEVICE,), admin=True, chosen="pocket", refused=REFUSED, now=NOW)
    return replace(full, **changes)  # type: ignore[arg-type]


def row(html: str, model: str) -> str:
    """One row of the list."""
    found = re.search(rf'<li class="mrow[^"]*" data-id="{model}">.*?</li>', html)
    assert found, f"no row {model}"
    return found[0]


def side(html: str) -> str:
    """What is said about the picked model."""
    return html[html.index("outlook") :].split("</section>")[0]


@pytest.mark.parametrize(
    ("model", "en", "zh", "button"),
    [
        ("pocket", "Resident", "常驻", "Unload"),
        ("dream", "In host memory", "在内存", "Load"),
        ("sdxl", "On disk", "在磁盘", "Load"),
        ("turbo", "would unload Stable Diffusion 1.5 first", "会先卸下 Stable Diffusion 1.5", "Load"),
        ("own-cat", "Could not be loaded", "没能换上", "Load"),
        ("flux", "needs 23.8 GB, the budget is 10 GB", "需 23.8 GB，预算只有 10 GB", "What can I do?"),
        ("broken", "The model lacks its file", "模型缺少文件", "What can I do?"),
    ],
)
def test_each_state_has_its_words_and_its_button(model: str, en: str, zh: str, button: str) -> None:
    told = row(draw(shelf()), model)
    assert en in told
    assert zh in told
    assert f">{button}<" in told


def test_what_is_on_its_way_tells_how_far_it_is_and_can_be_stopped() -> None:
    coming = tuple(
        one.model_copy(update={"fetching": Fetching(done=1_200_000_000, total=6_900_000_000, rate=12e6)})
        if one.spec.id == "sd21" else one
        for one in STATES
    )  # fmt: skip
    told = row(draw(shelf(states=coming)), "sd21")
    assert "On its way here" in told and "1.2 GB" in told and "6.9 GB" in told and "12 MB/s" in told
    assert 'data-do="halt"' in told and "正在下载" in told
    assert 'data-do="halt"' not in row(draw(shelf(states=coming, admin=False)), "sd21")


def test_what_is_to_be_downloaded_is_said_and_comes_last() -> None:
    html = draw(shelf())
    assert "To be downloaded" in row(html, "sd21")
    assert 'data-do="bring"' in row(html, "sd21") and ">Fetch<" in row(html, "sd21")
    for_guests = row(draw(shelf(admin=False)), "sd21")
    assert 'data-do="bring"' not in for_guests and 'data-local="pick" data-model="sd21"' in for_guests
    assert [one.spec.id for one in listed(shelf())][-1] == "sd21"


def test_badges() -> None:
    html = draw(shelf())
    assert "In use" in row(html, "pocket")
    assert "In use" not in row(html, "sd15")
    assert "Chosen" in row(draw(shelf(chosen="sdxl")), "sdxl")
    assert "Own file" in row(html, "own-cat")
    assert "Not yet verified" in row(html, "dream")
    assert "Not yet verified" not in row(html, "sdxl")


def test_when_it_was_used() -> None:
    assert "used 3 min ago" in row(draw(shelf()), "sd15")
    assert ago(0, NOW) is None
    assert ago(NOW - 7300, NOW).zh == "2 小时前用过"  # type: ignore[union-attr]


def test_the_bar_counts_a_shared_part_once_and_marks_the_budget() -> None:
    assert held_bytes(DEVICE.held) == int(2.06 * GB)
    html = draw(shelf(picked="sdxl"))
    assert "2.1 GB used of a 10 GB budget, 12 GB in all" in html
    assert 'class="s1" style="width:0.50%"' in html
    assert "SDXL Base 1.0, if loaded" in html
    assert "+6.6 GB" in html
    assert '<s style="left:83.33%">' in html


def test_the_outlook_tells_what_a_load_would_do() -> None:
    assert "GPU memory goes to 8.7 GB" in side(draw(shelf(picked="sdxl")))
    evicting = side(draw(shelf(picked="turbo")))
    assert "This would unload Stable Diffusion 1.5 first." in evicting
    assert "Memory then goes to 9.4 GB." in evicting
    assert "STUDIO_MEMORY_BUDGET" in side(draw(shelf(picked="flux")))
    assert "someone/sd21" in side(draw(shelf(picked="sd21")))
    assert 'data-do="bring"' not in side(draw(shelf(picked="broken")))


def test_what_work_holds_cannot_be_unloaded() -> None:
    held = Held(model="sd15", parts={"unet": 2 * GB}, pinned=True)
    busy = DEVICE.model_copy(update={"held": (held,)})
    told = row(draw(shelf(devices=(busy,))), "sd15")
    assert "painting now" in told
    assert re.search(r'<button[^>]*aria-disabled="true">.*In use', told)
    assert 'data-do="drop"' not in told


def test_how_it_lies_in_memory_is_told_where_it_is_not_whole() -> None:
    def told(mode: str) -> str:
        held = Held(model="sd15", parts={"unet": 2 * GB}, mode=mode)
        return row(draw(shelf(devices=(DEVICE.model_copy(update={"held": (held,)}),))), "sd15")

    assert "parts take turns" in told("offload")
    assert "各层轮流" in told("group")
    assert "take turns" not in told("device")


def test_a_failed_load_can_be_tried_again() -> None:
    told = side(draw(shelf(picked="own-cat")))
    assert "Try again" in told
    assert "Paint with it" not in told
    assert "if loaded" not in draw(shelf(picked="own-cat"))


def test_what_is_in_use_leaves_too_little() -> None:
    told = state("mid", "Mid", "disk", 6.0, forecast=Forecast(fits=False, needs=6 * GB, has=4 * GB))
    html = draw(shelf(states=(*STATES, told)))
    assert "needs 6.0 GB, only 4 GB can be freed now" in row(html, "mid")


@pytest.mark.parametrize(("verb", "en"), [("load", "Loading"), ("unload", "Unloading")])
def test_an_order_shows_until_it_is_done(verb: Verb, en: str) -> None:
    told = row(draw(shelf(orders={"sdxl": verb})), "sdxl")
    assert f">{en}<" in told
    assert "aria-disabled" in told
    assert 'data-do="bring"' not in told


def test_guests_see_the_list_but_no_buttons_and_no_files() -> None:
    for picked in ("pocket", "sdxl", "own-cat", "flux", "broken"):
        html = draw(shelf(admin=False, states=seen_by(STATES, GUEST), picked=picked))
        assert not re.search(r'data-do="(bring|drop|free)"', html)
        assert "secret" not in html
        assert "old " not in html
        assert "STUDIO_" not in html
        assert "Could not be loaded" not in html
        assert "Cannot be used here" in html
    assert "/secret/unet.safetensors" in draw(shelf(states=seen_by(STATES, ADMIN)))
    assert "secret" not in model_chip(seen_by(STATES, GUEST), "pocket", (DEVICE,))


def test_a_trouble_that_names_no_file_is_for_everybody() -> None:
    short = state(
        "x",
        "X",
        "disk",
        1,
        trouble=Trouble(code="memory_budget", params={"model": "X", "needs": 2, "has": 1}),
    )
    assert seen_by((short,), GUEST) == (short,)


def test_names_of_files_and_people_are_text_and_nothing_else() -> None:
    for picked in ("own-cat", "sdxl"):
        html = draw(shelf(picked=picked)) + model_chip(STATES, "own-cat", (DEVICE,))
        assert "<b>cat" not in html
        assert "<i>model" not in html
        assert "&lt;b&gt;cat" in html
    assert "old &lt;i&gt;model&lt;/i&gt;.ckpt" in html


def test_a_device_that_gets_ready_has_no_bar() -> None:
    html = draw(shelf(devices=(DeviceState(name="cpu"),)))
    assert "getting ready" in html
    assert "mbar" not in html


def test_with_two_devices_nothing_is_promised_of_one() -> None:
    html = draw(shelf(devices=(DEVICE, DEVICE.model_copy(update={"name": "cuda:1"})), picked="sdxl"))
    assert html.count('class="mbar"') == 2
    assert "if loaded" not in html
    assert "It takes 6.6 GB of a device&#x27;s memory." in side(html)


def test_house_rules_as_they_are_set() -> None:
    assert "Idle models stay in memory" in draw(shelf())
    html = draw(shelf(idle_minutes=10.0, memory_mode="offload"))
    assert "Unload after 10 idle minutes" in html
    assert "parts take turns on the device" in html


def test_the_list_can_be_narrowed() -> None:
    assert [one.spec.id for one in listed(shelf(only="own"))] == ["own-cat"]
    assert {one.place for one in listed(shelf(only="here"))} == {"resident", "host", "disk"}
    assert "No files of your own yet" in draw(shelf(states=STATES[:2], only="own"))


def test_without_models_and_devices_it_still_stands() -> None:
    assert "No model here" in draw(Shelf())


def test_the_menu_tells_places_and_reasons_and_leads_to_the_page() -> None:
    html = model_chip(STATES, "pocket", (DEVICE,))
    assert "resident · 0.06 GB" in html
    assert "will not fit: needs 23.8 GB, budget 10 GB" in html
    assert "放不下：需 23.8 GB，预算 10 GB" in html
    assert "GPU memory 2.1 of 10 GB" in html
    assert 'data-local="go" data-page="models"' in html
    flux = re.search(r'<button[^>]*data-model="flux"[^>]*>', html)
    assert flux
    assert 'aria-disabled="true"' in flux[0]
    assert "choose" not in flux[0]
