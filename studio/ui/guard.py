"""Closes the ways in which a mounted Gradio app would read files of the server for a stranger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import GradioModel, GradioRootModel
from gradio.utils import get_upload_folder
from pydantic import BaseModel


class OutsideUploads(gr.Error):
    """A payload named a file that nobody uploaded here."""

    def __init__(self) -> None:
        super().__init__("This file was not uploaded here.", print_exception=False)


def close(blocks: gr.Blocks) -> gr.Blocks:
    """Guards all components of a page; to be called before it is mounted.

    Gradio checks paths only once `launch()` ran, which a mounted page never does, and even then not where a
    payload leaves out `meta`. So the first is told to be so, and every component that takes files looks itself.
    """
    blocks.has_launched = True
    for block in blocks.blocks.values():
        if _takes_files(block):
            _wrap(block)
    return blocks


def _takes_files(block: Any) -> bool:
    model = getattr(block, "data_model", None)
    return model is not None and not isinstance(block, gr.JSON)


def _wrap(block: Any) -> None:
    original: Callable[..., Any] = block.preprocess

    def preprocess(payload: Any, *args: Any, **more: Any) -> Any:
        check(payload)
        return original(payload, *args, **more)

    # On the instance: the library's own classes stay as they are.
    block.preprocess = preprocess


def check(payload: Any) -> None:
    """Refuses a payload in which any path or address leads outside the folder of uploads."""
    folder = Path(get_upload_folder()).resolve()
    for path, url in _files(_plain(payload)):
        if path and not _inside(path, folder):
            raise OutsideUploads
        if url and not path:
            raise OutsideUploads


def _plain(payload: Any) -> Any:
    if isinstance(payload, GradioModel | GradioRootModel | BaseModel):
        return payload.model_dump()
    return payload


def _files(payload: Any) -> Iterator[tuple[str, str]]:
    """Every path with its address, at whatever depth."""
    if isinstance(payload, dict):
        if "path" in payload or "url" in payload:
            yield str(payload.get("path") or ""), str(payload.get("url") or "")
        for value in payload.values():
            yield from _files(value)
    elif isinstance(payload, list | tuple):
        for value in payload:
            yield from _files(_plain(value))


def _inside(path: str, folder: Path) -> bool:
    try:
        # Resolved, so that neither `..` nor a link leads out.
        return Path(path).resolve().is_relative_to(folder)
    except (OSError, ValueError):
        return False
