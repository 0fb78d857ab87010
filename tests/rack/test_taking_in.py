"""LoRAs that somebody brings: looked at before they are kept, whole or not at all, never twice."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from studio.errors import StudioError
from studio.rack import taking_in
from studio.service import Studio
from tests.rack.house import ANN, GUEST, Tensors, embedding, lora, put, studio


@pytest.fixture
def house(tmp_path: Path) -> Studio:
    return studio(tmp_path)


def bring(house: Studio, tensors: Tensors | bytes, name: str = "Glow.safetensors") -> str:
    data = tensors if isinstance(tensors, bytes) else save(dict(tensors))
    return house.import_lora(io.BytesIO(data), name, ANN).id


def kept(house: Studio) -> dict[str, set[str]]:
    """What lies in the folders, hidden files included."""
    data = house.settings.data
    found = {folder: data / folder for folder in ("loras", "embeddings")}
    return {
        name: {one.name for one in path.rglob("*")} for name, path in found.items() if any(path.glob("*"))
    }


def test_a_lora_and_an_embedding_go_to_their_folders_and_are_on_the_shelf_at_once(house: Studio) -> None:
    glow = house.import_lora(io.BytesIO(save(lora())), "Glow.safetensors", ANN)
    soft = house.import_lora(io.BytesIO(save(embedding())), "soft.safetensors", ANN)
    assert kept(house) == {"loras": {"Glow.safetensors"}, "embeddings": {"soft.safetensors"}}
    assert (glow.name, glow.kind, soft.name, soft.kind) == ("Glow", "LoRA", "soft", "embedding")
    assert {card.id for card in house.loras("tiny", ANN)} == {glow.id, soft.id}


def test_the_same_content_twice_is_one_file_and_another_of_the_name_stays_beside_it(house: Studio) -> None:
    first = bring(house, lora())
    assert bring(house, lora(), "another name.safetensors") == first
    other = bring(house, lora(seed=1))
    assert other != first
    assert kept(house) == {"loras": {"Glow.safetensors", "Glow-2.safetensors"}}


def test_one_that_lies_in_another_studios_folder_is_not_brought_again(tmp_path: Path) -> None:
    there = put(tmp_path / "a1111" / "models" / "Lora" / "glow.safetensors", lora())
    house = studio(tmp_path, a1111=tmp_path / "a1111")
    card = house.import_lora(io.BytesIO(there.read_bytes()), "mine.safetensors", ANN)
    assert card.name == "glow" and kept(house) == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../../etc/evil.safetensors", "evil.safetensors"),
        ("C:\\loras\\glow.SAFETENSORS", "glow.safetensors"),
        (".hidden.safetensors", "hidden.safetensors"),
        ('a<b>:"c|d?.safetensors', "a-b---c-d-.safetensors"),
        ("国风\x00.safetensors", "国风-.safetensors"),
        ("..safetensors", "lora.safetensors"),
        ("x" * 300 + ".safetensors", "x" * 200 + ".safetensors"),
        ("国风" * 50 + ".safetensors", "国风" * 33 + ".safetensors"),
    ],
)
def test_a_name_is_made_one_that_stays_in_the_folder(house: Studio, name: str, expected: str) -> None:
    bring(house, lora(), name)
    assert kept(house) == {"loras": {expected}}


RSLORA = {"lora_adapter_metadata": '{"unet.use_rslora": true}'}
LOHA = {
    f"lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.hada_{half}": np.zeros(
        (4, 4), np.float16
    )
    for half in ("w1_a", "w1_b", "w2_a", "w2_b")
}


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"\x80\x04K\x01.", "glow.pt", "own_pickle"),
        (b"\x80\x04K\x01.", "glow.CKPT", "own_pickle"),
        (b"PK", "glow.zip", "lora_not_safetensors"),
        (b"", "glow", "lora_not_safetensors"),
        (b"", "glow.safetensors", "weights_broken"),
        (b"\x80\x04\x95" * 99, "glow.safetensors", "weights_broken"),
        ((800 * 2**20).to_bytes(8, "little") + b"{}" * 99, "glow.safetensors", "weights_broken"),
        (save(lora())[:-1], "glow.safetensors", "weights_truncated"),
        (save({"first_stage_model.x": np.zeros(1)}), "glow.safetensors", "lora_none"),
        (save(LOHA), "glow.safetensors", "lora_kind"),
        (save(lora(), RSLORA), "glow.safetensors", "lora_kind"),
    ],
)
def test_what_cannot_be_used_is_refused_under_its_name_and_leaves_nothing(
    house: Studio, data: bytes, name: str, code: str
) -> None:
    with pytest.raises(StudioError) as told:
        bring(house, data, name)
    assert told.value.code == code
    assert "glow" in str(told.value.params.get("file") or told.value.params["lora"])
    assert kept(house) == {}


def test_what_is_larger_than_any_lora_is_refused_in_the_middle(
    house: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_in, "LARGEST_LORA", 1000)
    monkeypatch.setattr(taking_in, "CHUNK", 100)
    read: list[int] = []

    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            read.append(size)
            return b"x" * size

    with pytest.raises(StudioError, match="lora_too_large"):
        house.import_lora(Endless(), "glow.safetensors", ANN)  # type: ignore[arg-type]
    assert len(read) == 11 and kept(house) == {}


def test_an_upload_that_breaks_off_leaves_nothing(house: Studio) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise ConnectionResetError
            return super().read(100)

    with pytest.raises(StudioError, match="disk_unwritable"):
        house.import_lora(Broken(save(lora())), "glow.safetensors", ANN)
    assert kept(house) == {}


def test_guests_bring_nothing(house: Studio) -> None:
    for ask in (
        lambda: house.import_lora(io.BytesIO(save(lora())), "glow.safetensors", GUEST),
        lambda: house.fetch_lora("far", GUEST),
        lambda: house.repository_loras("a/b", GUEST),
        lambda: house.bring_lora("a/b", "", GUEST),
    ):
        with pytest.raises(StudioError, match="admin_only"):
            ask()
    assert kept(house) == {} and house.lora_arrivals(GUEST) == ()
