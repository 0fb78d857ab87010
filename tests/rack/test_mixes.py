"""Mixes of LoRAs: saved under a name, renamed, taken away, kept for each person, named when something is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.messages import MOST_LORAS, LoraUse
from studio.rack import mixes
from studio.service import Studio
from tests.rack.house import ANN, GUEST, far, lora, put, studio

USES = (LoraUse(id="far", weight=0.8), LoraUse(id="gone", weight=-0.5, text_encoder_weight=0.25))


@pytest.fixture
def house(tmp_path: Path) -> Studio:
    return studio(tmp_path, far())


def names(house: Studio) -> list[str]:
    return [mix.name for mix in house.lora_mixes(ANN)]


def refused(call: object, *given: object) -> str:
    with pytest.raises(StudioError) as told:
        call(*given)  # type: ignore[operator]
    return told.value.code


def test_a_mix_is_kept_with_its_weights_over_a_restart_and_for_its_person_alone(
    house: Studio, tmp_path: Path
) -> None:
    kept = house.keep_lora_mix("  My   ink ", USES, ANN)
    assert kept.name == "My ink"
    (again,) = studio(tmp_path, far()).lora_mixes(ANN)
    assert again == kept and [(use.weight, use.on_text) for use in again.uses] == [(0.8, 0.8), (-0.5, 0.25)]
    assert house.lora_mixes(GUEST) == ()


def test_a_lora_is_kept_by_name_so_that_it_can_be_told_when_it_is_gone(house: Studio, tmp_path: Path) -> None:
    file = put(tmp_path / "data" / "loras" / "glow.safetensors", lora())
    house._own.look_again()
    (id,) = (card.id for card in house.loras("tiny", ANN) if card.name == "glow")
    house.keep_lora_mix("Ink", [LoraUse(id=id), LoraUse(id="gone", name="lost")], ANN)
    file.unlink()
    house._own.look_again()
    assert [use.name for use in house.lora_mixes(ANN)[0].uses] == ["glow", "lost"]


def test_one_of_the_same_name_gives_way_and_all_stand_by_name(house: Studio) -> None:
    for name in ("wood", "Ink", "clay"):
        house.keep_lora_mix(name, USES, ANN)
    house.keep_lora_mix("INK", USES[:1], ANN)
    assert names(house) == ["clay", "INK", "wood"]
    assert [len(mix.uses) for mix in house.lora_mixes(ANN)] == [2, 1, 2]


def test_one_is_renamed_but_not_to_what_another_is_called(house: Studio) -> None:
    ink, wood = (house.keep_lora_mix(name, USES, ANN) for name in ("ink", "wood"))
    house.rename_lora_mix(ink.id, "Ink", ANN)
    assert names(house) == ["Ink", "wood"]
    assert refused(house.rename_lora_mix, wood.id, "INK", ANN) == "mix_name_taken"
    assert refused(house.rename_lora_mix, "none", "clay", ANN) == "mix_gone"
    assert refused(house.rename_lora_mix, wood.id, " ", ANN) == "own_nameless"
    assert names(house) == ["Ink", "wood"]


def test_one_is_taken_away(house: Studio, tmp_path: Path) -> None:
    ink = house.keep_lora_mix("ink", USES, ANN)
    house.keep_lora_mix("wood", USES, ANN)
    house.forget_lora_mix(ink.id, ANN)
    assert names(house) == names(studio(tmp_path)) == ["wood"]
    assert refused(house.forget_lora_mix, ink.id, ANN) == "mix_gone"


def test_what_is_no_mix_is_refused_in_words(house: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [LoraUse(id=f"x{number}") for number in range(MOST_LORAS + 1)]
    keep = house.keep_lora_mix
    assert refused(keep, "", USES, ANN) == "own_nameless"
    assert refused(keep, "x" * 61, USES, ANN) == "own_too_long"
    assert refused(keep, "ink", [], ANN) == "mix_empty"
    assert refused(keep, "ink", many, ANN) == "loras_too_many"
    monkeypatch.setattr(mixes, "MOST", 1)
    keep("ink", USES, ANN)
    assert refused(keep, "wood", USES, ANN) == "mixes_too_many"
    keep("ink", USES[:1], ANN)
    assert names(house) == ["ink"]


def test_a_file_of_mixes_that_cannot_be_read_is_none(house: Studio, tmp_path: Path) -> None:
    kept = house.keep_lora_mix("ink", USES, ANN)
    path = tmp_path / "data" / "people" / "ann" / mixes.FILE
    whole = path.read_text(encoding="utf-8")
    for written in ("[", "[]", '{"mixes": 3}', '{"mixes": [3]}'):
        path.write_text(written, encoding="utf-8")
        assert studio(tmp_path).lora_mixes(ANN) == ()
    path.write_text(whole.replace('"mixes": [', '"mixes": [{"id": 1},', 1), encoding="utf-8")
    assert studio(tmp_path).lora_mixes(ANN) == (kept,)
