"""The stage as HTML: what the view holds, drawn. What happens to it is told in `sheets`."""

from __future__ import annotations

from html import escape
from typing import Any

from studio.messages import GenerationRequest, Picture, Trouble
from studio.ui.parts import act, attributes, hidden_words, icon, local, tool
from studio.ui.recipe import download_link, picture_url, preview_url, recipe_card, thumbnail_url
from studio.ui.sheets import AT_WORK, Phase, Sheet, Slot, StageView
from studio.ui.start import input_url
from studio.ui.words import (
    fetched,
    html,
    place_in_line,
    t,
    took,
    trouble_words,
    words,
)


def draw(view: StageView) -> str:
    """The stage as HTML: one plate a picture (the browser shows one), the strip of siblings, the pills."""
    sheet = view.shown
    if sheet is None:
        return _frame("", "empty", _empty())
    message = _message(view, sheet)
    chosen = "m" if message else _chosen(sheet)
    plates = "".join(_plate(view, sheet, index, chosen == str(index)) for index in range(len(sheet.slots)))
    if message:
        plates += f'<div class="plate{" on" if chosen == "m" else ""}" data-slot="m">{message}</div>'
    return _frame(
        sheet.job, sheet.phase, plates + _siblings(sheet, chosen, bool(message)) + _pills(view), sheet
    )


def _frame(job: str, phase: str, inner: str, sheet: Sheet | None = None) -> str:
    several = bool(sheet and len(sheet.slots) > 1)
    wide = bool(sheet and sheet.slots and _ratio(sheet.slots[0]) > 1.45)
    classes = "stage" + (" several" if several else "") + (" wide" if wide else "")
    busy = "yes" if phase in AT_WORK else "no"
    label = f'<h2 class="sr">{t("stage.label")}</h2>'
    data = attributes(job=job, phase=phase, busy=busy, several="yes" if several else "no")
    return f'<div class="{classes}"{data}>{label}<div class="mat"></div>{inner}</div>'


def _ratio(slot: Slot) -> float:
    return slot.size.width / slot.size.height


def _chosen(sheet: Sheet) -> str:
    """The picture on the mat: the one being painted, else the last that is finished."""
    for state in ("painting", "done"):
        found = [index for index, slot in enumerate(sheet.slots) if slot.state == state]
        if found:
            return str(found[-1])
    return "m"


def _plate(view: StageView, sheet: Sheet, index: int, on: bool) -> str:
    slot = sheet.slots[index]
    if not slot.picture and not (slot.state == "painting" and sheet.phase == "painting"):
        return ""
    card = recipe_card(view, slot.request, sheet.notices + slot.notices)
    inner = _status(sheet, index) + _shot(slot) + _actions(slot) + card
    data = attributes(slot=index, picture=slot.picture.id if slot.picture else None, seed=slot.request.seed)
    return f'<div class="plate{" on" if on else ""}"{data}>{inner}</div>'


def _status(sheet: Sheet, index: int) -> str:
    slot, count = sheet.slots[index], len(sheet.slots)
    title = "stage.picture" if slot.picture else "stage.painting"
    head = t(title, i=index + 1, n=count) if count > 1 else t(title + "_one")
    about_it = _about_picture(slot.picture) if slot.picture else _about_step(slot)
    full = "" if not slot.picture else _compare(slot) + _quiet("full", "expand", "stage.full")
    return (
        f'<div class="status"><b role="status" aria-live="polite">{head}</b>'
        f'<span class="num i2">{about_it}</span><span class="sp"></span>{full}</div>'
    )


def _compare(slot: Slot) -> str:
    """Shows the picture it started from for as long as it is held; a grown one has no place for that."""
    if slot.request.start is None or slot.request.outpaint:
        return ""
    return _quiet("compare", "images", "stage.compare")


def _about_picture(picture: Picture) -> str:
    size = f"{picture.size.width} × {picture.size.height}"
    return f"{size} · {html(took(picture.recipe.took))}" if picture.recipe.took >= 0.05 else size


def _about_step(slot: Slot) -> str:
    key = f"stage.step_{slot.stage}" if slot.stage != "base" else "stage.step"
    step = t(key, step=slot.step, steps=slot.steps)
    if slot.seconds_left is None:
        return step
    left = words("time.left", n=max(1, round(slot.seconds_left)))
    return f"{step} · {html(left)}"


def _quiet(do: str, name: str, key: str) -> str:
    return local(do, icon(name, 16) + t(key), "btn quiet")


def _shot(slot: Slot) -> str:
    request = slot.request
    style = f"--w:{slot.size.width};--h:{slot.size.height}"
    if slot.picture:
        name = escape(request.prompt) or escape(str(request.seed))
        inner = f'<img src="{picture_url(slot.picture.id)}" alt="{name}">' + _before(request)
    else:
        inner = _preview(slot) + _progress(slot)
    return f'<div class="shotbox"><figure class="shot" style="{style}">{inner}</figure></div>'


def _before(request: GenerationRequest) -> str:
    """The picture it started from, laid over it while the two are compared."""
    if request.start is None or request.outpaint:
        return ""
    fit = "cover" if request.start.fit == "crop" else "fill"
    label = f'<figcaption class="lbl before">{t("stage.before")}</figcaption>'
    url = input_url(request.start.picture)
    return f'<img class="before" style="object-fit:{fit}" src="{url}" alt="" loading="lazy">{label}'


def _preview(slot: Slot) -> str:
    if slot.preview is None:
        return '<span class="blank"></span>'
    return f'<img src="{preview_url(slot.preview)}" alt=""><figcaption class="lbl">{t("stage.preview")}</figcaption>'


def _progress(slot: Slot) -> str:
    share = slot.share
    return (
        f'<div class="ring" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{share}" '
        f'aria-label="{escape(words("stage.progress").en)}">{_ring(share)}<b class="num">{share}%</b></div>'
        f'<div class="bar"><u style="width:{share}%"></u></div>'
    )


def _ring(share: int) -> str:
    round_length = 2 * 3.1416 * 20
    return (
        '<svg viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="20"/>'
        f'<circle class="on" cx="24" cy="24" r="20" stroke-dasharray="{round_length * share / 100:.1f} '
        f'{round_length:.1f}"/></svg>'
    )


def _actions(slot: Slot) -> str:
    picture = slot.picture
    off = picture is None
    seed = _icon_act("take_seed", "dices", "stage.use_seed", disabled=off, seed=slot.request.seed)
    delete = tool("delete", "trash-2", "stage.delete", disabled=off, picture=picture.id if picture else None)
    return (
        f'<div class="acts">{send_row(slot.request, picture)}<span class="sp"></span>'
        f"{seed}{download_link(picture)}{delete}</div>"
    )


def _icon_act(event: str, name: str, key: str, **data: Any) -> str:
    return act(event, icon(name) + hidden_words(t(key)), "ib", **data)


def send_row(request: GenerationRequest, picture: Picture | None) -> str:
    """What a finished picture can be the beginning of."""
    ways = [("redraw", "image"), ("inpaint", "brush"), ("reference", "scan"), ("upscale", "maximize-2")]
    buttons = "".join(_send(way, name, picture) for way, name in ways)
    varied = _send("variations", "shuffle", picture, off=not request.paints)
    head = f'<span class="i3 t13 sendto">{t("stage.send_to")}</span>'
    return f'{head}<div class="sends">{buttons}<i class="cut"></i>{varied}</div>'


def _send(way: str, name: str, picture: Picture | None, off: bool = False) -> str:
    inner = icon(name, 16) + f"<span>{t(f'stage.send_{way}')}</span>"
    return act(
        "send", inner, disabled=off or picture is None, way=way, picture=picture.id if picture else None
    )


# -- siblings and pills ---------------------------------------------------------------------------


def _siblings(sheet: Sheet, chosen: str, message: bool) -> str:
    if len(sheet.slots) < 2:
        return ""
    thumbs = "".join(_sibling(sheet, index, chosen, message) for index in range(len(sheet.slots)))
    return f'<div class="sib" role="group" aria-label="{escape(words("stage.siblings").en)}">{thumbs}</div>'


def _sibling(sheet: Sheet, index: int, chosen: str, message: bool) -> str:
    slot = sheet.slots[index]
    shows_plate = bool(slot.picture) or (slot.state == "painting" and sheet.phase == "painting")
    target = str(index) if shows_plate else "m"
    off = "" if shows_plate or message else " disabled"
    on = " on" if target == chosen and shows_plate else ""
    return (
        f'<button type="button" class="sb{on}" data-show="{target}"{off}>{_thumb(slot, sheet.phase)}'
        f'<small class="num">{_own_seed(slot.request)}</small></button>'
    )


def _own_seed(request: GenerationRequest) -> int:
    """What tells a picture from its siblings: variations have their seed in common, and differ by the other one."""
    return request.variation.seed if request.variation else request.seed


def _thumb(slot: Slot, phase: Phase) -> str:
    if slot.picture:
        return f'<img src="{thumbnail_url(slot.picture.id)}" alt="">'
    if slot.state == "painting" and slot.preview:
        bar = f'<span class="bar"><u style="width:{slot.share}%"></u></span>' if phase == "painting" else ""
        return f'<span class="box"><img src="{preview_url(slot.preview)}" alt="">{bar}</span>'
    name, key = (
        ("skip-forward", "stage.skipped_one") if slot.state == "skipped" else ("clock", "stage.waiting")
    )
    return f'<span class="box dash">{icon(name)}<span class="sr">{t(key)}</span></span>'


def _pills(view: StageView) -> str:
    pills = "".join(_pill(view, sheet) for sheet in view.waiting) + "".join(
        _mishap(sheet) for sheet in view.mishaps
    )
    return f'<div class="pills">{pills}</div>' if pills else ""


def _pill(view: StageView, sheet: Sheet) -> str:
    place = words("line.yours", place=place_in_line(sheet.position, sheet.seconds))
    if sheet.phase == "downloading":
        place = words("stage.fetching", model=view.model(sheet.model))
    leave = f'{icon("x", 14)}<span class="sr">{t("stage.leave")}</span>'
    return (
        f'<span class="pill num">{icon("clock", 14)}{html(place)}'
        f"{act('cancel', leave, 'mini', job=sheet.job)}</span>"
    )


def _mishap(sheet: Sheet) -> str:
    again = act("paint", t("stage.try_again"), "mini red", resume=sheet.job)
    inner = f'{icon("x", 14)}<span class="sr">{t("stage.discard")}</span>'
    discard = local("discard", inner, "mini", job=sheet.job)
    return f'<span class="pill">{icon("triangle-alert", 14)}{t("line.failed")}{again}{discard}</span>'


# -- messages in the mat --------------------------------------------------------------------------


def _message(view: StageView, sheet: Sheet) -> str:
    """What stands in the mat instead of a picture, if anything does."""
    tell = {
        "queued": _tell_queued,
        "downloading": _tell_downloading,
        "loading": _tell_loading,
        "painting": _tell_painting,
        "failed": _tell_failed,
        "cancelled": _tell_cancelled,
        "interrupted": _tell_interrupted,
        "done": _tell_done,
    }[sheet.phase]
    return tell(view, sheet)


def _empty() -> str:
    return (
        '<div class="plate on" data-slot="m">'
        + _note(
            t("stage.empty"), t("stage.empty_more"), head=f'<span class="disc">{icon("image", 24)}</span>'
        )
        + "</div>"
    )


def _note(title: str, more: str = "", buttons: str = "", head: str = "") -> str:
    more = f"<p>{more}</p>" if more else ""
    buttons = f'<div class="row">{buttons}</div>' if buttons else ""
    return f'<div class="note" role="status" aria-live="polite">{head}<h3>{title}</h3>{more}{buttons}</div>'


def _turning() -> str:
    return f'<span class="turning">{_ring(30)}</span>'


def _tell_queued(view: StageView, sheet: Sheet) -> str:
    leave = act("cancel", t("stage.leave"), job=sheet.job)
    place = html(place_in_line(sheet.position, sheet.seconds))
    return _note(place, t("stage.queued_more"), leave, _turning())


def _tell_downloading(view: StageView, sheet: Sheet) -> str:
    done, total, rate = sheet.fetched
    share = min(100, round(100 * done / total)) if total else 0
    bar = (
        f'<span class="bar long" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{share}">'
        f'<u style="width:{share}%"></u></span>'
    )
    leave = act("cancel", t("stage.leave"), job=sheet.job)
    told = f'<span class="num">{fetched(done, total, rate)}</span>{bar}'
    return _note(t("stage.fetching", model=view.model(sheet.model)), told, leave, _turning())


def _tell_loading(view: StageView, sheet: Sheet) -> str:
    return _note(t("stage.loading", model=view.model(sheet.model)), t("stage.loading_more"), head=_turning())


def _tell_painting(view: StageView, sheet: Sheet) -> str:
    if any(slot.state == "painting" for slot in sheet.slots):
        return ""
    return _note(t("stage.starting"), head=_turning())


def _tell_done(view: StageView, sheet: Sheet) -> str:
    return "" if sheet.done else _note(t("stage.all_skipped"))


def _tell_failed(view: StageView, sheet: Sheet) -> str:
    trouble = sheet.trouble or Trouble(code="bug")
    discard = local("discard", t("stage.discard"), "btn quiet", job=sheet.job)
    return trouble_card(t("stage.failed"), html(trouble_words(trouble)), _likeliest(sheet, trouble) + discard)


def _likeliest(sheet: Sheet, trouble: Trouble) -> str:
    """The one thing that most likely helps."""
    again = act("paint", t("stage.rest" if sheet.done else "stage.try_again"), resume=sheet.job)
    request = sheet.slots[0].request if sheet.slots else None
    if trouble.code != "memory_short" or request is None:
        return again
    width, height = (side * 3 // 4 // 8 * 8 for side in (request.width, request.height))
    return act("smaller", t("stage.smaller", side=max(width, height)), size=f"{width}x{height}")


def trouble_card(title: str, more: str, buttons: str) -> str:
    """An error inside the mat: what happened, what is safe, and the likeliest way on as a button."""
    return (
        f'<div class="note"><div class="trouble card" role="alert"><h3>{icon("triangle-alert")}{title}</h3>'
        f'<p>{more}</p><div class="row">{buttons}</div></div></div>'
    )


def _tell_cancelled(view: StageView, sheet: Sheet) -> str:
    if sheet.stopped_at:
        title = t("stage.stopped_at", step=sheet.stopped_at)
    else:
        title = t("stage.stopped" if sheet.done else "stage.left_queue")
    again = act("paint", t("stage.rest" if sheet.done else "stage.again"), resume=sheet.job)
    discard = local("discard", t("stage.discard"), "btn quiet", job=sheet.job)
    return _note(title, "", again + discard, _last_preview(sheet))


def _last_preview(sheet: Sheet) -> str:
    previews = [slot for slot in sheet.slots if slot.preview]
    if not previews:
        return ""
    request = previews[-1].request
    style = f"--w:{request.width};--h:{request.height}"
    url = preview_url(previews[-1].preview or b"")
    return f'<span class="shot small" style="{style}"><img src="{url}" alt=""></span>'


def _tell_interrupted(view: StageView, sheet: Sheet) -> str:
    rest = act("paint", icon("brush", 16) + t("stage.rest"), resume=sheet.job)
    discard = local("discard", t("stage.discard"), "btn quiet", job=sheet.job)
    more = t("stage.interrupted_more", done=len(sheet.done), n=len(sheet.slots))
    head = f'<span class="disc">{icon("rotate-ccw", 24)}</span>'
    return _note(t("stage.interrupted"), more, rest + discard, head)


# -- the card on a narrow page --------------------------------------------------------------------


def draw_card(view: StageView) -> str:
    """The result as a small card, for pages too narrow for a stage beside the form."""
    sheet = view.shown
    if sheet is None or not (sheet.done or sheet.at_work):
        return ""
    pictures = [slot for slot in sheet.slots if slot.picture]
    thumbs = "".join(_card_thumb(index, slot) for index, slot in enumerate(sheet.slots))
    first = pictures[-1] if pictures else None
    lead = (
        f'<img src="{thumbnail_url(first.picture.id)}" alt="">'
        if first and first.picture
        else icon("brush", 24)
    )
    lead = f'<span class="lead">{lead}</span>'
    opening = tool("open", "expand", "stage.open", "ib bare")
    title = f'<div class="row"><b class="ell">{_card_title(sheet)}</b><span class="sp"></span>{opening}</div>'
    strip = f'<div class="thumbs">{thumbs if len(sheet.slots) > 1 else ""}</div>'
    return f'<div class="result card">{lead}<div class="grow">{title}{strip}{_card_facts(first)}</div></div>'


def _card_thumb(index: int, slot: Slot) -> str:
    inner = (
        f'<img src="{thumbnail_url(slot.picture.id)}" alt="">'
        if slot.picture
        else '<span class="box dash"></span>'
    )
    label = f'<span class="sr">{t("stage.seed_of", seed=slot.request.seed)}</span>'
    return local("open", inner + label, "", slot=index)


def _card_title(sheet: Sheet) -> str:
    count = len(sheet.done)
    if sheet.at_work:
        return t("stage.result_busy")
    if sheet.phase != "done":
        return t("stage.result_stopped", n=count)
    return t("stage.result_one") if count == 1 else t("stage.result", n=count)


def _card_facts(slot: Slot | None) -> str:
    if slot is None or slot.picture is None:
        return ""
    seed = t("stage.seed_of", seed=slot.request.seed)
    return f'<div class="num i2 t12 ell">{seed} · {html(took(slot.picture.recipe.took))}</div>'
