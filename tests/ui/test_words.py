"""The page's words: both languages complete, with the same places to fill, and escaped."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from studio.i18n import TABLES
from studio.messages import Bilingual
from studio.ui import words as w

UI = Path(w.__file__).parent


def test_every_word_the_page_asks_for_exists() -> None:
    known = TABLES["en"]
    for path in UI.rglob("*.py"):
        for key in re.findall(
            r'"((?:form|stage|gallery|page|time|line|place)\.[a-z_]+)"', path.read_text("utf-8")
        ):
            assert key in known or key.endswith((".css", ".js")), f"{path.name}: {key}"


@pytest.mark.parametrize(
    ("n", "said"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd")]
)
def test_ordinals(n: int, said: str) -> None:
    assert w.ordinal(n).en == said


def test_times_are_never_promised_too_short() -> None:
    assert w.about(0.2).en == "about 1 s"
    assert w.about(5.1).zh == "约 6 秒"
    assert w.about(150).en == "about 3 min"


def test_days() -> None:
    today = date(2026, 3, 2)
    assert w.day_words(today, today).zh == "今天"
    assert w.day_words(date(2026, 3, 1), today).en == "Yesterday"
    assert w.day_words(date(2025, 12, 31), today) == Bilingual(
        en="31 December 2025", zh="2025 年 12 月 31 日"
    )


def test_words_are_escaped_in_both_languages() -> None:
    assert w.html(Bilingual(en="<b>", zh="<b>")) == "&lt;b&gt;"
    assert "<i>" not in w.html(Bilingual(en="<i>", zh="<u>"))


def test_labels_have_a_prefix_and_no_places() -> None:
    for table in w.labels().values():
        assert all(key.startswith(w.LABELS) and "." not in key for key in table)
        assert not any("{" in text for text in table.values())
