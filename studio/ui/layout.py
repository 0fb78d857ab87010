"""The frame of the page, the table of its tabs, and how it is mounted beside the other surfaces."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from fastapi import FastAPI, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.messages import Person
from studio.service import Studio
from studio.ui import guard, header, program, reference_poses, reference_regions, reference_shelf, theme
from studio.ui.answers import QUIET
from studio.ui.fields import label
from studio.ui.form import offered
from studio.ui.parts import ASSETS, THUMBNAILS, live
from studio.ui.tabs.create import Create
from studio.ui.tabs.gallery import Gallery
from studio.ui.tabs.models import Models
from studio.ui.words import labels


@dataclass(frozen=True)
class Frame:
    """What every page may use: the studio, the header's tools, short notes and questions, and its fellow pages."""

    studio: Studio
    tools: gr.HTML
    note: gr.HTML
    dialogs: gr.HTML
    pages: dict[str, Any]


@dataclass(frozen=True)
class Page:
    """One page: its id, its title's key, and what lays it out."""

    id: str
    title: str
    build: Callable[[Frame], Any]


PAGES: dict[str, Page] = {}


def register(page: Page) -> None:
    """Adds a page; pages stand in the header in this order."""
    if page.id in PAGES:
        raise ValueError(f"there is a page {page.id} already")
    PAGES[page.id] = page


def _create(frame: Frame) -> Create:
    page = Create(frame.studio)
    page.build(frame.tools, frame.note)
    return page


def _gallery(frame: Frame) -> Gallery:
    page = Gallery(frame.studio)
    page.build(frame.dialogs, frame.note)
    create: Create = frame.pages["create"]
    page.wire_again(create.fill, create.answers, [*create.filled, frame.note])
    create.wire_send(page.grid.send)
    return page


def _models(frame: Frame) -> Models:
    page = Models(frame.studio)
    create: Create = frame.pages["create"]
    page.build(create.model, frame.tools, frame.note)
    return page


register(Page("create", "page.create", _create))
register(Page("gallery", "page.gallery", _gallery))
register(Page("models", "page.models", _models))


def build(studio: Studio) -> gr.Blocks:
    """The whole page as Blocks, not yet mounted."""
    with gr.Blocks(title="Spellbook Studio · 咒语书", fill_width=True, analytics_enabled=False) as page:
        frame = _frame(studio)
        with gr.Tabs(elem_id="nav"):
            for entry in PAGES.values():
                with gr.Tab(label(entry.title), id=entry.id, render_children=True):
                    frame.pages[entry.id] = entry.build(frame)
        gr.HTML(header.bottom_bar() + header.lost(), apply_default_css=False, elem_id="bottom")
        _wire(page, frame)
    return page.queue(default_concurrency_limit=None, api_open=True)


def _frame(studio: Studio) -> Frame:
    states = offered(studio.models(Person(id="")))
    gr.HTML(header.brand(), apply_default_css=False, elem_id="brand")
    tools = live(header.tools(states, states[0].spec.id if states else ""), "choose", "look", elem_id="tools")
    note = live("", "shown", elem_id="toast")
    dialogs = live(header.dialogs(), "remove", elem_id="dialogs")
    return Frame(studio, tools, note, dialogs, {})


def _wire(page: gr.Blocks, frame: Frame) -> None:
    create: Create = frame.pages["create"]
    kept = gr.JSON(visible=False)
    opened = create.wire_load(page.load, kept)
    opened.then(None, None, None, js="() => { studio.ready(); }", **QUIET)
    page.unload(create.painting.closed)
    gr.api(
        program.generate_endpoint(frame.studio), api_name="generate", api_description=program.DESCRIPTION,
        concurrency_limit=None,
    )  # fmt: skip


# -- mounting -------------------------------------------------------------------------------------


def mount(app: FastAPI, studio: Studio) -> FastAPI:
    """Serves the page at `/` of an app that has its other routes already."""
    boot = secrets.token_hex(4)

    @app.get("/alive", include_in_schema=False)
    def alive() -> dict[str, str]:
        """Answers while the server lives; another value means it was restarted."""
        return {"boot": boot}

    @app.get("/poses", include_in_schema=False)
    def poses() -> list[dict[str, Any]]:
        """The ready poses of the pose editor."""
        return reference_poses.shelf()

    @app.get("/regions", include_in_schema=False)
    def regions() -> list[dict[str, Any]]:
        """What the colours of a map of regions stand for."""
        return reference_regions.shelf()

    @app.get("/references", include_in_schema=False)
    def references() -> list[dict[str, Any]]:
        """The ready references of the Reference tab."""
        return reference_shelf.shelf()

    @app.get("/references/{name}", include_in_schema=False)
    def reference(name: str) -> Response:
        """One of their pictures."""
        file = reference_shelf.picture(name)
        return FileResponse(file) if file else Response(status_code=404)

    app.mount("/assets-studio", StaticFiles(directory=ASSETS), name="assets-studio")
    if THUMBNAILS.is_dir():  # what no style has is not served
        app.mount("/thumbnails", StaticFiles(directory=THUMBNAILS), name="thumbnails")
    app.add_middleware(FirstScript)
    return gr.mount_gradio_app(
        app,
        guard.close(build(studio)),
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        allowed_paths=[],
        ssr_mode=False,
        pwa=False,
        enable_monitoring=False,
        mcp_server=False,
        i18n=gr.I18n(**labels()),
        theme=theme.theme(),
        css=theme.css(),
        head=theme.head(),
    )


class FirstScript:
    """Puts one script at the very top of the page: language and colours must be known before Gradio starts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._script = f"<script>{theme.script('first.js')}</script>".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Only the page itself is touched; streams pass as they are."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Insert(send, self._script))


class _Insert:
    """A `send` that holds a page back until its head was seen."""

    def __init__(self, send: Send, script: bytes) -> None:
        self._send, self._script = send, script
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish()
        else:
            await self._send(message)

    async def _finish(self) -> None:
        assert self._start is not None
        headers = [
            (name, value) for name, value in self._start["headers"] if name.lower() != b"content-length"
        ]
        body = self._body.replace(b"<head>", b"<head>" + self._script, 1)
        headers.append((b"content-length", str(len(body)).encode()))
        await self._send({**self._start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
