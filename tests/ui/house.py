"""A real studio on the fake engine, with a checkpoint just large enough to be counted and tokenized."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI

from studio import api
from studio.catalog import read_catalog
from studio.engine.fake import FakeEngine
from studio.service import Studio
from studio.settings import Settings

EXAMPLES = [
    (
        "Night cottage",
        "星夜小屋",
        "flat illustration of a red house with a small tree, crescent moon, starry night sky",
    ),
    ("Fish at sea", "海里的鱼", "flat illustration of an orange fish in the blue sea, sun, clear sky"),
    ("Cherry tree", "樱花树", "flat illustration of a pink tree on a green hill, day"),
    ("Far hills", "远山", "flat illustration of grey mountains with a small tree"),
    ("Orange cat", "橙猫", "flat illustration of an orange cat, sitting, round eyes, on a green meadow"),
]


def checkpoint(folder: Path) -> Path:
    """A folder that passes for a checkpoint as long as nobody loads it."""
    (folder / "unet").mkdir(parents=True)
    (folder / "tokenizer").mkdir()
    (folder / "model_index.json").write_text(json.dumps({"unet": ["diffusers", "UNet2DConditionModel"]}))
    header = json.dumps({"w": {"dtype": "U8", "shape": [64], "data_offsets": [0, 64]}}).encode()
    weights = struct.pack("<Q", len(header)) + header + bytes(64)
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(weights)
    (folder / "tokenizer" / "tokenizer.json").write_text(json.dumps(_tokenizer()))
    return folder


def _tokenizer() -> dict[str, object]:
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": {"<unk>": 0}, "unk_token": "<unk>"},
    }  # fmt: skip


def _entry(id: str, title: str, folder: Path, side: int) -> dict[str, object]:
    examples = [
        {"title": {"en": en, "zh": zh}, "prompt": {"en": prompt, "zh": prompt}, "seed": 41285 + index}
        for index, (en, zh, prompt) in enumerate(EXAMPLES)
    ]
    return {
        "id": id, "title": {"en": title, "zh": title}, "family": "sd1", "licence": "Apache-2.0",
        "source": {"kind": "local", "path": str(folder)}, "languages": ["en", "zh"], "examples": examples,
        "defaults": {
            "size": {"width": side, "height": side}, "steps": 20, "guidance": 7.0, "sampler": "dpmpp_2m",
            "negative": "blurry, noisy, text, watermark, cropped, extra limbs",
        },
        "limits": {
            "smallest": side // 2, "largest": side * 2, "multiple": 8, "steps": 60, "guidance": 20, "count": 8,
        },
    }  # fmt: skip


def studio_at(folder: Path, step_seconds: float = 0.05, models: int = 1) -> Studio:
    """A studio whose data lies under a folder; built twice on the same folder it is the same one restarted."""
    weights = folder / "weights"
    if not weights.exists():
        checkpoint(weights)
    entries = [_entry("pocket", "Pocket", weights, 512), _entry("large", "Large", weights, 768)][:models]
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": entries}, allow_unicode=True))
    settings = Settings(data=folder / "data", models=folder / "models.yaml", engine="fake")
    return Studio(settings, read_catalog(settings.models), FakeEngine(step_seconds=step_seconds))


def studio_with(folder: Path, change: Callable[[dict[str, Any]], None]) -> Studio:
    """A studio of two models, whose catalog is changed before it is read."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    studio_at(folder, models=2)
    catalog = yaml.safe_load((folder / "models.yaml").read_text("utf-8"))
    change(catalog)
    (folder / "models.yaml").write_text(yaml.safe_dump(catalog, allow_unicode=True), "utf-8")
    settings = Settings(data=folder / "data", models=folder / "models.yaml", engine="fake")
    read = read_catalog(settings.models)
    assert not read.problems, read.problems
    return Studio(settings, read, FakeEngine(step_seconds=0.02))


def app_of(studio: Studio) -> FastAPI:
    """The page and the picture routes, as the real app joins them."""
    from studio.ui import mount

    app = FastAPI()
    api.join(app, studio)
    return mount(app, studio)


def main() -> None:
    """Serves such a studio, to look at the page: `python -m tests.ui.house [PORT] [MODELS]`."""
    import sys
    import tempfile

    import uvicorn

    port, models = (int(value) for value in (sys.argv[1:] + ["7861", "1"][len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as folder:
        studio = studio_at(Path(folder), step_seconds=0.15, models=models)
        studio.start()
        uvicorn.run(app_of(studio), port=port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
