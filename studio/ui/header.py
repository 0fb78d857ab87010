"""The header: the seal, the model chip with its menu, language and theme; and the bar of a narrow page."""

from __future__ import annotations

from studio.messages import DeviceState, ModelState
from studio.ui.parts import act, attributes, hidden_words, icon, local
from studio.ui.shelf import dot, line_words, memory_line, place_words, stand_of
from studio.ui.stage import trouble_card
from studio.ui.words import html, t


def brand() -> str:
    """The seal and the two names."""
    return (
        f'<a class="brand" href="./"><span class="sealmark" aria-hidden="true">咒</span>'
        f'<b class="long">Spellbook Studio</b><span class="long i3" lang="zh-CN">咒语书</span>'
        f'<b class="short">{t("page.title")}</b></a>'
    )


def tools(states: tuple[ModelState, ...], chosen: str, devices: tuple[DeviceState, ...] = ()) -> str:
    """Everything at the right end of the header."""
    return f'<div class="tools">{model_chip(states, chosen, devices)}{_languages()}{_theme()}</div>'


def model_chip(states: tuple[ModelState, ...], chosen: str, devices: tuple[DeviceState, ...] = ()) -> str:
    """The model in use, its name and where it is; its menu holds the others and leads to their page."""
    found = [state for state in states if state.spec.id == chosen] or list(states[:1])
    if not found:
        return ""
    state = found[0]
    inner = (
        f"{dot(stand_of(state))}<b>{html(state.spec.title)}</b>"
        f'<span class="num place">{html(place_words(state))}</span>'
    )
    rows = "".join(_row(other, other is state) for other in states)
    return (
        f'<div class="menu"><button type="button" class="chip" data-local="menu" aria-haspopup="menu" '
        f'aria-expanded="false">{inner}{icon("chevron-down", 16)}</button>'
        f'<div class="popover" role="menu" hidden><div class="prows">{rows}</div>{_end(devices)}</div></div>'
    )


def _end(devices: tuple[DeviceState, ...]) -> str:
    go = 'role="menuitem" class="pmanage" data-local="go" data-page="models"'
    manage = f'<button type="button" {go}>{t("models.manage")}{icon("arrow-right", 16)}</button>'
    return f'<div class="pend"><span class="num">{memory_line(devices)}</span>{manage}</div>'


def _row(state: ModelState, on: bool) -> str:
    fits = stand_of(state) not in ("missing", "wont_fit")
    inner = (
        f'{dot(stand_of(state))}<span class="grow"><b>{html(state.spec.title)}</b>'
        f'<small class="num">{html(line_words(state))}</small></span>{icon("check", 16) if on else ""}'
    )
    off = "" if fits else ' aria-disabled="true"'
    do = {"do": "choose"} if fits else {"local": "why"}
    return (
        f'<button type="button" role="menuitemradio" aria-checked="{"true" if on else "false"}"{off}'
        f"{attributes(**do, model=state.spec.id)}>{inner}</button>"
    )


def _languages() -> str:
    chinese = local("language", "中", "", language="zh")
    english = local("language", "EN", "", language="en")
    return f'<div class="seg" role="group" aria-label="Language 语言">{chinese}{english}</div>'


def _theme() -> str:
    return local("theme", icon("moon") + icon("sun-medium") + hidden_words(t("page.theme")), "ib theme")


def bottom_bar() -> str:
    """The pages of a narrow screen, where the picture is a page of its own."""
    pages = (("create", "brush"), ("picture", "image"), ("gallery", "images"), ("models", "layers"))
    buttons = "".join(
        local("go", f"{icon(name, 20)}<span>{t('page.' + page)}</span>", "", page=page)
        for page, name in pages
    )
    return f'<nav class="mnav">{buttons}</nav>'


def lost() -> str:
    """What shows while the server does not answer; the browser tries by itself."""
    again = local("retry", t("stage.try_now"))
    return f'<div id="lost">{trouble_card(t("stage.lost"), t("stage.lost_more"), again)}</div>'


def dialogs() -> str:
    """The question before a picture is deleted, and where short notes appear."""
    return (
        f'<dialog class="ask" aria-labelledby="ask-title"><h3 id="ask-title">{t("gallery.delete_ask")}</h3>'
        f'<p>{t("gallery.delete_more")}</p><div class="row">'
        f'<button type="button" class="btn quiet" value="no">{t("gallery.delete_no")}</button>'
        f"{act('remove', icon('trash-2', 16) + t('gallery.delete_yes'), 'btn ask-yes')}</div></dialog>"
        '<div class="toasts" role="status" aria-live="polite"></div>'
    )
