"""How large LoRAs are that nobody fetched yet: what their entries state, or what a hub on this machine says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.messages import HubSource, LocalSource, LoraSpec, ModelScopeSource
from studio.rack.far_sizes import PATIENCE, FarSizes
from studio.service import Studio
from tests.hub import serving
from tests.rack.house import ANN, far, studio
from tests.worlds import PATIENCE as LONG


def until(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONG
    while not found():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


class House:
    """A repository that counts who asks, on a clock that a test moves."""

    def __init__(self, told: Mapping[str, int] | Exception) -> None:
        self.told, self.asked, self.moment = told, 0, 0.0
        self.open = threading.Event()
        self.open.set()
        self.sizes = FarSizes(self.offers, lambda: self.moment)

    def offers(self, spec: LoraSpec) -> Mapping[str, int]:
        self.asked += 1
        assert self.open.wait(LONG)
        if isinstance(self.told, Exception):
            raise self.told
        return self.told

    def settled(self, spec: LoraSpec) -> int:
        self.sizes.of(spec)
        until(lambda: not self.sizes.asking)
        return self.sizes.of(spec)


def test_what_an_entry_states_is_asked_of_nobody() -> None:
    house = House({"far.safetensors": 7})
    assert house.sizes.of(far(bytes=184_000_000)) == 184_000_000
    assert house.sizes.of(far(source=LocalSource(path="x.safetensors"))) == 0
    assert house.asked == 0


def test_a_repository_is_asked_once_for_all_its_files_and_nobody_waits() -> None:
    house = House({"far.safetensors": 7, "near.safetensors": 9})
    house.open.clear()
    assert [house.sizes.of(far()) for _ in range(3)] == [0, 0, 0] and house.sizes.asking
    house.open.set()
    until(lambda: not house.sizes.asking)
    assert (house.sizes.of(far()), house.sizes.of(far("near")), house.sizes.of(far("none"))) == (7, 9, 0)
    assert house.asked == 1


@pytest.mark.parametrize(
    "error", [StudioError("offline_alone", model="far", missing="a/loras"), ValueError()]
)
def test_one_that_cannot_be_asked_is_asked_again_much_later(error: Exception) -> None:
    house = House(error)
    assert house.settled(far()) == 0
    house.moment = PATIENCE - 1
    assert house.settled(far()) == 0 and house.asked == 1
    house.told, house.moment = {"far.safetensors": 7}, PATIENCE
    assert house.settled(far()) == 7 and house.asked == 2


def test_repositories_and_their_revisions_are_told_apart() -> None:
    house = House({"far.safetensors": 7})
    sources = [
        HubSource(repo="a/loras", file="far.safetensors"),
        HubSource(repo="a/loras", revision="old", file="far.safetensors"),
        ModelScopeSource(repo="a/loras", file="far.safetensors"),
    ]
    assert [house.settled(far(source=source)) for source in sources] == [7, 7, 7] and house.asked == 3


def sizes(house: Studio) -> dict[str, int]:
    return {card.id: card.bytes for card in house.loras("tiny", ANN)}


def test_the_shelf_tells_what_a_hub_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with serving() as hub:
        hub.repos["a/loras"] = {"far.safetensors": bytes(1234), "README.md": b"read me"}
        stated = far("stated", bytes=99, source=HubSource(repo="b/unknown", file="x.safetensors"))
        house = studio(tmp_path, far(), stated, hub=hub.url)
        assert sizes(house)["stated"] == 99
        until(lambda: not house.lora_sizes_coming())
        assert sizes(house) == {"far": 1234, "stated": 99}
        assert hub.fetched("far.safetensors") == 0  # nothing of the file itself


def test_without_a_network_the_shelf_is_there_all_the_same(tmp_path: Path) -> None:
    house = studio(tmp_path, far())
    assert sizes(house) == {"far": 0}
    until(lambda: not house.lora_sizes_coming())
    assert sizes(house) == {"far": 0}
