"""LoRAs from a hub on this machine: listed, fetched, looked at, kept; and those of the catalog before a job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from safetensors.numpy import save

from studio.downloads import transfer
from studio.errors import StudioError
from studio.messages import (
    Done,
    Downloading,
    Draft,
    Failed,
    LocalSource,
    LoraArrival,
    LoraCard,
    ModelScopeSource,
)
from studio.service import Studio
from tests.hub import Hub, serving
from tests.rack.house import ANN, embedding, far, lora, studio
from tests.worlds import PATIENCE, fake_checkpoint, paint

FILES = {
    "README.md": b"read me",
    "ink.safetensors": save(lora()),
    "old/ink.pt": b"\x80\x04",
    "styles/dust.safetensors": save(lora(seed=1)),
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(transfer, "PAUSE", 0.01)
    with serving() as hub:
        hub.repos["a/loras"] = dict(FILES) | {"far.safetensors": save(lora(seed=2))}
        hub.repos["b/only"] = {"pytorch_lora_weights.safetensors": save(lora(seed=3))}
        hub.repos["c/none"] = {"x.ckpt": b"\x80", "model.bin": b"\x80"}
        yield hub


@pytest.fixture
def house(hub: Hub, tmp_path: Path) -> Studio:
    return studio(tmp_path, far(), hub=hub.url, modelscope=hub.url)


def until(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def arrived(house: Studio, id: str) -> LoraArrival:
    def ended() -> bool:
        return any(one.id == id and (one.lora or one.failed) for one in house.lora_arrivals(ANN))

    until(ended)
    return next(one for one in house.lora_arrivals(ANN) if one.id == id)


def names(house: Studio) -> set[str]:
    return {card.name for card in house.loras("tiny", ANN) if card.place == "disk"}


def code(ask: Callable[[], object]) -> str:
    with pytest.raises(StudioError) as told:
        ask()
    return told.value.code


@pytest.mark.parametrize(
    "address",
    [
        "a/loras",
        " a/loras ",
        "modelscope:a/loras",
        "ModelScope: a/loras",
        "{hub}/a/loras",
        "{hub}/models/a/loras",
    ],
)
def test_a_repository_is_told_by_its_name_or_by_its_page(house: Studio, hub: Hub, address: str) -> None:
    found = house.repository_loras(address.format(hub=hub.url), ANN)
    assert {one.file: one.bytes for one in found} == {
        name: len(data) for name, data in hub.repos["a/loras"].items() if name.endswith(".safetensors")
    }


@pytest.mark.parametrize(
    "address",
    ["", "loras", "a/b/c", "../b", "a/..", "https://example.org/a/loras", "file:///etc/passwd", "a/b?x=1"],
)
def test_what_names_no_repository_is_told(house: Studio, address: str) -> None:
    assert code(lambda: house.repository_loras(address, ANN)) == "lora_address"


def test_a_repository_without_what_is_wanted_is_told(house: Studio) -> None:
    assert code(lambda: house.repository_loras("no/body", ANN)) == "repo_unknown"
    assert code(lambda: house.repository_loras("c/none", ANN)) == "lora_repo_none"
    assert code(lambda: house.bring_lora("c/none", "x.ckpt", ANN)) == "lora_repo_none"
    assert code(lambda: house.bring_lora("a/loras", "", ANN)) == "lora_repo_choose"
    assert code(lambda: house.bring_lora("a/loras", "old/ink.pt", ANN)) == "lora_repo_file"


@pytest.mark.parametrize("address", ["a/loras", "modelscope:a/loras"])
def test_a_file_is_brought_kept_under_its_name_and_not_twice_on_the_disk(house: Studio, address: str) -> None:
    one = arrived(house, house.bring_lora(address, "styles/dust.safetensors", ANN))
    assert (one.repo, one.file, one.failed) == ("a/loras", "styles/dust.safetensors", None)
    assert names(house) == {"dust"}
    assert [card.id for card in house.loras("tiny", ANN) if card.name == "dust"] == [one.lora]
    data = house.settings.data
    assert len(list(data.rglob("*dust*.safetensors"))) == 1
    assert arrived(house, house.bring_lora(address, "styles/dust.safetensors", ANN)).lora == one.lora
    assert len(house.lora_arrivals(ANN)) == 1


def test_the_only_file_needs_no_name_and_is_called_as_its_repository(house: Studio) -> None:
    arrived(house, house.bring_lora("b/only", "", ANN))
    assert names(house) == {"only"}


def test_the_page_of_a_file_names_it(house: Studio, hub: Hub) -> None:
    arrived(house, house.bring_lora(f"{hub.url}/a/loras/blob/main/styles/dust.safetensors", "", ANN))
    assert names(house) == {"dust"}


def test_an_embedding_is_brought_in_the_same_way(house: Studio, hub: Hub) -> None:
    hub.repos["d/soft"] = {"soft.safetensors": save(embedding())}
    one = arrived(house, house.bring_lora("d/soft", "", ANN))
    (card,) = (card for card in house.loras("tiny", ANN) if card.id == one.lora)
    assert (card.kind, card.name) == ("embedding", "soft")


def test_what_turns_out_to_be_none_is_not_kept(house: Studio, hub: Hub) -> None:
    import numpy as np

    hub.repos["d/other"] = {"model.safetensors": save({"some.weight": np.zeros(9)})}
    failed = arrived(house, house.bring_lora("d/other", "", ANN)).failed
    assert failed and (failed.code, failed.params) == ("lora_none", {"file": "other.safetensors"})
    assert names(house) == set()
    assert not list(house.settings.data.rglob("*.safetensors"))


def test_one_of_the_catalog_stays_where_the_catalog_looks_for_it(house: Studio) -> None:
    assert arrived(house, house.bring_lora("a/loras", "far.safetensors", ANN)).lora == "far"
    assert names(house) == {"far"} and not (house.settings.data / "loras").exists()


def test_a_lora_of_the_catalog_is_fetched_in_the_background_and_told_how_far_it_is(
    house: Studio, hub: Hub
) -> None:
    hub.gate.clear()
    hub.repos["a/loras"]["far.safetensors"] = save(lora(rank=64))
    house.fetch_lora("far", ANN)
    until(lambda: (told := far_card(house).fetching) and told.done > 0)
    assert far_card(house).place == "hub"
    hub.gate.set()
    until(lambda: far_card(house).place == "disk")
    assert far_card(house).fetching is None and far_card(house).kind == "LoRA"


def far_card(house: Studio) -> LoraCard:
    return next(card for card in house.loras("tiny", ANN) if card.name == "far")


def test_a_fetch_that_fails_is_told_on_the_card(house: Studio, hub: Hub) -> None:
    hub.status["far.safetensors"] = 404
    house.fetch_lora("far", ANN)
    until(lambda: far_card(house).failed)
    failed = far_card(house).failed
    assert failed and failed.code == "repo_unknown" and far_card(house).fits
    assert code(lambda: house.fetch_lora("nobody", ANN)) == "lora_unknown"


# -- a job whose LoRA has to be fetched -----------------------------------------------------------


@pytest.fixture
def painting(hub: Hub, tmp_path: Path) -> Iterator[Studio]:
    source = ModelScopeSource(repo="a/loras", file="far.safetensors")
    whole = studio(tmp_path, far(source=source), hub=hub.url, modelscope=hub.url)
    here = LocalSource(path=str(fake_checkpoint(tmp_path / "checkpoint")))
    whole.library._catalog.specs["tiny"] = whole.library.spec("tiny").model_copy(update={"source": here})
    whole.start()
    yield whole
    whole.close()


def test_the_file_is_here_before_the_job_stands_in_line(painting: Studio) -> None:
    draft = Draft(model="tiny", prompt="a cat <lora:far:0.5>", steps=2)
    events = paint(painting, draft, ANN)
    assert isinstance(events[0], Downloading) and isinstance(events[-1], Done)
    assert far_card(painting).place == "disk"
    (picture,) = painting.pictures(ANN)
    assert picture.recipe.request.prompt == "a cat "
    assert [one.name for one in picture.recipe.request.loras] == ["far"]
    assert painting.lora_troubles(picture.id, ANN) == ()


def test_a_file_that_cannot_be_had_fails_the_job_in_words(painting: Studio, hub: Hub) -> None:
    hub.repos["a/loras"].pop("far.safetensors")
    last = paint(painting, Draft(model="tiny", prompt="<lora:far:1>", steps=2), ANN)[-1]
    assert isinstance(last, Failed) and last.code == "repo_file"
