"""How the page looks: the design's tokens as Gradio's theme, and the stylesheets and scripts beside this file."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

import gradio as gr

from studio.i18n import TABLES

STATIC = Path(__file__).resolve().parent / "static"
STYLES = (
    "tokens.css",
    "gradio.css",
    "page.css",
    "create.css",
    "translation.css",
    "stage.css",
    "start.css",
    "easel.css",
    "gallery.css",
    "models.css",
    "narrow.css",
)
FONT = (
    "Inter", "system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei",
    "Noto Sans CJK SC", "sans-serif",
)  # fmt: skip
BOOK = (
    "phrases.js",
    "book-tab.js",
    "book-cards.js",
    "book-figure.js",
    "book-deals.js",
    "book-blend.js",
    "book-mine.js",
    "book-hands.js",
)
"""What belongs to the spellbook beside spells.js and book.js, in the order in which it is needed."""
EASEL = (
    "easel.js",
    "easel-paper.js",
    "easel-hand.js",
    "easel-painting.js",
    "easel-frame.js",
    "easel-colours.js",
    "easel-colouring.js",
)
"""The easel and what is done on it, in the order in which it is needed."""
POSE = ("pose-figure.js", "pose.js")
"""What a figure is, and the editor of them; on the easel, and asked for by the references."""
LORA = (
    "lora.js",
    "lora-words.js",
    "lora-wants.js",
    "lora-mixes.js",
    "lora-shelf.js",
    "training.js",
    "training-captions.js",
    "training-watch.js",
)
"""What belongs to the LoRA tab; it comes after the book, into which it puts trigger words."""
IN_THE_HEAD = ("narrow.css", "book.css", "reference.css", "lora.css", "training.css")
"""Of what stands in a media query Gradio keeps only its own copies, so these come as they are."""
SPOKEN_BY_THE_BROWSER = (
    "stage.copied",
    "gallery.filled",
    "page.create",
    "page.gallery",
    "page.models",
    "easel.",
    "book.",
    "reference.",
    "lora.",
    "training.",
)
"""What the browser says without asking the server; a name that ends in a dot stands for all keys under it."""


def theme() -> gr.themes.Base:
    """Gradio's variables set to the design's tokens; light and dark differ in the tokens alone."""
    base = gr.themes.Base(
        font=FONT, font_mono=("ui-monospace", "monospace"), radius_size="md", text_size="md"
    )
    return base.set(**{name: value for key, value in _VARIABLES.items() for name in _both(key)})


_VARIABLES = {
    "body_background_fill": "var(--paper)",
    "body_text_color": "var(--ink)",
    "body_text_color_subdued": "var(--ink3)",
    "background_fill_primary": "var(--panel)",
    "background_fill_secondary": "var(--paper)",
    "block_background_fill": "transparent",
    "block_border_width": "0px",
    "block_shadow": "none",
    "block_label_text_color": "var(--ink2)",
    "block_title_text_color": "var(--ink2)",
    "border_color_primary": "var(--line)",
    "border_color_accent": "var(--line2)",
    "color_accent": "var(--seal)",
    "color_accent_soft": "var(--seal-soft)",
    "input_background_fill": "var(--panel)",
    "input_background_fill_focus": "var(--panel)",
    "input_border_color": "var(--line2)",
    "input_border_color_focus": "var(--ink2)",
    "input_border_width": "1px",
    "input_placeholder_color": "var(--ink3)",
    "input_shadow": "none",
    "input_shadow_focus": "0 0 0 3px var(--sunk)",
    "link_text_color": "var(--seal-ink)",
    "panel_background_fill": "transparent",
    "slider_color": "var(--fill)",
    "button_secondary_background_fill": "var(--panel)",
    "button_secondary_background_fill_hover": "var(--hover)",
    "button_secondary_border_color": "var(--line2)",
    "button_secondary_text_color": "var(--ink)",
    "checkbox_background_color": "var(--panel)",
    "checkbox_border_color": "var(--line2)",
    "checkbox_label_background_fill": "var(--panel)",
    "checkbox_label_background_fill_hover": "var(--hover)",
    "checkbox_label_background_fill_selected": "var(--seal-soft)",
    "checkbox_label_border_color": "var(--line2)",
    "checkbox_label_text_color": "var(--ink2)",
    "checkbox_label_text_color_selected": "var(--seal-ink)",
    "error_background_fill": "var(--panel)",
    "error_text_color": "var(--err)",
}


def _both(key: str) -> tuple[str, ...]:
    known = gr.themes.Base.set.__code__.co_varnames
    return tuple(name for name in (key, key + "_dark") if name in known)


def css() -> str:
    """All stylesheets, in order."""
    return "\n".join(_style(name) for name in STYLES)


def _style(name: str) -> str:
    # Gradio repeats each rule below its own container, where it outweighs rules that begin at html or body:
    # those get weight enough to win, as they are written to.
    text = (STATIC / name).read_text(encoding="utf-8")
    return re.sub(r"(?<![\w-])(html|body)(?=\[|:not|:has)", r"\1:not(#_#_)", text)


def head() -> str:
    """The page's script and the words it shows by itself."""
    tables = TABLES.items()
    keys = [
        key for key in TABLES["en"] if key in SPOKEN_BY_THE_BROWSER or _prefix(key) in SPOKEN_BY_THE_BROWSER
    ]
    spoken = {key: {name: escape(table[key]) for name, table in tables} for key in keys}
    words = json.dumps(spoken, ensure_ascii=False).replace("</", "<\\/")
    return (
        '<meta name="color-scheme" content="light dark">'
        f"<style>{''.join(map(_style, IN_THE_HEAD))}</style>"
        f"<script>window.studio_words = {words};</script><script>{script('studio.js')}</script>"
        f"<script>{script('answers.js')}</script>"
        + "".join(
            f"<script>{script(name)}</script>"
            for name in (*EASEL, "reference.js", *POSE, "spells.js", "book.js", *BOOK, *LORA)
        )
    )


def _prefix(key: str) -> str:
    return key.partition(".")[0] + "."


def script(name: str) -> str:
    """A script of the page as text."""
    return (STATIC / name).read_text(encoding="utf-8")
