"""The gallery as HTML: days by the visitor's clock, recipes, and nothing that people typed as markup."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from studio.messages import Picture, Recipe, Size
from studio.ui.sheets import StageView
from studio.ui.tabs.gallery import draw
from tests.ui.test_stage import MODELS, SAMPLERS, request, text

NAMES = StageView((), MODELS, SAMPLERS)
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def picture(id: str, when: datetime, prompt: str = "an orange cat, sitting") -> Picture:
    """A picture kept at some time."""
    recipe = Recipe(request=request(1, prompt=prompt), model_title="Pocket", took=2.1)
    return Picture(
        id=id, person="p", job="j", created=when.timestamp(), size=Size(width=64, height=64), recipe=recipe
    )


def test_nothing_yet() -> None:
    html = draw([], NAMES, UTC, False, NOW)
    assert "No pictures yet" in html
    assert 'class="drawer"' in html


def test_days_follow_the_visitors_clock() -> None:
    late = picture("a", datetime(2026, 3, 2, 1, 0, tzinfo=UTC))
    assert "Today" in draw([late], NAMES, UTC, False, NOW)
    in_new_york = draw([late], NAMES, ZoneInfo("America/New_York"), False, NOW)
    assert "Yesterday" in in_new_york
    assert "20:00" in in_new_york


def test_days_are_groups_with_their_numbers() -> None:
    pictures = [
        picture("a", NOW), picture("b", NOW), picture("c", datetime(2025, 12, 31, 9, 0, tzinfo=UTC)),
    ]  # fmt: skip
    said = text(draw(pictures, NAMES, UTC, False, NOW), "zh")
    assert "今天 2" in said
    assert "2025 年 12 月 31 日 1" in said
    assert "3 张" in said


def test_the_drawer_tells_the_recipe() -> None:
    said = text(draw([picture("a", NOW)], NAMES, UTC, False, NOW), "en")
    for part in ("Pocket, 64 × 64", "101", "Euler, 4 steps", "7.0", "blurry", "took 2.1 s"):
        assert part in said


def test_older_ones_are_offered_when_there_are_some() -> None:
    assert "Show older ones" in draw([picture("a", NOW)], NAMES, UTC, True, NOW)
    assert "Show older ones" not in draw([picture("a", NOW)], NAMES, UTC, False, NOW)


def test_prompts_are_text() -> None:
    evil = "<script>alert(1)</script>, \"'><b>"
    html = draw([picture("a", NOW, evil)], NAMES, UTC, False, NOW)
    assert "<script" not in html
    assert "<b>" not in html.replace('<b class="t13">', "")
