"""Which names the studio is asked under: on loopback no other site's, or its pages could pass for our own."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.errors import say_trouble
from studio.messages import LANGUAGES, Trouble
from studio.service import Studio
from studio.settings import host_name


def join(app: FastAPI, studio: Studio) -> None:
    """Looks at every request and every socket before anybody else does."""
    app.add_middleware(OwnNames, studio=studio)


class OwnNames:
    """Answers whoever calls the studio by a name of its own.

    A site can have its name lead to this machine once its page is open; to a browser the studio then is that site.
    """

    def __init__(self, app: ASGIApp, studio: Studio) -> None:
        self._app, self._studio = app, studio

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What passes is not touched: streams stay streams."""
        strange = (
            [] if scope["type"] == "lifespan" else [h for h in _hosts(scope) if not self._studio.goes_by(h)]
        )
        if not strange:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refusal(scope, strange[0])(scope, receive, send)


def _hosts(scope: Scope) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]


def _refusal(scope: Scope, host: str) -> PlainTextResponse:
    """In both languages: under a strange name no cookie tells the one that was chosen."""
    told = Trouble(code="host_unknown", params={"host": host_name(host)[:253], "address": _address(scope)})
    text = "\n\n".join(say_trouble(language, told) for language in LANGUAGES)
    return PlainTextResponse(f"{text}\n", 421, {"x-content-type-options": "nosniff"})


def _address(scope: Scope) -> str:
    host, port = scope["server"]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
