"""What a click does to a prompt: exactly what it says, and never anything to what a person typed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from studio.prompt import parse
from studio.settings import ROOT
from tests.ui.browsing import IN_A_BROWSER
from tests.ui.small_book import BOOK

pytestmark = IN_A_BROWSER
STATIC = ROOT / "studio" / "ui" / "static"
SPELLS = [row for chapter in BOOK["chapters"] for group in chapter["groups"] for row in group["spells"]]
BITS = [
    *[row[at] for row in SPELLS for at in (0, 1)], "Soft  Light", "a dog on the", "一座小房子", "x", "é", "🐱", "1.2",
    ", ", ", ", ",", "，", "、", " ", "  ", "\n", "(", ")", "（", "）", "[", "]", ":1.2)", ":", "：", "|", "\\", "\\(",
    "BREAK", " BREAK ", "BREA", "<lora:ink:0.8>", "<lora:", "{red|blue}", "__light__", "&", "(soft light:1.15)",
    "((cat))", "[hard light]", "(lowres, low quality, worst quality:1.2)",
]  # fmt: skip
HELPERS = """
window.known = studio.spells.index(BOOK);
window.at = (place) => known.spells[place];
window.does = (parts, [what, place, value, text]) => {
  const S = studio.spells, spell = at(place);
  if (what === "toggle") return S.toggle(parts, spell, value ? spell.zh : spell.en, known);
  if (what === "weigh") return S.weigh(parts, spell.key, value, known);
  return S.sync(parts, text + S.render(parts) + text, known);
};
// What the page does at once: a wand's proposal that is accepted, dice that replace what they threw, a set of one's
// own words, and the way back from each.
window.deals = (state, [what, ...rest]) => {
  const S = studio.spells, { parts, thrown } = state, before = { before: { parts, thrown } };
  const wanted = (places) => places.map((place) => ({ spell: at(place), text: at(place).en, weight: null }));
  if (what === "accept") return { ...before, thrown, parts: S.putAll(parts, wanted(rest[0]), known) };
  if (what === "dice") {
    const bare = thrown === null ? parts : S.takeOut(parts, at(thrown).key, known);
    return { ...before, thrown: rest[0], parts: S.putAll(bare, wanted([rest[0]]), known) };
  }
  if (what === "undo") return state.before ? { ...state.before, before: null } : state;
  return { ...state, parts: does(parts, [what, ...rest]) };
};
window.dealt = ([typed, ops]) => {
  let state = { parts: studio.spells.fromText(typed), thrown: null, before: null };
  const steps = [];
  for (const op of ops) {
    const was = state;
    state = deals(state, op);
    const undone = studio.spells.render(deals(state, ["undo"]).parts);
    steps.push({ ...seen(state.parts), undone, was: studio.spells.render(was.parts) });
  }
  return steps;
};
window.raw = (typed, text) => {
  const S = studio.spells, parts = S.fromText(typed);
  const joint = S.joint(parts, text), there = S.putText(parts, text, known);
  return [S.render(there), S.render(S.takeText(there, text, joint, known))];
};
window.seen = (parts) => ({
  text: studio.spells.render(parts), typed: studio.spells.typed(parts),
  bare: studio.spells.render(parts.filter((part) => typeof part === "string" || part.was !== null)),
  own: parts.filter((part) => typeof part !== "string" && part.was === null).map((part) => part.text),
});
window.back = (parts) => { // everything is taken out, then what was typed is put back
  for (const spell of known.spells) parts = studio.spells.takeOut(parts, spell.key, known);
  const ghosts = (spell) => parts.some((part) => part.gone && part.key === spell.key);
  for (const spell of known.spells) if (ghosts(spell)) parts = studio.spells.putIn(parts, spell, spell.en, known);
  return studio.spells.render(parts);
};
window.lit = (text) => studio.spells.terms(text, known).map((term) => [term.spell.key, Number(term.weight.toFixed(4))]);
window.session = ([typed, ops]) => {
  let parts = studio.spells.fromText(typed);
  const steps = [];
  for (const op of ops) { parts = does(parts, op); steps.push(seen(parts)); }
  return { steps, back: back(parts) };
};
window.after = (typed, ...ops) => studio.spells.render(ops.reduce(does, studio.spells.fromText(typed)));
"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """An empty page with the script and the small book."""
    page = browser.new_page()
    page.set_content("<html></html>")
    for name in ("phrases.js", "spells.js"):
        page.add_script_tag(content=(STATIC / name).read_text("utf-8"))
    page.add_script_tag(content=f"const BOOK = {json.dumps(BOOK)};{HELPERS}")
    yield page
    page.close()


def after(page: Any, typed: str, *ops: list[Any]) -> str:
    return str(page.evaluate("([typed, ops]) => after(typed, ...ops)", [typed, list(ops)]))


CAT, PUPPY, SOFT, HARD, GOLDEN, LOWRES, LOW, WORST = range(8)


def toggle(place: int, chinese: bool = False) -> list[Any]:
    return ["toggle", place, chinese]


def weigh(place: int, weight: float) -> list[Any]:
    return ["weigh", place, weight]


# -- what is found ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lit"),
    [
        ("", []),
        ("a cat", []),
        ("a dog,cat , Soft Light", [["cat", 1], ["soft light", 1]]),
        ("柔和的光线，猫、硬光", [["soft light", 1], ["cat", 1], ["hard light", 1]]),
        ("gentle light\ndog", [["soft light", 1], ["puppy", 1]]),
        ("(soft light:1.15), ((cat))", [["soft light", 1.15], ["cat", 1.21]]),
        ("（猫：1.3） [cat]", [["cat", 1.3], ["cat", 0.9091]]),
        ("(lowres, low quality:1.2)", [["lowres", 1], ["low quality", 1]]),
        ("(lowres, (low quality:1.3):1.2)", [["lowres", 1], ["low quality", 1.3]]),
        (r"\(cat\), (cat", []),
        ("cat <lora:ink:0.8>, cat BREAK cat", [["cat", 1]] * 3),
        ("catBREAK, soft light and", []),
        ("[cat:puppy:0.5], {cat|puppy}", []),
    ],
)
def test_spells_are_found_as_they_are_written(page: Any, text: str, lit: list[list[Any]]) -> None:
    assert page.evaluate("lit", text) == lit


# -- what a click does --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "ops", "text"),
    [
        ("", [toggle(SOFT)], "soft light"),
        ("a dog", [toggle(SOFT)], "a dog, soft light"),
        ("a dog,", [toggle(SOFT)], "a dog, soft light"),
        ("a dog, ", [toggle(SOFT)], "a dog, soft light"),
        ("a dog ", [toggle(SOFT)], "a dog, soft light "),
        ("一只狗", [toggle(SOFT, True)], "一只狗，柔和的光线"),
        ("a dog", [toggle(GOLDEN), toggle(CAT), toggle(SOFT)], "a dog, cat, golden hour, soft light"),
        ("a dog", [toggle(SOFT), weigh(SOFT, 1.1)], "a dog, (soft light:1.1)"),
        ("a dog", [toggle(SOFT), weigh(SOFT, 1.35), weigh(SOFT, 1)], "a dog, soft light"),
        ("a dog", [toggle(SOFT), weigh(SOFT, 9)], "a dog, (soft light:1.6)"),
        ("a dog", [toggle(SOFT), weigh(SOFT, 0)], "a dog, (soft light:0.5)"),
        ("soft light, a dog", [toggle(SOFT)], "a dog"),
        ("a dog, soft light, x", [toggle(SOFT)], "a dog, x"),
        ("a dog, soft light, x", [toggle(SOFT), toggle(SOFT)], "a dog, soft light, x"),
        ("Soft  Light, x", [weigh(SOFT, 1.2)], "(Soft  Light:1.2), x"),
        ("(lowres, low quality, worst quality:1.2)", [toggle(LOW)], "(lowres, worst quality:1.2)"),
        ("(lowres, low quality, worst quality:1.2)", [toggle(LOWRES)], "(low quality, worst quality:1.2)"),
        ("(lowres, low quality, worst quality:1.2)", [toggle(WORST)], "(lowres, low quality:1.2)"),
        ("(lowres, low quality:1.2)", [weigh(LOW, 1.1)], "(lowres, (low quality:1.1):1.2)"),
        ("(lowres, low quality:1.2)", [toggle(CAT)], "(lowres, low quality:1.2), cat"),
        ("(cat, lowres)", [toggle(CAT), toggle(LOWRES), toggle(LOWRES), toggle(CAT)], "(cat, lowres)"),
        ("x, (cat:1.30)", [toggle(CAT)], "x"),
        ("x, (cat:1.30)", [weigh(CAT, 1.35), weigh(CAT, 1.3)], "x, (cat:1.30)"),
        ("a((cat))b", [weigh(CAT, 1)], "a(cat:1)b"),
        ("cat, x, cat", [toggle(CAT), toggle(CAT)], "cat, x, cat"),
        ("a BREAK", [toggle(CAT)], "a BREAK cat"),
        ('("a dog", "x").blend(1, 2)', [toggle(CAT)], '("a dog", "x").blend(1, 2)'),
    ],
)  # fmt: skip
def test_a_click_does_what_it_says(page: Any, typed: str, ops: list[list[Any]], text: str) -> None:
    assert after(page, typed, *ops) == text


def test_what_is_typed_beside_a_clicked_spell_leaves_it_one_and_what_is_typed_into_it_does_not(
    page: Any,
) -> None:
    beside = page.evaluate(
        """() => { const S = studio.spells; let parts = S.toggle(S.fromText("x"), at(2), "soft light", known);
        for (const text of ["x y, soft light", "x y, soft light, z"]) parts = S.sync(parts, text, known);
        return [S.typed(parts), S.render(S.toggle(parts, at(2), "", known))]; }"""
    )
    assert beside == ["x y, z", "x y, z"]
    into = page.evaluate(
        """() => { const S = studio.spells; let parts = S.toggle(S.fromText("x"), at(2), "soft light", known);
        parts = S.sync(parts, "x, soft lights", known); return [S.typed(parts), S.chosen(parts, known).length]; }"""
    )
    assert into == ["x, soft lights", 0]


def test_chosen_spells_trade_places_and_commas_stay(page: Any) -> None:
    moved = page.evaluate(
        """() => { const S = studio.spells; let parts = S.fromText("cat， x, (low quality, lowres:1.2)");
        parts = S.toggle(parts, at(2), "soft light", known);
        const order = (parts) => S.chosen(parts, known).map((one) => one.key);
        const there = S.move(parts, 3, 0, known), again = S.move(there, 0, 3, known);
        return [order(parts), order(there), S.render(there), S.render(again) === S.render(parts)]; }"""
    )
    assert moved[0] == ["cat", "low quality", "lowres", "soft light"]
    assert moved[1] == ["soft light", "cat", "low quality", "lowres"]
    assert moved[2] == "soft light， x, (cat, low quality:1.2), lowres" and moved[3]


# -- any sequence, around any text ----------------------------------------------------------------------


def sessions(seed: int, count: int) -> list[list[Any]]:
    rng = random.Random(seed)
    return [[typed(rng), [op(rng) for _ in range(rng.randrange(1, 12))]] for _ in range(count)]


def typed(rng: random.Random) -> str:
    return "".join(rng.choice(BITS) for _ in range(rng.randrange(0, 9)))


def op(rng: random.Random) -> list[Any]:
    place = rng.randrange(len(SPELLS))
    if rng.random() < 0.6:
        return toggle(place, rng.random() < 0.3)
    return weigh(place, rng.randrange(50, 165, 5) / 100)


def letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def is_within(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(letter in rest for letter in part)


@pytest.mark.parametrize("seed", range(6))
def test_any_sequence_of_clicks_and_weights_leaves_what_was_typed(page: Any, seed: int) -> None:
    tried = sessions(seed, 150)
    for (text, ops), done in zip(tried, page.evaluate("(all) => all.map(session)", tried), strict=True):
        for step in done["steps"]:
            assert step["typed"] == text, (text, ops)
            whole, bare = letters(parse(step["text"]).plain), letters(parse(step["bare"]).plain)
            added = "".join(map(letters, step["own"]))
            assert is_within(bare, whole) and sorted(whole) == sorted(bare + added), (text, ops, step)
        assert done["back"] == text, (text, ops)


def bargains(seed: int, count: int) -> list[list[Any]]:
    rng = random.Random(seed)
    return [[typed(rng), [bargain(rng) for _ in range(rng.randrange(1, 10))]] for _ in range(count)]


def bargain(rng: random.Random) -> list[Any]:
    draw = rng.random()
    if draw < 0.3:
        return ["accept", rng.sample(range(len(SPELLS)), rng.randrange(0, 5))]
    if draw < 0.55:
        return ["dice", rng.randrange(len(SPELLS))]
    return ["undo"] if draw < 0.75 else op(rng)


@pytest.mark.parametrize("seed", range(4))
def test_wand_and_dice_leave_what_was_typed_and_can_be_undone_to_the_byte(page: Any, seed: int) -> None:
    tried = bargains(seed, 150)
    for (text, ops), steps in zip(tried, page.evaluate("(all) => all.map(dealt)", tried), strict=True):
        for one, step in zip(ops, steps, strict=True):
            assert step["typed"] == text, (text, ops)
            assert sorted(letters(parse(step["text"]).plain)) == sorted(
                letters(parse(step["bare"]).plain) + "".join(map(letters, step["own"]))
            ), (text, ops)
            if one[0] in ("accept", "dice"):
                assert step["undone"] == step["was"], (text, ops)


@pytest.mark.parametrize("text", ["{red|blue} hat, x", "(a, b:1.2) BREAK c", "，一只狗", "a, a"])
@pytest.mark.parametrize("before", ["", "a dog", " a dog, ", "一只狗，", "a, a", "x (y:1.2)", "a BREAK"])
def test_words_that_are_no_phrase_go_in_and_out_exactly(page: Any, before: str, text: str) -> None:
    there, back = page.evaluate("([before, text]) => raw(before, text)", [before, text])
    assert there.startswith(before) and there.endswith(text) and back == before


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("red fox", [["red fox", 1]]),
        ("red fox， (soft light:1.15)、x", [["red fox", 1], ["soft light", 1.15], ["x", 1]]),
        ("(a, b:1.2)", None),
        ("[a], b", None),
        ("a BREAK b", None),
        ("{a|b}, c", None),
        ("__light__", None),
        ("(a:1.33)", None),
        ("(a:2.5)", None),
        ('("a", "b").blend(1, 2)', None),
        ("<lora:ink:0.8>, a", None),
        (" , ", None),
    ],
)
def test_a_set_of_phrases_is_told_from_what_is_more(
    page: Any, text: str, phrases: list[list[Any]] | None
) -> None:
    found = page.evaluate("text => studio.spells.phrasesIn(text)", text)
    assert (found and [[one["text"], one["weight"]] for one in found]) == phrases


def test_the_sequences_are_worth_trying(page: Any) -> None:
    steps = [
        step
        for done in page.evaluate("(all) => all.map(session)", sessions(0, 150))
        for step in done["steps"]
    ]
    assert sum(bool(step["own"]) for step in steps) > 200
    assert sum(step["bare"] != step["typed"] for step in steps) > 100


@pytest.mark.parametrize("seed", range(3))
def test_a_text_that_is_typed_on_is_never_changed_by_being_looked_at(page: Any, seed: int) -> None:
    rng = random.Random(seed)
    for text, ops in sessions(seed + 100, 60):
        mixed = [step for one in ops for step in (one, ["type", 0, 0, typed(rng)])]
        steps = page.evaluate("session", [text, mixed])["steps"]
        for before, now, one in zip(steps, steps[1:], mixed[1:], strict=False):
            if one[0] == "type":
                assert now["text"] == one[3] + before["text"] + one[3], (text, mixed)
