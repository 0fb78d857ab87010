"""Small parts that several tabs share: icons, and HTML that the server rewrites in place."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import Any

import gradio as gr

from studio.settings import ROOT
from studio.ui.words import t

ASSETS = ROOT / "assets"
THUMBNAILS = ROOT / "presets" / "thumbnails"
LIVE = "studio.live(element, props, watch, trigger, {names})"


@lru_cache
def icon(name: str, size: int = 18) -> str:
    """A Lucide icon, drawn in the colour of the text around it."""
    drawing = (ASSETS / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    inner = drawing[drawing.index(">", drawing.index("<svg")) + 1 : drawing.rindex("</svg>")]
    return (
        f'<svg class="ic" width="{size}" height="{size}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        f'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{inner.strip()}</svg>'
    )


def live(value: str, *events: str, elem_id: str, then: str = "", **more: Any) -> gr.HTML:
    """A live part of the page. An element in it with `data-do="event"` triggers that event; `then` is run with it."""
    names = "[" + ", ".join(f"'{name}'" for name in events) + "]"
    return gr.HTML(
        value,
        html_template='<div class="live"></div>',
        js_on_load=LIVE.format(names=names) + then,
        apply_default_css=False,
        elem_id=elem_id,
        **more,
    )


def attributes(**data: Any) -> str:
    """`data-` attributes, escaped; what is None is left out."""
    return "".join(
        f' data-{name.replace("_", "-")}="{escape(str(value))}"'
        for name, value in data.items()
        if value is not None
    )


def act(event: str, inner: str, classes: str = "btn", disabled: bool = False, **data: Any) -> str:
    """A button that triggers an event of the live part it stands in, with its `data-` as payload."""
    off = " disabled" if disabled else ""
    return f'<button type="button" class="{classes}"{attributes(do=event, **data)}{off}>{inner}</button>'


def local(do: str, inner: str, classes: str = "btn", disabled: bool = False, **data: Any) -> str:
    """A button that the browser answers by itself."""
    off = " disabled" if disabled else ""
    return f'<button type="button" class="{classes}"{attributes(local=do, **data)}{off}>{inner}</button>'


def tool(do: str, name: str, key: str, classes: str = "ib", **data: Any) -> str:
    """Such a button that is an icon with hidden words."""
    return local(do, icon(name) + hidden_words(t(key)), classes, **data)


def hidden_words(inner: str) -> str:
    """Words for screen readers, shown as a tip under the pointer."""
    return f'<span class="tip">{inner}</span>'
