"""What the page says, in both languages at once: the browser shows one, and switches without asking."""

from __future__ import annotations

import math
from datetime import date
from html import escape
from typing import Any

from studio.errors import say_notice, say_trouble
from studio.i18n import TABLES, say
from studio.messages import LANGUAGES, Bilingual, Language, Trouble

LABELS = "studio_"
"""Gradio words such keys itself. A prefix, because a bare `file` collides with a key of its own."""

MONTHS = "January February March April May June July August September October November December".split()


def words(key: str, /, **params: Any) -> Bilingual:
    """The words for a key in both languages; a bilingual parameter says its own."""
    return Bilingual(**{language: say(language, key, **_said(language, params)) for language in LANGUAGES})


def _said(language: Language, params: dict[str, Any]) -> dict[str, Any]:
    return {n: p.said(language) if isinstance(p, Bilingual) else p for n, p in params.items()}


def trouble_words(trouble: Trouble) -> Bilingual:
    """An error in both languages."""
    return Bilingual(en=say_trouble("en", trouble), zh=say_trouble("zh", trouble))


def notice_words(notice: Trouble) -> Bilingual:
    """Something to know, though the work went on."""
    return Bilingual(en=say_notice("en", notice), zh=say_notice("zh", notice))


def html(pair: Bilingual) -> str:
    """Both languages as HTML, escaped; the stylesheet hides the one that is not spoken."""
    if pair.en == pair.zh:
        return escape(pair.en)
    return f'<span class="w" lang="en">{escape(pair.en)}</span><span class="w" lang="zh-CN">{escape(pair.zh)}</span>'


def t(key: str, /, **params: Any) -> str:
    """The words for a key as HTML in both languages."""
    return html(words(key, **params))


def labels() -> dict[str, dict[str, str]]:
    """The tables that Gradio's own labels are looked up in, by the browser's language."""
    tables = {
        language: {
            LABELS + key.replace(".", "_"): text for key, text in TABLES[language].items() if _is_label(key)
        }
        for language in LANGUAGES
    }
    # Gradio takes each way of writing Chinese for a language of its own.
    return {"en": tables["en"], "zh": tables["zh"], "zh-CN": tables["zh"]}


def _is_label(key: str) -> bool:
    return key.startswith(("form.", "page.")) and "{" not in TABLES["en"][key]


def ordinal(n: int) -> Bilingual:
    """1st, 2nd, 3rd ... and the plain number in Chinese, which has its own words around it."""
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return Bilingual(en=f"{n}{ending}", zh=str(n))


def about(seconds: float) -> Bilingual:
    """A guess at a time, rounded up so that nobody is promised too much."""
    if seconds >= 100:
        return words("time.minutes", n=math.ceil(seconds / 60))
    return words("time.seconds", n=max(1, math.ceil(seconds)))


def took(seconds: float) -> Bilingual:
    """A measured time."""
    return words("time.took", n=f"{seconds:.1f}")


def size_words(count: int) -> str:
    """Bytes as people say them: two figures that mean something."""
    gigabytes = count / 1e9
    if gigabytes < 0.01:
        return f"{max(1, round(count / 1e6))} MB"
    return f"{gigabytes:.1f} GB" if gigabytes >= 0.95 else f"{gigabytes:.2f} GB"


def day_words(day: date, today: date) -> Bilingual:
    """Today, yesterday, or the date."""
    ago = (today - day).days
    if ago in (0, 1):
        return words("time.yesterday" if ago else "time.today")
    return date_words(day)


def date_words(day: date) -> Bilingual:
    """A day by its date."""
    return words("time.day", day=day.day, month=_month(day), year=day.year)


def month_words(day: date) -> Bilingual:
    """The month that a day lies in."""
    return words("time.month", month=_month(day), year=day.year)


def _month(day: date) -> Bilingual:
    return Bilingual(en=MONTHS[day.month - 1], zh=str(day.month))


def place_in_line(position: int, seconds: float | None) -> Bilingual:
    """Where a job waits and for about how long."""
    if position <= 1 and seconds is None:
        return words("line.next")
    if seconds is None:
        return words("line.place", nth=ordinal(position))
    return words("line.place_time", nth=ordinal(position), time=about(seconds))


def fetched(done: int, total: int, rate: float) -> str:
    """How much is here, how fast it comes, and how long the rest takes at that rate."""
    if not total:
        return t("stage.fetch_begins")
    told = [t("stage.fetched", done=size_words(done) if done else "0 MB", total=size_words(total))]
    if rate > 0:
        told += [f"{rate / 1e6:.{0 if rate >= 10e6 else 1}f} MB/s", html(about(max(0, total - done) / rate))]
    return " · ".join(told)
