"""The scenes and styles that ship: they name what exists, parse cleanly, and keep the course's structure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pocket.tokens import build_backend
from pocket.world.words import all_words
from studio.families import FAMILIES
from studio.prompt import parse, print_prompt, refusal

ROOT = Path(__file__).parent.parent
PRESETS = ROOT / "presets"
LANGUAGES = ("en", "zh")
POCKET_STYLES = ("flat-illustration", "ink-drawing", "watercolour", "pixel-art", "neon", "paper-cut")
NEGATIVE = (
    "(lowres, low quality, worst quality:1.2), (text:1.2), deformed, black and white, disfigured, "
    "low contrast, cropped, missing fingers"
)
BACKEND = build_backend()
KNOWN = set().union(*all_words()) | set(".,，、")


def shelf(kind: str) -> dict[str, dict[str, Any]]:
    """All styles or all scenes by their ids."""
    files = [yaml.safe_load(path.read_text("utf-8")) for path in sorted((PRESETS / kind).glob("*.yaml"))]
    return {one["id"]: one for file in files for one in file[kind]}


STYLES, SCENES = shelf("styles"), shelf("scenes")


def unknown_to_the_pocket(text: str) -> list[str]:
    """Pieces that the model in the box has no word for."""
    return [piece for piece in BACKEND.encode(text).tokens[1:-1] if piece not in KNOWN]


def small_world() -> list[dict[str, Any]]:
    """The scenes made for the model in the box."""
    read: dict[str, Any] = yaml.safe_load((PRESETS / "scenes" / "small-world.yaml").read_text("utf-8"))
    return list(read["scenes"])


def test_every_scene_names_a_style_that_ships() -> None:
    assert {one["style"] for one in SCENES.values() if "style" in one} - set(STYLES) == set()


def test_every_scene_wants_models_of_the_catalog_or_known_families() -> None:
    catalog = yaml.safe_load((ROOT / "models.yaml").read_text("utf-8"))
    known = {model["id"] for model in catalog["models"]} | set(FAMILIES)
    assert {want for one in SCENES.values() for want in one.get("wants", ())} - known == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_a_scene_is_read_without_loss(language: str) -> None:
    texts = [one[key][language] for one in SCENES.values() for key in ("prompt", "negative")]
    assert [text for text in texts if refusal(text) or print_prompt(parse(text)) != text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_style_has_one_place_for_the_prompt(language: str) -> None:
    assert [id for id, one in STYLES.items() if one["prompt"][language].count("{prompt}") != 1] == []


def test_the_course_illustrator_keeps_its_negative_and_its_weights() -> None:
    scene = SCENES["cheerful-illustrator"]
    assert scene["negative"]["en"] == NEGATIVE
    chinese = parse(scene["negative"]["zh"]).phrases[0].chunks[0].pieces
    english = parse(NEGATIVE).phrases[0].chunks[0].pieces
    assert [piece.weight for piece in chinese] == [piece.weight for piece in english]


def test_the_course_dragon_changes_by_its_lora_alone() -> None:
    scene = SCENES["spring-festival-dragon"]
    assert scene["lora"]["weights"] == [0, 0.5, 1]
    assert isinstance(scene["seed"], int)


def test_the_course_lighthouse_has_its_platform_in_a_phrase_of_its_own() -> None:
    chapter = yaml.safe_load((PRESETS / "spellbook" / "platform.yaml").read_text("utf-8"))
    spells = [spell for group in chapter["groups"] for spell in group["spells"]]
    prompt = SCENES["lighthouse-at-dusk"]["prompt"]
    for language, comma in (("en", ", "), ("zh", "，")):
        phrases = set(prompt[language].split(comma))
        assert len(phrases & {spell[language] for spell in spells}) == 1


@pytest.mark.parametrize("scene", small_world(), ids=lambda scene: str(scene["id"]))
def test_scenes_for_the_model_in_the_box_use_its_words_alone(scene: dict[str, Any]) -> None:
    assert "wants" not in scene and "style" not in scene
    assert [unknown_to_the_pocket(scene["prompt"][language]) for language in LANGUAGES] == [[], []]


@pytest.mark.parametrize("id", POCKET_STYLES)
def test_the_styles_of_the_model_in_the_box_use_its_words_alone(id: str) -> None:
    said = [STYLES[id]["prompt"][language].replace("{prompt}", "") for language in LANGUAGES]
    assert [unknown_to_the_pocket(text) for text in said] == [[], []]
