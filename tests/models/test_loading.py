"""Loading: whole or not at all, and in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from studio.errors import StudioError
from studio.models.loading import load_parts


@pytest.fixture
def checkpoint(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "model"))


def refused(checkpoint: Path) -> str:
    with pytest.raises(StudioError) as error:
        load_parts(checkpoint, "cpu", torch.float32)
    return error.value.code


def test_every_part_comes_in_the_number_type_asked_for(tiny_checkpoint: Path) -> None:
    parts = load_parts(tiny_checkpoint, "cpu", torch.bfloat16)
    assert set(parts) == {"vae", "text_encoder", "tokenizer", "unet", "scheduler"}
    types = {p.dtype for name in ("vae", "text_encoder", "unet") for p in parts[name].parameters()}
    assert types == {torch.bfloat16}


def test_a_truncated_file_is_named(checkpoint: Path) -> None:
    path = checkpoint / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert refused(checkpoint) == "weights_truncated"


def test_a_part_without_weights_is_named(checkpoint: Path) -> None:
    (checkpoint / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    assert refused(checkpoint) == "weights_missing"


def test_pickles_are_not_read(checkpoint: Path) -> None:
    path = checkpoint / "unet" / "diffusion_pytorch_model.safetensors"
    path.unlink()
    torch.save({}, path.with_suffix(".bin"))
    assert refused(checkpoint) == "weights_missing"


def test_code_that_comes_with_a_checkpoint_is_not_run(checkpoint: Path) -> None:
    index = checkpoint / "model_index.json"
    parts = json.loads(index.read_text())
    parts["unet"] = ["my_unet", "MyUNet"]
    index.write_text(json.dumps(parts))
    (checkpoint / "unet" / "my_unet.py").write_text("raise SystemExit('ran')")
    assert refused(checkpoint) == "part_foreign"


def test_a_folder_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path) == "checkpoint_missing"
