"""Single files: the same pictures as from the folder, offline, and refusals in words."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.errors import StudioError
from studio.families import FAMILIES
from studio.models import files
from studio.models.classic import PIECES, transformer_sizes
from studio.models.folders import part_classes, read_config
from studio.models.loading import load_settings, load_weights, plan
from studio.weights import Hashes
from tests.diffusion.painting import loaded, quietly, request
from tests.tiny_classic import WRITERS, classic
from tests.tiny_families import BUILDERS


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a single file asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


Both = tuple[str, Path, Path]


@pytest.fixture(scope="module", params=WRITERS)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """A family, a checkpoint of it as a folder, and the same as one file."""
    folder = tmp_path_factory.mktemp(request.param)
    checkpoint = BUILDERS[request.param](folder)
    return request.param, checkpoint, classic(checkpoint, request.param, folder / "one.safetensors")


@pytest.fixture
def sd1(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    return classic(tiny_checkpoint, "sd1", tmp_path / "own.safetensors")


def refused(file: Path, family: str = "sd1") -> StudioError:
    with pytest.raises(StudioError) as error:
        parts = plan(file, family, Hashes(file.parent / "data"))
        load_weights(file, family, [part.name for part in parts], "cpu", torch.float32)
    return error.value


def changed(file: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> Path:
    weights = load_file(file)
    change(weights)
    save_file(weights, file)
    return file


def test_a_file_paints_what_its_folder_paints(both: Both) -> None:
    family, folder, file = both
    asked = request(sampler=FAMILIES[family].samplers[0].id)
    assert quietly(loaded(file, family), asked).data == quietly(loaded(folder, family), asked).data


def test_a_files_plan_names_its_parts_and_counts_their_numbers(both: Both, tmp_path: Path) -> None:
    family, folder, file = both
    told = {part.name: part.elements for part in plan(file, family, Hashes(tmp_path))}
    assert told == {part.name: part.elements for part in plan(folder, family, Hashes(tmp_path))}


def test_a_file_of_another_family_is_refused(both: Both) -> None:
    family, _, file = both
    for other in set(WRITERS) - {family}:
        assert refused(file, other).code == "family_wrong"


def test_a_file_that_lacks_a_weight_is_refused(both: Both, tmp_path: Path) -> None:
    family, folder, _ = both
    file = classic(folder, family, tmp_path / "own.safetensors")
    for piece in PIECES[family].values():
        whole = load_file(file)
        lost = min(name for name in whole if name.startswith(piece.prefix))
        save_file({name: tensor for name, tensor in whole.items() if name != lost}, file)
        assert refused(file, family).code == "weights_incomplete", lost
        save_file(whole, file)


def test_a_file_without_its_text_encoder_is_refused(both: Both, tmp_path: Path) -> None:
    family, folder, _ = both
    file = classic(folder, family, tmp_path / "own.safetensors")
    prefix = PIECES[family]["text_encoder"].prefix
    save_file({name: one for name, one in load_file(file).items() if not name.startswith(prefix)}, file)
    error = refused(file, family)
    assert (error.code, error.params.get("part")) in {
        ("part_missing", "text_encoder"),
        # Without it nothing may tell the family either.
        ("family_wrong", None),
    }


def test_two_files_with_the_same_vae_share_it(sd1: Path, tmp_path: Path, tiny_checkpoint: Path) -> None:
    other = classic(tiny_checkpoint, "sd1", tmp_path / "other.safetensors")
    changed(other, lambda weights: weights["model.diffusion_model.out.2.bias"].add_(1))
    keys = [{part.name: part.key for part in plan(file, "sd1", Hashes(tmp_path))} for file in (sd1, other)]
    assert {name for name in keys[0] if keys[0][name] == keys[1][name]} == {"vae", "text_encoder"}


def test_the_same_vae_under_another_scale_is_another_part(sd1: Path, tmp_path: Path) -> None:
    (before,) = (part.key for part in plan(sd1, "sd1", Hashes(tmp_path)) if part.name == "vae")
    config = sd1.with_suffix("") / "vae" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"scaling_factor": 0.5}))
    (after,) = (part.key for part in plan(sd1, "sd1", Hashes(tmp_path)) if part.name == "vae")
    assert before != after


def test_a_truncated_file_is_named(sd1: Path) -> None:
    sd1.write_bytes(sd1.read_bytes()[:-100])
    error = refused(sd1)
    assert (error.code, error.params["file"]) == ("weights_truncated", "own.safetensors")


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "own.ckpt")
    assert refused(tmp_path / "own.ckpt").code == "weights_pickled"


def test_a_file_is_no_pickle_because_its_ending_is_in_capitals(sd1: Path) -> None:
    before = plan(sd1, "sd1", Hashes(sd1.parent))
    file = sd1.rename(sd1.with_suffix(".SAFETENSORS"))
    assert plan(file, "sd1", Hashes(sd1.parent)) == before


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone.safetensors").code == "weights_missing"


def test_a_file_of_other_sizes_than_its_familys_is_refused(sd1: Path) -> None:
    shutil.rmtree(sd1.with_suffix(""))
    assert refused(sd1).code in {"weights_incomplete", "weights_other_size"}


# -- the real sizes, without the real weights: shapes alone, from the shipped configurations ------


SHIPPED = [(family, name) for family in PIECES for name in PIECES[family]]


@pytest.mark.parametrize(("family", "name"), SHIPPED)
def test_the_shipped_configurations_make_the_real_parts(family: str, name: str) -> None:
    from accelerate import init_empty_weights

    folder = files.CONFIGS / family
    kind, config = part_classes(folder)[name], read_config(folder, name)
    with init_empty_weights():
        part = kind.from_config(config) if hasattr(kind, "from_config") else files._encoder(kind, config)
    assert round(sum(tensor.numel() for tensor in part.parameters()) / 1e6) == MILLIONS[family, name]


# As their makers publish them.
MILLIONS = {
    ("sd1", "unet"): 860,
    ("sd1", "vae"): 84,
    ("sd1", "text_encoder"): 123,
    ("sd2", "unet"): 866,
    ("sd2", "vae"): 84,
    ("sd2", "text_encoder"): 340,
    ("sdxl", "unet"): 2567,
    ("sdxl", "vae"): 84,
    ("sdxl", "text_encoder"): 123,
    ("sdxl", "text_encoder_2"): 695,
    ("sd3", "transformer"): 2028,
    ("sd3", "vae"): 84,
    ("sd3", "text_encoder"): 124,
    ("sd3", "text_encoder_2"): 695,
}


@pytest.mark.parametrize("family", PIECES)
def test_the_shipped_tokenizers_read_as_clip_does(family: str, tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "own.safetensors")
    settings = load_settings(tmp_path / "own.safetensors", family)
    for name in {"tokenizer", "tokenizer_2"} & settings.keys():
        ids = settings[name]("a photo of a cat", padding="max_length").input_ids
        # The numbers that OpenAI's CLIP gives these words.
        assert ids[:7] == [49406, 320, 1125, 539, 320, 2368, 49407] and len(ids) == 77
    pads = {name: settings[name].pad_token_id for name in settings if name != "scheduler"}
    expected = {"sd1": {49407}, "sd2": {0}}.get(family, {49407, 0})
    assert set(pads.values()) == expected


def test_a_velocity_model_is_told_by_what_lies_beside_and_in_its_file(tmp_path: Path) -> None:
    def predicts(weights: dict[str, torch.Tensor], family: str = "sdxl", note: str = "", **about: str) -> str:
        file = tmp_path / "own.safetensors"
        save_file({"x": torch.zeros(1)} | weights, file, metadata=about)
        file.with_suffix(".yaml").write_text(note)
        return str(load_settings(file, family)["scheduler"].config.prediction_type)

    telling = torch.randn(1280, generator=torch.Generator().manual_seed(0))
    assert predicts({}) == "epsilon"
    assert predicts({"v_pred": torch.zeros(0)}) == "v_prediction"
    assert predicts({}, "sd2", '    parameterization: "v"\n') == "v_prediction"
    assert predicts({}, **{"modelspec.prediction_type": "v"}) == "v_prediction"
    assert predicts({files.TELLING_LAYER: telling * 0.2}, "sd2") == "v_prediction"
    assert predicts({files.TELLING_LAYER: telling * 0.01}, "sd2") == "epsilon"
    told = {"modelspec.prediction_type": "epsilon"}
    assert predicts({files.TELLING_LAYER: telling * 0.2}, "sd2", **told) == "epsilon"


def test_a_model_trained_to_pure_noise_says_so_by_a_mark(tmp_path: Path) -> None:
    save_file({"v_pred": torch.zeros(0), "ztsnr": torch.zeros(0)}, tmp_path / "own.safetensors")
    config = load_settings(tmp_path / "own.safetensors", "sdxl")["scheduler"].config
    assert config.prediction_type == "v_prediction" and config.rescale_betas_zero_snr
    assert config.timestep_spacing == "trailing"


def test_an_inpainting_file_takes_in_more_channels(tmp_path: Path) -> None:
    file = tmp_path / "own.safetensors"
    save_file({"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(320, 9, 3, 3)}, file)
    assert files.file_config(file, "sd1", "unet")["in_channels"] == 9


def test_the_larger_transformers_are_told_by_their_shapes() -> None:
    shapes = {
        "x_embedder.proj.weight": (2432, 16, 2, 2),
        "pos_embed": (1, 36864, 2432),
        **{f"joint_blocks.{number}.x_block.attn.ln_q.weight": (64,) for number in range(38)},
        "joint_blocks.3.x_block.attn2.qkv.weight": (1, 1),
    }
    assert transformer_sizes(shapes) == {
        "num_layers": 38,
        "num_attention_heads": 38,
        "caption_projection_dim": 2432,
        "pos_embed_max_size": 192,
        "dual_attention_layers": [3],
        "qk_norm": "rms_norm",
    }


# -- what tells that a file is another one ---------------------------------------------------------


@pytest.mark.parametrize("name", ["own.safetensors", "own.yaml", "own/unet/config.json"])
def test_stamps_change_with_a_file_and_what_belongs_to_it(sd1: Path, name: str) -> None:
    before = files.stamps_of(sd1)
    assert files.stamps_of(sd1) == before
    with (sd1.parent / name).open("ab") as stream:
        stream.write(b" ")
    assert files.stamps_of(sd1) != before


def test_stamps_of_a_folder_change_with_its_weights_and_configurations_alone(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "own"))
    before = files.stamps_of(folder)
    (folder / "preview.png").write_bytes(b"picture")
    assert files.stamps_of(folder) == before
    for file in (folder / "model_index.json", *(folder / "unet").glob("*.safetensors")):
        file.write_bytes(file.read_bytes() + b" ")
        assert files.stamps_of(folder) != before
        before = files.stamps_of(folder)


def test_what_is_not_there_has_no_stamps(tmp_path: Path) -> None:
    assert files.stamps_of(tmp_path / "gone") == files.stamps_of(tmp_path / "gone.safetensors") == ()
