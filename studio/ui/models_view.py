"""The Models page as HTML: a pure function of what is known at one moment."""

from __future__ import annotations

from html import escape

from studio.messages import Bilingual, ModelState
from studio.ui.models_cards import host_memory, house_rules, memory, outlook, paintable, refused
from studio.ui.parts import act, local
from studio.ui.shelf import Shelf, Stand, ago, dot, needs_words, said, stand_of
from studio.ui.words import fetched, html, size_words, t, trouble_words, words

ONLY = ("all", "here", "own")
"""What the list can be narrowed to."""
CURRENT = ' aria-current="true"'


def draw(shelf: Shelf) -> str:
    """Memory at the top, the list at the left, what is known about the picked model at the right."""
    side = outlook(shelf, picked(shelf)) + host_memory(shelf) + house_rules(shelf)
    columns = f'<div class="mcols">{_list(shelf)}<aside class="mside">{side}</aside></div>'
    return f'<div class="models">{memory(shelf, picked(shelf))}{columns}{refused(shelf)}</div>'


def picked(shelf: Shelf) -> ModelState | None:
    """The model whose outlook is shown: the one asked for, else the first that could be brought."""
    asked = [state for state in shelf.states if state.spec.id == shelf.picked]
    could = [state for state in shelf.states if stand_of(state) in ("disk", "host")]
    return next(iter([*asked, *could, *shelf.states]), None)


def listed(shelf: Shelf) -> list[ModelState]:
    """The rows: what is here first, else as in the catalog, so that nothing jumps while it loads."""
    rows = [state for state in shelf.states if _among(state, shelf.only)]
    return sorted(rows, key=lambda state: state.place == "hub")


def _among(state: ModelState, only: str) -> bool:
    return {"here": state.place not in ("hub", "missing"), "own": state.spec.own}.get(only, True)


def _list(shelf: Shelf) -> str:
    resident = sum(state.place == "resident" for state in shelf.states)
    count = t("models.count", n=len(shelf.states), resident=resident)
    head = (
        f'<div class="mhead"><h1 class="t16">{t("page.models")}</h1><span class="i3 t13 num">{count}</span>'
        f'<span class="sp"></span>{_narrowing(shelf)}</div>'
    )
    rows = "".join(_row(shelf, state) for state in listed(shelf))
    return f'<section class="card mlist">{head}{f"<ul>{rows}</ul>" if rows else _nothing(shelf)}</section>'


def _nothing(shelf: Shelf) -> str:
    return f'<p class="mnone i2">{t("models.none_own" if shelf.only == "own" else "place.none")}</p>'


def _narrowing(shelf: Shelf) -> str:
    buttons = "".join(
        f'<button type="button" class="{"on" if name == shelf.only else ""}" data-do="look" data-only="{name}"'
        f"{CURRENT if name == shelf.only else ''}>{t('models.only_' + name)}</button>"
        for name in ONLY
    )
    return f'<div class="seg" role="group">{buttons}</div>'


def _row(shelf: Shelf, state: ModelState) -> str:
    stand = stand_of(state, shelf.orders.get(state.spec.id))
    on = state is picked(shelf)
    classes = "mrow" + (" picked" if on else "") + (" dim" if stand in ("wont_fit", "missing") else "")
    family = f'<span class="badge fam">{escape(state.spec.family.upper())}</span>'
    size = size_words(state.bytes) if state.bytes else "–"
    return (
        f'<li class="{classes}" data-id="{escape(state.spec.id)}">{_name(shelf, state, on)}{family}'
        f'<span class="msize num">{size}</span>{_state(shelf, state, stand)}'
        f'<div class="mact">{_action(shelf, state, stand)}</div></li>'
    )


def _name(shelf: Shelf, state: ModelState, on: bool) -> str:
    spec = state.spec
    current = CURRENT if on else ""
    button = (
        f'<button type="button" class="mpick" data-do="look" data-model="{escape(spec.id)}"{current}>'
        f"{html(spec.title)}</button>"
    )
    more = " · ".join([*([html(spec.note)] if spec.note else []), escape(spec.licence)])
    return f'<div class="mname"><div>{button}{_badges(shelf, state)}</div><small>{more}</small></div>'


def _badges(shelf: Shelf, state: ModelState) -> str:
    badges = []
    if state.spec.id == shelf.chosen or state.spec.id in shelf.pinned:
        key = "models.in_use" if state.place == "resident" else "models.chosen"
        badges.append(f'<span class="badge seal">{t(key)}</span>')
    if state.spec.own:
        badges.append(f'<span class="badge">{t("models.own")}</span>')
    elif not state.spec.verified and state.spec.source.kind in ("hub", "modelscope"):
        badges.append(f'<span class="badge">{t("models.unverified")}</span>')
    return "".join(badges)


def _state(shelf: Shelf, state: ModelState, stand: Stand) -> str:
    mode = shelf.mode(state.spec.id)
    more = " · ".join(
        part for part in (_second_line(shelf, state, stand), t(f"models.lies_{mode}") if mode else "") if part
    )
    return (
        f'<div class="mstate">{dot(stand)}<div><b aria-live="polite">{t("models.at_" + stand)}</b>'
        f"<small>{more}</small></div></div>"
    )


def _second_line(shelf: Shelf, state: ModelState, stand: Stand) -> str:
    if state.fetching:
        return fetched(state.fetching.done, state.fetching.total, state.fetching.rate)
    return said(_more(shelf, state, stand))


def _more(shelf: Shelf, state: ModelState, stand: Stand) -> Bilingual | None:
    """The second line: the reason, or when it was last used."""
    if stand in ("missing", "failed"):
        return trouble_words(state.trouble) if state.trouble else None
    if stand == "wont_fit":
        return needs_words(state, shelf.devices)
    if stand in ("loading", "unloading", "hub"):
        return words(f"models.more_{stand}")
    if state.spec.id in shelf.pinned:
        return words("models.painting")
    if stand == "disk" and state.forecast and state.forecast.evicts:
        return words("models.evicts", models=shelf.titles(state.forecast.evicts))
    return ago(state.used, shelf.now) or (words("models.ready_now") if stand == "resident" else None)


def _action(shelf: Shelf, state: ModelState, stand: Stand) -> str:
    """What can be done with it: admins load and unload, everybody may ask why something is not to be had."""
    model = state.spec.id
    if stand in ("wont_fit", "missing", "failed"):
        again = act("bring", _button("load", state), model=model) if stand == "failed" and shelf.admin else ""
        return again or act("look", _button("help", state), "btn quiet", model=model)
    if stand == "hub" and not shelf.admin and paintable(shelf, state):
        return local("pick", _button("paint_with", state), model=model)
    if not shelf.admin:
        return ""
    if stand == "fetching":
        return act("halt", _button("halt", state), model=model)
    if stand == "hub":
        return act("bring", _button("fetch", state), model=model)
    if stand in ("loading", "unloading"):
        return _idle("models.load" if stand == "loading" else "models.unload")
    if model in shelf.pinned:
        return _idle("models.in_use")
    if stand == "resident":
        return act("drop", _button("unload", state), model=model)
    return act("bring", _button("load", state), model=model)


def _idle(key: str) -> str:
    """A button that does nothing now. Not `disabled`, so that the focus of whoever pressed it stays."""
    return f'<button type="button" class="btn" aria-disabled="true">{t(key)}</button>'


def _button(key: str, state: ModelState) -> str:
    """The button's word, and for those who only hear it the model's name."""
    return f'{t("models." + key)}<span class="sr">{html(state.spec.title)}</span>'
