"""The page and the server see the same in a prompt: both read a list of prompts, and many thrown together."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from studio.settings import ROOT
from studio.spellbook import FORMULA, Anatomy, anatomy, book_for_page
from studio.spellbook.book import Element
from studio.spellbook.dealing import ORDER_OF_HINTS
from studio.spellbook.index import STANDS_FOR
from tests.spellbook.test_index import index
from tests.ui.browsing import IN_A_BROWSER

pytestmark = IN_A_BROWSER
STATIC = ROOT / "studio" / "ui" / "static"
PROMPTS = [
    "", " ", ",", "1.2", "a", "the of and", "a zorblax", "佐布拉克斯兽", "two cats", "一只猫", "雪花", "雪 花", "花",
    "oil painting, (red fox:1.2), forest, moonlight", "油画，(赤狐:1.2)，森林，月光", "油画, red fox, 森林, 月光",
    "my best day, Soft Light", "SOFT-LIGHT", "soft  light", "soft, light", "softlight", "soft lights", "soft_light",
    "a dog in soft light on the beach", "柔和的光线照在一只橘猫的身上", "猫的眼睛", "红色的房子，绿色的草地",
    "portrait of a woman, f/1.8, 85mm", "by J. M. W. Turner, trending on ArtStation", "by J M W Turner", "3D, 4k, 8K",
    "<lora:ink:0.8> red fox", "__light__, red fox", "__light__red fox", "{red fox|giant panda}, moonlight",
    '("red fox, forest", "moonlight").blend(1, 2)', "red fox BREAK moonlight", "worst quality, lowres",
    "the red fox", "an owl", "Van Gogh’s starry night", "don't look now", "café, Straße, İstanbul", "🐱 red fox 🐱",
    "flat illustration of an orange cat, sitting, round eyes, on a green meadow with a small tree",
]  # fmt: skip
JOINTS = [
    ", ",
    "，",
    " ",
    "  ",
    "-",
    " and ",
    "的",
    "",
    "\n",
    " (",
    ":1.2) ",
    " in the ",
    "、",
    "_",
    " zorblax ",
]


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """An empty page with the scripts and the whole book."""
    page = browser.new_page()
    page.set_content("<html></html>")
    for name in ("phrases.js", "spells.js"):
        page.add_script_tag(content=(STATIC / name).read_text("utf-8"))
    book = json.dumps(book_for_page(index().book), ensure_ascii=False)
    page.add_script_tag(content=f"const known = studio.spells.index({book});")
    yield page
    page.close()


SEEN = """(prompts) => prompts.map((text) => {
  const seen = studio.spells.anatomy(text, known);
  return {
    marks: seen.marks.map((mark) => [mark.spell.en, mark.spell.element, text.slice(mark.from, mark.to)]),
    free: seen.free.map((one) => text.slice(one.from, one.to)), lacking: seen.lacking,
  };
})"""


def by_server(prompt: str) -> dict[str, Any]:
    seen: Anatomy = anatomy(index(), prompt)
    return {
        "marks": [[mark.spell.en, mark.element, prompt[mark.start : mark.end]] for mark in seen.marks],
        "free": [prompt[start:end] for start, end in seen.free],
        "lacking": list(seen.lacking),
    }


def thrown_together(seed: int) -> str:
    rng = random.Random(seed)
    spells = [place.spell for place in index().places]
    words = ""
    for _ in range(rng.randrange(1, 7)):
        spell = rng.choice(spells)
        words += rng.choice([spell.en, spell.zh, spell.name, *spell.aliases]) + rng.choice(JOINTS)
    return rng.choice([words, words.upper(), words.title()])


@pytest.mark.parametrize("prompts", [PROMPTS, [thrown_together(seed) for seed in range(800)]])
def test_page_and_server_see_the_same_in_a_prompt(page: Any, prompts: list[str]) -> None:
    for prompt, seen in zip(prompts, page.evaluate(SEEN, prompts), strict=True):
        assert seen == by_server(prompt), prompt


def test_both_name_the_elements_alike(page: Any) -> None:
    assert page.evaluate("studio.phrases.ELEMENTS") == list(FORMULA)
    assert page.evaluate("studio.phrases.HINTS") == list(ORDER_OF_HINTS)
    assert page.evaluate("studio.phrases.STANDS_FOR") == dict(STANDS_FOR)
    assert len(set(get_args(Element))) == len(FORMULA) + 5
