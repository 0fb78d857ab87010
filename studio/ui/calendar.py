"""The gallery's calendar: one step to any month, and to any day of the month that one is in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby

from studio.ui.parts import attributes, icon
from studio.ui.words import date_words, html, month_words, t


def draw_calendar(days: dict[date, int], here: date, before: float | None, where: tzinfo) -> str:
    """A menu of the months that have pictures, with their numbers; `here` is the first day that is shown."""
    if len(days) < 2:
        return ""
    shown = t("gallery.newest") if before is None else html(month_words(here))
    rows = "".join(_rows(days, here, before, where))
    return (
        f'<div class="menu months"><button type="button" class="btn" data-local="menu" aria-haspopup="menu" '
        f'aria-expanded="false"><span class="sr">{t("gallery.jump")}</span>{shown}{icon("chevron-down", 16)}</button>'
        f'<div class="popover" role="menu" hidden>{rows}</div></div>'
    )


def _rows(days: dict[date, int], here: date, before: float | None, where: tzinfo) -> Iterator[str]:
    yield _row(t("gallery.newest"), None, None, before is None)
    for month, some in groupby(sorted(days, reverse=True), key=_first_of_month):
        own = list(some)
        end = _midnight((month + timedelta(days=31)).replace(day=1), where)
        yield _row(html(month_words(month)), sum(days[day] for day in own), end, before == end)
        if month == _first_of_month(here) and len(own) > 1:
            yield from _day_rows({day: days[day] for day in own}, before, where)


def _day_rows(days: dict[date, int], before: float | None, where: tzinfo) -> Iterator[str]:
    for day, count in days.items():
        end = _midnight(day + timedelta(days=1), where)
        yield _row(html(date_words(day)), count, end, before == end, "mday")


def _row(words: str, count: int | None, before: float | None, on: bool, classes: str = "") -> str:
    number = f'<small class="num">{count:,}</small>' if count is not None else ""
    return (
        f'<button type="button" role="menuitemradio" aria-checked="{"true" if on else "false"}" class="{classes}"'
        f"{attributes(local='jump', before='' if before is None else repr(before))}>"
        f'<span class="grow">{words}</span> {number}</button>'
    )


def _first_of_month(day: date) -> date:
    return day.replace(day=1)


def _midnight(day: date, where: tzinfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=where).timestamp()
