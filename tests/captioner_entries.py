"""Captioners as entries of a catalog, for a fake engine: one that is here, and one that would have to be fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file


def entries(folder: Path) -> list[dict[str, Any]]:
    """The far one first: what is here comes before it all the same."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    save_file({"weight": np.zeros(4, np.float32)}, folder / "model.safetensors")
    far = {"kind": "hub", "repo": "a/far"}
    return [_entry("far", far, 470_000_000), _entry("near", {"kind": "local", "path": str(folder)}, 0)]


def _entry(id: str, source: dict[str, str], bytes: int) -> dict[str, Any]:
    title = {"en": id.title(), "zh": id.title()}
    return {"id": id, "title": title, "source": source, "licence": "test", "writes": "en", "bytes": bytes}
