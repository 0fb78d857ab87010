"""LoRAs in a real Chromium, wide and narrow: what a person finds on the shelf, mixes, brings, and paints with."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.numpy import save

from studio.catalog import read_catalog
from studio.engine.fake import FakeEngine
from studio.messages import LoraUse, Person
from studio.service import Studio
from studio.settings import Settings
from studio.ui.form import FIELDS
from tests.hub import Hub
from tests.hub import serving as hub_serving
from tests.test_loras import kohya
from tests.ui.browsing import IN_A_BROWSER, NARROW, PROMPT, WIDE, comes, fits, generate
from tests.ui.browsing import kept as field_kept
from tests.ui.house import studio_at
from tests.ui.test_start_page import DROP, last_request
from tests.worlds import until

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = IN_A_BROWSER
BOTH = pytest.mark.parametrize("width", [WIDE, NARROW], ids=["1440", "390"])
WANTS = {"sampler": "euler_a", "steps": 4, "guidance": 1.5}
FAR = {"kind": "hub", "repo": "somebody/far", "file": "far.safetensors"}


def lora(family: str = "sd1", wanted: str = "attn2.to_k", **about: str) -> bytes:
    """A LoRA of a family that nobody loads."""
    tensors = kohya(family, wanted=wanted)
    if family == "sd1":
        tensors |= kohya(family, part="text_encoder", prefix="lora_te_", wanted="q_proj")
    return save(tensors, {f"modelspec.{key}": text for key, text in about.items()})


def put(data: Path, name: str, content: bytes, kind: str = "loras") -> Path:
    """A file in the folder where people drop them."""
    file = data / kind / f"{name}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A hub with a repository that has two files."""
    with hub_serving() as hub, pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        hub.repos["somebody/two"] = {"a/one.safetensors": lora(), "two.safetensors": lora(title="Two")}
        yield hub


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, hub: Hub) -> Studio:
    """A studio with two models of two families, a LoRA for each, an embedding, and a LoRA to be fetched."""
    folder = tmp_path_factory.mktemp("studio")
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    studio_at(folder, models=2)
    catalog = yaml.safe_load((folder / "models.yaml").read_text("utf-8"))
    catalog["models"][1]["family"] = "sdxl"
    far = {
        "id": "far",
        "title": {"en": "Far away", "zh": "远方"},
        "family": "sd1",
        "licence": "MIT",
        "source": FAR,
        "bytes": 184_000_000,
        "note": {"en": "made for four steps", "zh": "只要四步"},
        "wants": WANTS,
    }
    catalog["loras"] = [far]
    (folder / "models.yaml").write_text(yaml.safe_dump(catalog, allow_unicode=True), "utf-8")
    data = folder / "data"
    cat = put(data, "cat", lora(trigger_phrase="tuan cat, (white) fur", description="Our own cat."))
    Image.new("RGB", (64, 64), "purple").save(cat.with_suffix(".png"))
    put(data, "ink", lora("sdxl", trigger_phrase="ink hills"))
    put(data, "glow", save({"emb_params": np.zeros((1, 768), np.float32)}), "embeddings")
    settings = Settings(data=data, models=folder / "models.yaml", engine="fake", hub=hub.url)
    read = read_catalog(settings.models)
    assert not read.problems, read.problems
    return Studio(settings, read, FakeEngine(step_seconds=0.02))


def open_tab(page: Any) -> None:
    """Opens the LoRA tab."""
    page.wait_for_selector("body[data-book=yes]")
    page.locator("#tab_lora-button").click()
    expect(card(page, "cat")).to_be_visible()


def card(page: Any, name: str) -> Any:
    """A card of the shelf by its name."""
    return page.locator(".lc", has=page.locator(".lcpick > b", has_text=name))


def choose(page: Any, name: str) -> Any:
    """Chooses a card and hands back its row in the mix."""
    card(page, name).locator(".lcpick").click()
    row = page.locator(".lo", has=page.locator("header > b", has_text=name))
    expect(row).to_be_visible()
    return row


def details(page: Any, name: str) -> Any:
    """Opens a card and hands back what is told of it."""
    card(page, name).locator(".lcinfo").dispatch_event("click")
    told = page.locator(".lomore", has=page.locator(".lomhead b", has_text=name))
    expect(told).to_be_visible()
    return told


def loras(studio: Studio) -> list[tuple[str, float, float]]:
    """The LoRAs of what was asked for last, with their weights on picture and words."""
    return [(use.name, use.weight, use.on_text) for use in last_request(studio).loras]


def kept(page: Any, text: str) -> None:
    """Waits until the unsent form holds something."""
    page.wait_for_function("(text) => (localStorage['studio.form'] || '').includes(text)", arg=text)


def type_words(page: Any, text: str) -> None:
    """Types into the prompt, whose tab is another one."""
    page.locator("#ltabs > .tab-wrapper [role=tab]").first.click()
    page.fill(PROMPT, text)
    page.locator("#tab_lora-button").click()


def names(page: Any) -> list[str]:
    """The cards that are shown, in their order."""
    return list(page.locator(".lc:not(.lcadd) .lcpick > b").all_inner_texts())


@BOTH
def test_choose_weigh_and_paint(visit: Callable[..., Any], studio: Studio, width: dict[str, Any]) -> None:
    page, narrow = visit(**width), width is NARROW
    page.fill(PROMPT, "on a chair")
    open_tab(page)
    row = choose(page, "cat")
    row.locator(".lomain > [data-set=weight]").fill("0.6")
    row.locator("[data-lora=apart]").click()
    row.locator("[data-set=text_encoder_weight]").fill("0.2")
    row.locator(".loword", has_text="tuan cat").click()
    expect(row.locator(".loword.on")).to_have_text("tuan cat")
    expect(page.locator("#tab_lora-button")).to_have_attribute("data-n", "1")
    assert not narrow or fits(page)
    assert page.input_value(PROMPT) == "on a chair, tuan cat"
    generate(page)
    assert loras(studio) == [("cat", 0.6, 0.2)]
    expect(page.locator(".plate.on .recipe")).to_contain_text("cat 0.60 / 0.20")


def test_one_weight_moves_both_until_they_are_set_apart(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit()
    page.fill(PROMPT, "a boat")
    open_tab(page)
    row = choose(page, "cat")
    row.locator("[data-lora=apart]").click()
    row.locator("[data-set=weight_alone]").fill("0.5")
    expect(row.locator(".lonum")).to_have_value("0.50")
    generate(page)
    assert loras(studio) == [("cat", 0.5, 1.0)]
    row.get_by_role("button", name="One weight for both again").click()
    row.locator(".lonum").fill("-0.25")
    generate(page)
    assert loras(studio) == [("cat", -0.25, -0.25)]


def test_trigger_words_go_in_and_out_and_leave_what_was_typed_to_the_byte(visit: Callable[..., Any]) -> None:
    page, typed = visit(), "a  Fox ,( Tuan Cat :1.2),  \n sitting , "
    page.fill(PROMPT, typed)
    open_tab(page)
    row = choose(page, "cat")
    words = row.locator(".loword")
    expect(row.locator(".loword.on")).to_have_text("tuan cat")  # it was typed
    words.first.click()
    expect(row.locator(".loword.on")).to_have_count(0)
    assert page.input_value(PROMPT) == "a  Fox ,  \n sitting , "
    words.first.click()
    assert page.input_value(PROMPT) == typed
    words.last.click()  # brackets of its own: it goes in as it stands
    assert "(white) fur" in page.input_value(PROMPT)
    words.last.click()
    assert page.input_value(PROMPT) == typed


def test_a_trigger_within_what_was_typed_is_left_there_with_a_word(visit: Callable[..., Any]) -> None:
    page = visit()
    page.fill(PROMPT, "photo of a tuan cat at night")
    open_tab(page)
    row = choose(page, "cat")
    expect(row.locator(".loword.on")).to_have_text("tuan cat")
    row.locator(".loword.on").click()
    expect(page.locator(".toast")).to_contain_text("stands within what you typed")
    assert page.input_value(PROMPT) == "photo of a tuan cat at night"


def test_what_does_not_fit_is_grey_with_the_reason_and_follows_the_model(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    page.fill(PROMPT, "hills")
    open_tab(page)
    choose(page, "cat")
    expect(card(page, "ink")).to_have_class("lc off")
    expect(card(page, "ink")).to_contain_text("needs")
    card(page, "ink").locator(".lcpick").click()
    expect(page.locator(".lomore")).to_contain_text("is made for")
    assert "ink" not in page.locator(".lomix").inner_text()
    page.locator(".loswitch").click()
    expect(card(page, "ink")).to_have_count(0)
    page.locator("#tools [data-local=menu]").click()
    page.locator("#tools [role=menuitemradio]", has_text="Large").click()
    expect(page.locator(".lo .lobad")).to_contain_text("is made for")
    expect(card(page, "ink")).to_be_visible()
    generate_refused(page)
    assert [id.partition("-")[0] for id in loras_in_form(page)] == ["cat"]


def generate_refused(page: Any) -> None:
    """Presses Generate where the studio says no."""
    page.locator(".go.idle").click()
    expect(page.locator("#trouble")).to_contain_text("cat")


def loras_in_form(page: Any) -> list[str]:
    """What the field of the form names."""
    text = page.locator("#loras textarea, #loras input").input_value()
    return [str(use["id"]) for use in json.loads(text or "[]")]


def test_a_tag_in_the_prompt_is_shown_as_chosen(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit("zh-CN")
    page.fill(PROMPT, "小屋 <lora:cat:0.4>")
    open_tab(page)
    row = page.locator(".lo.typed")
    expect(row).to_contain_text("来自咒语")
    expect(row).to_contain_text("0.40")
    generate(page)
    assert loras(studio) == [("cat", 0.4, 0.4)]
    type_words(page, "小屋")
    expect(row).to_have_count(0)


def test_an_unsent_mix_survives_a_reload_and_what_is_muted_or_removed_is_not_painted(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    page.fill(PROMPT, "a tower")
    open_tab(page)
    choose(page, "cat").get_by_role("button", name="Leave it out for now").click()
    kept(page, "muted")
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    open_tab(page)
    row = page.locator(".lo.muted")
    expect(row).to_contain_text("cat")
    generate(page)
    assert loras(studio) == []
    row.get_by_role("button", name="Use it again").click()
    generate(page)
    assert loras(studio) == [("cat", 1.0, 1.0)]
    page.locator(".lo").get_by_role("button", name="Remove").click()
    generate(page)
    assert loras(studio) == []


def test_the_shelf_is_searched_sorted_and_starred(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit()
    open_tab(page)
    assert names(page)[-1] == "ink", "what does not fit stands last"
    page.fill(".lofind input", "tuan")
    expect(page.locator(".lc:not(.lcadd)")).to_have_count(1)
    page.fill(".lofind input", "nothing like it")
    expect(page.locator(".lonothing")).to_contain_text("Nothing here goes by that.")
    page.get_by_role("button", name="Show all").click()
    choose(page, "cat")
    page.locator(".losort select").select_option("recent")
    assert names(page)[0] == "cat"
    page.locator(".losort select").select_option("size")
    assert names(page)[0] == "Far away", "also what is not here yet is told by its size"
    page.locator(".losort select").select_option("name")
    told = details(page, "glow")
    told.get_by_role("button", name="Give it a star").click()
    expect(told.locator(".lostar")).to_have_attribute("aria-pressed", "true")
    page.locator(".lochip", has_text="Favourites").click()
    expect(page.locator(".lc:not(.lcadd)")).to_have_count(1)
    page.wait_for_function(
        "fetch('api/loras?model=pocket').then((a) => a.json()).then((a) => a.loras.some((one) => one.favourite))"
    )


def test_stars_given_at_once_stay_on_the_shelf_while_they_are_told(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    open_tab(page)
    asked: list[Any] = []
    page.route("**/favourite", lambda route: asked.append(route))
    page.evaluate(
        "for (const id of ['cat', 'ink', 'far']) studio.lora.acts.star(null, { id: studio.lora.named(id).id })"
    )
    starred = "() => ['cat', 'ink', 'far'].map((id) => studio.lora.named(id).favourite)"
    for at in range(3):
        comes(page, asked, at + 1)
        page.wait_for_timeout(100)
        assert len(asked) == at + 1 and page.evaluate(starred) == [True, True, True]
        asked[at].continue_()
    person = studio.person(None, "en")
    until(lambda: {"cat", "ink", "Far away"} <= favourites(studio, person))
    for one in studio.loras("pocket", person):
        studio.lora_favourite(one.id, False, person)


def favourites(studio: Studio, person: Person) -> set[str]:
    """The names of what somebody gave a star."""
    return {one.title.en for one in studio.loras("pocket", person) if one.favourite}


def choose_away(page: Any, name: str) -> Any:
    """Chooses a LoRA that is still to be fetched, and hands back its row in the mix."""
    details(page, name).get_by_role("button", name="Use it, fetched while painting").click()
    row = page.locator(".lo", has=page.locator("header > b", has_text=name))
    expect(row).to_be_visible()
    return row


def numbers(page: Any) -> list[Any]:
    """Sampler, steps and guidance as the browser keeps them."""
    at = [FIELDS.index(name) for name in WANTS]
    return list(page.evaluate("at => at.map((one) => studio.kept()[one])", at))


def test_what_a_lora_wants_is_set_in_one_click_and_given_back(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    open_tab(page)
    row = choose_away(page, "Far away")
    expect(row.locator(".lowants")).to_contain_text("Made for 4 steps, guidance 1.5, Euler a")
    before = numbers(page)
    assert before != list(WANTS.values()), "nothing is set that nobody asked for"
    row.get_by_role("button", name="Set them").click()
    expect(row.get_by_role("button", name="As before")).to_be_visible()
    assert numbers(page) == list(WANTS.values())
    row.get_by_role("button", name="As before").click()
    expect(row.get_by_role("button", name="Set them")).to_be_visible()
    assert numbers(page) == before
    row.get_by_role("button", name="Set them").click()
    expect(row.get_by_role("button", name="As before")).to_be_visible()
    row.get_by_role("button", name="Remove").click()
    expect(page.locator(".toast")).to_contain_text("as before")
    field_kept(page, FIELDS.index("steps"), before[1])
    assert numbers(page) == before


def test_numbers_that_were_changed_meanwhile_stay_when_the_lora_goes(visit: Callable[..., Any]) -> None:
    page = visit()
    open_tab(page)
    row = choose_away(page, "Far away")
    row.get_by_role("button", name="Set them").click()
    expect(row.get_by_role("button", name="As before")).to_be_visible()
    page.locator("#tab_prompt-button, #left [role=tab]").first.click()
    page.locator("#details_fold .label-wrap").click()
    page.fill("#steps input[type=number]", "6")
    page.press("#steps input[type=number]", "Tab")
    field_kept(page, FIELDS.index("steps"), 6)
    page.locator("#tab_lora-button").click()
    expect(row.get_by_role("button", name="Set them")).to_be_visible()
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)
    page.wait_for_timeout(300)
    assert numbers(page) == ["euler_a", 6, 1.5]


def test_a_catalogs_note_is_told_in_the_pages_language(visit: Callable[..., Any]) -> None:
    for language, note in (("en-GB", "made for four steps"), ("zh-CN", "只要四步")):
        page = visit(language)
        open_tab(page)
        expect(details(page, "Far away" if language == "en-GB" else "远方").locator(".lonotes")).to_have_text(
            note
        )


def test_an_embedding_is_a_word_of_either_prompt(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit()
    page.fill(PROMPT, "a lamp")
    open_tab(page)
    card(page, "glow").locator(".lcpick").click()
    expect(card(page, "glow")).to_have_class("lc on")
    assert page.input_value(PROMPT) == "a lamp, glow"
    told = details(page, "glow")
    told.get_by_role("button", name="In the prompt").click()
    told.get_by_role("button", name="In the negative prompt").click()
    assert page.input_value(PROMPT) == "a lamp"
    kept(page, "extra limbs, glow")
    generate(page)
    request = last_request(studio)
    assert request.negative.endswith("glow")
    assert [use.name for use in request.embeddings] == ["glow"]


@BOTH
def test_bring_a_file_by_hand_and_by_drop(
    visit: Callable[..., Any], studio: Studio, width: dict[str, Any]
) -> None:
    page, narrow = visit(**width), width is NARROW
    open_tab(page)
    page.locator(".lcadd .lcpick").click()
    name = f"brought-{'narrow' if narrow else 'wide'}"
    data = lora(trigger_phrase=name)
    page.locator("[data-lora-file]").set_input_files(
        {"name": f"{name}.safetensors", "mimeType": "application/octet-stream", "buffer": data}
    )
    expect(page.locator(".lomore .lomhead b")).to_have_text(name)
    assert not narrow or fits(page)
    dropped = lora(trigger_phrase=f"{name} dropped")
    address = "data:application/octet-stream;base64," + base64.b64encode(dropped).decode()
    page.evaluate(DROP, [address, f"{name}-dropped.safetensors"])
    expect(page.locator(".lomore .lomhead b")).to_have_text(f"{name}-dropped")
    page.evaluate(DROP, ["data:application/octet-stream;base64,AAAA", "broken.safetensors"])
    expect(page.locator(".locoming [role=alert]")).to_contain_text("broken")
    page.locator(".locoming [data-lora=unload]").click()
    expect(page.locator(".locoming")).to_have_count(0)


def test_one_of_the_catalog_is_fetched_and_watched(
    visit: Callable[..., Any], studio: Studio, hub: Hub
) -> None:
    page = visit()
    open_tab(page)
    far = card(page, "Far away")
    expect(far.locator(".lometa")).to_contain_text("184 MB, not fetched yet")
    far.get_by_role("button", name="Fetch", exact=True).click()
    expect(far).to_contain_text("It could not be fetched")
    far.locator(".lcpick").click()
    expect(page.locator(".lomore [role=alert]")).to_contain_text("somebody/far")
    hub.repos["somebody/far"] = {"far.safetensors": lora(wanted="attn", trigger_phrase="far away")}
    hub.gate.clear()
    far.get_by_role("button", name="Fetch", exact=True).click()
    expect(far.get_by_role("progressbar")).to_be_visible()
    hub.gate.set()
    expect(far.get_by_role("progressbar")).to_have_count(0)
    row = choose(page, "Far away")
    expect(row.locator(".loword")).to_have_text("far away")


def test_a_repository_tells_what_it_has_and_one_file_of_it_is_brought(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    open_tab(page)
    page.locator(".lcadd .lcpick").click()
    page.fill("#lorepo", "somebody/none")
    page.get_by_role("button", name="Look", exact=True).click()
    expect(page.locator(".lomore [role=alert]")).to_contain_text("somebody/none")
    page.fill("#lorepo", "somebody/two")
    page.get_by_role("button", name="Look", exact=True).click()
    expect(page.locator(".looffers li")).to_have_count(2)
    page.locator(".looffers li", has_text="two").get_by_role("button").click()
    expect(page.locator(".lomore .lomhead b")).to_have_text("Two")


def test_a_scene_chooses_its_lora_when_it_is_here_and_says_so_when_not(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page, dragon = visit(), "[data-scene=spring-festival-dragon]"
    page.wait_for_selector("body[data-book=yes]")
    page.get_by_role("tab", name="Spellbook").click()
    page.locator("[data-pane=scenes]").click()
    expect(page.locator(dragon)).to_contain_text("which is not here")
    page.locator(dragon).click()
    expect(page.locator(".bkdeal .dlsays").last).to_contain_text("is not here")
    assert loras_in_form(page) == []
    file = put(studio.settings.data, "spring-festival-dragon", lora())
    try:
        page.wait_for_timeout(1100)  # a folder is looked at again after a moment
        open_tab(page)
        expect(card(page, "spring-festival-dragon")).to_be_visible()
        page.get_by_role("tab", name="Spellbook").click()
        expect(page.locator(dragon)).not_to_contain_text("which is not here")
        page.locator(dragon).click()
        expect(page.locator(".bkdeal .dlsays").last).to_contain_text("is chosen")
        kept(page, "spring-festival-dragon")  # the form is filled: nothing is drawn anew under the pointer
        half = page.locator("#book [data-deal=lora]", has_text="0.5")
        half.click()
        expect(half).to_have_attribute("aria-pressed", "true")
        generate(page)
        assert loras(studio) == [("spring-festival-dragon", 0.5, 0.5)]
    finally:
        file.unlink()


def test_a_recipe_puts_loras_back_and_names_what_is_missing(
    visit: Callable[..., Any], studio: Studio
) -> None:
    page = visit()
    file = put(studio.settings.data, "passing", lora(trigger_phrase="passing by"))
    page.wait_for_timeout(1100)
    page.fill(PROMPT, "a gate <lora:cat:0.3>")
    open_tab(page)
    choose(page, "passing").locator(".lonum").fill("0.7")
    generate(page)
    page.locator(".lo").first.get_by_role("button", name="Remove").click()
    type_words(page, "")
    again(page, studio)
    expect(page.locator(".lo .lonum")).to_have_value("0.70")
    assert page.input_value(PROMPT) == "a gate <lora:cat:0.3>"
    file.unlink()
    page.wait_for_timeout(1100)
    again(page, studio)
    expect(page.locator(".toast")).to_contain_text("passing")
    expect(page.locator(".lo .lobad")).to_contain_text("not here any more")


def again(page: Any, studio: Studio) -> None:
    """Paints the newest picture again from the gallery, and looks at the LoRAs."""
    [newest] = studio.pictures(studio.person(None, "en"), limit=1)
    page.locator("#nav > .tab-wrapper [role=tab]").nth(1).click()
    page.locator(f"#gallery .pc[data-id='{newest.id}']").click()
    page.locator("#gallery .drawer [data-do=again]").click()
    open_tab(page)


def test_eight_are_the_most(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit()
    many = [LoraUse(id=f"nobody-{number}") for number in range(7)]
    page.locator("#loras textarea, #loras input").evaluate(
        "(field, text) => { field.value = text; field.dispatchEvent(new Event('input', { bubbles: true })); }",
        json.dumps([use.model_dump(exclude_defaults=True) for use in many]),
    )
    open_tab(page)
    expect(page.locator(".lo")).to_have_count(7)
    choose(page, "cat")
    expect(page.locator(".lofull")).to_be_visible()
    card(page, "Far away").locator(".lcinfo").dispatch_event("click")
    page.locator(".lomore .loacts button").click()
    expect(page.locator(".toast")).to_contain_text("Eight LoRAs are the most.")
    assert len(loras_in_form(page)) == 8


# -- mixes that are saved -------------------------------------------------------------------------


def save_mix(page: Any, name: str) -> Any:
    """Saves what is chosen with the keys alone, and hands back its row."""
    page.get_by_role("button", name="Save this mix").focus()
    page.keyboard.press("Enter")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    row = page.locator(".lokept", has=page.locator("b", has_text=name))
    expect(row.locator(".lokpick")).to_be_focused()
    return row


@BOTH
def test_a_mix_is_saved_and_used_again_in_one_click(
    visit: Callable[..., Any], studio: Studio, width: dict[str, Any]
) -> None:
    page = visit(**width)
    open_tab(page)
    chosen = choose(page, "cat")
    chosen.get_by_role("button", name="Weigh picture and words apart").click()
    chosen.locator("[data-set=text_encoder_weight]").fill("0.2")
    row = save_mix(page, f"Ink {width['viewport']['width']}")
    expect(row).to_contain_text("cat 1.00 (words 0.20)")
    expect(row.locator(".lokpick")).to_have_attribute("aria-pressed", "true")
    saved = loras_in_form(page)
    chosen.get_by_role("button", name="Remove").click()
    other = choose(page, "cat")
    other.locator(".lonum").fill("0.4")
    expect(row.locator(".lokpick")).to_have_attribute("aria-pressed", "false")
    row.locator(".lokpick").click()
    expect(other.locator(".lonum")).to_have_value("1.00")
    expect(other.locator(".loapart")).to_contain_text("0.20")
    assert loras_in_form(page) == saved
    page.get_by_role("button", name="Back to what was mixed before").click()
    expect(other.locator(".lonum")).to_have_value("0.40")
    row.locator(".lokpick").click()
    assert width is WIDE or fits(page)
    type_words(page, "a mill")
    generate(page)
    assert loras(studio) == [("cat", 1.0, 0.2)]


def test_a_saved_mix_is_renamed_deleted_and_put_back(visit: Callable[..., Any]) -> None:
    page = visit()
    open_tab(page)
    choose(page, "cat")
    save_mix(page, "Brick")
    save_mix(page, "Clay")
    page.get_by_role("button", name="Rename “Clay”").click()
    page.keyboard.type("Brick")
    page.keyboard.press("Enter")
    expect(page.locator(".lonaming [role=alert]")).to_contain_text("Another mix is called “Brick”")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Rename “Clay”")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("Wet clay")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete “Wet clay”").click()
    expect(page.locator(".lokept", has_text="“Wet clay” is deleted.")).to_be_visible()
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    open_tab(page)
    assert "Wet clay" not in page.locator(".lomixes").inner_text()
    save_mix(page, "Wet clay")
    page.get_by_role("button", name="Delete “Wet clay”").click()
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_role("button", name="Delete “Wet clay”")).to_be_visible()


def test_a_saved_mix_says_which_of_its_loras_is_gone(visit: Callable[..., Any], studio: Studio) -> None:
    page = visit("zh-CN")
    lost = put(studio.settings.data, "lost", lora())
    studio._own.look_again()
    open_tab(page)
    for name in ("cat", "lost"):
        choose(page, name)
    page.get_by_role("button", name="保存这组搭配").click()
    page.keyboard.type("走失")
    page.keyboard.press("Enter")
    row = page.locator(".lokept", has=page.locator("b", has_text="走失"))
    expect(row.locator(".lokpick")).to_be_focused()
    lost.unlink()
    studio._own.look_again()
    page.locator("#ltabs [role=tab]").first.click()
    open_tab(page)
    expect(row).to_contain_text("已不在这里：lost")
    page.locator(".lo", has_text="lost").get_by_role("button", name="拿掉").click()
    row.locator(".lokpick").click()
    expect(page.locator(".lo", has_text="lost")).to_be_visible()
