"""What the page is dressed in: everything from here, both themes complete."""

from __future__ import annotations

import re

from studio.settings import ROOT
from studio.ui import theme
from studio.ui.parts import icon


def test_nothing_is_fetched_from_elsewhere() -> None:
    for text in (theme.css(), theme.head(), theme.script("first.js")):
        found = re.findall(r"https?://[^\s\"')]+", text)
        assert [address for address in found if not address.startswith("http://www.w3.org/")] == []


def test_every_file_that_the_styles_name_is_there() -> None:
    for name in re.findall(r"url\(assets-studio/([^)]+)\)", theme.css()):
        assert (ROOT / "assets" / name).is_file(), name


def test_dark_knows_every_colour_of_light() -> None:
    text = (theme.STATIC / "tokens.css").read_text("utf-8")
    light, dark = (
        re.search(rf"{start}\{{(.*?)\}}", text, re.S) for start in (r":root", r":root\[data-theme=dark\]")
    )
    assert light
    assert dark
    names = set(re.findall(r"(--[\w-]+):", light[1])) - {"--font"}
    assert names == set(re.findall(r"(--[\w-]+):", dark[1]))


def test_rules_of_the_whole_page_outweigh_gradios_copies() -> None:
    assert not re.search(r"(?<![\w-])(html|body)\[", theme.css())


def test_icons_take_the_colour_around_them() -> None:
    assert 'stroke="currentColor"' in icon("image")
    assert "aria-hidden" in icon("image")
