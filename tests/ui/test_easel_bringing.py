"""Pictures brought to the page in a real Chromium: dropped, pasted, and refused in words."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from studio.i18n import TABLES
from tests.ui.browsing import IN_A_BROWSER
from tests.ui.easel_page import Easel, Shelf, painted, png

pytestmark = IN_A_BROWSER

FILES = """async ({kind, files, target, text, internal}) => {
  const data = new DataTransfer();
  const held = (file) => Uint8Array.from(atob(file.bytes), (letter) => letter.charCodeAt(0));
  for (const file of files) data.items.add(new File([held(file)], file.name, {type: file.type}));
  if (text) data.items.add(text, "text/plain");
  const place = document.querySelector(target);
  const happens = (name) => place.dispatchEvent(name === "paste"
    ? new ClipboardEvent(name, {bubbles: true, cancelable: true, clipboardData: data})
    : new DragEvent(name, {bubbles: true, cancelable: true, dataTransfer: data}));
  if (internal) happens("dragstart");
  const veils = [];
  for (const name of kind) { happens(name); veils.push(!!document.querySelector(".dropveil")); }
  return veils;
}"""


def files(*names: str, data: bytes = b"") -> list[dict[str, str]]:
    """Files of a clipboard or a drag."""
    kinds = {"png": "image/png", "jpg": "image/jpeg", "txt": "text/plain"}
    held = base64.b64encode(data or png(painted(40, 30))).decode()
    return [{"name": name, "type": kinds[name.rsplit(".", 1)[-1]], "bytes": held} for name in names]


def happen(board: Easel, *kind: str, held: Any, target: str = "body", **more: Any) -> list[bool]:
    """Lets something happen with files, and tells after each part whether the veil is up."""
    given = {"kind": kind, "files": held, "target": target, "text": "", "internal": False} | more
    return board.page.evaluate(FILES, given)


def test_a_dropped_picture_is_brought(easel: Callable[..., Easel]) -> None:
    board = easel()
    assert happen(board, "dragenter", "dragover", "drop", held=files("a.png")) == [True, True, False]
    told = board.wait("studio:brought")
    assert (told["width"], told["height"], told["notes"]) == (40, 30, [])
    assert told["picture"] in board.shelf.kept
    happen(board, "dragenter", "drop", held=files("note.txt", "b.png", "c.png"))
    notes = board.wait("studio:brought", 2)["notes"]
    assert [note["code"] for note in notes] == ["easel.one"]
    assert notes[0]["text"] == TABLES["en"]["easel.one"]


def test_the_veil_shows_only_for_files_from_outside(easel: Callable[..., Easel]) -> None:
    board = easel()
    assert happen(board, "dragenter", "dragleave", "dragover", held=files("a.png")) == [True, True, True]
    happen(board, "dragleave", held=files("a.png"))
    board.page.wait_for_selector(".dropveil", state="detached")
    assert happen(board, "dragenter", held=[], text="words") == [False]
    assert happen(board, "dragenter", "drop", held=files("a.png"), internal=True) == [False, False]
    assert board.heard("studio:bringing") == []
    board.page.mouse.click(10, 10)
    assert happen(board, "dragenter", held=files("a.png")) == [True], "that drag is over"


def test_what_is_no_picture_is_refused_in_words(easel: Callable[..., Easel], shelf: Shelf) -> None:
    board = easel()
    happen(board, "drop", held=files("note.txt"))
    assert board.wait("studio:bring-failed")["text"] == TABLES["en"]["easel.not_a_picture"]
    shelf.refusing = "This picture is cut off."
    happen(board, "drop", held=files("a.png"))
    assert board.wait("studio:bring-failed", 2)["text"] == "This picture is cut off."
    board.page.route("**/api/inputs", lambda route: route.abort())
    happen(board, "paste", held=files("a.png"))
    assert board.wait("studio:bring-failed", 3)["text"] == TABLES["en"]["easel.unreachable"]


def test_of_two_pictures_the_one_chosen_last_is_meant_whichever_arrives_first(
    easel: Callable[..., Easel],
) -> None:
    board, slow = easel(), []
    wide = files("wide.png", data=png(painted(90, 30)))
    board.page.route("**/api/inputs", lambda route: slow.append(route), times=1)
    happen(board, "drop", held=wide)
    board.wait("studio:bringing")
    while not slow:
        board.page.wait_for_timeout(20)
    happen(board, "drop", held=files("a.png"))
    assert board.wait("studio:brought")["width"] == 40
    with board.page.expect_response("**/api/inputs"):
        slow[0].continue_()
    board.page.wait_for_timeout(100)
    assert [told["width"] for told in board.heard("studio:brought")] == [40]


def test_a_pasted_picture_is_brought_but_text_stays_text(easel: Callable[..., Easel]) -> None:
    board = easel()
    happen(board, "paste", held=files("a.png"))
    board.wait("studio:brought")
    happen(board, "paste", held=files("a.png"), target="#note")
    board.wait("studio:brought", 2)
    happen(board, "paste", held=files("a.png"), target="#note", text="a cat")
    happen(board, "paste", held=[], text="a cat")
    happen(board, "paste", held=files("a.png"), text="a cat")
    board.wait("studio:brought", 3)
    assert len(board.heard("studio:bringing")) == 3


def test_only_what_is_too_heavy_to_send_is_made_smaller_first(easel: Callable[..., Easel]) -> None:
    board = easel()
    drawn = base64.b64encode(png(Image.new("RGB", (6000, 4000), "teal"))).decode()
    bring = """async ([bytes, more]) => {
      const held = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
      return studio.bring(new File([held, new Uint8Array(more)], "a.png", {type: "image/png"}));
    }"""
    as_it_is = board.page.evaluate(bring, [drawn, 0])
    assert (as_it_is["width"], as_it_is["height"], as_it_is["notes"]) == (6000, 4000, [])
    lighter = board.page.evaluate(bring, [drawn, 41_000_000])
    assert lighter["width"] * lighter["height"] == pytest.approx(20e6, rel=0.01)
    assert lighter["width"] / lighter["height"] == pytest.approx(1.5, rel=0.001)
    assert [note["code"] for note in lighter["notes"]] == ["easel.scaled"]
