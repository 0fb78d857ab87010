"""The registry: loaded when wanted, never twice, by bytes, and as it was when a load fails."""

from __future__ import annotations

import gc
import json
import shutil
import threading
import weakref
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from studio.errors import StudioError
from studio.messages import DeviceState, Entry, ModelSpec
from studio.models import kinds
from studio.models import registry as registry_module
from studio.models.beside import Beside
from studio.models.devices import Device
from studio.models.parts import Part
from studio.models.registry import Loaded, Registry
from studio.weights import Hashes
from tests.diffusion.painting import spec
from tests.models.far import FAR, FarBoxes, far_registry
from tests.tiny_classic import classic
from tests.tiny_parts import tiny_upscaler, upscaler_spec, vae_spec

PLENTY = 10**9


class Loads:
    """The real loader, counted; it can be told to fail."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.error: Exception | None = None

    def plan(self, spec: Entry, source: Path, hashes: Hashes) -> tuple[Part, ...]:
        return kinds.plan(spec, source, hashes)

    def load_weights(
        self, spec: Entry, source: Path, names: Collection[str], device: str, dtype: torch.dtype
    ) -> dict[str, Any]:
        self.names += names
        if self.error:
            raise self.error
        return kinds.load_weights(spec, source, names, device, dtype)

    def load_settings(self, spec: Entry, source: Path) -> dict[str, Any]:
        return kinds.load_settings(spec, source)


class Boxes:
    """A loader of empty boxes, so that hundreds of loads take no time: the source's name says what is in it."""

    def plan(self, spec: Entry, source: Path, hashes: Hashes) -> tuple[Part, ...]:
        sizes = dict(part.split("=") for part in source.name.split("+"))
        return tuple(Part(name=key, key=key, elements=int(size)) for key, size in sizes.items())

    def load_weights(
        self, spec: Entry, source: Path, names: Collection[str], device: str, dtype: torch.dtype
    ) -> dict[str, Any]:
        sizes = dict(part.split("=") for part in source.name.split("+"))
        return {name: Box(int(sizes[name])) for name in names}

    def load_settings(self, spec: Entry, source: Path) -> dict[str, Any]:
        return {}


class Box(torch.nn.Module):
    """So many numbers."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.numbers = torch.nn.Parameter(torch.zeros(size), requires_grad=False)


def registry(
    data: Path, budget: int, loader: Any = None, beside: Beside | None = None, **device: Any
) -> Registry:
    return Registry(Device("cpu", torch.float32, budget, **device), data, loader or Loads(), beside=beside)


class Kept:
    """What lies beside the weights, the longest unused first; work may hold the last of it."""

    def __init__(self, *sizes: int, held: int = 0) -> None:
        self.sizes, self.held = list(sizes), held

    @property
    def bytes(self) -> int:
        return sum(self.sizes) + self.held

    def let_go(self, most: int) -> None:
        while self.sizes and self.bytes > most:
            self.sizes.pop(0)


def boxes(*names: str) -> list[ModelSpec]:
    return [spec(Path(f"/{name}"), f"model{number}") for number, name in enumerate(names)]


def use(kept: Registry, wanted: Entry) -> Loaded[Any]:
    with kept.lease(wanted) as model:
        return model


def held(kept: Registry) -> list[str]:
    return [one.model for one in kept.held()]


# -- real weights ---------------------------------------------------------------------------------


def test_nothing_is_loaded_until_it_is_wanted_and_never_twice(tiny_checkpoint: Path, tmp_path: Path) -> None:
    loads = Loads()
    kept = registry(tmp_path, PLENTY, loads)
    assert loads.names == []
    for _ in range(3):
        use(kept, spec(tiny_checkpoint))
    assert sorted(loads.names) == ["text_encoder", "unet", "vae"]


def test_whoever_waits_for_a_load_shares_it(tiny_checkpoint: Path, tmp_path: Path) -> None:
    loads = Loads()
    kept = registry(tmp_path, PLENTY, loads)
    seen: list[int] = []
    threads = [
        threading.Thread(target=lambda: seen.append(id(use(kept, spec(tiny_checkpoint)).parts["unet"])))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads.names) == 3 and len(seen) == 6 and len(set(seen)) == 1


def test_two_checkpoints_of_the_same_content_hold_one_copy(tiny_checkpoint: Path, tmp_path: Path) -> None:
    kept = registry(tmp_path, PLENTY)
    one, two = (use(kept, spec(tiny_checkpoint, id)) for id in ("one", "two"))
    assert one.parts["vae"] is two.parts["vae"] and one.parts["unet"] is two.parts["unet"]
    assert one.parts["scheduler"] is not two.parts["scheduler"]


def test_a_shared_part_stays_for_whoever_is_left(tiny_checkpoint: Path, tmp_path: Path) -> None:
    kept = registry(tmp_path, PLENTY)
    use(kept, spec(tiny_checkpoint, "one"))
    two = use(kept, spec(tiny_checkpoint, "two"))
    part = weakref.ref(two.parts["vae"])
    kept.unload("one")
    gc.collect()
    assert part() is not None and held(kept) == ["two"]
    del two
    kept.unload("two")
    gc.collect()
    assert part() is None


def test_the_bytes_foreseen_are_the_bytes_held(tiny_checkpoint: Path, tmp_path: Path) -> None:
    kept = registry(tmp_path, PLENTY)
    foreseen = kept.forecast(spec(tiny_checkpoint)).loads
    model = use(kept, spec(tiny_checkpoint))
    parts = [model.parts[name] for name in ("vae", "unet", "text_encoder")]
    weights = sum(tensor.numel() * 4 for part in parts for tensor in part.parameters())
    assert kept.held()[0].bytes == foreseen
    assert abs(weights - foreseen) < 0.01 * foreseen
    assert kept.forecast(spec(tiny_checkpoint)).loads == 0


def test_a_load_that_fails_leaves_the_registry_as_it_was(tiny_checkpoint: Path, tmp_path: Path) -> None:
    loads = Loads()
    kept = registry(tmp_path, PLENTY, loads)
    use(kept, spec(tiny_checkpoint, "one"))
    kept.unload()
    loads.error = StudioError("weights_broken", file="x")
    before = kept.state()
    with pytest.raises(StudioError, match="weights_broken"):
        use(kept, spec(tiny_checkpoint, "two"))
    assert kept.state() == before
    loads.error = None
    use(kept, spec(tiny_checkpoint, "two"))
    assert held(kept) == ["two"]


def test_an_error_inside_a_lease_lets_go_of_the_pin(tiny_checkpoint: Path, tmp_path: Path) -> None:
    kept = registry(tmp_path, PLENTY)
    with pytest.raises(RuntimeError), kept.lease(spec(tiny_checkpoint)):
        raise RuntimeError
    assert not any(one.pinned for one in kept.held())


def test_every_change_is_told(tiny_checkpoint: Path, tmp_path: Path) -> None:
    told: list[DeviceState] = []
    kept = Registry(Device("cpu", torch.float32, PLENTY), tmp_path, Loads(), told.append)
    with kept.lease(spec(tiny_checkpoint)):
        assert [one.pinned for one in told[-1].held] == [True]
    assert [one.pinned for one in told[-1].held] == [False]
    kept.unload()
    assert told[-1].held == ()


def test_what_work_asks_for_in_the_middle_of_its_own_is_not_bound_to_its_mode(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    kept = registry(tmp_path, PLENTY)
    with torch.inference_mode(), kept.lease(spec(tiny_checkpoint)) as model:
        assert torch.is_inference_mode_enabled()
        assert not any(one.is_inference() for one in model.parts["unet"].parameters())


# -- budgets, on boxes ----------------------------------------------------------------------------


def test_the_longest_unused_goes_first_and_its_memory_with_it(tmp_path: Path) -> None:
    kept = registry(tmp_path, 800, Boxes())
    one, two, three = boxes("a=100", "b=100", "c=100")
    use(kept, one)
    gone = weakref.ref(use(kept, two).parts["b"])
    use(kept, one)
    use(kept, three)
    gc.collect()
    assert held(kept) == ["model0", "model2"]
    assert gone() is None


def test_a_pinned_model_never_goes(tmp_path: Path) -> None:
    kept = registry(tmp_path, 600, Boxes())
    one, two = boxes("a=100", "b=100")
    with kept.lease(one):
        with pytest.raises(StudioError, match="memory_budget"):
            use(kept, two)
        kept.unload("model0")
        assert held(kept) == ["model0"]
    use(kept, two)
    assert held(kept) == ["model1"]


def test_what_does_not_fit_is_refused_with_its_numbers(tmp_path: Path) -> None:
    kept = registry(tmp_path, 3 * 2**30, Boxes())
    (giant,) = boxes(f"a={2**30}")
    with pytest.raises(StudioError) as error:
        use(kept, giant)
    assert (error.value.params["needs"], error.value.params["has"]) == (4.0, 3.0)


def test_what_leaves_the_device_waits_in_the_hosts_memory(tmp_path: Path) -> None:
    kept = registry(tmp_path, 400, Boxes(), is_host=False, host_budget=400, memory_mode="device")
    one, two = boxes("a=100", "b=100")
    first = use(kept, one).parts["a"]
    use(kept, two)
    state = kept.state()
    assert [[x.model for x in at] for at in (state.held, state.host_held)] == [["model1"], ["model0"]]
    assert use(kept, one).parts["a"] is first


def test_the_host_keeps_no_more_than_its_budget(tmp_path: Path) -> None:
    kept = registry(tmp_path, 400, Boxes(), is_host=False, host_budget=400, memory_mode="device")
    for wanted in boxes("a=100", "b=100", "c=100"):
        use(kept, wanted)
    assert [one.model for one in kept.state().host_held] == ["model1"]


def test_a_model_too_large_for_the_device_takes_its_parts_there_in_turn(tmp_path: Path) -> None:
    kept = registry(tmp_path, 500, Boxes(), is_host=False, host_budget=10_000)
    (large,) = boxes("a=100+b=100")
    assert use(kept, large).mode.name == "offload"
    assert kept.held()[0].bytes == 400
    smaller = registry(tmp_path, 100, Boxes(), is_host=False, host_budget=10_000)
    assert use(smaller, large).mode.name == "group"


def test_a_chosen_mode_is_kept_to(tmp_path: Path) -> None:
    kept = registry(tmp_path, PLENTY, Boxes(), is_host=False, memory_mode="offload")
    assert use(kept, boxes("a=100")[0]).mode.name == "offload"
    strict = registry(tmp_path, 100, Boxes(), is_host=False, memory_mode="device")
    with pytest.raises(StudioError, match="memory_budget"):
        use(strict, boxes("a=100")[0])


def test_a_model_whose_work_ran_out_of_memory_comes_back_in_a_smaller_mode(tmp_path: Path) -> None:
    kept = registry(tmp_path, PLENTY, Boxes(), is_host=False, host_budget=10_000)
    one, other = boxes("a=100", "b=100")
    modes = []
    for _ in range(4):
        modes.append(use(kept, one).mode.name)
        kept.shrink(one)
    assert modes == ["device", "offload", "group", "group"]
    assert use(kept, other).mode.name == "device"


def test_on_a_host_and_in_a_chosen_mode_there_is_no_smaller_one(tmp_path: Path) -> None:
    for device in ({"is_host": True}, {"is_host": False, "memory_mode": "offload"}):
        kept = registry(tmp_path, PLENTY, Boxes(), **device)
        (one,) = boxes("a=100")
        before = use(kept, one).mode
        kept.shrink(one)
        assert use(kept, one).mode is before


def test_idle_models_are_taken_out_and_others_stay(tmp_path: Path) -> None:
    kept = registry(tmp_path, PLENTY, Boxes())
    idle, busy = boxes("a=1", "b=1")
    use(kept, idle).used -= 1000
    use(kept, busy)
    kept.unload_idle(500)
    assert held(kept) == ["model1"]


def test_a_learned_peak_counts_at_the_next_admission(tmp_path: Path) -> None:
    from studio.models.peaks import Peaks

    Peaks(tmp_path).learn("model0", "device", 300)
    kept = registry(tmp_path, 800, Boxes(), memory_mode="device")
    one, two = boxes("a=100", "b=100")
    use(kept, two)
    use(kept, one)  # 400 + 400 would fit, 300 for the work would not
    assert held(kept) == ["model0"]


# -- files that are overwritten under their names -------------------------------------------------


def overwrite(file: Path) -> None:
    """Other numbers in the same layout, put in its place as a whole."""
    unfinished = file.with_suffix(".part")
    save_file({name: tensor + 0.01 for name, tensor in load_file(file).items()}, unfinished)
    unfinished.replace(file)


def first_numbers(model: Loaded[Any], part: str) -> list[float]:
    return [float(one) for one in next(model.parts[part].parameters()).flatten()[:4]]


@pytest.mark.parametrize("kind", ["folder", "file", "upscaler"])
def test_files_that_were_overwritten_are_brought_anew_and_told_by_their_hash(
    tiny_checkpoint: Path, tmp_path: Path, kind: str
) -> None:
    if kind == "upscaler":
        file = tiny_upscaler(tmp_path / "own.safetensors")
        wanted: Entry = upscaler_spec(file)
    elif kind == "file":
        file = classic(tiny_checkpoint, "sd1", tmp_path / "own.safetensors")
        wanted = spec(file)
    else:
        folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "own"))
        file, wanted = folder / "unet" / "diffusion_pytorch_model.safetensors", spec(folder)
    part = "upscaler" if kind == "upscaler" else "unet"
    kept = registry(tmp_path, PLENTY)
    old = use(kept, wanted)
    assert use(kept, wanted) is old
    before = old.hash, first_numbers(old, part)
    overwrite(file)
    new, fresh = use(kept, wanted), use(registry(tmp_path, PLENTY), wanted)
    assert (new.hash, first_numbers(new, part)) == (fresh.hash, first_numbers(fresh, part))
    assert new.hash != before[0] and first_numbers(new, part) != before[1]
    assert use(kept, wanted) is new and len(held(kept)) == 1


def test_whoever_works_with_a_model_finishes_with_what_they_hold(tmp_path: Path) -> None:
    file = tmp_path / "a=100"
    file.write_bytes(b"old")
    kept, wanted = far_registry(tmp_path, 10_000), spec(file)
    with kept.lease(wanted) as first:
        file.write_bytes(b"another")
        with kept.lease(wanted) as second:
            assert second is first
    new = use(kept, wanted)
    assert new is not first and new.parts["a"] is not first.parts["a"]
    assert kept._shelf.bytes("device") == 400


def test_a_file_that_is_gone_is_no_other_one(tmp_path: Path) -> None:
    file = tmp_path / "a=100"
    file.write_bytes(b"old")
    kept, wanted = far_registry(tmp_path, 10_000), spec(file)
    first = use(kept, wanted)
    file.unlink()
    assert use(kept, wanted) is first


# -- peaks -----------------------------------------------------------------------------------------


def write_peaks(data: Path, *models: str) -> None:
    """What a picture larger than the device took once, as it was kept from the first day on."""
    known = {f"{model} {mode}": 10**9 for model in models for mode in ("device", "offload", "group")}
    (data / "peaks.json").write_text(json.dumps(known))


def test_a_peak_larger_than_the_device_chooses_the_mode_and_refuses_nothing(tmp_path: Path) -> None:
    write_peaks(tmp_path, "model0", "large")
    kept = far_registry(tmp_path, 900)
    one, two = boxes("a=100", "b=100")
    use(kept, two)
    assert use(kept, one).mode.name == "group" and held(kept) == ["model0"]
    assert use(kept, upscaler_spec(Path("/c=100"))).mode.name == "device" and held(kept) == ["large"]


@pytest.mark.parametrize("mode", ["device", "offload", "group"])
def test_a_peak_larger_than_the_device_refuses_nothing_in_a_chosen_mode(tmp_path: Path, mode: str) -> None:
    write_peaks(tmp_path, "model0")
    kept = far_registry(tmp_path, 900, memory_mode=mode)
    one, two = boxes("a=100", "b=100")
    with kept.lease(two):
        assert use(kept, one).mode.name == mode  # beside what work holds
    kept.unload("model0")
    use(kept, one)
    assert held(kept) == ["model0"]


def test_a_model_that_waits_comes_back_in_the_mode_that_its_new_peak_leaves_and_is_not_read_again(
    tmp_path: Path,
) -> None:
    kept = far_registry(tmp_path, 900)
    one, two = boxes("a=100", "b=200")
    part = use(kept, one).parts["a"]
    use(kept, two)
    kept._peaks.learn("model0", "device", 600)
    model = use(kept, one)
    assert (model.mode.name, model.parts["a"], part.place) == ("offload", part, "cpu")


def test_a_peak_is_learned_of_work_that_went_well_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, told in {
        "reset_peak_memory_stats": 0,
        "memory_allocated": 0,
        "max_memory_allocated": 900,
    }.items():
        monkeypatch.setattr(torch.cuda, name, lambda device, told=told: told)
    monkeypatch.setattr("studio.models.devices._title", str)
    monkeypatch.setattr("studio.models.devices._total", lambda name: 0)
    kept = far_registry(tmp_path, 10_000, name="cuda:0")
    (one,) = boxes("a=100")
    with pytest.raises(torch.OutOfMemoryError), kept.lease(one):
        raise torch.OutOfMemoryError
    assert kept._peaks.of("model0", "device") == 0
    use(kept, one)
    assert kept._peaks.of("model0", "device") == 900


# -- a device that has less room than it seemed ---------------------------------------------------


def test_a_model_that_waits_stays_where_it_was_when_the_device_turns_out_to_be_full(tmp_path: Path) -> None:
    kept = far_registry(tmp_path, 800, memory_mode="device")
    one, two = boxes("a=100+b=100", "c=100")
    parts = use(kept, one).parts
    use(kept, two)
    parts["b"].room = False
    for _ in range(2):  # the second try must not take it for one that is there
        with pytest.raises(torch.OutOfMemoryError):
            use(kept, one)
        assert held(kept) == [] and (parts["a"].place, parts["b"].place) == ("cpu", "cpu")
        assert kept._shelf.bytes("device") == 0
    parts["b"].room = True
    use(kept, one)
    assert held(kept) == ["model0"] and (parts["a"].place, parts["b"].place) == (FAR, FAR)


def test_a_model_that_was_read_for_a_full_device_comes_back_in_a_smaller_mode(tmp_path: Path) -> None:
    loader = FarBoxes()
    loader.full = {"b"}
    kept = far_registry(tmp_path, 10_000, loader)
    (one,) = boxes("a=100+b=100")
    with pytest.raises(torch.OutOfMemoryError):
        use(kept, one)
    assert held(kept) == [] and [each.model for each in kept.state().host_held] == ["model0"]
    kept.shrink(one)
    model = use(kept, one)
    assert model.mode.name == "offload" and {part.place for part in model.parts.values()} == {"cpu"}


def test_a_part_that_stayed_for_a_model_that_could_not_come_goes_too(tmp_path: Path) -> None:
    loader = FarBoxes()
    loader.full = {"c"}
    kept = far_registry(tmp_path, 800, loader, memory_mode="device")
    one, two = boxes("a=100+b=50", "a=100+c=75")
    parts = use(kept, one).parts
    with pytest.raises(torch.OutOfMemoryError):
        use(kept, two)
    assert held(kept) == [] and (parts["a"].place, parts["b"].place) == ("cpu", "cpu")


# -- what is kept beside the weights -------------------------------------------------------------


def test_what_is_kept_beside_the_weights_goes_before_a_model_and_no_more_of_it_than_must(
    tmp_path: Path,
) -> None:
    beside = Kept(50, 60, 70)
    kept = registry(tmp_path, 950, Boxes(), beside)
    one, two, three = boxes("a=100", "b=100", "c=100")
    use(kept, one)
    assert beside.sizes == [50, 60, 70]
    use(kept, two)  # 800 and 180 are 30 too many
    assert held(kept) == ["model0", "model1"] and beside.sizes == [60, 70]
    use(kept, three)  # what is kept is of no help: a model goes, and no more than that
    assert held(kept) == ["model1", "model2"] and beside.sizes == [60, 70]


def test_what_is_kept_never_keeps_a_model_out(tmp_path: Path) -> None:
    beside = Kept(300, 300)
    kept = registry(tmp_path, 800, Boxes(), beside)
    one, two = boxes("a=100", "b=100")
    with kept.lease(one):
        use(kept, two)
        assert held(kept) == ["model0", "model1"] and beside.bytes == 0


def test_what_a_model_works_in_is_left_free_of_what_is_kept(tmp_path: Path) -> None:
    from studio.models.peaks import Peaks

    Peaks(tmp_path).learn("model0", "device", 300)
    beside = Kept(50, 60)
    kept = registry(tmp_path, 800, Boxes(), beside, memory_mode="device")
    use(kept, boxes("a=100")[0])
    assert beside.sizes == [60]
    beside.sizes = [100, 100]  # also where it is there already
    use(kept, boxes("a=100")[0])
    assert beside.sizes == [100]


def test_room_for_what_is_wanted_beside_a_model_is_made_by_what_nobody_uses(tmp_path: Path) -> None:
    kept = registry(tmp_path, 1200, Boxes())
    one, two, three = boxes("a=100", "b=100", "c=50")
    use(kept, one)
    use(kept, three)
    with kept.lease(two) as model:
        assert kept.room_beside(model, 100) == 200 and len(held(kept)) == 3
        assert kept.room_beside(model, 300) == 600 and held(kept) == ["model2", "model1"]
        assert kept.room_beside(model, 2000) == 800 and held(kept) == ["model1"]


def test_nothing_that_is_kept_goes_for_a_model_that_is_only_read_ahead(tmp_path: Path) -> None:
    beside = Kept(50, 60)
    kept = registry(tmp_path, 900, Boxes(), beside)
    first, following = boxes("a=100", "b=100")
    use(kept, first)
    kept.read_ahead(following)
    assert held(kept) == ["model0"] and beside.sizes == [50, 60]


# -- reading ahead --------------------------------------------------------------------------------


class SlowBoxes(Boxes):
    """Boxes that are read when the test lets them."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.loads = 0

    def load_weights(
        self, spec: Entry, source: Path, names: Collection[str], device: str, dtype: torch.dtype
    ) -> dict[str, Any]:
        if "slow" in source.name:
            self.loads += 1
            self.begun.set()
            assert self.go_on.wait(60)
        return super().load_weights(spec, source, names, device, dtype)


def test_a_model_is_read_ahead_while_another_works_and_then_only_moved(tmp_path: Path) -> None:
    loader = SlowBoxes()
    kept = registry(tmp_path, 400, loader, is_host=False, host_budget=10_000, memory_mode="device")
    now, following = boxes("a=100", "slow=100")
    reading = threading.Thread(target=kept.read_ahead, args=(following,))
    with kept.lease(now):
        reading.start()
        assert loader.begun.wait(60)
        assert held(kept) == ["model0"]  # the registry answers while the other model is read
        loader.go_on.set()
        reading.join(60)
        assert [one.model for one in kept.state().host_held] == ["model1"]
    use(kept, following)
    assert loader.loads == 1 and held(kept) == ["model1"]


def test_whoever_wants_what_is_being_read_waits_for_it_and_loads_nothing(tmp_path: Path) -> None:
    loader = SlowBoxes()
    kept = registry(tmp_path, 10_000, loader)
    (slow,) = boxes("slow=100")
    told: list[str] = []
    reading = threading.Thread(target=kept.read_ahead, args=(slow,))
    reading.start()
    assert loader.begun.wait(60)
    wanting = threading.Thread(target=lambda: kept.lease(slow, lambda: told.append("loading")).__enter__())
    wanting.start()
    loader.go_on.set()
    reading.join(60)
    wanting.join(60)
    assert loader.loads == 1 and held(kept) == ["model0"]


def test_nothing_goes_for_a_model_that_is_only_read_ahead(tmp_path: Path) -> None:
    kept = registry(tmp_path, 600, Boxes())
    first, following = boxes("a=100", "b=100")
    use(kept, first)
    kept.read_ahead(following)
    assert held(kept) == ["model0"]


def test_reading_ahead_that_fails_changes_nothing(tmp_path: Path) -> None:
    loads = Loads()
    loads.plan = Boxes().plan  # type: ignore[method-assign]
    loads.error = StudioError("weights_broken", file="x")
    kept = registry(tmp_path, PLENTY, loads)
    kept.read_ahead(boxes("a=1")[0])
    assert kept.state().held == () and kept._reading == ""


# -- parts of several models, each in a mode of its own -------------------------------------------


def places(model: Loaded[Any]) -> dict[str, str]:
    return {name: part.place for name, part in model.parts.items()}


def test_a_part_that_another_model_has_on_the_device_stays_there_when_one_takes_its_parts_in_turn(
    tmp_path: Path,
) -> None:
    kept = far_registry(tmp_path, 700)
    one, two, three = boxes("v=10+a=50", "v=10+b=200", "c=150")
    first, second = use(kept, one), use(kept, two)
    assert (first.mode.name, second.mode.name) == ("device", "group")
    assert places(first) == {"v": FAR, "a": FAR} and places(second) == {"v": FAR, "b": "cpu"}
    use(kept, three)  # for it the first one goes, and with it the reason to keep the shared part there
    assert held(kept) == ["model1", "model2"]
    assert places(second) == {"v": "cpu", "b": "cpu"} and kept._shelf.bytes("device") == 600


def test_a_part_that_a_pipe_has_in_hand_is_left_to_it_until_the_lease_ends(tmp_path: Path) -> None:
    kept = far_registry(tmp_path, 700)
    one, two, three = boxes("v=10+a=50", "v=10+b=200", "c=150")
    use(kept, one)
    with kept.lease(two) as model:
        model.at_work = True
        use(kept, three)
        assert held(kept) == ["model1", "model2"] and places(model) == {"v": FAR, "b": "cpu"}
        model.at_work = False
    assert places(model) == {"v": "cpu", "b": "cpu"}


def test_what_is_unloaded_takes_no_part_along_and_leaves_none_behind(tmp_path: Path) -> None:
    kept = far_registry(tmp_path, 700)
    one, two = boxes("v=10+a=50", "v=10+b=200")
    use(kept, one)
    second = use(kept, two)
    kept.unload("model0")
    assert places(second) == {"v": "cpu", "b": "cpu"} and kept._shelf.bytes("device") == 0


@dataclass(frozen=True)
class Want:
    """One step of a day: what is wanted, and what goes with it."""

    kind: Callable[[Path, str], Entry]
    keys: frozenset[str]
    pin: bool
    full: bool
    """Another program has the device's memory just then."""
    shrink: bool


WANTS = st.lists(
    st.builds(
        Want,
        kind=st.sampled_from((spec, vae_spec, upscaler_spec)),
        keys=st.frozensets(st.sampled_from("abcdef"), min_size=1, max_size=3),
        pin=st.booleans(),
        full=st.sampled_from((False, False, True)),
        shrink=st.sampled_from((False, False, True)),
    ),
    max_size=12,
)
SIZES = dict(zip("abcdef", (10, 20, 30, 40, 50, 60), strict=True))
MODES_ASKED = st.sampled_from(("auto", "auto", "device", "offload", "group"))


@pytest.fixture(scope="module")
def no_collecting() -> Iterator[None]:
    """Collecting garbage takes most of the time of a load of boxes; what is held is counted without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry_module, "give_back", lambda: None)
        yield


@settings(max_examples=80, deadline=None)
@given(WANTS, st.integers(200, 900), st.booleans(), MODES_ASKED, st.lists(st.integers(1, 200), max_size=4))
def test_no_sequence_of_wants_breaks_the_budget_or_a_pin_or_leaves_a_part_elsewhere(
    no_collecting: None,
    tmp_path_factory: pytest.TempPathFactory,
    wants: list[Want],
    budget: int,
    on_host: bool,
    mode: str,
    sizes: list[int],
) -> None:
    data, beside, loader = tmp_path_factory.getbasetemp(), Kept(), FarBoxes()
    mode = "auto" if on_host else mode
    kept = far_registry(data, budget, loader, beside, is_host=on_host, host_budget=300, memory_mode=mode)
    pins = []
    for number, want in enumerate(wants):
        name = "+".join(f"{key}={SIZES[key]}" for key in sorted(want.keys))
        wanted = want.kind(Path(f"/{name}"), f"entry{number % 5}")
        lease = kept.lease(wanted)
        fill(kept, loader, want.full)
        try:
            model = lease.__enter__()
        except (StudioError, torch.OutOfMemoryError):
            pass
        else:
            if sizes and kept.room_beside(model, sizes[-1]) >= beside.bytes + sizes[-1]:
                beside.sizes.append(sizes.pop())
            if want.pin and len(pins) < 2:
                pins.append((wanted.id, lease))
            else:
                lease.__exit__(None, None, None)
        if want.shrink:
            kept.shrink(wanted)
        state = kept.state()
        assert device_bytes(state) + beside.bytes <= budget
        assert sum(one.bytes for one in state.host_held) <= (0 if on_host else 300)
        assert {id for id, _ in pins} <= set(held(kept))
        check_places(kept)
    for _, lease in pins:
        lease.__exit__(None, None, None)
    check_places(kept)


def fill(kept: Registry, loader: FarBoxes, full: bool) -> None:
    loader.full = set(SIZES) if full else set()
    for key in kept._shelf:
        kept._shelf.get(key).module.room = not full


def check_places(kept: Registry) -> None:
    """Every part lies where whoever has it needs it, and the shelf knows."""
    models = [one for one in kept._models.values() if one.resident and one.mode.on_device]
    there = {key: one.keys[key] for one in models for key in one.keys}
    shelved = {key: kept._shelf.get(key) for key in kept._shelf}
    assert {key: part.module.place for key, part in shelved.items()} == {
        key: FAR if key in there else "cpu" for key in shelved
    }
    assert kept._shelf.bytes("device") == sum(there.values()) and set(there) <= set(shelved)


def device_bytes(state: DeviceState) -> int:
    return sum({key: size for one in state.held for key, size in one.parts.items()}.values())
