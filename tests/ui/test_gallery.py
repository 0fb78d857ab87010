"""The gallery as HTML: days by the visitor's clock, recipes, and nothing that people typed as markup."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from studio.messages import Picture, Recipe, Size
from studio.ui.sheets import StageView
from studio.ui.tabs.gallery import Stretch, draw
from tests.ui.test_stage import MODELS, SAMPLERS, request, text

NAMES = StageView((), MODELS, SAMPLERS)
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def picture(id: str, when: datetime, prompt: str = "an orange cat, sitting") -> Picture:
    """A picture kept at some time."""
    recipe = Recipe(request=request(1, prompt=prompt), model_title="Pocket", took=2.1)
    return Picture(
        id=id, person="p", job="j", created=when.timestamp(), size=Size(width=64, height=64), recipe=recipe
    )


def drawn(*pictures: Picture, where: tzinfo = UTC, **more: Any) -> str:
    """The page that holds some pictures; there are no others unless it is said."""
    days = Counter(datetime.fromtimestamp(one.created, where).date() for one in pictures)
    return draw(Stretch(pictures, **({"days": days} | more)), NAMES, where, NOW)


def test_nothing_yet() -> None:
    html = drawn()
    assert "No pictures yet" in html
    assert 'class="drawer"' in html


def test_the_browser_is_told_what_it_was_answered() -> None:
    assert 'data-read="7"' in draw(Stretch(), NAMES, UTC, NOW, read="7")
    assert 'data-read="7"' in draw(Stretch((picture("a", NOW),)), NAMES, UTC, NOW, read="7")


def test_days_follow_the_visitors_clock() -> None:
    late = picture("a", datetime(2026, 3, 2, 1, 0, tzinfo=UTC))
    assert "Today" in drawn(late)
    in_new_york = drawn(late, where=ZoneInfo("America/New_York"))
    assert "Yesterday" in in_new_york
    assert "20:00" in in_new_york


def test_days_are_groups_with_their_numbers() -> None:
    pictures = [
        picture("a", NOW), picture("b", NOW), picture("c", datetime(2025, 12, 31, 9, 0, tzinfo=UTC)),
    ]  # fmt: skip
    said = text(drawn(*pictures), "zh")
    assert "今天 2" in said
    assert "2025 年 12 月 31 日 1" in said
    assert "3 张" in said


def test_the_drawer_tells_the_recipe() -> None:
    said = text(drawn(picture("a", NOW)), "en")
    for part in ("Pocket, 64 × 64", "101", "Euler, 4 steps", "7.0", "blurry", "took 2.1 s"):
        assert part in said


def test_older_ones_are_offered_when_there_are_some() -> None:
    assert "Show older ones" in drawn(picture("a", NOW), more=True)
    assert "Show older ones" not in drawn(picture("a", NOW))


def test_all_are_counted_also_those_that_the_page_does_not_hold() -> None:
    days = {date(2026, 3, 2): 40, date(2026, 3, 1): 3000}
    said = text(drawn(picture("a", NOW), more=True, days=days), "en")
    assert "3,040 pictures" in said
    assert "Today 40" in said


def test_newer_ones_are_offered_once_the_page_has_left_them_behind() -> None:
    assert "Show newer ones" not in drawn(picture("a", NOW))
    left = text(drawn(picture("a", NOW), before=NOW.timestamp() + 1), "en")
    assert "Show newer ones" in left
    assert "Back to the newest" in left


def test_the_calendar_leads_to_every_month_and_to_the_days_of_the_one_shown() -> None:
    days = {date(2026, 3, 2): 1, date(2026, 3, 1): 2, date(2025, 12, 31): 1200, date(2025, 12, 1): 1}
    html = drawn(picture("a", NOW), days=days)
    said = text(html, "en")
    assert "March 2026 32 March 2026 11 March 2026 2December 2025 1,201" in said
    assert "31 December 2025" not in said
    assert f'data-before="{datetime(2026, 1, 1, tzinfo=UTC).timestamp()!r}"' in html


def test_prompts_are_text() -> None:
    evil = "<script>alert(1)</script>, \"'><b>"
    html = drawn(picture("a", NOW, evil))
    assert "<script" not in html
    assert "<b>" not in html.replace('<b class="t13">', "")
