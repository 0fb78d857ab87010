"""A page with nothing but a mat for the easel, routes that keep pictures and masks in memory, and a hand on it."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from PIL import Image

from studio.i18n import TABLES
from studio.settings import ROOT
from studio.ui.reference_regions import shelf as regions
from studio.ui.theme import EASEL, STATIC
from tests.ui.browsing import NARROW as TELEPHONE
from tests.ui.browsing import WIDE

SHARP = WIDE | {"device_scale_factor": 2}
NARROW = TELEPHONE | {"device_scale_factor": 2}
SIZE = (600, 400)
STYLES = ("tokens.css", "page.css", "stage.css", "narrow.css", "easel.css")
EVENTS = (
    "easel:change", "easel:drawn", "easel:busy", "easel:failed", "easel:close",
    "studio:bringing", "studio:brought", "studio:bring-failed",
)  # fmt: skip
PAGE = """<!doctype html><html><head><meta name="viewport" content="width=device-width,initial-scale=1">
<script>{first}</script><style>{styles}
*{{box-sizing:border-box}}body{{margin:0;background:var(--paper);color:var(--ink);font:400 14px/20px var(--font)}}
button{{font-family:inherit;cursor:pointer}}
:focus-visible{{outline:2px solid var(--ink);outline-offset:2px}}
#host{{height:760px;margin:24px 24px 24px 568px}}
@media (max-width:899px){{#host{{height:auto;margin:16px}}}}</style></head>
<body><div class="mat" id="host" data-own="yes"></div><textarea id="note"></textarea><div style="height:600px"></div>
<script>window.studio_words = {words};</script><script>{studio}</script>{easel}
<script>
 window.heard = [];
 for (const name of {events}) document.addEventListener(name, (event) => heard.push({{ ...event.detail, name }}));
 document.documentElement.addEventListener("keydown", (event) => heard.push({{ name: "key", key: event.key }}));
</script></body></html>"""


@dataclass
class Shelf:
    """What the page sent, by its hash, and how the routes shall behave."""

    kept: dict[str, bytes] = field(default_factory=dict)
    masks: list[str] = field(default_factory=list)
    refusing: str = ""

    def put(self, data: bytes) -> str:
        """Keeps bytes and hands back their hash."""
        digest = hashlib.sha256(data).hexdigest()
        self.kept[digest] = data
        return digest

    def picture(self, width: int, height: int) -> str:
        """Keeps a picture of that size, light and dark, with every colour in it."""
        return self.put(png(painted(width, height)))

    def mask(self, digest: str) -> np.ndarray[Any, Any]:
        """The pixels of a mask that was kept, rows first."""
        return np.asarray(Image.open(io.BytesIO(self.kept[digest])))


def painted(width: int, height: int) -> Image.Image:
    """Bands of colour that run from dark to light."""
    down, across = np.mgrid[0:height, 0:width]
    hue = (across * 256 // width).astype(np.uint8)
    value = (down * 256 // height).astype(np.uint8)
    bands = np.where((across * 8 // width + down * 8 // height) % 2 == 0, 220, 90).astype(np.uint8)
    return Image.fromarray(np.dstack([hue, bands, value]), "HSV").convert("RGB")


def png(image: Image.Image) -> bytes:
    """A picture's file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def app_of(shelf: Shelf) -> FastAPI:
    """The page and its routes."""
    app = FastAPI()
    app.mount("/assets-studio", StaticFiles(directory=ROOT / "assets"))
    app.get("/")(lambda: HTMLResponse(_page()))
    app.get("/alive")(lambda: {"boot": "one"})
    app.get("/regions")(regions)

    @app.get("/api/inputs/{digest}")
    def shown(digest: str) -> Response:
        if digest not in shelf.kept:
            return Response(status_code=404)
        return Response(shelf.kept[digest], media_type="image/png")

    @app.post("/api/inputs")
    async def brought(request: Request) -> JSONResponse:
        return _answer(shelf, await request.body(), "RGB")

    @app.post("/api/masks")
    async def masked(request: Request) -> JSONResponse:
        answer = _answer(shelf, await request.body(), "L")
        shelf.masks += [json.loads(bytes(answer.body))["picture"]] if answer.status_code == 200 else []
        return answer

    return app


def _answer(shelf: Shelf, data: bytes, mode: str) -> JSONResponse:
    if shelf.refusing:
        return JSONResponse({"code": "refused", "text": shelf.refusing}, 400)
    image = Image.open(io.BytesIO(data)).convert(mode)
    return JSONResponse(
        {"picture": shelf.put(png(image)), "width": image.width, "height": image.height, "notes": []}
    )


def _page() -> str:
    script = {name: (STATIC / f"{name}.js").read_text("utf-8") for name in ("first", "studio")}
    easel = "".join(f"<script>{(STATIC / name).read_text('utf-8')}</script>" for name in EASEL)
    keys = [key for key in TABLES["en"] if key.startswith("easel.")]
    words = {key: {name: escape(table[key]) for name, table in TABLES.items()} for key in keys}
    styles = "\n".join((STATIC / name).read_text("utf-8") for name in STYLES)
    return PAGE.format(styles=styles, words=json.dumps(words), events=list(EVENTS), easel=easel, **script)


# -- the hand -------------------------------------------------------------------------------------


class Easel:
    """The easel as a person has it before them."""

    def __init__(self, page: Any, shelf: Shelf) -> None:
        self.page = page
        self.shelf = shelf
        self.whole = SIZE  # of a paper with no picture under it

    def open(self, way: str = "inpaint", size: tuple[int, int] = SIZE, **options: Any) -> Easel:
        """Opens it on a picture of that size."""
        self.whole = size
        options = {"way": way, "picture": self.shelf.picture(*size), "size": size} | options
        opened = self.page.evaluate("(o) => studio.easel.open(document.querySelector('#host'), o)", options)
        assert opened
        return self

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where on the screen a pixel of the picture lies, as the browser lays the picture out."""
        box = self.page.evaluate(
            "([w, h]) => { const i = document.querySelector('.eimage'), b = i.getBoundingClientRect();"
            " return [b.left, b.top, b.width / (i.naturalWidth || w), b.height / (i.naturalHeight || h)]; }",
            self.whole,
        )
        return box[0] + x * box[2], box[1] + y * box[3]

    def drag(self, *points: tuple[float, float], button: str = "left") -> None:
        """Draws with the mouse through pixels of the picture."""
        mouse = self.page.mouse
        places = [self.at(*point) for point in points]
        mouse.move(*places[0])
        mouse.down(button=button)
        for place in places[1:] or places:
            mouse.move(*place, steps=6)
        mouse.up(button=button)

    def hurry(self, *keys: str) -> None:
        """Presses keys faster than anything can come in between."""
        self.page.evaluate(
            "(keys) => { for (const key of keys) document.activeElement.dispatchEvent(new KeyboardEvent('keydown',"
            " { key: key.replace('Shift+', ''), shiftKey: key.startsWith('Shift+'), bubbles: true })); }",
            list(keys),
        )

    def size(self, pixels: int) -> None:
        """Sets the brush by its slider."""
        self.page.evaluate(
            "([n, w, h]) => { const s = document.querySelector('.esize input'), i = document.querySelector('.eimage');"
            " const most = Math.max(16, Math.round(Math.min(i.naturalWidth || w, i.naturalHeight || h) / 2));"
            " s.value = 1000 * Math.log(n) / Math.log(most); s.dispatchEvent(new Event('input')); }",
            [pixels, *self.whole],
        )
        shown = self.page.locator(".esize output").text_content().removesuffix(" px")
        assert int(shown) == pytest.approx(pixels, rel=0.01)

    def press(self, act: str) -> None:
        """Presses a button of the bar."""
        self.page.locator(f".easel [data-act={act}]").click()

    def mask(self) -> np.ndarray[Any, Any]:
        """The mask as it was posted last."""
        digest = self.page.evaluate("studio.easel.settled()")
        assert digest, "nothing is painted"
        assert digest == self.shelf.masks[-1]
        assert self.heard("easel:change")[-1]["mask"] == digest
        return self.shelf.mask(digest)

    def heard(self, name: str) -> list[dict[str, Any]]:
        """The events of a name so far."""
        return [event for event in self.page.evaluate("heard") if event["name"] == name]

    def wait(self, name: str, count: int = 1) -> dict[str, Any]:
        """Waits for so many events of a name and hands back the last."""
        self.page.wait_for_function(f"heard.filter((e) => e.name === '{name}').length >= {count}")
        return self.heard(name)[-1]


def near(found: tuple[float, ...], meant: tuple[float, ...], within: float = 2) -> bool:
    """Whether numbers agree but for rounding to whole pixels of the screen."""
    return all(abs(one - other) <= within for one, other in zip(found, meant, strict=True))
