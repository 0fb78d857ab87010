"""The picture that painting starts from, as the fold shows it: its card, what is said about it, its buttons."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from studio.i18n import TABLES
from studio.messages import Bilingual, ModelSpec, ModelState, Outpaint, Size, Trouble
from studio.sizes import grown_size
from studio.ui.form import Form
from studio.ui.parts import act, attributes, hidden_words, icon, local
from studio.ui.shapes import read_size, same_shape, shown, times
from studio.ui.words import html, t, words

NEEDS: dict[str, str] = {"redraw": "image_to_image", "outpaint": "inpaint", "inpaint": "inpaint"}
"""What a model must be able to do for each way to start; enlarging needs no model."""
GROW = 0.25
"""The share of the picture that one press of a quick button adds to a side."""


def input_url(digest: str) -> str:
    """Where a picture that somebody brought is served, seen from the page."""
    return f"api/inputs/{escape(digest)}"


def start_card(form: Form, spec: ModelSpec) -> str:
    """The picture with what can be done about it, or how to bring one."""
    return _there(form, spec) if form.picture else _none_yet()


def _none_yet() -> str:
    choose = _file_button("image", "form.choose_picture")
    photo = _file_button("aperture", "form.take_photo", ' capture="environment"', "btn file photo")
    return (
        f'<div class="bring"><div class="row">{choose}{photo}</div><p class="i2 t13 drop">{t("form.drop")}</p>'
        f'<p class="i3 t12">{t("form.no_picture")}</p><p class="bringing t13 i2">{t("form.bringing")}</p></div>'
    )


def _file_button(name: str, key: str, more: str = "", classes: str = "btn file") -> str:
    """A button that is a file input in disguise, so that the keyboard and a telephone know it."""
    field = f'<input type="file" accept="image/*" class="sr" data-bring{more}>'
    return f'<label class="{classes}">{icon(name, 16)}<span>{t(key)}</span>{field}</label>'


def _there(form: Form, spec: ModelSpec) -> str:
    name = escape(words("form.start_picture").en)
    layer = f'<i class="masked" style="mask-image:url({input_url(form.mask)})"></i>' if form.mask else ""
    picture = f'<div class="thumb"><img src="{input_url(form.picture)}" alt="{name}">{layer}</div>'
    return f'<div class="have"{_told(form, spec)}>{picture}</div>'


def start_tools(form: Form) -> str:
    """The picture's size, and the buttons that bring another one or take it away."""
    size = form.start_size
    if size is None:
        return ""
    replace = _file_button("refresh-cw", "form.replace", classes="btn small file")
    remove = act("remove", icon("x", 16) + hidden_words(t("form.remove")), "ib sm")
    numbers = f'<span class="num t12 i3">{shown(size)}</span><span class="sp"></span>'
    return f'<div class="row tools2">{numbers}{replace}{remove}</div>'


def _told(form: Form, spec: ModelSpec) -> str:
    """What the browser needs for the easel, and the stylesheet for the rows that make sense."""
    wanted, size = read_size(form.size), form.start_size
    differs = bool(wanted and size and not same_shape(wanted, size))
    return attributes(
        picture=form.picture,
        size=form.picture_size,
        mask=form.mask,
        sides=json.dumps(form.sides),
        way=form.way,
        multiple=spec.limits.multiple,
        differs="yes" if differs else "no",
    )


# -- what is said ---------------------------------------------------------------------------------


def start_says(form: Form, state: ModelState) -> str:
    """Why the model cannot, what becomes of the size, what is still to be done."""
    told = [cannot(form.way, state.spec), _becomes(form, state.spec), _region(form), _enlarges(form)]
    return "".join(_line(one) for one in told if one)


def _line(said: Bilingual) -> str:
    return f'<p class="told">{icon("info", 14)}<span class="num">{html(said)}</span></p>'


def cannot(way: str, spec: ModelSpec) -> Bilingual | None:
    """Why a model cannot start in this way; None where it can."""
    if way not in NEEDS or NEEDS[way] in spec.capabilities:
        return None
    return words(f"form.cannot_{way}", model=spec.title)


def picture_needed(form: Form, spec: ModelSpec) -> tuple[Trouble, ...]:
    """Said beside the prompt of a model that paints over pictures alone, while there is none."""
    if form.picture or "text_to_image" in spec.capabilities:
        return ()
    return (Trouble(code="model_needs_picture", params={"model": spec.title.en}),)


def _becomes(form: Form, spec: ModelSpec) -> Bilingual | None:
    was, size = form.start_size, result_size(form, spec)
    if was is None or size is None or size == was or form.region:
        return None
    key = "form.snapped" if form.shaped and same_shape(was, size, 0.05) else "form.becomes"
    return words(key, was=shown(was), size=shown(size))


def result_size(form: Form, spec: ModelSpec) -> Size | None:
    """How large the picture becomes; a hi-res pass is told beside its own switch."""
    size = form.start_size
    if size is None or form.shaped:
        return read_size(form.size)
    if form.start == "outpaint":
        return grown_size(size, Outpaint(**form.sides), spec)
    return times(size, form.factor)


def _region(form: Form) -> Bilingual | None:
    size, was = read_size(form.size), form.start_size
    if not form.region or size is None or was is None:
        return None
    return words("form.region", size=shown(size), was=shown(was))


def _enlarges(form: Form) -> Bilingual | None:
    return words("form.enlarges_only") if form.start == "upscale" else None


# -- the buttons of each way ----------------------------------------------------------------------


def mask_tools(form: Form) -> str:
    """The button that opens the easel, and what the mask means."""
    key = "form.change_mask" if form.mask else "form.paint_mask"
    means = "form.mask_empty"
    if form.mask:
        means = "form.mask_inverted" if form.invert else "form.mask_there"
    easel = local("easel", icon("brush", 16) + t(key), "btn", way="inpaint")
    return f'<div class="row easelrow">{easel}<span class="t12 i2">{t(means)}</span></div>'


def frame_tools(form: Form) -> str:
    """Quick buttons that grow the sides, and the one that opens the easel."""
    percent = f"+{GROW:.0%}"
    quick = [
        ("form.grow_x", "left right"),
        ("form.grow_y", "top bottom"),
        ("form.grow_all", "left right top bottom"),
    ]
    buttons = "".join(
        act("grow", f'{t(key)} <span class="i3 num">{percent}</span>', "btn small", sides=sides)
        for key, sides in quick
    )
    any_side = any(form.sides.values())
    none = act("grow", t("form.grow_none"), "btn link", sides="none") if any_side else ""
    easel = local("easel", icon("crop", 16) + t("form.frame"), "btn", way="outpaint")
    return f'<div class="quick">{buttons}{none}</div><div class="row easelrow">{easel}</div>'


def bring_notes(notes: Any) -> str:
    """What was changed about a picture as it was kept, as the browser was told it."""
    found = [note for note in notes if isinstance(note, dict)] if isinstance(notes, list) else []
    return "".join(_line(_note_words(str(note.get("code")), str(note.get("text")))) for note in found)


def _note_words(code: str, text: str) -> Bilingual:
    """In both languages where the words have no numbers in them, else as they came."""
    bare = all("{" not in table.get(f"error.{code}", "{") for table in TABLES.values())
    return words(f"error.{code}") if bare else Bilingual(en=text, zh=text)
