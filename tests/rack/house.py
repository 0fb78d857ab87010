"""A studio with LoRAs and embeddings in its folders, made small."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from studio.catalog import Catalog
from studio.engine.fake import FakeEngine
from studio.loras import layers_of
from studio.messages import Bilingual, HubSource, LoraSpec, ModelSpec, Person
from studio.service import Studio
from studio.settings import Settings
from tests import samples

ANN, GUEST = Person(id="ann", role="admin"), Person(id="bob", role="guest")
Tensors = Mapping[str, np.ndarray]


def lora(family: str = "sd1", seed: int = 0, rank: int = 2) -> dict[str, np.ndarray]:
    """What a LoRA of a family changes in its innermost attention; the seed makes another file of it."""
    found = {}
    for name, (outlet, inlet, *_) in layers_of(None, family).parts["unet"].items():
        if "mid_block" in name and "attn2.to_" in name:
            flat = f"lora_unet_{name.replace('.', '_')}"
            found[f"{flat}.lora_down.weight"] = np.full((rank, inlet), seed, np.int8)
            found[f"{flat}.lora_up.weight"] = np.zeros((outlet, rank), np.int8)
    return found


def embedding(width: int = 768) -> dict[str, np.ndarray]:
    """Three vectors."""
    return {"emb_params": np.zeros((3, width), np.float16)}


def put(path: Path, tensors: Tensors, about: Mapping[str, str] | None = None) -> Path:
    """The tensors as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(dict(tensors), str(path), metadata=dict(about or {}))
    return path


def model(id: str = "tiny", family: str = "sd1") -> ModelSpec:
    """A model whose files are elsewhere: it is taken for one of its family's usual size."""
    title = Bilingual(en=id.title(), zh=id.title())
    source = HubSource(repo="nobody/nothing")
    return samples.spec(id=id, title=title, family=family, source=source)


def far(id: str = "far", **changes: object) -> LoraSpec:
    """A LoRA of the catalog that nobody fetched yet."""
    whole = LoraSpec(
        id=id,
        title=Bilingual(en=id.title(), zh=id.title()),
        family="sd1",
        source=HubSource(repo="a/loras", file=f"{id}.safetensors"),
        licence="MIT",
    )
    return whole.model_copy(update=changes)


def studio(folder: Path, *loras: LoraSpec, **settings: object) -> Studio:
    """A studio that nobody started: no thread of it runs."""
    models = {one.id: one for one in (model(), model("large", "sdxl"))}
    catalog = Catalog(models, loras={one.id: one for one in loras})
    return Studio(Settings(data=folder / "data", **settings), catalog, FakeEngine())
