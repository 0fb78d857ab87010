"""A page with nothing but two prompts, the book and the figure of the formula, and the routes they ask."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from studio import api
from studio.i18n import TABLES
from studio.service import Studio
from studio.settings import ROOT
from studio.ui.book import magic
from studio.ui.theme import BOOK
from tests.ui.browsing import PROMPT, WIDE, blank

Visit = Callable[..., Any]
STATIC = ROOT / "studio" / "ui" / "static"
STYLES = ("tokens.css", "page.css", "create.css", "narrow.css", "book.css")
NOBODYS: dict[str, Any] = {
    "spells": [], "styles": [], "scenes": [], "favourites": [], "recent": [], "problems": [],
}  # fmt: skip
PAGE = """<!doctype html><html><head><meta name="viewport" content="width=device-width,initial-scale=1">
<script>{first}</script><style>{styles}
*{{box-sizing:border-box}}body{{margin:0;background:var(--paper);color:var(--ink);font:400 14px/20px var(--font)}}
button{{font-family:inherit;cursor:pointer}}:focus-visible{{outline:2px solid var(--ink);outline-offset:2px}}
#left>*{{min-width:0;max-width:100vw}}
#prompt{{margin-bottom:14px}}textarea{{width:100%;color:inherit}}#negative{{padding:14px 0}}</style></head>
<body><div id="create"><div id="left" class="card"><div style="padding:20px 24px 0">
<div id="prompt"><textarea></textarea></div><div class="row">{magic}</div>
<div id="anatomy"><div class="anatomy" data-own
 data-languages="{languages}" data-model="pocket" data-family="sd1" data-blends="{blends}"
 data-family-title="Test"></div></div>
<div id="negative"><textarea></textarea></div></div>
<div id="book" style="flex:1"><div><div class="book" data-own></div></div></div></div></div><div class="toasts"></div>
<script>window.studio_words = {words};</script><script>{studio}</script><script>{book}</script>
<script>studio.book.mountFigure(document.getElementById("anatomy"));
studio.book.mount(document.getElementById("book"));</script></body></html>"""


def app_of(book: dict[str, Any], languages: str = "en") -> FastAPI:
    """The page with a book that is given, and nobody's own things."""
    app = _bare(languages)
    app.get("/api/book")(lambda: book)
    app.get("/api/book/mine")(lambda: NOBODYS)
    app.post("/api/book/mine/used")(lambda: NOBODYS)
    return app


def app_with(studio: Studio, languages: str = "en", blends: str = "yes") -> FastAPI:
    """The page with a studio's own routes behind it."""
    app = _bare(languages, blends)
    api.join(app, studio)
    return app


def _bare(languages: str, blends: str = "yes") -> FastAPI:
    app = FastAPI()
    app.mount("/assets-studio", StaticFiles(directory=ROOT / "assets"))
    app.get("/")(lambda: HTMLResponse(_page(languages, blends)))
    app.get("/alive")(lambda: {"boot": "one"})
    return app


def _page(languages: str, blends: str) -> str:
    script = {name: (STATIC / f"{name}.js").read_text("utf-8") for name in ("first", "studio")}
    script["book"] = "</script><script>".join(
        (STATIC / name).read_text("utf-8") for name in ("spells.js", "book.js", *BOOK)
    )
    keys = [key for key in TABLES["en"] if key.startswith("book.")]
    words = {key: {name: escape(table[key]) for name, table in TABLES.items()} for key in keys}
    styles = "\n".join((STATIC / name).read_text("utf-8") for name in STYLES)
    told = {"languages": languages, "blends": blends, "magic": magic()}
    return PAGE.format(styles=styles, words=json.dumps(words), **told, **script)


@contextmanager
def visits(browser: Any, url: str) -> Iterator[Visit]:
    """Opens such a page as a new visitor, with something typed."""
    contexts = []

    def go(language: str = "en-GB", to: str = url, typed: str = "", **options: Any) -> Any:
        contexts.append(browser.new_context(locale=language, **(WIDE | options)))
        page = blank(contexts[-1])
        page.goto(to)
        page.wait_for_selector("body[data-book=yes]")
        page.fill(PROMPT, typed)
        return page

    try:
        yield go
    finally:
        for context in contexts:
            context.close()


def tag(page: Any, words: str) -> Any:
    """A spell's tag that is shown."""
    return page.locator(".bktag", has=page.locator("span", has_text=words)).first


def chapter(page: Any, id: str) -> None:
    """Opens a chapter."""
    page.locator(f"[data-chapter='{id}']").click()


def chips(page: Any, side: str = "prompt") -> list[str]:
    """What is chosen, in its order."""
    return list(page.locator(f".ct[data-side={side}] .cb span").all_inner_texts())
