"""Nobody reads a file of the server through a component that takes files, in whatever shape it is asked for."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gradio.utils import get_upload_folder
from PIL import Image

from studio.ui import guard

META = {"meta": {"_type": "gradio.FileData"}}
COMPONENTS = {
    "image": lambda: gr.Image(type="filepath"),
    "gallery": lambda: gr.Gallery(type="filepath"),
    "slider": lambda: gr.ImageSlider(type="filepath"),
    "editor": lambda: gr.ImageEditor(type="filepath"),
    "file": lambda: gr.File(),
    "files": lambda: gr.File(file_count="multiple"),
}


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of the server that nobody uploaded: real, so that only the guard can refuse it."""
    path = tmp_path_factory.mktemp("private") / "secret.png"
    Image.new("RGB", (8, 8), "red").save(path)
    return path


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A mounted app with every component that takes files, each behind an endpoint that tells what it was given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        with gr.Blocks() as blocks:
            for name, make in COMPONENTS.items():
                told = gr.Textbox()
                gr.Button().click(_tell, make(), told, api_name=name)
        app = gr.mount_gradio_app(FastAPI(), guard.close(blocks), path="/", show_error=False, ssr_mode=False)
        with TestClient(app) as client:
            yield client


def _tell(value: Any) -> str:
    return "got " + json.dumps(value, default=str)


def ask(client: TestClient, name: str, payload: Any) -> str:
    """What an endpoint answers: the whole stream of its events."""
    posted = client.post(f"/gradio_api/call/{name}", json={"data": [payload]})
    if posted.status_code != 200:
        return posted.text
    return client.get(f"/gradio_api/call/{name}/{posted.json()['event_id']}").text


def shaped(name: str, file: dict[str, Any]) -> Any:
    """A file in the shape that a component expects."""
    return {
        "image": file,
        "file": file,
        "files": [file],
        "gallery": [{"image": file, "caption": None}],
        "slider": [file, file],
        "editor": {"background": file, "layers": [file], "composite": file},
    }[name]


def attacks(secret: Path) -> dict[str, dict[str, Any]]:
    """Ways to name a file that is not one's own."""
    link = Path(get_upload_folder()) / "link.png"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(secret)
    climbing = f"{get_upload_folder()}/../../../../../../../..{secret}"
    return {
        "with meta": {"path": str(secret), **META},
        "without meta": {"path": str(secret)},
        "with another name": {"path": str(secret), "orig_name": "mine.png", "mime_type": "image/png", **META},
        "climbing": {"path": climbing, **META},
        "climbing without meta": {"path": climbing},
        "link": {"path": str(link)},
        "link with meta": {"path": str(link), **META},
        "file url": {"path": "", "url": f"file://{secret}", **META},
        "file url without meta": {"path": None, "url": f"file://{secret}"},
        "url in path": {"path": f"file://{secret}", **META},
        "both": {"path": str(secret), "url": f"file://{secret}", **META},
        "the passwords": {"path": "/etc/passwd", **META},
        "the passwords without meta": {"path": "/etc/passwd"},
        "stream": {"path": str(secret), "is_stream": True, **META},
    }


@pytest.mark.parametrize("name", COMPONENTS)
def test_no_attack_gets_through(client: TestClient, secret: Path, name: str) -> None:
    for attack, file in attacks(secret).items():
        answer = ask(client, name, shaped(name, file))
        assert "got " not in answer, f"{name}: {attack} got through: {answer}"
        assert str(secret) not in answer, f"{name}: {attack} tells a path: {answer}"


@pytest.mark.parametrize("name", COMPONENTS)
def test_nothing_was_copied_to_where_it_is_served(client: TestClient, secret: Path, name: str) -> None:
    before = served()
    for file in attacks(secret).values():
        ask(client, name, shaped(name, file))
    assert served() == before


def served() -> set[bytes]:
    """The contents of all files below the folder that Gradio serves, links left out."""
    files = [
        path for path in Path(get_upload_folder()).rglob("*") if path.is_file() and not path.is_symlink()
    ]
    return {path.read_bytes() for path in files}


@pytest.mark.parametrize("name", COMPONENTS)
def test_lists_and_odd_shapes_give_no_file(client: TestClient, secret: Path, name: str) -> None:
    file = {"path": str(secret)}
    odd: list[Any] = [
        [file],
        [[file, "caption"]],
        {"image": file},
        {"background": file, "layers": [], "composite": None},
        {"background": None, "layers": [file], "composite": None},
        {"background": None, "layers": [], "composite": file},
        [{"image": file}, {"video": file}],
        [None, file],
        str(secret),
    ]
    for payload in odd:
        answer = ask(client, name, payload)
        assert ".png" not in answer, f"{name}: {payload}: {answer}"


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_real_upload_still_works(client: TestClient, name: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "blue").save(buffer, "PNG")
    sent = client.post("/gradio_api/upload", files={"files": ("mine.png", buffer.getvalue(), "image/png")})
    file = {"path": sent.json()[0], "orig_name": "mine.png", **META}
    answer = ask(client, name, shaped(name, file))
    assert "event: complete" in answer
    assert "got " in answer


def test_the_library_keeps_its_classes() -> None:
    with gr.Blocks() as blocks:
        image = gr.Image()
    before = gr.Image.preprocess
    guard.close(blocks)
    assert gr.Image.preprocess is before
    assert image.preprocess is not before
    assert blocks.has_launched
