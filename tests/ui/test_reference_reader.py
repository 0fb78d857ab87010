"""The Reference tab in a real Chromium for a model that has a reader of its own and no control net yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from studio.service import Studio
from studio.settings import ROOT
from tests.ui.browsing import IN_A_BROWSER, NARROW, PROMPT, WIDE, fits, generate
from tests.ui.house import studio_with
from tests.ui.test_reference_page import bring, last_request, net, open_tab, png

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = IN_A_BROWSER
READ = ("pose", "soft_edge", "depth")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A studio whose first model has a base of its own, with a reader in the box; nets are for the second alone."""
    folder = tmp_path_factory.mktemp("studio")

    def change(catalog: dict[str, Any]) -> None:
        catalog["models"][0]["base"] = "pocket"
        ours = yaml.safe_load((ROOT / "models.yaml").read_text("utf-8"))["detectors"]
        catalog["detectors"] = [
            one for one in ours if one["id"] in ("pocket-reader", "hed", "midas", "openpose")
        ]
        catalog["controls"] = [net(folder / "one", "sd1", "canny", *READ)]

    return studio_with(folder, change)


def choose(page: Any, kind: str) -> Any:
    """Adds a reference of a kind and hands back its card and what its row says."""
    page.locator(".rfadd").click()
    card = page.locator(".rf").last
    card.locator(".rfkind").click()
    row = card.locator(f"[data-kind={kind}]")
    expect(row).not_to_have_attribute("aria-disabled", "true")
    row.click()
    expect(row).to_have_attribute("aria-checked", "true")
    return card


@pytest.mark.parametrize("width", [WIDE, NARROW], ids=["1440", "390"])
def test_maps_are_shown_without_fetching_and_no_net_is_pretended(
    visit: Callable[..., Any], studio: Studio, width: dict[str, Any]
) -> None:
    page = visit(**width)
    page.fill(PROMPT, "a girl")
    open_tab(page)
    expect(page.locator(".rfnone")).to_contain_text("Pocket has no control net here")
    assert "the result follows it" not in page.locator("#reference").inner_text()
    for kind in READ:
        card = choose(page, kind)
        bring(card, png())
        expect(card.locator("[data-fig=map] img")).to_be_visible()
        expect(card.get_by_role("button", name="Fetch and read")).to_have_count(0)
        expect(card.locator(".rfbad")).to_contain_text("Pocket has no control net for this.")
        expect(card.locator("[data-set=weight], [data-set=start]")).to_have_count(0)
        expect(card.locator(".rfmore summary")).to_contain_text("Pocket's reader")
    expect(page.locator("#tab_reference-button[data-n]")).to_have_count(0)  # none of them counts
    assert width is not NARROW or fits(page)
    generate(page)
    assert last_request(studio).references == (), "what is only looked at is left out"


def test_what_needs_no_net_counts_and_what_needs_one_waits(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit()
    page.fill(PROMPT, "a girl")
    open_tab(page)
    card = choose(page, "colour")
    bring(card, png())
    counted = page.locator("#tab_reference-button[data-n='1']")
    expect(counted).to_have_count(1)
    for kind, count in (("depth", 0), ("colour", 1)):
        card.locator(".rfkind").click()
        card.locator(f"[data-kind={kind}]").click()
        expect(counted).to_have_count(count)
    generate(page)
    assert [(unit.kind, unit.net) for unit in last_request(studio).references] == [("colour", "")]


def test_a_model_of_the_family_reads_with_its_own_detectors_and_not_with_the_reader(
    visit: Callable[..., Any],
) -> None:
    page = visit()
    open_tab(page)
    card = choose(page, "depth")
    bring(card, png())
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    page.locator("#tools [data-local=menu]").click()
    page.locator("#tools [role=menuitemradio]", has_text="Large").click()
    expect(card.get_by_role("button", name="Fetch and read")).to_be_visible()
    expect(card.locator(".rfbad")).to_have_count(0)
    expect(card.locator(".rfmore summary")).to_contain_text("MiDaS")


def test_settings_of_one_models_reader_are_none_of_another_models_detector(visit: Callable[..., Any]) -> None:
    page = visit()
    open_tab(page)
    card = choose(page, "soft_edge")
    bring(card, png())
    card.locator(".rfmore summary").click()
    card.locator("[data-set='settings.resolution']").fill("64")  # less than other detectors take
    unit = "JSON.parse(document.querySelector('#controls textarea, #controls input').value)[0]"
    assert page.evaluate(unit)["detector"] == "pocket-reader"
    page.locator("#tools [data-local=menu]").click()
    page.locator("#tools [role=menuitemradio]", has_text="Large").click()
    expect(card.locator(".rfmore summary")).to_contain_text("HED")
    assert not {"detector", "settings"} & set(page.evaluate(unit))


def test_a_detector_that_was_fetched_reads_again_without_being_asked(visit: Callable[..., Any]) -> None:
    page, asked = visit(), []
    page.locator("#tools [data-local=menu]").click()
    page.locator("#tools [role=menuitemradio]", has_text="Large").click()
    open_tab(page)
    expect(page.locator(".rfnone")).to_have_count(0)
    card = choose(page, "depth")
    bring(card, png())
    shown = card.locator("[data-fig=picture] img").get_attribute("src")

    def read(route: Any) -> None:
        asked.append(route.request.post_data_json["settings"])
        route.fulfill(json={"picture": shown.rpartition("/")[2]})

    page.route("**/api/maps", read)
    card.get_by_role("button", name="Fetch and read").click()
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    card.locator(".rfmore summary").click()
    card.locator("[data-set='settings.resolution']").fill("256")
    expect(card.locator("[data-fig=map] img")).to_be_visible()
    assert asked == [{}, {"resolution": 256}]
