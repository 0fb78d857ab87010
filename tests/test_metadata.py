"""Recipes in picture files: ours come back whole, other tools can read them, foreign files have none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.families import FAMILIES
from studio.limits import draft_of
from studio.messages import Base, HighResolution, LoraUse, Mask, Start, Upscale, Variation
from studio.metadata import PARAMETERS_KEY, RECIPE_KEY, parameters_text, read_recipe, write_png
from tests.samples import recipe

PICTURE = Image.new("RGB", (24, 16), (200, 30, 10))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def test_a_recipe_comes_back_from_its_picture_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ann" / "picture.png"
    write_png(PICTURE, recipe(), path)
    assert read_recipe(path) == recipe()
    assert "一只红猫" in recipe().request.prompt
    with Image.open(path) as image:
        assert image.format == "PNG" and image.convert("RGB").tobytes() == PICTURE.tobytes()
    assert [file.name for file in path.parent.iterdir()] == ["picture.png"]


@settings(max_examples=40, deadline=None)
@given(prompt=TEXTS, negative=TEXTS)
def test_any_prompt_comes_back(tmp_path_factory: pytest.TempPathFactory, prompt: str, negative: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.png"
    write_png(PICTURE, recipe(prompt=prompt, negative=negative), path)
    assert read_recipe(path) == recipe(prompt=prompt, negative=negative)


@pytest.mark.parametrize("prompt", ["a red cat", "一只红猫\n第二行", "é, ü"])
def test_other_tools_find_the_parameters_text(tmp_path: Path, prompt: str) -> None:
    path = tmp_path / "picture.png"
    write_png(PICTURE, recipe(prompt=prompt), path)
    with Image.open(path) as image:
        assert image.info[PARAMETERS_KEY] == parameters_text(recipe(prompt=prompt))


def test_the_parameters_text_is_laid_out_as_other_tools_write_it() -> None:
    assert parameters_text(recipe(prompt="a red cat")).splitlines() == [
        "a red cat",
        "Negative prompt: low quality",
        "Steps: 3, Sampler: DPM++ 2M Karras, CFG scale: 4.5, Seed: 7, Size: 24x16, "
        "Model hash: 0123456789, Model: tiny, Version: Spellbook Studio 1.2",
    ]


def test_what_is_not_known_is_left_out_of_the_parameters_text() -> None:
    whole = recipe(negative="", guidance=4.0, sampler="of_another_time").model_copy(update={"model_hash": ""})
    text = parameters_text(whole)
    assert "Negative" not in text and "Model hash" not in text
    assert "CFG scale: 4," in text and "Sampler: of_another_time," in text


def test_a_picture_of_someone_elses_has_no_recipe(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text(PARAMETERS_KEY, "a cat\nSteps: 20")
    PICTURE.save(tmp_path / "theirs.png", pnginfo=info)
    PICTURE.save(tmp_path / "theirs.jpg")
    assert read_recipe(tmp_path / "theirs.png") is None
    assert read_recipe(tmp_path / "theirs.jpg") is None


def test_a_recipe_that_is_not_ours_to_read_is_an_error_of_its_value(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_itxt(RECIPE_KEY, '{"format": 99}')
    PICTURE.save(tmp_path / "later.png", pnginfo=info)
    with pytest.raises(ValueError, match="request"):
        read_recipe(tmp_path / "later.png")


def test_a_picture_whose_writing_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(self: Image.Image, path: Path, **_: object) -> None:
        path.write_bytes(b"\x89PNG half of it")
        raise OSError("no space left on device")

    monkeypatch.setattr(Image.Image, "save", half)
    with pytest.raises(OSError, match="no space"):
        write_png(PICTURE, recipe(), tmp_path / "picture.png")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_whose_writing_fails_keeps_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "picture.png"
    write_png(PICTURE, recipe(), path)
    before = path.read_bytes()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("gone")))
    with pytest.raises(OSError, match="gone"):
        write_png(PICTURE, recipe(seed=8), path)
    assert path.read_bytes() == before


def test_settings_of_every_way_to_start_stand_under_the_names_other_tools_use() -> None:
    text = parameters_text(
        recipe(
            start=Start(picture="a" * 64, strength=0.35),
            mask=Mask(picture="b" * 64, feather=6, area="masked", fill="noise"),
            variation=Variation(seed=9, weight=0.25),
            clip_skip=2,
            vae="better",
            tiling="both",
            negative="text",
            negative_counts="needed",
        )
    )
    said = dict(part.split(": ") for part in text.splitlines()[-1].split(", "))
    assert said["Denoising strength"] == "0.35" and said["Inpaint area"] == "Only masked"
    assert (said["Mask blur"], said["Masked content"]) == ("6", "noise")
    assert (said["Variation seed"], said["Variation seed strength"]) == ("9", "0.25")
    assert said["Negative counts"] == "as needed"
    assert (said["Clip skip"], said["VAE"], said["Tiling"]) == ("2", "better", "both")


def test_later_stages_stand_in_the_parameters_and_an_enlargement_claims_no_more_than_it_did() -> None:
    twice = HighResolution(factor=1.5, strength=0.4, upscaler="sharp")
    text = parameters_text(recipe(stages=(Base(), twice, Upscale(factor=4))))
    assert "Hires upscale: 1.5, Hires upscaler: sharp" in text and "Postprocess upscale by: 4" in text
    only = parameters_text(recipe(stages=(Upscale(factor=2, upscaler="sharp"),)))
    assert "Postprocess upscaler: sharp" in only and "Steps" not in only and "Seed" not in only


def test_loras_stand_in_the_prompt_and_their_hashes_in_quotes() -> None:
    glow = LoraUse(id="glow-1a", name="glow", weight=0.8, sha256="ab" * 32)
    ink = LoraUse(id="ink", weight=0.5, text_encoder_weight=0.25, sha256="cd" * 32)
    prompt, _, last = parameters_text(recipe(prompt="a red cat", loras=(glow, ink))).splitlines()
    assert prompt == "a red cat<lora:glow:0.8><lora:ink:0.25:0.5>"
    assert ', Lora hashes: "glow: ababababab, ink: cdcdcdcdcd", Version: ' in last
    assert "Lora" not in parameters_text(recipe())


def test_a_recipe_tells_the_loras_by_names_weights_and_hashes(tmp_path: Path) -> None:
    glow = LoraUse(id="glow-1a", name="glow", weight=0.8, sha256="ab" * 32)
    whole = recipe(loras=(glow,), written_loras=(glow,))
    write_png(PICTURE, whole, tmp_path / "one.png")
    found = read_recipe(tmp_path / "one.png")
    assert found and found.request.loras == (glow,) and draft_of(found.request).loras == (glow,)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_every_samplers_name_comes_back_from_a_recipe(tmp_path: Path, family: str) -> None:
    samplers = FAMILIES[family].samplers
    assert len({one.title for one in samplers}) == len({one.id for one in samplers}) == len(samplers)
    for one in samplers:
        write_png(PICTURE, recipe(sampler=one.id), tmp_path / "one.png")
        found = read_recipe(tmp_path / "one.png")
        assert found and draft_of(found.request).sampler == one.id
        assert f"Sampler: {one.title}," in parameters_text(found)
