"""The book's spells, clicked in English or in Chinese, give the same kind of picture on the pocket."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.spellbook import PRESETS, read_spellbook

torch = pytest.importorskip("torch")
WEIGHTS = Path(__file__).parents[2] / "pocket" / "weights"
pytestmark = pytest.mark.skipif(not (WEIGHTS / "judge.safetensors").exists(), reason="no judge yet")
CLICKED = (
    ("red", "heart", "night sky"),
    ("orange", "fish", "sea"),
    ("green", "tree", "snow"),
    ("white", "cat", "meadow"),
    ("purple", "castle", "forest"),
    ("red", "apple", "plain background"),
)
COMMAS = {"en": ", ", "zh": "，"}
SEED = 7


@pytest.fixture(scope="module")
def kinds() -> dict[str, list[tuple[str, str, str]]]:
    """What the judge sees in the pictures of either language: colour, subject, background."""
    from pocket.judge import load_judge, load_licence, look
    from pocket.painter import load_painter

    assert load_licence(WEIGHTS).may_judge(("subjects", "colours", "background"))
    spells = {spell.en: spell for spell in read_spellbook(PRESETS).spells}
    prompts = {
        lang: [comma.join(getattr(spells[word], lang) for word in words) for words in CLICKED]
        for lang, comma in COMMAS.items()
    }
    both, seeds = [*prompts["en"], *prompts["zh"]], [SEED + k for k in range(len(CLICKED))] * 2
    pictures = load_painter(WEIGHTS).paint(both, seeds, steps=12)
    seen = [kind(verdict) for verdict in look(load_judge(WEIGHTS / "judge.safetensors"), pictures)]
    return {"en": seen[: len(CLICKED)], "zh": seen[len(CLICKED) :]}


def kind(verdict: object) -> tuple[str, str, str]:
    """Colour, subject and background of the one thing in the picture."""
    (thing,) = verdict.things
    return thing.colour, thing.subject, verdict.background


def test_spells_clicked_in_chinese_and_in_english_give_the_same_kind_of_picture(kinds: dict) -> None:
    assert kinds["zh"] == kinds["en"]


@pytest.mark.parametrize("lang", sorted(COMMAS))
def test_the_picture_is_what_the_spells_say(kinds: dict, lang: str) -> None:
    said = [(colour, subject, place.removesuffix(" background")) for colour, subject, place in CLICKED]
    assert kinds[lang] == said
