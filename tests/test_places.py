"""Where a model is, and what wanting it would do."""

from __future__ import annotations

from pathlib import Path

from studio.messages import DeviceState, Held, HubSource, ModelState, Trouble
from studio.places import part_elements, state_of
from tests.diffusion.painting import spec


def device(budget: int = 10**9, **changes: object) -> DeviceState:
    return DeviceState(name="cpu", budget=budget, ready=True, itemsize=4).model_copy(update=changes)


def state(checkpoint: Path, *devices: DeviceState, **troubles: Trouble) -> ModelState:
    return state_of(spec(checkpoint), checkpoint.parent, devices, troubles, on_hub=False)


def test_a_model_on_disk_is_weighed_from_its_headers(tiny_checkpoint: Path) -> None:
    told = state(tiny_checkpoint, device())
    assert told.place == "disk" and told.forecast and told.forecast.fits
    assert told.bytes == told.forecast.loads == 4 * sum(part_elements(tiny_checkpoint).values())


def test_a_model_that_will_not_fit_says_what_it_needs_and_what_there_is(tiny_checkpoint: Path) -> None:
    told = state(tiny_checkpoint, device(budget=1000))
    assert told.forecast and not told.forecast.fits
    assert (told.forecast.needs, told.forecast.has) == (told.bytes, 1000)


def test_a_model_in_memory_is_told_with_its_bytes_and_last_use(tiny_checkpoint: Path) -> None:
    held = Held(model="tiny", parts={"a": 3, "b": 4}, used=12.0)
    resident = state(tiny_checkpoint, device(held=(held,)))
    assert (resident.place, resident.bytes, resident.used) == ("resident", 7, 12.0)
    assert resident.forecast and resident.forecast.resident
    assert state(tiny_checkpoint, device(host_held=(held,))).place == "host"


def test_of_two_devices_the_one_where_nothing_has_to_go_is_foretold(tiny_checkpoint: Path) -> None:
    size = state(tiny_checkpoint, device()).bytes
    full = device(budget=size + 1, held=(Held(model="other", parts={"x": size}),))
    assert state(tiny_checkpoint, full).forecast.evicts == ("other",)  # type: ignore[union-attr]
    assert state(tiny_checkpoint, full, device()).forecast.evicts == ()  # type: ignore[union-attr]


def test_what_is_missing_is_told_with_its_reason(tmp_path: Path) -> None:
    told = state(tmp_path / "nowhere")
    assert told.place == "missing"
    assert told.trouble == Trouble(code="checkpoint_missing", params={"folder": "nowhere"})


def test_what_must_be_fetched_is_told_without_looking_for_it(tmp_path: Path) -> None:
    wanted = spec(tmp_path).model_copy(update={"source": HubSource(repo="some/model")})
    assert state_of(wanted, tmp_path, (device(),), {}, on_hub=True).place == "hub"


def test_a_load_that_failed_is_told_with_the_model(tiny_checkpoint: Path) -> None:
    trouble = Trouble(code="memory_short")
    assert state(tiny_checkpoint, device(), tiny=trouble).trouble == trouble
