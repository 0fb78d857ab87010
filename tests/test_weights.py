"""Weights read by their headers: what is there, what it weighs, what is broken."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from studio import weights
from studio.errors import StudioError
from studio.weights import (
    LARGEST_HEADER,
    checkpoint_bytes,
    checkpoint_files,
    checkpoint_hash,
    component_folders,
    read_header,
    tensor_bytes,
    tensor_elements,
    weight_files,
)

PARTS = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "safety_checker": [None, None],
    "feature_extractor": ["transformers", "CLIPImageProcessor"],
    "requires_safety_checker": False,
}


def tensors(path: Path, value: float = 1.0, numbers: int = 12) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    both = {"a": np.full((numbers // 2, 2), value, np.float32), "b": np.zeros(3, np.float16)}
    save_file(both, str(path), metadata={"format": "pt"})
    return path


def raw(path: Path, header: object, data: bytes = b"", length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def checkpoint(folder: Path) -> Path:
    tensors(folder / "unet" / "diffusion_pytorch_model.safetensors")
    tensors(folder / "vae" / "diffusion_pytorch_model.safetensors", 2.0)
    (folder / "model_index.json").write_text(json.dumps(PARTS), encoding="utf-8")
    return folder


def sharded(component: Path, *names: str, index: str = "model.safetensors.index.json") -> Path:
    for name in names:
        tensors(component / name)
    places = {"a": names[0], "b": names[-1], "c": names[0]}
    (component / index).write_text(json.dumps({"weight_map": places}), encoding="utf-8")
    return component


def test_a_header_says_what_is_in_a_file(tmp_path: Path) -> None:
    path = tensors(tmp_path / "model.safetensors")
    header = read_header(path)
    assert header["__metadata__"] == {"format": "pt"}
    assert header["a"]["shape"] == [6, 2] and header["a"]["dtype"] == "F32"
    assert tensor_bytes(path) == 12 * 4 + 3 * 2
    assert tensor_elements(path) == 12 + 3


def test_a_file_cut_short_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tensors(tmp_path / "model.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StudioError, match="weights_truncated") as told:
        tensor_bytes(path)
    assert told.value.params == {"file": "model.safetensors"}


@pytest.mark.parametrize("length", [800_000_000, 2**63, LARGEST_HEADER + 1])
def test_a_header_that_claims_more_than_there_is_is_not_believed(tmp_path: Path, length: int) -> None:
    with pytest.raises(StudioError, match="weights_broken"):
        read_header(raw(tmp_path / "model.safetensors", {}, length=length))


def test_a_header_above_the_formats_own_bound_is_not_read_though_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = raw(tmp_path / "model.safetensors", {"__metadata__": {"padding": "x" * 200}})
    assert "__metadata__" in read_header(path)
    monkeypatch.setattr(weights, "LARGEST_HEADER", 200)
    with pytest.raises(StudioError, match="weights_broken"):
        read_header(path)


PLACE = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    "header",
    [
        b"<!doctype html>",
        b"\xff\xfe\xfd",
        [],
        {"a": None},
        {"a": {"dtype": "F32", "shape": [1]}},
        {"a": PLACE | {"data_offsets": [4, 0]}},
        {"a": PLACE | {"data_offsets": [-4, 0]}},
        {"a": PLACE | {"data_offsets": ["0", "4"]}},
        {"a": PLACE | {"shape": [-1]}},
        b"[" * 100_000,
    ],
    ids=str,
)
def test_a_header_that_makes_no_sense_is_refused_by_its_files_name(tmp_path: Path, header: object) -> None:
    path = raw(tmp_path / "model.safetensors", header, b"\0" * 4)
    with pytest.raises(StudioError, match="weights_broken") as told:
        tensor_bytes(path)
    assert told.value.params == {"file": "model.safetensors"}


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 7, b"\0" * 8, b"version https://git-lfs.github.com/spec/v1\n"]
)
def test_a_file_that_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(StudioError, match="weights_broken"):
        read_header(path)


def test_a_checkpoint_weighs_what_its_loaded_parts_weigh(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path)
    tensors(folder / "safety_checker" / "model.safetensors", numbers=2000)
    tensors(folder / "feature_extractor" / "model.safetensors", numbers=2000)
    assert [part.name for part in component_folders(folder)] == ["unet", "vae"]
    assert checkpoint_bytes(folder) == 2 * (12 * 4 + 3 * 2)


def test_shards_are_found_through_their_index_each_once(tmp_path: Path) -> None:
    sharded(tmp_path, "model-1.safetensors", "model-2.safetensors")
    tensors(tmp_path / "stray.safetensors")
    assert [path.name for path in weight_files(tmp_path)] == ["model-1.safetensors", "model-2.safetensors"]


def test_a_missing_shard_is_told_by_its_place_in_the_checkpoint(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path)
    sharded(folder / "unet", "model-1.safetensors", "model-2.safetensors")
    (folder / "unet" / "model-2.safetensors").unlink()
    with pytest.raises(StudioError, match="weights_missing") as told:
        checkpoint_files(folder)
    assert told.value.params == {"file": str(Path("unet", "model-2.safetensors"))}


def test_the_plain_file_is_taken_where_an_fp16_twin_lies_beside(tmp_path: Path) -> None:
    tensors(tmp_path / "model.fp16.safetensors")
    tensors(tmp_path / "model.safetensors")
    assert [path.name for path in weight_files(tmp_path)] == ["model.safetensors"]


def test_the_plain_shards_are_taken_where_an_fp16_twin_lies_beside(tmp_path: Path) -> None:
    sharded(tmp_path, "a-1.fp16.safetensors", index="model.fp16.safetensors.index.json")
    sharded(tmp_path, "a-1.safetensors", "a-2.safetensors")
    assert [path.name for path in weight_files(tmp_path)] == ["a-1.safetensors", "a-2.safetensors"]


def test_a_part_whose_weights_are_gone_is_told(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path)
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(StudioError, match="weights_missing") as told:
        checkpoint_bytes(folder)
    assert str(told.value.params["file"]).startswith("vae")


def test_a_folder_that_holds_no_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="checkpoint_missing") as told:
        checkpoint_bytes(tmp_path / "nobody")
    assert told.value.params == {"folder": "nobody"}


@pytest.mark.parametrize("text", ["{", "[]", '{"unet": []}'])
def test_an_index_of_parts_that_cannot_be_read_is_told_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "model_index.json").write_text(text, encoding="utf-8")
    with pytest.raises(StudioError, match="weights_broken") as told:
        checkpoint_bytes(tmp_path)
    assert told.value.params == {"file": "model_index.json"}


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"weight_map": {"a": 1}}'])
def test_an_index_of_shards_that_cannot_be_read_is_told_by_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(text, encoding="utf-8")
    with pytest.raises(StudioError, match="weights_broken") as told:
        weight_files(tmp_path)
    assert told.value.params == {"file": "model.safetensors.index.json"}


def test_the_hash_follows_the_content_and_nothing_else(tmp_path: Path) -> None:
    one, same = checkpoint(tmp_path / "one"), checkpoint(tmp_path / "same")
    first = checkpoint_hash(one)
    assert first == checkpoint_hash(same)
    assert len(first) == 10 and int(first, 16) >= 0
    tensors(same / "vae" / "diffusion_pytorch_model.safetensors", 3.0)
    assert checkpoint_hash(same) != first
