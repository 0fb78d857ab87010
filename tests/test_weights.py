"""Weights read by their headers: what is there, what it weighs, what is broken."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from studio import weights
from studio.errors import StudioError
from studio.weights import (
    LARGEST_HEADER,
    Hashes,
    Kind,
    checkpoint_bytes,
    checkpoint_files,
    component_folders,
    read_header,
    read_kind,
    tensor_bytes,
    tensor_elements,
    variant_of,
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


def single(path: Path, values: dict[str, np.ndarray]) -> Path:
    save_file(values, str(path))
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


def test_a_header_is_read_once_for_as_long_as_its_file_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, read = tensors(tmp_path / "model.safetensors"), []
    monkeypatch.setattr(weights, "read_header", lambda path: read.append(path) or read_header(path))
    assert [tensor_bytes(path), tensor_elements(path), tensor_bytes(path)] == [54, 15, 54] and len(read) == 1
    save_file({"a": np.zeros(3, np.float32)}, path)
    assert [tensor_bytes(path), tensor_elements(path)] == [12, 3] and len(read) == 2
    path.unlink()
    with pytest.raises(FileNotFoundError):
        tensor_bytes(path)


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


@pytest.mark.parametrize("index", ["model.safetensors.index.fp16.json", "model.fp16.safetensors.index.json"])
def test_all_shards_of_a_variant_are_counted(tmp_path: Path, index: str) -> None:
    names = [f"model.fp16-0000{number}-of-00002.safetensors" for number in (1, 2)]
    sharded(tmp_path, *names, index=index)
    assert [path.name for path in weight_files(tmp_path)] == names
    assert variant_of(tmp_path) == "fp16"


def test_a_plain_file_is_taken_where_shards_of_a_variant_lie_beside(tmp_path: Path) -> None:
    sharded(tmp_path, "model.fp16-00001-of-00001.safetensors", index="model.safetensors.index.fp16.json")
    tensors(tmp_path / "model.safetensors")
    assert [path.name for path in weight_files(tmp_path)] == ["model.safetensors"]


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


# -- hashes ---------------------------------------------------------------------------------------


def test_a_hash_is_that_of_the_bytes_and_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tensors(tmp_path / "model.safetensors")
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert Hashes(tmp_path / "data").of(path) == expected
    monkeypatch.setattr(weights, "_hash_of_file", lambda path: pytest.fail("it was remembered"))
    assert Hashes(tmp_path / "data").of(path) == expected


def test_a_file_that_changes_is_hashed_anew(tmp_path: Path) -> None:
    path = tensors(tmp_path / "model.safetensors")
    hashes = Hashes(tmp_path)
    first = hashes.of(path)
    tensors(path, 2.0)
    os.utime(path, ns=(1, 1))
    assert hashes.of(path) != first


def test_a_part_of_a_file_has_the_hash_of_the_same_part_elsewhere(tmp_path: Path) -> None:
    vae = {"encoder.a": np.ones((2, 2), np.float32), "decoder.b": np.zeros(3, np.float16)}
    one = single(tmp_path / "one.safetensors", {f"vae.{name}": value for name, value in vae.items()})
    more = {f"vae.{name}": value for name, value in vae.items()} | {"unet.c": np.ones(5, np.float32)}
    other = single(tmp_path / "other.safetensors", more)
    named = {f"first_stage_model.{name}": value for name, value in vae.items()}
    third = single(tmp_path / "third.safetensors", named)
    hashes = Hashes(tmp_path)
    assert hashes.of(one) != hashes.of(other)
    assert hashes.of(one, "vae.") == hashes.of(other, "vae.") == hashes.of(third, "first_stage_model.")
    assert hashes.of(other, "unet.") != hashes.of(other, "vae.")


@pytest.mark.parametrize("changed", [np.full((2, 2), 2, np.float32), np.ones((4, 1), np.float32)])
def test_a_part_with_other_numbers_or_another_shape_has_another_hash(
    tmp_path: Path, changed: np.ndarray
) -> None:
    one = single(tmp_path / "one.safetensors", {"vae.a": np.ones((2, 2), np.float32)})
    other = single(tmp_path / "other.safetensors", {"vae.a": changed})
    hashes = Hashes(tmp_path)
    assert hashes.of(one, "vae.") != hashes.of(other, "vae.")


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": {}}'])
def test_hashes_that_cannot_be_read_are_worked_out_anew(tmp_path: Path, text: str) -> None:
    path = tensors(tmp_path / "model.safetensors")
    (tmp_path / "hashes.json").write_text(text, encoding="utf-8")
    assert Hashes(tmp_path).of(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert str(path) in (tmp_path / "hashes.json").read_text(encoding="utf-8")


def test_a_disk_that_takes_nothing_keeps_no_hash_from_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    path = tensors(tmp_path / "model.safetensors")
    monkeypatch.setattr(Path, "write_text", full)
    hashes = Hashes(tmp_path / "data")
    assert [hashes.of(path) for _ in range(2)] == [hashlib.sha256(path.read_bytes()).hexdigest()] * 2


def test_two_who_keep_hashes_in_one_folder_keep_each_others(tmp_path: Path) -> None:
    first, second = tensors(tmp_path / "a.safetensors"), tensors(tmp_path / "b.safetensors", 2.0)
    one, other = Hashes(tmp_path), Hashes(tmp_path)
    both = [(one, first), (other, second)] * 4
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pair: pair[0].of(pair[1]), both))
    kept = json.loads((tmp_path / "hashes.json").read_text(encoding="utf-8"))
    assert set(kept) == {f"{first}|", f"{second}|"}
    assert not list(tmp_path.glob("*.part"))


# -- kinds ----------------------------------------------------------------------------------------

INLET = f"{weights.DENOISER}input_blocks.0.0.weight"
READS = f"{weights.DENOISER}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
SD1_TEXT = "cond_stage_model.transformer.text_model.embeddings.position_ids"
SD2_TEXT = "cond_stage_model.model.token_embedding.weight"
SDXL_TEXT = ("conditioner.embedders.0.transformer.a", "conditioner.embedders.1.model.b")
VAE = "first_stage_model.decoder.conv_in.weight"


def layers(*names: str, **shapes: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return dict.fromkeys(names, (1,)) | shapes


def headed(path: Path, shapes: dict[str, tuple[int, ...]], about: dict[str, str] | None = None) -> Path:
    """A file with nothing but a header: shapes of any size, no numbers in them."""
    header: dict[str, object] = {
        name: {"dtype": "F32", "shape": list(shape), "data_offsets": [0, 0]} for name, shape in shapes.items()
    }
    if about:
        header["__metadata__"] = about
    return raw(path, header)


@pytest.mark.parametrize(
    ("shapes", "told"),
    [
        ({INLET: (320, 4, 3, 3), SD1_TEXT: (1,), VAE: (512, 4, 3, 3)}, Kind("checkpoint", "sd1")),
        ({INLET: (320, 4, 3, 3), SD2_TEXT: (1,), VAE: (512, 4, 3, 3)}, Kind("checkpoint", "sd2")),
        (
            {INLET: (320, 4, 3, 3), VAE: (512, 4, 3, 3), **layers(*SDXL_TEXT)},
            Kind("checkpoint", "sdxl"),
        ),
        ({INLET: (8, 9, 3, 3), SD1_TEXT: (1,), VAE: (8, 4, 3, 3)}, Kind("checkpoint", "sd1", inpaint=True)),
        (
            {INLET: (8, 9, 3, 3), VAE: (8, 4, 3, 3), **layers(*SDXL_TEXT)},
            Kind("checkpoint", "sdxl", inpaint=True),
        ),
        ({INLET: (8, 8, 3, 3), SD1_TEXT: (1,), VAE: (8, 4, 3, 3)}, Kind("unknown")),
        ({INLET: (320, 4, 3, 3), READS: (320, 768)}, Kind("checkpoint", "sd1", whole=False)),
        ({INLET: (320, 4, 3, 3), READS: (320, 1024)}, Kind("checkpoint", "sd2", whole=False)),
        ({INLET: (320, 4, 3, 3), READS: (640, 2048)}, Kind("checkpoint", "sdxl", whole=False)),
        (
            {INLET: (384, 4, 3, 3), VAE: (1, 4, 3, 3), SDXL_TEXT[0]: (1,)},
            Kind("checkpoint", "sdxl-refiner"),
        ),
        (
            {
                f"{weights.DENOISER}joint_blocks.0.x": (1,),
                f"{weights.DENOISER}x_embedder.proj.weight": (1536, 16, 2, 2),
                "text_encoders.clip_l.x": (1,),
                VAE: (512, 16, 3, 3),
            },
            Kind("checkpoint", "sd3"),
        ),
        (
            {"double_blocks.0.img_attn.qkv.weight": (1,), "img_in.weight": (3072, 64)},
            Kind("checkpoint", "flux", whole=False),
        ),
        (
            {"double_blocks.0.img_attn.qkv.weight": (1,), "img_in.weight": (3072, 384)},
            Kind("checkpoint", "flux", inpaint=True, whole=False),
        ),
        ({VAE: (512, 4, 3, 3), "first_stage_model.encoder.conv_in.weight": (1,)}, Kind("vae", channels=4)),
        ({"decoder.conv_in.weight": (512, 4, 3, 3), "encoder.conv_in.weight": (1,)}, Kind("vae", channels=4)),
        (
            {
                "lora_unet_x_attn2_to_k.lora_up.weight": (320, 4),
                "lora_unet_x_attn2_to_k.lora_down.weight": (4, 768),
            },
            Kind("lora", "sd1"),
        ),
        (
            {"unet.x.attn2.to_k.lora_B.weight": (9, 9), "unet.x.attn2.to_k.lora_A.weight": (4, 1024)},
            Kind("lora", "sd2"),
        ),
        (
            {"lora_te2_x.lora_down.weight": (4, 9), "lora_unet_y.lora_down.weight": (4, 9)},
            Kind("lora", "sdxl"),
        ),
        ({"unet.x.attn2.processor.to_k_lora.down.weight": (4, 2048)}, Kind("lora", "sdxl")),
        ({"lora_unet_double_blocks_0_img_mod_lin.lora_down.weight": (4, 9)}, Kind("lora", "flux")),
        ({"transformer.transformer_blocks.0.attn.to_k.lora_A.weight": (4, 9)}, Kind("lora", "sd3")),
        ({"lora_unet_y.lora_down.weight": (4, 9)}, Kind("lora")),
        ({"emb_params": (4, 768)}, Kind("embedding", "sd1")),
        ({"emb_params": (4, 1024)}, Kind("embedding", "sd2")),
        ({"clip_l": (4, 768), "clip_g": (4, 1280)}, Kind("embedding", "sdxl")),
        ({"<cat>": (768,)}, Kind("embedding", "sd1")),
        (
            {"control_model.input_hint_block.0.weight": (1,), f"control_model.{READS}": (320, 768)},
            Kind("control", "sd1", network="controlnet"),
        ),
        (
            {"controlnet_cond_embedding.x": (1,), "a.attn2.to_k.weight": (320, 2048)},
            Kind("control", "sdxl", network="controlnet"),
        ),
        (
            {
                "controlnet_cond_embedding.x": (1,),
                "control_add_embedding.x": (1,),
                "a.attn2.to_k.weight": (320, 2048),
            },
            Kind("control", "sdxl", network="union"),
        ),
        ({"conv_first.weight": (64, 3, 3, 3), "conv_last.weight": (3, 64, 3, 3)}, Kind("upscaler")),
        ({"body.0.weight": (64, 3, 3, 3), "body.1.weight": (64,)}, Kind("upscaler")),
        ({"something": (4096, 4096)}, Kind("unknown")),
        ({}, Kind("unknown")),
    ],
    ids=str,
)
def test_a_single_file_tells_what_it_is(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], told: Kind
) -> None:
    path = headed(tmp_path / "file.safetensors", shapes)
    assert read_kind(path) == told


@pytest.mark.parametrize(
    ("about", "family"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "sdxl"),
        ({"ss_base_model_version": "sd_v1"}, "sd1"),
        ({"modelspec.architecture": "stable-diffusion-v2-768-v/lora"}, "sd2"),
        ({"modelspec.architecture": "flux-1-dev/lora"}, "flux"),
        ({"modelspec.architecture": "stable-diffusion-v3-medium/lora"}, "sd3"),
        ({"format": "pt"}, None),
    ],
    ids=str,
)
def test_a_lora_whose_layers_do_not_tell_is_known_by_its_words(
    tmp_path: Path, about: dict[str, str], family: str | None
) -> None:
    path = headed(tmp_path / "file.safetensors", {"lora_unet_y.lora_down.weight": (4, 9)}, about)
    assert read_kind(path) == Kind("lora", family)


def test_a_file_whose_header_is_broken_is_of_no_kind(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    path.write_bytes(b"PK\3\4 a pickle in a zip")
    with pytest.raises(StudioError, match="weights_broken"):
        read_kind(path)


@pytest.mark.parametrize(
    ("names", "variant"),
    [
        (["model.safetensors"], ""),
        (["model.fp16.safetensors"], "fp16"),
        (["model.fp16.safetensors", "model.safetensors"], ""),
        (["model-00001-of-00001.safetensors"], ""),
        (["model.fp16-00001-of-00001.safetensors"], "fp16"),
        ([], ""),
    ],
    ids=str,
)
def test_the_variant_of_a_component_is_told_by_its_files(
    tmp_path: Path, names: list[str], variant: str
) -> None:
    for name in names:
        tensors(tmp_path / name)
    assert variant_of(tmp_path) == variant
