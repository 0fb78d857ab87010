"""A person's own files: they appear, they vanish, they are told from their headers, and the rest is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from studio import own
from studio.catalog import Catalog
from studio.errors import StudioError, say_trouble
from studio.families import FAMILIES
from studio.limits import resolve
from studio.messages import Base, Draft, HighResolution, LocalSource, Person, Upscale, VaeSpec
from studio.own import Found, Library, Own
from studio.settings import Settings
from tests import samples
from tests.test_weights import INLET, SD1_TEXT, SD2_TEXT, SDXL_TEXT, VAE, headed, layers
from tests.tiny_parts import upscaler_spec, vae_spec

SD1 = {INLET: (320, 4, 3, 3), SD1_TEXT: (1,), VAE: (512, 4, 3, 3)}
SD2 = {INLET: (320, 4, 3, 3), SD2_TEXT: (1,), VAE: (512, 4, 3, 3)}
SDXL = {INLET: (320, 4, 3, 3), VAE: (512, 4, 3, 3), **layers(*SDXL_TEXT)}
LORA = {"lora_unet_x_attn2_to_k.lora_down.weight": (4, 768)}
EMBEDDING = {"emb_params": (4, 768)}
VAE_ALONE = {"decoder.conv_in.weight": (512, 4, 3, 3), "encoder.conv_in.weight": (1,)}
UPSCALER = {"conv_first.weight": (64, 3, 3, 3)}


def put(folder: Path, name: str, shapes: dict[str, tuple[int, ...]] | None = None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return headed(path, SD1 if shapes is None else shapes)


def owned(folder: Path, **settings: object) -> Own:
    return Own(Settings(data=folder / "data", **settings), fresh_seconds=0.0)


def refused(found: Found) -> dict[str, str]:
    return {one.name: one.trouble.code for one in found.refused}


def test_a_file_that_is_dropped_in_appears_and_vanishes_with_its_file(tmp_path: Path) -> None:
    own = owned(tmp_path)
    assert own.found() == Found()
    own.prepare()
    path = put(tmp_path / "data", "checkpoints/My Model v2.safetensors")
    (spec,) = own.found().specs.values()
    assert (spec.title.en, spec.family, spec.own, spec.licence) == ("My Model v2", "sd1", True, "unknown")
    assert (spec.source.kind, spec.source.path) == ("file", str(path))
    assert spec.id.startswith("my-model-v2-")
    path.unlink()
    assert own.found().specs == {}


@pytest.mark.parametrize(
    ("shapes", "family", "side"), [(SD1, "sd1", 512), (SD2, "sd2", 768), (SDXL, "sdxl", 1024)]
)
def test_a_checkpoint_paints_with_what_its_family_is_used_to(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], family: str, side: int
) -> None:
    put(tmp_path / "data", "checkpoints/x.safetensors", shapes)
    (spec,) = owned(tmp_path).found().specs.values()
    assert (spec.family, spec.defaults.size.width) == (family, side)
    assert resolve(Draft(model=spec.id), spec, "job", Person(id="ann"))


def test_defaults_lie_within_limits_in_every_family() -> None:
    for family in FAMILIES:
        defaults, limits = own._defaults(family), own._limits(family)
        assert limits.smallest <= defaults.size.width <= limits.largest
        assert defaults.size.width % limits.multiple == 0
        assert defaults.steps <= limits.steps and defaults.guidance <= limits.guidance


def test_each_kind_of_file_goes_to_its_place_whatever_folder_it_lies_in(tmp_path: Path) -> None:
    data = tmp_path / "data"
    put(data, "checkpoints/lora.safetensors", LORA)
    put(data, "loras/style.safetensors", LORA)
    put(data, "loras/model.safetensors")
    put(data, "vae/soft.safetensors", VAE_ALONE)
    put(data, "vae/large.safetensors", UPSCALER)
    put(data, "embeddings/word.safetensors", EMBEDDING)
    found = owned(tmp_path).found()
    assert [spec.title.en for spec in found.specs.values()] == ["model"]
    assert [spec.title.en for spec in found.vaes.values()] == ["soft"]
    assert [spec.title.en for spec in found.upscalers.values()] == ["large"]
    kinds = {file.title: (file.kind, file.family) for file in found.files}
    assert kinds == {"lora": ("lora", "sd1"), "style": ("lora", "sd1"), "word": ("embedding", "sd1")}
    assert found.refused == ()


CONTROL = {"controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3), "a.attn2.to_k.weight": (320, 768)}


def test_a_control_net_joins_with_its_family_and_the_kind_that_its_name_tells(tmp_path: Path) -> None:
    put(tmp_path / "data", "controls/control_v11p_sd15_canny.safetensors", CONTROL)
    put(tmp_path / "data", "controls/some thing.safetensors", CONTROL)
    union = {**CONTROL, "control_add_embedding.x": (1,), "a.attn2.to_k.weight": (320, 2048)}
    put(tmp_path / "data", "controls/union.safetensors", union)
    put(tmp_path / "data", "controls/other.safetensors", {**CONTROL, "a.attn2.to_k.weight": (320, 999)})
    found = owned(tmp_path).found()
    nets = {net.title.en: net for net in found.controls.values()}
    assert nets["control_v11p_sd15_canny"].kinds == ("canny",) and nets["some thing"].kinds == ()
    assert nets["some thing"].family == "sd1" and nets["some thing"].follows("pose")
    assert (nets["union"].family, nets["union"].network) == ("sdxl", "union")
    assert set(nets["union"].modes) == set(nets["union"].kinds) > {"pose", "canny"}
    assert [one.trouble.code for one in found.refused] == ["own_family"]


def test_a_model_is_offered_the_control_nets_of_its_family(tmp_path: Path) -> None:
    put(tmp_path / "data", "controls/pose.safetensors", CONTROL)
    put(tmp_path / "data", "controls/xl.safetensors", {**CONTROL, "a.attn2.to_k.weight": (320, 2048)})
    listed = samples.control()
    library = Library(Catalog({"tiny": samples.spec()}, controls={listed.id: listed}), owned(tmp_path))
    assert [net.title.en for net in library.controls_for("tiny")] == ["Edges", "pose"]
    assert len(library.controls) == 3 and library.entry(listed.id) is listed


def test_own_loras_join_those_of_the_catalog(tmp_path: Path) -> None:
    key = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"
    put(tmp_path / "data", "loras/My Glow.safetensors", {key: (4, 768)})
    library = Library(Catalog({"tiny": samples.spec()}), owned(tmp_path))
    (glow,) = library.loras.values()
    assert glow.own and glow.family == "sd1" and glow.title.en == "My Glow"
    assert library.entry(glow.id) == glow and glow.id.startswith("my-glow-")


def test_an_inpainting_checkpoint_is_known_as_one(tmp_path: Path) -> None:
    put(tmp_path / "data", "checkpoints/x.safetensors", SD1 | {INLET: (320, 9, 3, 3)})
    (spec,) = owned(tmp_path).found().specs.values()
    assert spec.capabilities == ("inpaint",)


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        (
            "a1111",
            [
                "models/Stable-diffusion/a.safetensors",
                "models/VAE/b.safetensors",
                "models/Lora/c.safetensors",
            ],
        ),
        (
            "comfyui",
            ["models/checkpoints/a.safetensors", "models/vae/b.safetensors", "models/loras/c.safetensors"],
        ),
    ],
)
def test_an_installation_of_another_program_is_read_where_it_lies(
    tmp_path: Path, setting: str, names: list[str]
) -> None:
    place = tmp_path / "other"
    for name, shapes in zip(names, (SD1, VAE_ALONE, LORA), strict=True):
        put(place, name, shapes)
    found = owned(tmp_path, **{setting: place}).found()
    assert len(found.specs) == len(found.vaes) == len(found.files) == 1
    assert next(iter(found.specs.values())).source.path == str(place / names[0])
    assert found.refused == ()


def test_a_setting_that_names_a_wrong_folder_is_told(tmp_path: Path) -> None:
    found = owned(tmp_path, a1111=tmp_path / "nowhere", comfyui=tmp_path).found()
    assert [one.trouble.code for one in found.refused] == ["own_folder", "own_folder"]
    assert {one.trouble.params["setting"] for one in found.refused} == {"STUDIO_A1111", "STUDIO_COMFYUI"}


def test_what_cannot_be_used_is_listed_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "checkpoints"
    put(folder, "alone.safetensors", {INLET: (320, 4, 3, 3), SD1_TEXT: (1,)})
    put(folder, "edit.safetensors", SD1 | {INLET: (320, 8, 3, 3)})
    put(folder, "other.safetensors", {"something": (4096, 4096)})
    put(folder, "refiner.safetensors", {INLET: (384, 4, 3, 3), VAE: (1, 4, 3, 3), SDXL_TEXT[0]: (1,)})
    (folder / "page.safetensors").write_bytes(b"<!doctype html>")
    short = put(folder, "sub/short.safetensors", {"a": (1,)})
    short.write_bytes(short.read_bytes().replace(b"[0, 0]", b"[0, 9]"))
    for suffix in ("ckpt", "pt", "pth", "bin", "CKPT"):
        (folder / f"old.{suffix}").write_bytes(b"pickle")
    for name in ("notes.txt", "preview.png", ".hidden.ckpt", "x.safetensors.part"):
        (folder / name).write_bytes(b"")
    found = owned(tmp_path).found()
    assert found.specs == {}
    assert refused(found) == {
        "checkpoints/alone.safetensors": "own_partial",
        "checkpoints/edit.safetensors": "own_unknown",
        "checkpoints/other.safetensors": "own_unknown",
        "checkpoints/refiner.safetensors": "own_family",
        "checkpoints/page.safetensors": "weights_broken",
        "checkpoints/sub/short.safetensors": "weights_truncated",
        **{f"checkpoints/old.{suffix}": "own_pickle" for suffix in ("ckpt", "pt", "pth", "bin", "CKPT")},
    }
    for one in found.refused:
        assert Path(one.name).name in say_trouble("en", one.trouble)
        assert "{" not in say_trouble("zh", one.trouble)


def test_a_file_that_is_still_being_copied_appears_once_it_is_whole(tmp_path: Path) -> None:
    path = put(tmp_path / "data", "checkpoints/x.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    own = owned(tmp_path)
    assert list(refused(own.found())) == ["checkpoints/x.safetensors"]
    path.write_bytes(whole)
    assert len(own.found().specs) == 1 and own.found().refused == ()


def test_files_of_one_name_are_two_models_with_two_titles(tmp_path: Path) -> None:
    put(tmp_path / "data", "checkpoints/a/model.safetensors")
    put(tmp_path / "data", "checkpoints/b/model.safetensors")
    specs = owned(tmp_path).found().specs
    assert [spec.title.en for spec in specs.values()] == ["checkpoints/a/model", "checkpoints/b/model"]


@pytest.mark.parametrize("name", ["猫咪大师", "a...", "-x-", "A B (c)", "../x", "émile", "x" * 200])
def test_any_name_of_a_file_makes_a_safe_id(tmp_path: Path, name: str) -> None:
    put(tmp_path / "data" / "checkpoints" / "sub", f"{name}.safetensors")
    (spec,) = owned(tmp_path).found().specs.values()
    assert spec.model_validate(spec.model_dump()).id == spec.id


def test_an_id_stays_when_other_files_come_and_when_the_data_folder_moves(tmp_path: Path) -> None:
    put(tmp_path / "data", "checkpoints/model.safetensors")
    first = list(owned(tmp_path).found().specs)
    put(tmp_path / "data", "checkpoints/a/model.safetensors")
    assert set(first) < set(owned(tmp_path).found().specs)
    shutil.move(tmp_path / "data", tmp_path / "moved" / "data")
    assert set(first) < set(owned(tmp_path / "moved").found().specs)


def test_a_header_is_read_once_for_as_long_as_the_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    whole = own._tell
    monkeypatch.setattr(own, "_tell", lambda path, *more: read.append(path.name) or whole(path, *more))
    put(tmp_path / "data", "checkpoints/a.safetensors")
    mine = owned(tmp_path)
    first = mine.found()
    assert mine.found() is first
    put(tmp_path / "data", "checkpoints/b.safetensors")
    mine.found()
    assert read == ["a.safetensors", "b.safetensors"]
    put(tmp_path / "data", "checkpoints/a.safetensors", SDXL)
    assert {spec.family for spec in mine.found().specs.values()} == {"sd1", "sdxl"}
    assert read == ["a.safetensors", "b.safetensors", "a.safetensors"]


def test_many_who_ask_at_once_look_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Own(Settings(data=tmp_path / "data"), fresh_seconds=1000.0)
    mine.found()
    monkeypatch.setattr(own.os, "walk", lambda *_, **__: pytest.fail("it was looked at a moment ago"))
    mine.found()


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    put(tmp_path / "data", "checkpoints/sub/x.safetensors")
    (tmp_path / "data" / "checkpoints" / "sub" / "round").symlink_to(tmp_path / "data" / "checkpoints")
    (tmp_path / "data" / "checkpoints" / "gone.safetensors").symlink_to(tmp_path / "nowhere")
    assert len(owned(tmp_path).found().specs) == 1


def test_the_library_is_the_catalog_with_a_persons_own_files(tmp_path: Path) -> None:
    catalog = Catalog({"tiny": samples.spec()})
    library = Library(catalog, owned(tmp_path))
    assert list(library.specs) == ["tiny"]
    put(tmp_path / "data", "checkpoints/mine.safetensors")
    put(tmp_path / "data", "vae/soft.safetensors", VAE_ALONE)
    put(tmp_path / "data", "loras/style.safetensors", LORA)
    (tmp_path / "data" / "loras" / "old.pt").write_bytes(b"pickle")
    assert [spec.title.en for spec in library.specs.values()][1:] == ["mine"]
    id = list(library.specs)[1]
    assert library.spec(id).own and library.spec("tiny") is catalog.specs["tiny"]
    assert len(library.vaes) == len(library.files) == len(library.refused) == 1
    assert library.upscalers == {} and library.problems == ()
    assert library.default_for(True).id == "tiny"
    with pytest.raises(StudioError, match="model_unknown"):
        library.spec("nobody")


def test_without_a_catalog_the_first_own_model_is_the_default(tmp_path: Path) -> None:
    library = Library(Catalog({}), owned(tmp_path))
    assert library.default_for(False) is None
    put(tmp_path / "data", "checkpoints/mine.safetensors")
    assert library.default_for(False).title.en == "mine"


# -- VAEs and upscalers ---------------------------------------------------------------------------

VAE_OF_16 = {"decoder.conv_in.weight": (512, 16, 3, 3), "encoder.conv_in.weight": (1,)}


def test_a_vae_fits_the_families_whose_latents_have_its_channels(tmp_path: Path) -> None:
    put(tmp_path / "data", "vae/four.safetensors", VAE_ALONE)
    put(tmp_path / "data", "vae/many.safetensors", VAE_OF_16)
    put(tmp_path / "data", "vae/none.safetensors", {**VAE_ALONE, "decoder.conv_in.weight": (512, 32, 3, 3)})
    found = owned(tmp_path).found()
    assert [vae.families for vae in found.vaes.values()] == [("sd1", "sd2", "sdxl"), ("sd3",)]
    assert refused(found) == {"vae/none.safetensors": "own_vae_family"}


@pytest.mark.parametrize(
    ("setting", "folder"),
    [("data", "upscalers"), ("a1111", "models/ESRGAN"), ("comfyui", "models/upscale_models")],
)
def test_upscalers_are_found_whatever_their_header_tells_and_pickles_are_refused(
    tmp_path: Path, setting: str, folder: str
) -> None:
    place = tmp_path / setting
    put(place, f"{folder}/known.safetensors", UPSCALER)
    put(place, f"{folder}/new.safetensors", {"some.network.weight": (8, 3, 3, 3)})
    (place / folder / "old.pth").write_bytes(b"pickle")
    found = owned(tmp_path, **({} if setting == "data" else {setting: place})).found()
    assert [one.title.en for one in found.upscalers.values()] == ["known", "new"]
    assert list(refused(found).values()) == ["own_pickle"]


def library_of(folder: Path) -> Library:
    catalog = Catalog(
        {"tiny": samples.spec()},
        vaes={"soft": vae_spec(folder / "soft", families=("sd1",)), "xl": vae_spec(folder, "xl", ("sdxl",))},
        upscalers={"large": upscaler_spec(folder / "large.safetensors")},
    )
    return Library(catalog, owned(folder))


def test_a_request_names_every_entry_it_needs_and_its_model_only_where_it_paints(tmp_path: Path) -> None:
    library = library_of(tmp_path)
    whole = samples.request(vae="soft", stages=(Base(), HighResolution(upscaler="large"), Upscale()))
    assert [one.id for one in library.entries(whole)] == ["tiny", "soft", "large"]
    assert [one.id for one in library.entries(samples.request())] == ["tiny"]
    larger = samples.request(model="gone", vae="soft", stages=(Upscale(upscaler="large"),))
    assert [one.id for one in library.entries(larger)] == ["large"]
    assert library.entries(samples.request(model="gone", stages=(Upscale(),))) == ()


def test_what_is_not_here_or_does_not_fit_is_told(tmp_path: Path) -> None:
    library = library_of(tmp_path)
    with pytest.raises(StudioError, match="entry_unknown"):
        library.entries(samples.request(stages=(Upscale(upscaler="nobody"),)))
    with pytest.raises(StudioError, match="vae_unfit"):
        library.entries(samples.request(vae="xl"))


def test_a_vae_of_a_persons_own_is_of_the_family_it_is_used_in(tmp_path: Path) -> None:
    library = library_of(tmp_path)
    put(tmp_path / "data", "vae/mine.safetensors", VAE_ALONE)
    mine = next(id for id, one in library.vaes.items() if one.own)
    (_, used) = library.entries(samples.request(vae=mine))
    assert isinstance(used, VaeSpec) and (used.id, used.families) == (mine, ("sd1",))
    assert [one.id for one in library.vaes_for("tiny")] == ["soft", mine]


def test_a_vae_whose_latents_are_scaled_otherwise_does_not_fit_though_its_family_is_the_same(
    tmp_path: Path,
) -> None:
    for name, factor in (("model/vae", 0.7), ("mine", 0.7), ("usual", 0.18215)):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").write_text(json.dumps({"scaling_factor": factor}))
    models = {
        "small": samples.spec(id="small", source=LocalSource(path=str(tmp_path / "model"))),
        "tiny": samples.spec(),
    }
    vaes = {name: vae_spec(tmp_path / name, name) for name in ("mine", "usual")}
    library = Library(Catalog(models, vaes=vaes), owned(tmp_path))
    assert [one.id for one in library.vaes_for("small")] == ["mine"]
    assert [one.id for one in library.vaes_for("tiny")] == ["usual"]
    with pytest.raises(StudioError, match="vae_unfit"):
        library.entries(samples.request(model="small", vae="usual"))
