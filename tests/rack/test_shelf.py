"""The shelf of a chosen model: LoRAs and embeddings, their names, stars and pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from studio.errors import StudioError
from studio.messages import Draft, LoraCard, LoraUse
from studio.service import Studio
from tests.rack.house import ANN, GUEST, embedding, far, lora, put, studio


@pytest.fixture
def house(tmp_path: Path) -> Studio:
    loras = tmp_path / "data" / "loras"
    put(loras / "glow.safetensors", lora(), {"modelspec.title": "Night Glow"})
    put(loras / "large.safetensors", lora("sdxl"))
    put(tmp_path / "data" / "embeddings" / "soft.safetensors", embedding())
    put(tmp_path / "data" / "embeddings" / "wide.safetensors", embedding(1024))
    return studio(tmp_path, far())


def shelf(house: Studio, model: str = "tiny") -> dict[str, LoraCard]:
    return {card.name: card for card in house.loras(model, ANN)}


def test_the_catalogs_and_ones_own_and_embeddings_stand_on_one_shelf(house: Studio) -> None:
    found = shelf(house)
    assert {name: (card.kind, card.place) for name, card in found.items()} == {
        "glow": ("LoRA", "disk"),
        "large": ("LoRA", "disk"),
        "far": ("", "hub"),
        "soft": ("embedding", "disk"),
        "wide": ("embedding", "disk"),
    }
    assert found["glow"].title.en == "Night Glow" and found["glow"].own
    assert (found["soft"].changes_text, found["soft"].changes_picture, found["soft"].bytes) == (
        True,
        False,
        4608,
    )


def test_each_says_why_a_model_will_not_do(house: Studio) -> None:
    troubles = {name: card.trouble.code if card.trouble else "" for name, card in shelf(house).items()}
    assert troubles == {
        "glow": "",
        "large": "lora_family",
        "far": "",
        "soft": "",
        "wide": "embedding_family",
    }
    assert shelf(house)["large"].trouble.params["lora"] == "large"  # type: ignore[union-attr]
    assert shelf(house, "large")["large"].fits and not shelf(house, "large")["far"].fits


def test_what_fits_comes_first_and_what_has_a_star_before_that(house: Studio) -> None:
    assert [card.name for card in house.loras("tiny", ANN)] == ["far", "glow", "soft", "large", "wide"]
    for name in ("wide", "soft"):
        house.lora_favourite(shelf(house)[name].id, True, ANN)
    assert [card.name for card in house.loras("tiny", ANN)] == ["soft", "wide", "far", "glow", "large"]
    assert not any(card.favourite for card in house.loras("tiny", GUEST))


def test_stars_outlive_the_studio_and_can_be_taken_off(house: Studio, tmp_path: Path) -> None:
    glow = shelf(house)["glow"].id
    house.lora_favourite(glow, True, ANN)
    house.lora_favourite("far", True, ANN)
    again = studio(tmp_path, far())
    assert {name for name, card in shelf(again).items() if card.favourite} == {"glow", "far"}
    again.lora_favourite(glow, False, ANN)
    assert {name for name, card in shelf(studio(tmp_path, far())).items() if card.favourite} == {"far"}
    with pytest.raises(StudioError, match="lora_unknown"):
        again.lora_favourite("nobody", True, ANN)


def test_a_file_of_stars_that_cannot_be_read_is_none(house: Studio, tmp_path: Path) -> None:
    path = tmp_path / "data" / "people" / "ann" / "loras.json"
    path.parent.mkdir(parents=True)
    for written in ("[", "[]", '{"favourites": 3}'):
        path.write_text(written, encoding="utf-8")
        assert not any(card.favourite for card in studio(tmp_path).loras("tiny", ANN))


def test_a_picture_beside_a_file_is_shown_small(house: Studio, tmp_path: Path) -> None:
    for folder, name in (("loras", "glow"), ("embeddings", "soft")):
        Image.new("RGB", (900, 300), "red").save(tmp_path / "data" / folder / f"{name}.png")
        card = shelf(house)[name]
        shown = Image.open(io.BytesIO(house.lora_picture(card.id, GUEST)))
        assert card.picture and shown.format == "JPEG" and max(shown.size) == 512
    assert house.lora_picture("far", GUEST) == b"" and not shelf(house)["far"].picture
    with pytest.raises(StudioError, match="lora_unknown"):
        house.lora_picture("nobody", GUEST)


# -- names ----------------------------------------------------------------------------------------


def said(house: Studio, *loras: LoraUse, prompt: str = "", model: str = "tiny") -> list[tuple[str, float]]:
    draft = Draft(model=model, prompt=prompt, loras=loras)
    return [(one.name, one.weight) for one in house.joined_loras(draft, ANN)]


def test_a_prompt_names_a_lora_by_its_file_its_title_or_its_id(house: Studio) -> None:
    glow = shelf(house)["glow"].id
    for name in ("glow", "GLOW", glow):
        assert said(house, prompt=f"<lora:{name}:0.5>") == [("glow", 0.5)]
    assert said(house, LoraUse(id=glow, weight=0.5), prompt="<lora:far:1><lora:glow:0.25>") == [
        ("glow", 0.75),
        ("far", 1.0),
    ]


def test_of_two_of_one_name_the_one_that_fits_the_model_is_meant(house: Studio, tmp_path: Path) -> None:
    put(tmp_path / "data" / "loras" / "xl" / "ink.safetensors", lora("sdxl"))
    put(tmp_path / "data" / "loras" / "old" / "ink.safetensors", lora("sd1"))
    house._own.look_again()
    for model, folder in (("tiny", "old"), ("large", "xl")):
        cards = {card.title.en: card for card in house.loras(model, ANN)}
        draft = Draft(model=model, prompt="<lora:ink:1>")
        assert [one.id for one in house.joined_loras(draft, ANN)] == [cards[f"loras/{folder}/ink"].id]
        assert {card.name for card in cards.values() if "ink" in card.title.en} >= {"ink"}
    assert len({card.name for card in house.loras("tiny", ANN)}) == 7


def test_before_painting_it_is_told_what_is_not_here_and_what_does_not_fit(house: Studio) -> None:
    def codes(**asked: object) -> list[str]:
        return [one.code for one in house.remarks(Draft(model="tiny").model_copy(update=asked), ANN)]

    assert codes(prompt="a cat <lora:glow:0.8>") == []
    assert codes(prompt="<lora:gone:1>, <lora:glow:much>") == ["lora_not_here", "lora_weight_unread"]
    assert codes(prompt="<lora:large:1>") == ["lora_family"]
    assert codes(loras=(LoraUse(id="gone"),)) == ["lora_missing"]
    cards = shelf(house)
    assert codes(loras=(LoraUse(id=cards["glow"].id, sha256="0" * 64),)) == ["lora_changed"]


@pytest.mark.parametrize(
    ("name", "spoil", "code"),
    [
        ("glow", lambda path: path.write_bytes(path.read_bytes()[:-5]), "weights_truncated"),
        (
            "glow",
            lambda path: path.write_bytes((800 * 2**20).to_bytes(8, "little") + b"{}" * 99),
            "weights_broken",
        ),
        ("old", lambda path: path.with_name("old.pt").write_bytes(b"\x80\x04"), "own_pickle"),
        ("glow", lambda path: path.unlink(), ""),
    ],
)
def test_a_file_that_is_there_and_cannot_be_used_says_why_wherever_it_is_named(
    house: Studio, tmp_path: Path, name: str, spoil: Callable[[Path], object], code: str
) -> None:
    use = LoraUse(id=shelf(house)["glow"].id, name=name)
    spoil(tmp_path / "data" / "loras" / "glow.safetensors")
    house._own.look_again()
    told = [
        [one.code for one in house.remarks(Draft(model="tiny").model_copy(update=asked), ANN)]
        for asked in ({"prompt": f"<lora:{name}:1>"}, {"loras": (use.model_copy(update={"id": "x"}),)})
    ]
    assert told == ([[code], [code]] if code else [["lora_not_here"], ["lora_missing"]])
    if code:
        with pytest.raises(StudioError, match=code):
            house.submit(Draft(model="tiny", prompt=f"a cat<lora:{name}:0.5>"), ANN)
