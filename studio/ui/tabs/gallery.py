"""The Gallery page: a person's own pictures by day, each with a drawer that holds its recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from html import escape
from itertools import groupby
from typing import Any

import gradio as gr

from studio.errors import StudioError
from studio.messages import Person, Picture
from studio.service import Studio
from studio.ui.answers import QUIET, Answers
from studio.ui.calendar import draw_calendar
from studio.ui.following import titles
from studio.ui.panel import note_html
from studio.ui.parts import act, attributes, icon, live, local, tool
from studio.ui.recipe import download_link, more_facts, nameless, picture_url, recipe_text, thumbnail_url
from studio.ui.session import text_sent, who, zone
from studio.ui.sheets import StageView
from studio.ui.words import day_words, html, t, took

PAGE = 60
MOST = 180
"""What a page holds at a time; whoever goes on towards older ones leaves the newest behind."""
DRAWER = '<aside class="drawer" data-own hidden tabindex="-1" aria-label="Recipe 配方"></aside>'
"""The browser fills it, so patching leaves its inside alone."""
UNREAD = f'<div class="pages">{DRAWER}</div>'
"""Until somebody looks: a start of the page reads no pictures."""


@dataclass(frozen=True)
class Stretch:
    """The part of a person's pictures that the page holds, and where it lies among all of them."""

    pictures: tuple[Picture, ...] = ()
    before: float | None = None
    """The moment it begins before; None: with the newest."""
    count: int = PAGE
    more: bool = False
    days: dict[date, int] = field(default_factory=dict)
    """How many pictures there are of each day, also of days that the page does not hold."""


class Gallery:
    """One page's components and what they do."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def build(self, dialogs: gr.HTML, note: gr.HTML) -> None:
        """Lays the page out and wires it."""
        self.grid = live(UNREAD, "read", "again", "send", elem_id="gallery")
        self.grid.read(self.read, None, self.grid, queue=False, trigger_mode="multiple", **QUIET)
        removed = dialogs.remove(self.remove, None, note, queue=False, **QUIET)
        removed.then(None, None, None, js="() => { studio.removed(); }", **QUIET)

    def wire_again(
        self, fill: Callable[[str, Person], list[Any]], answers: Answers, outputs: list[Any]
    ) -> None:
        """Lets "paint again" put a recipe in the form of the Create page; the last of the outputs are notes."""

        def again(event: gr.EventData, request: gr.Request, *values: Any) -> list[Any]:
            try:
                return fill(text_sent(event, "picture"), who(self.studio, request))
            except StudioError as error:
                return [*(gr.skip() for _ in outputs[:-1]), note_html(error.trouble)]

        filled = answers.wire(self.grid.again, again, outputs)
        filled.then(None, None, None, js="() => { studio.filled(); }", **QUIET)

    def read(self, event: gr.EventData, request: gr.Request) -> str:
        """The stretch of pictures that the page holds, or the one that it goes on to."""
        person = who(self.studio, request)
        where = zone(text_sent(event, "zone"))
        count = min(max(int(text_sent(event, "count") or PAGE), 1), MOST)
        before, count = self._turned(
            text_sent(event, "turn"), person, _moment_of(text_sent(event, "before")), count
        )
        stretch = self._stretch(person, before, count, where)
        if before is not None and not stretch.pictures:  # all of these were deleted
            stretch = self._stretch(person, None, count, where)
        return draw(stretch, self._names(person), where, read=text_sent(event, "read"))

    def _turned(
        self, turn: str, person: Person, before: float | None, count: int
    ) -> tuple[float | None, int]:
        """Where a stretch begins and how long it is once it goes on to older or newer ones."""
        if turn == "older" and count + PAGE > MOST:
            left = self.studio.pictures(person, before, PAGE)
            return (left[-1].created if left else before), count
        if turn == "newer" and before is not None:
            before = self.studio.newer_pictures(person, before, PAGE)
        return before, min(count + PAGE, MOST) if turn else count

    def _stretch(self, person: Person, before: float | None, count: int, where: tzinfo) -> Stretch:
        if before is not None and self.studio.newer_pictures(person, before, 0) is None:
            before = None
        found = self.studio.pictures(person, before, count + 1)
        days: Counter[date] = Counter()
        for quarter, some in self.studio.picture_counts(person).items():
            days[datetime.fromtimestamp(quarter, where).date()] += some
        return Stretch(found[:count], before, count, len(found) > count, days)

    def remove(self, event: gr.EventData, request: gr.Request) -> Any:
        """Takes a picture away for good."""
        try:
            self.studio.delete(text_sent(event, "picture"), who(self.studio, request))
        except StudioError as error:
            return note_html(error.trouble)
        return gr.skip()

    def _names(self, person: Person) -> StageView:
        states = self.studio.models(person)
        return StageView(
            models=titles(self.studio, states),
            samplers={sampler.id: sampler.title for state in states for sampler in state.samplers},
        )


def _moment_of(text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


# -- drawing --------------------------------------------------------------------------------------


def draw(
    stretch: Stretch, names: StageView, where: tzinfo, now: datetime | None = None, read: str = ""
) -> str:
    """The whole page: days, their pictures, and an empty drawer at the right. The browser knows by `read` what it is
    the answer to."""
    pages = f'<div class="pages"{attributes(read=read)}>'
    if not stretch.pictures:
        return f"{pages}{_empty()}{DRAWER}</div>"
    today = (now or datetime.now(where)).date()
    days = groupby(stretch.pictures, key=lambda picture: _day(picture, where))
    groups = "".join(
        _group(day, list(some), stretch.days.get(day, 0), names, today, where) for day, some in days
    )
    older = local("older", t("gallery.more"), "btn older") if stretch.more else ""
    held = attributes(before="" if stretch.before is None else repr(stretch.before), count=stretch.count)
    rolls = f'<div class="rolls"{held}>{_head(stretch, where)}{_newer(stretch)}{groups}{older}</div>'
    return f"{pages}{rolls}{DRAWER}</div>"


def _head(stretch: Stretch, where: tzinfo) -> str:
    total = sum(stretch.days.values())
    count = t("gallery.count_one") if total == 1 else t("gallery.count", n=f"{total:,}")
    calendar = draw_calendar(stretch.days, _day(stretch.pictures[0], where), stretch.before, where)
    return (
        f'<div class="ghead"><h2 class="t20">{t("page.gallery")}</h2><span class="i3 num t13">{count}</span>'
        f'<span class="sp"></span>{calendar}</div>'
    )


def _newer(stretch: Stretch) -> str:
    if stretch.before is None:
        return ""
    newer = local("newer", t("gallery.newer"), "btn newer")
    newest = local("jump", t("gallery.to_newest"), "btn link", before="")
    return f'<div class="row gnewer">{newer}{newest}</div>'


def _empty() -> str:
    paint = local("go", icon("brush", 16) + t("gallery.to_create"), page="create")
    disc = f'<span class="disc">{icon("images", 24)}</span>'
    return (
        f'<div class="rolls"><div class="note big">{disc}<h3>{t("gallery.empty")}</h3>'
        f'<p>{t("gallery.empty_more")}</p><div class="row">{paint}</div></div></div>'
    )


def _moment(picture: Picture, where: tzinfo) -> datetime:
    return datetime.fromtimestamp(picture.created, where)


def _day(picture: Picture, where: tzinfo) -> date:
    return _moment(picture, where).date()


def _group(
    day: date, pictures: list[Picture], count: int, names: StageView, today: date, where: tzinfo
) -> str:
    cards = "".join(_card(picture) + _detail(picture, names, today, where) for picture in pictures)
    head = f'<h3 class="day">{html(day_words(day, today))} <span class="i3 num">{count:,}</span></h3>'
    return (
        f'<section class="roll" data-id="{day.isoformat()}">{head}<div class="grid">{cards}</div></section>'
    )


def _card(picture: Picture) -> str:
    request = picture.recipe.request
    name = escape(request.prompt) or t(nameless(request))
    return (
        f'<button type="button" class="pc" data-local="picture" data-id="{escape(picture.id)}">'
        f'<img src="{thumbnail_url(picture.id)}" alt="" loading="lazy" decoding="async">'
        f'<span class="sr">{name}</span></button>'
    )


def _detail(picture: Picture, names: StageView, today: date, where: tzinfo) -> str:
    """What the drawer shows for a picture, kept beside it so that it opens at once."""
    request = picture.recipe.request
    again = act("again", icon("rotate-ccw") + t("gallery.again"), "btn pri wide", picture=picture.id)
    begin = act(
        "send", icon("image", 16) + t("stage.send_redraw"), "btn wide", way="redraw", picture=picture.id
    )
    follow = act(
        "send", icon("scan", 16) + t("stage.send_reference"), "btn wide", way="reference", picture=picture.id
    )
    width, height = picture.size.width, picture.size.height
    return (
        f'<template data-for="{escape(picture.id)}">{_detail_head(picture, today, where)}'
        f'<div class="dscroll"><div class="dshot"><img src="{picture_url(picture.id)}" alt="{escape(request.prompt)}" '
        f'style="aspect-ratio:{width}/{height}"></div>{_detail_words(picture, names)}'
        f'{_detail_table(picture, names)}</div><div class="dfoot">{again}{begin}{follow}</div></template>'
    )


def _detail_head(picture: Picture, today: date, where: tzinfo) -> str:
    moment = _moment(picture, where)
    when = f"{html(day_words(moment.date(), today))} {moment:%H:%M}"
    title = escape(picture.recipe.request.prompt.split(",")[0].strip()[:60]) or t(
        nameless(picture.recipe.request)
    )
    return (
        f'<div class="dhead"><div class="grow"><h2 class="t16 ell">{title}</h2>'
        f'<p class="i3 t12 num">{when} · {html(took(picture.recipe.took))}</p></div>'
        f"{tool('previous', 'arrow-left', 'gallery.previous', 'ib bare')}"
        f"{tool('next', 'arrow-right', 'gallery.next', 'ib bare')}"
        f"{download_link(picture, 'ib bare')}"
        f"{tool('delete', 'trash-2', 'stage.delete', 'ib bare', picture=picture.id)}"
        f"{tool('shut', 'x', 'page.close', 'ib bare shut')}</div>"
    )


def _detail_words(picture: Picture, names: StageView) -> str:
    request = picture.recipe.request
    text = recipe_text(names, request)
    copy = local("copy", icon("copy", 16) + t("stage.copy"), "btn link", said="stage.copied", copy=text)
    head = f'<div class="row"><b class="t13">{t("gallery.prompt")}</b><span class="sp"></span>{copy}</div>'
    prompt = escape(request.prompt) or f'<span class="i3">{t(nameless(request))}</span>'
    return f'<div class="dwords">{head}<p class="t13 i2">{prompt}</p></div>'


def _detail_table(picture: Picture, names: StageView) -> str:
    request = picture.recipe.request
    model = names.models.get(request.model)
    sampler = names.samplers.get(request.sampler, request.sampler)
    title = html(model) if model else escape(picture.recipe.model_title)
    rows = [
        ("stage.model", f"{title}, {picture.size.width} × {picture.size.height}"),
        ("stage.seed", str(request.seed)),
        ("gallery.sampler", t("gallery.sampler_steps", sampler=sampler, steps=request.steps)),
        ("gallery.guidance", f"{request.guidance:.1f}"),
    ]
    if not request.paints:
        rows = [("gallery.size", f"{picture.size.width} × {picture.size.height}")]
    rows += more_facts(names, request)
    if request.negative and request.paints:
        rows.append(("gallery.negative", escape(request.negative)))
    return (
        '<dl class="k num">' + "".join(f"<dt>{t(key)}</dt><dd>{value}</dd>" for key, value in rows) + "</dl>"
    )
