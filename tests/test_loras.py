"""LoRAs as their files tell them: which layers, which family, what is said of them, and what is refused."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save_file

from studio.errors import StudioError
from studio.loras import (
    About,
    about_lora,
    card,
    fit_with,
    from_header,
    layers_of,
    picture,
    read_lora,
    why_not,
)
from studio.loras.about import LARGEST_TEXT, LONGEST_NOTES, MOST_TRIGGERS
from studio.loras.layers import CONFIGS, ENCODERS, LORA_FAMILIES, classic_names
from studio.loras.scales import LARGEST_SCALE, LARGEST_SETTINGS
from studio.loras.shelf import PICTURE_SIDE
from studio.messages import Bilingual, FileSource, HubSource, LocalSource, LoraSpec, ModelSpec
from studio.settings import ROOT
from tests import samples

TITLES = {"sd1": "Stable Diffusion 1", "sd2": "Stable Diffusion 2", "sdxl": "Stable Diffusion XL"}
NOTHING = np.zeros((), np.float16)


def spread(*shape: int) -> np.ndarray:
    """Zeros of a shape, small on disk: only headers are read here."""
    return np.zeros(shape, np.int8)


def layers(family: str, part: str = "unet", wanted: str = "attn") -> dict[str, tuple[int, ...]]:
    return {name: shape for name, shape in layers_of(None, family).parts[part].items() if wanted in name}


def kohya(
    family: str,
    rank: int = 2,
    part: str = "unet",
    prefix: str = "lora_unet_",
    wanted: str = "attn",
    names: Callable[[str], str] = lambda name: name,
) -> dict[str, np.ndarray]:
    """A LoRA as sd-scripts writes it, for some layers of a family."""
    found = {}
    for name, (outlet, inlet, *kernel) in layers(family, part, wanted).items():
        flat = prefix + names(name).replace(".", "_")
        found[f"{flat}.lora_down.weight"] = spread(rank, inlet, *kernel)
        found[f"{flat}.lora_up.weight"] = spread(outlet, rank, *[1] * len(kernel))
        found[f"{flat}.alpha"] = NOTHING
    return found


def peft(family: str, prefix: str = "unet.", rank: int = 2) -> dict[str, np.ndarray]:
    found = {}
    for name, (outlet, inlet, *kernel) in layers(family).items():
        found[f"{prefix}{name}.lora_A.weight"] = spread(rank, inlet, *kernel)
        found[f"{prefix}{name}.lora_B.weight"] = spread(outlet, rank, *[1] * len(kernel))
    return found


def put(path: Path, tensors: dict[str, np.ndarray], about: dict[str, str] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(path), metadata=about)
    return path


def code(path: Path, family: str) -> str:
    trouble = fit_with(read_lora(path), None, TITLES[family], family).trouble
    return trouble.code if trouble else ""


# -- layers ---------------------------------------------------------------------------------------


def _real(part: Any) -> dict[str, tuple[int, ...]]:
    import torch

    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    return {
        name.removeprefix("text_model."): tuple(one.weight.shape)
        for name, one in part.named_modules()
        if isinstance(one, kinds)
    }


@pytest.mark.parametrize(
    "folder", [*(CONFIGS / family for family in LORA_FAMILIES), ROOT / "pocket" / "weights"]
)
def test_the_layers_of_a_configuration_are_those_of_the_network_that_is_built_from_it(folder: Path) -> None:
    import torch
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    found = layers_of(folder, "sdxl" if folder.name == "sdxl" else "sd1")
    with torch.device("meta"):
        config = json.loads((folder / "unet" / "config.json").read_text())
        assert found.parts["unet"] == _real(UNet2DConditionModel.from_config(config))
        for part in ENCODERS:
            if (folder / part / "config.json").is_file():
                said = json.loads((folder / part / "config.json").read_text())
                projects = "CLIPTextModelWithProjection" in said["architectures"]
                kind = CLIPTextModelWithProjection if projects else CLIPTextModel
                assert found.parts[part] == _real(kind(CLIPTextConfig(**said)))


def test_a_layers_name_in_the_one_row_of_blocks_is_known() -> None:
    old = {new: old for old, new in classic_names(layers_of(None, "sdxl").parts["unet"])}
    assert old["conv_in"] == "input_blocks.0.0"
    assert old["down_blocks.0.downsamplers.0.conv"] == "input_blocks.3.0.op"
    assert old["down_blocks.1.attentions.0.proj_in"] == "input_blocks.4.1.proj_in"
    assert old["down_blocks.2.resnets.1.conv2"] == "input_blocks.8.0.out_layers.3"
    assert old["mid_block.attentions.0.proj_out"] == "middle_block.1.proj_out"
    assert old["up_blocks.0.upsamplers.0.conv"] == "output_blocks.2.2.conv"
    assert old["up_blocks.2.resnets.2.conv_shortcut"] == "output_blocks.8.0.skip_connection"
    assert len(set(old.values())) == len(old)


# -- what a file is -------------------------------------------------------------------------------


@pytest.mark.parametrize("family", LORA_FAMILIES)
def test_rank_family_and_parts_are_told_by_the_header(family: str, tmp_path: Path) -> None:
    text = kohya(family, 2, "text_encoder", "lora_te1_" if family == "sdxl" else "lora_te_", "proj")
    lora = read_lora(put(tmp_path / "glow.safetensors", kohya(family, 4) | text))
    assert (lora.family, lora.rank, lora.kind) == (family, 4, "LoRA")
    assert lora.parts == ("text_encoder", "unet")
    assert why_not(lora) is None
    assert {other: code(lora.path, other) for other in LORA_FAMILIES} == {
        other: "" if other == family else "lora_family" for other in LORA_FAMILIES
    }


CLASSIC = {new: old for old, new in classic_names(layers_of(None, "sdxl").parts["unet"])}


@pytest.mark.parametrize(
    "tensors",
    [
        kohya("sdxl"),
        kohya("sdxl", names=CLASSIC.__getitem__),
        peft("sdxl"),
        peft("sdxl", "base_model.model."),
        kohya("sdxl", part="text_encoder_2", prefix="lora_te2_", wanted="proj"),
    ],
    ids=["kohya", "classic", "peft", "bare", "text"],
)
def test_every_layout_finds_its_layers(tensors: dict[str, np.ndarray], tmp_path: Path) -> None:
    lora = read_lora(put(tmp_path / "glow.safetensors", tensors))
    fitted = fit_with(lora, None, "SDXL", "sdxl")
    assert fitted.trouble is None and fitted.found == fitted.of == len(lora.changes) > 20
    assert lora.family == "sdxl"


def test_one_without_cross_attention_may_be_of_two_families_and_fits_both(tmp_path: Path) -> None:
    lora = read_lora(put(tmp_path / "glow.safetensors", kohya("sd1", wanted="attn1")))
    assert lora.family is None
    assert [code(lora.path, family) for family in ("sd1", "sd2", "sdxl")] == ["", "", "lora_sizes"]


def test_a_model_of_another_size_in_the_same_family_is_told_apart(tmp_path: Path) -> None:
    path = put(tmp_path / "glow.safetensors", kohya("sd1"))
    trouble = fit_with(read_lora(path), ROOT / "pocket" / "weights", "Pocket", "sd1").trouble
    assert trouble and trouble.code == "lora_sizes"
    assert trouble.params["model"] == "Pocket" and int(trouble.params["wrong"]) > 0
    assert code(path, "sd1") == ""


def test_one_that_finds_next_to_none_of_its_layers_does_not_fit(tmp_path: Path) -> None:
    right = kohya("sd1", wanted="mid_block.attentions.0.transformer_blocks.0.attn1.to_q")
    wrong = {
        f"lora_unet_elsewhere_{n}.lora_{half}.weight": spread(2, 2)
        for n in range(9)
        for half in ("down", "up")
    }
    path = put(tmp_path / "glow.safetensors", right | wrong)
    trouble = fit_with(read_lora(path), None, "SD 1.5", "sd1").trouble
    assert trouble and (trouble.code, trouble.params["found"], trouble.params["of"]) == (
        "lora_no_effect",
        1,
        10,
    )


def test_what_is_made_for_a_transformer_says_so(tmp_path: Path) -> None:
    flux = {
        f"transformer.single_transformer_blocks.0.attn.to_q.lora_{half}.weight": spread(4, 4) for half in "AB"
    }
    path = put(tmp_path / "flux.safetensors", flux)
    trouble = fit_with(read_lora(path), None, "SD 1.5", "sd1").trouble
    assert trouble and (trouble.code, trouble.params["family"]) == ("lora_family", "flux")
    assert fit_with(read_lora(path), None, "SD3", "sd3").trouble.code == "lora_family_without"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "weights_truncated"),
        (lambda path: path.write_bytes(b"\x80\x04\x95" * 99), "weights_broken"),
        (lambda path: path.write_bytes((800 * 2**20).to_bytes(8, "little") + b"{}" * 99), "weights_broken"),
        (lambda path: path.write_bytes(b""), "weights_broken"),
        (lambda path: put(path, {"first_stage_model.x": spread(1)}), "lora_none"),
        (lambda path: path.unlink(), "own_unreadable"),
    ],
)
def test_what_is_no_lora_says_what_is_wrong(
    spoil: Callable[[Path], object], expected: str, tmp_path: Path
) -> None:
    path = put(tmp_path / "glow.safetensors", kohya("sd1"))
    spoil(path)
    with pytest.raises(StudioError) as told:
        read_lora(path)
    assert told.value.code == expected


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "glow.pt").write_bytes(b"cos\nsystem\n")
    with pytest.raises(StudioError, match="own_pickle"):
        read_lora(tmp_path / "glow.pt")


def test_scalars_where_matrices_should_be_break_nothing(tmp_path: Path) -> None:
    odd = {f"lora_unet_x.lora_{half}.weight": NOTHING for half in ("down", "up")}
    lora = read_lora(put(tmp_path / "odd.safetensors", odd))
    assert lora.kind == "unknown" and lora.rank == 0
    assert why_not(lora).code == "lora_unknown_weights"  # type: ignore[union-attr]


# -- kinds that cannot be used, as the library has it ---------------------------------------------

LAYER = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
HALVES = {f"{LAYER}.lora_down.weight": (2, 16), f"{LAYER}.lora_up.weight": (16, 2)}
REFUSED: dict[str, dict[str, tuple[int, ...]]] = {
    "LoHa": {
        f"{LAYER}.hada_{w}": (16, 2) if w.endswith("a") else (2, 16) for w in ("w1_a", "w1_b", "w2_a", "w2_b")
    },
    "LoKr": {f"{LAYER}.lokr_w1": (4, 4), f"{LAYER}.lokr_w2": (4, 4)},
    "LoCon (Tucker)": {**HALVES, f"{LAYER}.lora_mid.weight": (2, 2, 1, 1)},
    "full-rank": {**HALVES, "lora_unet_conv_in.diff": (8, 4, 3, 3)},
    "DoRA": {**HALVES, f"{LAYER}.dora_scale": (16, 1)},
    "unknown": {**HALVES, "bundle_emb.glow.string_to_param.*": (1, 32)},
}


def drawn(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    numbers = np.random.default_rng(0)
    return {name: numbers.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("kind", list(REFUSED))
def test_a_kind_that_cannot_be_used_is_named(kind: str, tmp_path: Path) -> None:
    lora = read_lora(put(tmp_path / "odd.safetensors", drawn(REFUSED[kind])))
    trouble = why_not(lora)
    assert lora.kind == kind and trouble
    assert trouble.code == ("lora_unknown_weights" if kind == "unknown" else "lora_kind")
    assert trouble.params["lora"] == "odd"


@pytest.mark.parametrize("kind", ["plain", *REFUSED])
def test_the_library_refuses_the_same_kinds_or_leaves_half_of_them_away(
    kind: str, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(str(tiny_checkpoint), safety_checker=None)
    path = put(tmp_path / "odd.safetensors", drawn(REFUSED.get(kind, HALVES)))
    if kind in ("plain", "DoRA"):
        pipe.load_lora_weights(str(path), adapter_name="odd")
        layer = pipe.unet.get_submodule("mid_block.attentions.0.transformer_blocks.0.attn1.to_q")
        assert "odd" in layer.lora_A and not layer.use_dora.get("odd")
    else:
        with pytest.raises((ValueError, RuntimeError, KeyError)):
            pipe.load_lora_weights(str(path), adapter_name="odd")


# -- how far it counts, by its header -------------------------------------------------------------


def headed(folder: Path, text: str) -> Path:
    return put(folder / "glow.safetensors", peft("sd1", rank=2), {"lora_adapter_metadata": text})


def with_settings(folder: Path, **settings: Any) -> Path:
    return headed(folder, json.dumps({f"unet.{name}": value for name, value in settings.items()}))


def alphas(path: Path) -> dict[str, float]:
    return {one.layer: one.usual_alpha for one in read_lora(path).changes}


ONE = "down_blocks_0_attentions_0_transformer_blocks_0_"


def test_what_a_header_says_of_some_layers_comes_before_what_it_says_of_all(tmp_path: Path) -> None:
    pattern = {
        "attn1.to_q": 1,
        "to_q": 3,
        "o_k": 5,
        "^to_v": 6,
        "^down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v": 7.5,
    }
    found = alphas(with_settings(tmp_path, r=2, lora_alpha=4, alpha_pattern=pattern))
    assert [found[f"{ONE}attn{number}_to_q"] for number in (1, 2)] == [1, 3]
    assert [found[f"{ONE}attn{number}_to_v"] for number in (1, 2)] == [4, 7.5]
    assert found[f"{ONE}attn1_to_k"] == 4
    assert fit_with(read_lora(tmp_path / "glow.safetensors"), None, "SD 1.5", "sd1").trouble is None


def test_where_a_tensor_tells_how_far_a_layer_counts_the_header_does_not(tmp_path: Path) -> None:
    said = {"lora_adapter_metadata": json.dumps({"unet.r": 7, "unet.lora_alpha": 700})}
    lora = read_lora(put(tmp_path / "glow.safetensors", kohya("sd1", 2), said))
    assert why_not(lora) is None and all(one.alpha and one.told is None for one in lora.changes)


def test_what_a_header_says_of_one_part_reaches_no_other(tmp_path: Path) -> None:
    said = {"lora_adapter_metadata": json.dumps({"text_encoder.r": 2, "text_encoder.lora_alpha": 1})}
    path = put(tmp_path / "glow.safetensors", peft("sd1", rank=2), said)
    assert set(alphas(path).values()) == {2}


def trouble_of(path: Path) -> tuple[str, dict[str, Any]]:
    trouble = fit_with(read_lora(path), None, "SD 1.5", "sd1").trouble
    return (trouble.code, dict(trouble.params)) if trouble else ("", {})


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"r": 2, "lora_alpha": 0}, "lora_alpha"),
        ({"r": 2, "lora_alpha": -2}, "lora_alpha"),
        ({"r": 2, "lora_alpha": 2 * LARGEST_SCALE + 1}, "lora_alpha"),
        ({"r": 2, "lora_alpha": float("nan")}, "lora_alpha"),
        ({"r": 2, "lora_alpha": float("inf")}, "lora_alpha"),
        ({"r": 2, "lora_alpha": 10**400}, "lora_alpha"),
        ({"r": 2, "lora_alpha": "2"}, "lora_alpha"),
        ({"r": 2, "lora_alpha": True}, "lora_alpha"),
        ({"r": 2, "lora_alpha": 2, "alpha_pattern": {"to_q": 1e9}}, "lora_alpha"),
        ({"r": 2, "lora_alpha": 2, "alpha_pattern": {"(a+)+$": 1}}, "alpha_pattern"),
        ({"r": 2, "lora_alpha": 2, "alpha_pattern": ["to_q"]}, "alpha_pattern"),
        ({"r": 2, "lora_alpha": 2, "rank_pattern": {"to_q": "2"}}, "rank_pattern"),
        ({"r": 2, "lora_alpha": 2, "rank_pattern": {"to_q": 4}}, "r"),
        ({"r": 4, "lora_alpha": 2}, "r"),
        ({"r": 0, "lora_alpha": 2}, "r"),
        ({"lora_alpha": 2}, "r"),
    ],
)
def test_a_setting_that_makes_no_sense_is_told_by_its_name(
    settings: dict[str, Any], setting: str, tmp_path: Path
) -> None:
    path = with_settings(tmp_path, **settings)
    assert trouble_of(path) == ("lora_settings", {"lora": "glow", "setting": setting})


def test_the_largest_scale_is_still_taken(tmp_path: Path) -> None:
    path = with_settings(tmp_path, r=2, lora_alpha=2 * LARGEST_SCALE)
    assert trouble_of(path) == ("", {}) and set(alphas(path).values()) == {2 * LARGEST_SCALE}


@pytest.mark.parametrize("text", ["{", "[]", "7", "[" * 100_000, '{"x": "' + "x" * LARGEST_SETTINGS + '"}'])
def test_settings_that_cannot_be_read_are_told(text: str, tmp_path: Path) -> None:
    path = headed(tmp_path, text)
    assert trouble_of(path) == ("lora_settings", {"lora": "glow", "setting": "lora_adapter_metadata"})


@pytest.mark.parametrize(("setting", "kind"), [("use_dora", "DoRA"), ("use_rslora", "rsLoRA")])
def test_settings_that_make_another_kind_of_it_are_told_as_that_kind(
    setting: str, kind: str, tmp_path: Path
) -> None:
    path = with_settings(tmp_path, r=2, lora_alpha=2, **{setting: True})
    assert trouble_of(path) == ("lora_kind", {"lora": "glow", "kind": kind})


# -- what is said of it ---------------------------------------------------------------------------

FREQUENCY = json.dumps({"8_dragon": {"loong": 40, "red": 38, "gold, festive": 12}, "1_more": {"loong": 8}})


def test_the_trainers_notes_in_the_header_are_read() -> None:
    about = from_header(
        {
            "ss_output_name": "dragon_v2",
            "ss_tag_frequency": FREQUENCY,
            "ss_base_model_version": "sd_v1",
            "ss_resolution": "(512, 512)",
            "ss_training_comment": "ten epochs",
        }
    )
    assert (about.title, about.triggers) == ("dragon_v2", ("loong", "red"))
    assert (about.base, about.resolution, about.notes) == ("sd_v1", "(512, 512)", "ten epochs")


def test_a_title_is_one_line_whatever_is_written_there() -> None:
    assert from_header({"modelspec.title": "Red\n\tdragon", "ss_output_name": "x"}).title == "Red dragon"
    assert from_header({"ss_output_name": "Red\ndragon"}).title == "Red dragon"
    assert from_header({"modelspec.description": "Red\ndragon"}).notes == "Red\ndragon"


def test_the_model_specification_comes_before_the_trainers_notes() -> None:
    about = from_header(
        {
            "modelspec.title": "Dragon",
            "modelspec.trigger_phrase": "loong, gold",
            "modelspec.description": "<p>Festive &amp; red</p><script>x()</script>",
            "modelspec.author": "Li\x07n",
            "modelspec.license": "MIT",
            "modelspec.date": "2025-01-29",
            "modelspec.architecture": "stable-diffusion-v1/lora",
            "ss_output_name": "dragon_v2",
            "ss_tag_frequency": FREQUENCY,
        }
    )
    assert (about.title, about.triggers, about.notes) == ("Dragon", ("loong", "gold"), "Festive & red")
    assert (about.author, about.licence, about.date) == ("Lin", "MIT", "2025-01-29")
    assert about.base == "stable-diffusion-v1/lora"


def test_files_beside_it_come_before_what_the_header_says(tmp_path: Path) -> None:
    path = tmp_path / "dragon.safetensors"
    header = {"ss_output_name": "old", "ss_tag_frequency": FREQUENCY}
    (tmp_path / "dragon.txt").write_text("plain words", encoding="utf-8")
    assert about_lora(path, header).notes == "plain words"
    info = {"model": {"name": "Dragon"}, "trainedWords": ["loong, gold", "red"], "baseModel": "SD 1.5"}
    (tmp_path / "dragon.civitai.info").write_text(
        json.dumps(info | {"description": "<p>of the web</p>"}), "utf-8"
    )
    told = about_lora(path, header)
    assert (told.title, told.triggers, told.base, told.notes) == (
        "Dragon",
        ("loong", "gold", "red"),
        "SD 1.5",
        "of the web",
    )
    own = {"activation text": "my loong", "preferred weight": 0.7, "notes": "mine", "sd version": "SD1"}
    (tmp_path / "dragon.json").write_text(json.dumps(own), encoding="utf-8")
    told = about_lora(path, header)
    assert (told.triggers, told.weight, told.notes, told.base) == (("my loong",), 0.7, "mine", "SD1")
    assert told.title == "Dragon"


@pytest.mark.parametrize(
    "written",
    [
        b"{",
        b"[1, 2]",
        b"\xff\xfe\x00",
        b'{"activation text": 5, "preferred weight": "much", "notes": {}}',
        b'{"preferred weight": 1e99}',
        b"[" * 100_000,
        b'{"notes": "' + b"x" * LARGEST_TEXT + b'"}',
    ],
)
def test_a_file_beside_it_that_is_none_is_left_out(written: bytes, tmp_path: Path) -> None:
    for ending in (".json", ".civitai.info"):
        (tmp_path / f"dragon{ending}").write_bytes(written)
    assert about_lora(tmp_path / "dragon.safetensors", {}) == About()


def test_what_cannot_be_read_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "dragon.json").write_bytes(b"{")
    with caplog.at_level(logging.WARNING):
        about_lora(tmp_path / "dragon.safetensors", {"modelspec.thumbnail": "data:image/png;base64,%%"})
    assert "dragon.json" in caplog.text and "picture in a LoRA's header" in caplog.text


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(["ss_tag_frequency", "modelspec.thumbnail", "modelspec.title", "ss_output_name"])


# How fast a busy machine draws its examples says nothing of what is tested.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, ANY.map(json.dumps) | st.text(max_size=30)))
def test_whatever_stands_in_a_header_is_read_or_left_out(header: dict[str, str]) -> None:
    about = from_header(header)
    assert len(about.triggers) <= MOST_TRIGGERS and len(about.notes) <= LONGEST_NOTES
    assert about.title.isprintable()


# -- the shelf ------------------------------------------------------------------------------------


def png(side: int = 900, colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA", (side, side // 2), colour).save(buffer, format="PNG")
    return buffer.getvalue()


def listed(path: Path, **changes: Any) -> LoraSpec:
    entry = {
        "id": "dragon-1",
        "title": Bilingual(en="dragon", zh="dragon"),
        "source": FileSource(path=str(path)),
        "licence": "unknown",
        "own": True,
        "family": "sd1",
    }
    return LoraSpec(**entry | changes)


def model(family: str = "sd1") -> ModelSpec:
    source = HubSource(repo="nobody/nothing")
    return samples.spec().model_copy(update={"family": family, "source": source})


def test_a_card_shows_what_is_known(tmp_path: Path) -> None:
    about = {"modelspec.title": "Dragon", "modelspec.trigger_phrase": "loong", "modelspec.author": "Lin"}
    path = put(tmp_path / "dragon.safetensors", kohya("sd1", 4), about)
    shown = card(listed(path), tmp_path, model(), favourites=("dragon-1",))
    assert (shown.title.en, shown.family, shown.kind, shown.rank) == ("Dragon", TITLES["sd1"], "LoRA", 4)
    assert (shown.triggers, shown.author, shown.favourite, shown.fits) == (("loong",), "Lin", True, True)
    assert (shown.changes_picture, shown.changes_text, shown.place) == (True, False, "disk")
    assert 0 < shown.bytes < path.stat().st_size and not shown.picture and not shown.licence
    (tmp_path / "dragon.json").write_text('{"preferred weight": 0.5, "activation text": "gold"}', "utf-8")
    (tmp_path / "dragon.preview.png").write_bytes(png())
    shown = card(listed(path), tmp_path, model())
    assert (shown.weight, shown.triggers, shown.picture) == (0.5, ("gold",), True)


def test_a_card_says_why_a_model_will_not_do(tmp_path: Path) -> None:
    path = put(tmp_path / "dragon.safetensors", kohya("sd1"))
    assert card(listed(path), tmp_path, model("sdxl")).trouble.code == "lora_family"  # type: ignore[union-attr]
    assert card(listed(path), tmp_path).fits
    away = listed(path, own=False, source=HubSource(repo="a/b", file="x.safetensors"))
    shown = card(away, tmp_path, model("sdxl"))
    assert (shown.place, shown.trouble.code) == ("hub", "lora_family")  # type: ignore[union-attr]
    assert card(away, tmp_path, model()).fits
    path.write_bytes(path.read_bytes()[:-3])
    shown = card(listed(path), tmp_path, model())
    assert (shown.place, shown.trouble.code) == ("missing", "weights_truncated")  # type: ignore[union-attr]


def test_one_that_is_still_to_be_fetched_does_not_fit_a_model_of_another_size(tmp_path: Path) -> None:
    away = listed(tmp_path, own=False, source=HubSource(repo="a/b", file="x.safetensors"))
    pocket = model().model_copy(update={"source": LocalSource(path=str(ROOT / "pocket" / "weights"))})
    trouble = card(away, tmp_path, pocket).trouble
    assert trouble and trouble.code == "lora_sizes"
    assert int(trouble.params["wrong"]) > int(trouble.params["of"]) / 2
    broken = model().model_copy(update={"source": LocalSource(path=str(tmp_path))})
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text("{", encoding="utf-8")
    assert card(away, tmp_path, broken).fits


def test_the_picture_beside_a_file_is_shown_small(tmp_path: Path) -> None:
    thumbnail = "data:image/png;base64," + base64.b64encode(png(40, "blue")).decode()
    path = put(tmp_path / "dragon.safetensors", kohya("sd1"), {"modelspec.thumbnail": thumbnail})
    inside = Image.open(io.BytesIO(picture(listed(path), tmp_path)))
    assert inside.size == (40, 20) and inside.format == "JPEG"
    assert inside.convert("RGB").getpixel((5, 5))[2] > 200  # type: ignore[index]
    (tmp_path / "dragon.preview.png").write_bytes(png())
    shown = Image.open(io.BytesIO(picture(listed(path), tmp_path)))
    assert max(shown.size) == PICTURE_SIDE
    assert shown.convert("RGB").getpixel((5, 5))[0] > 200  # type: ignore[index]


@pytest.mark.parametrize(
    "data", [b"GIF89a" + b"\0" * 30, b"%!PS-Adobe", b"\x89PNG\r\n\x1a\n" + b"\0" * 99, b"<svg></svg>"]
)
def test_a_picture_that_is_none_is_left_out(
    data: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = put(tmp_path / "dragon.safetensors", kohya("sd1"))
    (tmp_path / "dragon.png").write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert picture(listed(path), tmp_path) == b""
    assert "dragon-1" in caplog.text


def test_a_lora_without_a_picture_has_none(tmp_path: Path) -> None:
    path = put(tmp_path / "dragon.safetensors", kohya("sd1"))
    assert picture(listed(path), tmp_path) == b""
    assert picture(listed(path, source=HubSource(repo="a/b", file="x.safetensors")), tmp_path) == b""
