"""Loading: whole or not at all, and in words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.errors import StudioError
from studio.models.loading import Part, load_settings, load_weights, plan
from studio.weights import Hashes
from tests.floors import ROOT
from tests.tiny_families import tiny_sdxl

NAMES = ("text_encoder", "unet", "vae")


@pytest.fixture
def checkpoint(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "model"))


def planned(checkpoint: Path) -> dict[str, Part]:
    return {part.name: part for part in plan(checkpoint, "sd1", Hashes(checkpoint.parent / "data"))}


def refused(checkpoint: Path) -> str:
    with pytest.raises(StudioError) as error:
        load_weights(checkpoint, "sd1", planned(checkpoint), "cpu", torch.float32)
    return error.value.code


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_every_part_comes_in_the_number_type_asked_for(tiny_checkpoint: Path) -> None:
    parts = load_weights(tiny_checkpoint, "sd1", NAMES, "cpu", torch.bfloat16)
    assert set(parts) == set(NAMES)
    assert {number.dtype for part in parts.values() for number in part.parameters()} == {torch.bfloat16}
    assert not any(number.requires_grad for part in parts.values() for number in part.parameters())


def test_only_the_parts_asked_for_are_loaded(tiny_checkpoint: Path) -> None:
    assert set(load_weights(tiny_checkpoint, "sd1", ["vae"], "cpu", torch.float32)) == {"vae"}


def test_settings_are_new_at_each_call(tiny_checkpoint: Path) -> None:
    first, second = load_settings(tiny_checkpoint, "sd1"), load_settings(tiny_checkpoint, "sd1")
    assert set(first) == {"tokenizer", "scheduler"}
    assert all(first[name] is not second[name] for name in first)


def test_the_same_content_has_the_same_key_wherever_it_lies(checkpoint: Path, tiny_checkpoint: Path) -> None:
    change(checkpoint / "vae" / "config.json", _name_or_path="elsewhere", _diffusers_version="0.1")
    assert planned(checkpoint) == planned(tiny_checkpoint)


@pytest.mark.parametrize("what", ["weights", "configuration"])
def test_other_content_has_another_key(checkpoint: Path, tiny_checkpoint: Path, what: str) -> None:
    if what == "weights":
        file = checkpoint / "vae" / "diffusion_pytorch_model.safetensors"
        save_file({name: tensor + 1 for name, tensor in load_file(file).items()}, file)
    else:
        change(checkpoint / "vae" / "config.json", scaling_factor=0.5)
    before, after = planned(tiny_checkpoint), planned(checkpoint)
    assert {name for name in before if before[name].key != after[name].key} == {"vae"}


def test_a_decoder_that_overflows_stays_wide(tmp_path: Path) -> None:
    checkpoint = tiny_sdxl(tmp_path / "xl")

    def wide() -> set[str]:
        return {part.name for part in plan(checkpoint, "sdxl", Hashes(tmp_path)) if part.wide}

    def kept() -> torch.dtype:
        return load_weights(checkpoint, "sdxl", ["vae"], "cpu", torch.float16)["vae"].dtype

    assert wide() == {"vae"} and kept() == torch.float32
    change(checkpoint / "vae" / "config.json", force_upcast=False)
    assert wide() == set() and kept() == torch.float16


def test_files_of_a_variant_alone_are_found(checkpoint: Path) -> None:
    for file in checkpoint.rglob("*.safetensors"):
        file.rename(file.with_suffix(".fp16.safetensors"))
    assert set(load_weights(checkpoint, "sd1", planned(checkpoint), "cpu", torch.float16)) == set(NAMES)


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
    assert refused(checkpoint) == "weights_pickled"


def test_weights_of_other_sizes_than_their_configuration_are_refused(checkpoint: Path) -> None:
    change(checkpoint / "unet" / "config.json", block_out_channels=[16, 32])
    assert refused(checkpoint) == "weights_unusable"


@pytest.mark.parametrize(
    "value", [["my_unet", "MyUNet"], ["diffusers", "MyUNet"], ["transformers", "AutoModel"]]
)
def test_code_that_comes_with_a_checkpoint_is_not_run(checkpoint: Path, value: list[str]) -> None:
    change(checkpoint / "model_index.json", unet=value)
    (checkpoint / "unet" / "my_unet.py").write_text("raise SystemExit('ran')")
    assert refused(checkpoint) == "part_foreign"


def test_a_folder_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path) == "checkpoint_missing"
    assert refused(tmp_path / "gone") == "checkpoint_missing"


def test_a_broken_configuration_is_named(checkpoint: Path) -> None:
    (checkpoint / "unet" / "config.json").write_text("{")
    assert refused(checkpoint) == "settings_broken"


QUIET = """
import sys, torch
from pathlib import Path
from studio.models.loading import load_settings, load_weights, quiet_libraries
quiet_libraries()
from tests.diffusion.painting import loaded, quietly, request
quietly(loaded(Path(sys.argv[1])), request(prompt="cat " * 90))
"""


def test_a_picture_says_nothing_to_the_log(tiny_checkpoint: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", QUIET, str(tiny_checkpoint)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
