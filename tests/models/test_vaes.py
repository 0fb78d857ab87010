"""VAEs as entries: from a folder or a file of either layout, shared by content, scaled by their family."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.diffusion.run import Means, Watcher, paint
from studio.errors import StudioError, say_trouble
from studio.messages import VaeSpec
from studio.models.devices import Device
from studio.models.registry import Registry
from tests.diffusion.painting import request, spec
from tests.tiny import vae
from tests.tiny_classic import classic
from tests.tiny_parts import vae_spec

OLD = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
SILENT = Watcher(lambda *_: None, lambda: False)


def registry(data: Path, mode: str = "device", **device: object) -> Registry:
    return Registry(Device("cpu", torch.float32, 10**9, memory_mode=mode, **device), data)


def beside(file: Path, checkpoint: Path) -> Path:
    """Tiny models have sizes of their own, which stand in a folder beside the file."""
    file.with_suffix("").mkdir()
    shutil.copy(checkpoint / "vae" / "config.json", file.with_suffix("") / "config.json")
    return file


def weights_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    (file,) = (checkpoint / "vae").glob("*.safetensors")
    return load_file(file)


def same(kept: Registry, one: VaeSpec, weights: dict[str, torch.Tensor]) -> bool:
    with kept.lease(one) as loaded:
        found = loaded.parts["vae"].state_dict()
    return found.keys() == weights.keys() and all(torch.equal(found[key], weights[key]) for key in weights)


def refused(kept: Registry, one: VaeSpec) -> StudioError:
    with pytest.raises(StudioError) as told, kept.lease(one):
        pass
    assert kept.held() == ()
    assert "{" not in say_trouble("en", told.value.trouble) + say_trouble("zh", told.value.trouble)
    return told.value


@pytest.fixture
def files(tiny_checkpoint: Path, tmp_path: Path) -> dict[str, Path]:
    """The VAE of one checkpoint in every form that is read."""
    weights = weights_of(tiny_checkpoint)
    shutil.copytree(tiny_checkpoint / "vae", tmp_path / "folder")
    plain, old, ldm, bare = (tmp_path / f"{name}.safetensors" for name in ("plain", "old", "ldm", "bare"))
    save_file(weights, plain)
    save_file({_old(key): tensor for key, tensor in weights.items()}, old)
    whole = load_file(classic(tiny_checkpoint, "sd1", tmp_path / "whole.safetensors"))
    prefix = "first_stage_model."
    alone = {key: tensor for key, tensor in whole.items() if key.startswith(prefix)}
    save_file(alone, ldm)
    # What training leaves behind is not part of the VAE.
    save_file({k.removeprefix(prefix): v for k, v in alone.items()} | {"loss.logvar": torch.zeros(1)}, bare)
    single = {path.stem: beside(path, tiny_checkpoint) for path in (plain, old, ldm, bare)}
    return {"folder": tmp_path / "folder", "checkpoint": tiny_checkpoint, **single}


def _old(key: str) -> str:
    for new, old in OLD.items():
        key = key.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
    return key


@pytest.mark.parametrize("form", ["folder", "checkpoint", "plain", "old", "ldm", "bare"])
def test_a_vae_is_read_in_every_form(
    tiny_checkpoint: Path, tmp_path: Path, files: dict[str, Path], form: str
) -> None:
    kept = registry(tmp_path / "data")
    wanted, weights = vae_spec(files[form]), weights_of(tiny_checkpoint)
    foreseen = kept.forecast(wanted).loads
    assert same(kept, wanted, weights)
    assert kept.held()[0].bytes == foreseen == sum(one.numel() * 4 for one in weights.values())


def test_a_folder_of_the_same_content_as_a_models_own_is_held_once(
    tiny_checkpoint: Path, tmp_path: Path, files: dict[str, Path]
) -> None:
    kept = registry(tmp_path / "data")
    with kept.lease(spec(tiny_checkpoint)) as model, kept.lease(vae_spec(files["folder"])) as part:
        assert part.parts["vae"] is model.parts["vae"]


def test_a_file_of_the_same_weights_as_a_single_file_models_is_held_once(
    tiny_checkpoint: Path, tmp_path: Path, files: dict[str, Path]
) -> None:
    kept = registry(tmp_path / "data")
    model_spec = spec(tmp_path / "whole.safetensors")
    with kept.lease(model_spec) as model, kept.lease(vae_spec(files["ldm"])) as part:
        assert part.parts["vae"] is model.parts["vae"]


def test_another_vae_paints_another_picture_and_the_models_own_is_as_before(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    torch.manual_seed(5)
    vae().save_pretrained(tmp_path / "other")
    kept = registry(tmp_path / "data")
    with kept.lease(spec(tiny_checkpoint)) as model:
        own = paint(model, request(), "cpu", SILENT).tobytes()
        with kept.lease(vae_spec(tmp_path / "other")) as part:
            other = paint(model, request(), "cpu", SILENT, means=Means(vae=part.parts["vae"])).tobytes()
        assert other != own
        assert paint(model, request(), "cpu", SILENT).tobytes() == own
    kept.unload("soft")
    assert [one.model for one in kept.held()] == ["tiny"]


@pytest.mark.parametrize("mode", ["offload", "group"])
def test_a_vae_is_back_in_its_place_after_a_model_that_takes_its_parts_in_turn(
    tiny_checkpoint: Path, tmp_path: Path, mode: str
) -> None:
    torch.manual_seed(5)
    vae().save_pretrained(tmp_path / "other")
    kept = registry(tmp_path / "data", mode, is_host=False, host_budget=10**9)
    pictures = []
    for _ in range(2):
        with kept.lease(spec(tiny_checkpoint)) as model, kept.lease(vae_spec(tmp_path / "other")) as part:
            assert (model.mode.name, part.mode.name) == (mode, "device")
            swapped = part.parts["vae"]
            pictures.append(paint(model, request(), "cpu", SILENT, means=Means(vae=swapped)).tobytes())
        hooks = [getattr(getattr(one, "_diffusers_hook", None), "hooks", None) for one in swapped.modules()]
        assert not any(hooks) and not any(hasattr(one, "_hf_hook") for one in swapped.modules())
    assert pictures[0] == pictures[1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("mode", ["offload", "group"])
def test_on_a_gpu_a_vae_is_back_there_after_a_model_whose_parts_wait_elsewhere(
    tiny_checkpoint: Path, tmp_path: Path, mode: str
) -> None:
    vae().save_pretrained(tmp_path / "other")
    device = Device("cuda:0", torch.float32, 2**40, mode, host_budget=2**40, is_host=False)
    kept = Registry(device, tmp_path / "data")
    with kept.lease(spec(tiny_checkpoint)) as model, kept.lease(vae_spec(tmp_path / "other")) as part:
        paint(model, request(), "cuda:0", SILENT, means=Means(vae=part.parts["vae"]))
        assert {one.device.type for one in part.parts["vae"].parameters()} == {"cuda"}
        assert {one.device.type for one in model.parts["unet"].parameters()} == {"cpu"}


def test_a_file_of_a_persons_own_is_scaled_by_the_family_it_is_used_in(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The shipped configurations are of real sizes; these are the same with the tests' own.
    from studio.models import vaes

    tiny = json.loads((tiny_checkpoint / "vae" / "config.json").read_text())
    for family, factor in (("sd1", 0.18215), ("sdxl", 0.13025)):
        (tmp_path / "configs" / family / "vae").mkdir(parents=True)
        (tmp_path / "configs" / family / "vae" / "config.json").write_text(
            json.dumps(tiny | {"scaling_factor": factor})
        )
    monkeypatch.setattr(vaes, "CONFIGS", tmp_path / "configs")
    save_file(weights_of(tiny_checkpoint), tmp_path / "own.safetensors")
    kept = registry(tmp_path / "data")
    one, two = (
        vae_spec(tmp_path / "own.safetensors", families=(family,), own=True) for family in ("sd1", "sdxl")
    )
    with kept.lease(one) as first, kept.lease(two) as second:
        factors = [part.parts["vae"].config.scaling_factor for part in (first, second)]
    assert factors == [0.18215, 0.13025]
    assert [held.model for held in kept.held()] == ["soft:sd1", "soft:sdxl"]
    kept.unload("soft")
    assert kept.held() == ()


def test_a_decoder_that_overflows_is_kept_in_full_where_its_configuration_does_not_say_otherwise(
    tmp_path: Path,
) -> None:
    for upcast in (True, False):
        vae(force_upcast=upcast).save_pretrained(tmp_path / str(upcast))
    half = Registry(Device("cpu", torch.float16, 10**9), tmp_path / "data")
    wide, narrow = (
        vae_spec(tmp_path / str(upcast), str(upcast).lower(), ("sdxl",)) for upcast in (True, False)
    )
    with half.lease(wide) as one, half.lease(narrow) as two:
        assert [part.parts["vae"].dtype for part in (one, two)] == [torch.float32, torch.float16]
    sizes = {held.model: held.bytes for held in half.held()}
    assert sizes["true"] == 2 * sizes["false"]


def test_a_vae_of_other_latents_is_refused(tmp_path: Path) -> None:
    vae(16).save_pretrained(tmp_path / "wide")
    kept = registry(tmp_path / "data")
    assert refused(kept, vae_spec(tmp_path / "wide")).code == "family_wrong"
    (file,) = (tmp_path / "wide").glob("*.safetensors")
    assert refused(kept, vae_spec(Path(shutil.copy(file, tmp_path / "x.safetensors")))).code == "family_wrong"


def test_a_vae_of_another_kind_is_refused(tmp_path: Path) -> None:
    vae().save_pretrained(tmp_path / "other")
    config = tmp_path / "other" / "config.json"
    config.write_text(config.read_text().replace("AutoencoderKL", "AutoencoderTiny"))
    assert refused(registry(tmp_path / "data"), vae_spec(tmp_path / "other")).code == "vae_unknown"


@pytest.mark.parametrize("form", ["folder", "plain", "ldm"])
def test_a_vae_that_lacks_a_weight_is_refused(tmp_path: Path, files: dict[str, Path], form: str) -> None:
    source = files[form]
    file = source if source.is_file() else next(source.glob("*.safetensors"))
    weights = load_file(file)
    del weights[next(key for key in weights if key.endswith("decoder.conv_out.bias"))]
    save_file(weights, file)
    error = refused(registry(tmp_path / "data"), vae_spec(source))
    assert (error.code, error.params["key"]) == ("weights_incomplete", "decoder.conv_out.bias")


def test_a_truncated_vae_and_a_missing_one_are_refused(tmp_path: Path, files: dict[str, Path]) -> None:
    kept = registry(tmp_path / "data")
    files["plain"].write_bytes(files["plain"].read_bytes()[:-50])
    assert refused(kept, vae_spec(files["plain"])).code == "weights_truncated"
    assert refused(kept, vae_spec(tmp_path / "gone.safetensors")).code == "weights_missing"
    (tmp_path / "empty").mkdir()
    assert refused(kept, vae_spec(tmp_path / "empty")).code == "part_missing"
