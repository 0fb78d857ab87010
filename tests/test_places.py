"""Where a model is, and what wanting it would do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from studio.families import MOST_LAYERS
from studio.messages import DetectorSpec, DeviceState, FileSource, Held, HubSource, ModelState, Trouble
from studio.places import part_elements, part_state, state_of
from tests.diffusion.painting import spec
from tests.tiny_parts import tiny_upscaler, upscaler_spec, vae_spec


def device(budget: int = 10**9, **changes: object) -> DeviceState:
    return DeviceState(name="cpu", budget=budget, ready=True, itemsize=4).model_copy(update=changes)


def state(checkpoint: Path, *devices: DeviceState, **troubles: Trouble) -> ModelState:
    return state_of(spec(checkpoint), checkpoint.parent, devices, troubles, on_hub=False)


def test_a_model_on_disk_is_weighed_from_its_headers(tiny_checkpoint: Path) -> None:
    told = state(tiny_checkpoint, device())
    assert told.place == "disk" and told.forecast and told.forecast.fits
    assert told.bytes == told.forecast.loads == 4 * sum(part_elements(tiny_checkpoint).values())


def test_a_model_tells_how_many_layers_its_text_encoder_has(tiny_checkpoint: Path, tmp_path: Path) -> None:
    assert state(tiny_checkpoint, device()).layers == 2
    own = shutil.copytree(tiny_checkpoint, tmp_path / "own")
    config = own / "text_encoder" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"num_hidden_layers": 24}))
    assert state(own, device()).layers == MOST_LAYERS
    config.write_text("[]")
    assert state(own, device()).layers == MOST_LAYERS
    assert state(tmp_path / "nothing").layers == MOST_LAYERS


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


# -- VAEs and upscalers ---------------------------------------------------------------------------


def test_a_part_is_told_where_it_is_and_what_it_weighs(tiny_checkpoint: Path, tmp_path: Path) -> None:
    large = upscaler_spec(tiny_upscaler(tmp_path / "x.safetensors"))
    told = part_state(large, tmp_path, (device(),), on_hub=False)
    assert told.place == "disk" and told.bytes > 0
    assert part_state(large, tmp_path, (), on_hub=True).place == "hub"
    held = Held(model="large", parts={"a": 7})
    assert part_state(large, tmp_path, (device(held=(held,)),), on_hub=False).place == "resident"
    assert part_state(large, tmp_path, (device(host_held=(held,)),), on_hub=False).bytes == 7


def test_a_vae_is_weighed_in_every_layout(tiny_checkpoint: Path, tmp_path: Path) -> None:
    (file,) = (tiny_checkpoint / "vae").glob("*.safetensors")
    sources = (tiny_checkpoint, tiny_checkpoint / "vae", file)
    sizes = {part_state(vae_spec(source), tmp_path, (), on_hub=False).bytes for source in sources}
    assert len(sizes) == 1 and sizes.pop() > 0


def test_a_persons_own_vae_is_held_under_the_family_it_is_used_in(tmp_path: Path) -> None:
    own = vae_spec(tmp_path / "x.safetensors", own=True)
    held = Held(model="soft:sd1", parts={"a": 7})
    assert part_state(own, tmp_path, (device(held=(held,)),), on_hub=False).place == "resident"


def test_a_part_whose_file_is_gone_or_cut_says_so(tmp_path: Path) -> None:
    gone = part_state(upscaler_spec(tmp_path / "x.safetensors"), tmp_path, (), on_hub=False)
    assert gone.place == "missing" and gone.trouble and gone.trouble.code == "weights_missing"
    file = tiny_upscaler(tmp_path / "y.safetensors")
    file.write_bytes(file.read_bytes()[:-9])
    cut = part_state(upscaler_spec(file), tmp_path, (), on_hub=False)
    assert cut.place == "missing" and cut.trouble and cut.trouble.code == "weights_truncated"


def test_a_detector_without_its_file_is_missing_and_says_which_it_lacks(tmp_path: Path) -> None:
    source = FileSource(path=str(tmp_path / "detectors" / "hed.safetensors"))
    hed = DetectorSpec(id="hed", title=spec(tmp_path).title, source=source, licence="MIT", detector="hed")
    told = part_state(hed, tmp_path, (), on_hub=False)
    lacks = {"detector": hed.title.en, "file": "detectors/hed.safetensors"}
    assert (told.place, told.trouble) == ("missing", Trouble(code="detector_file_missing", params=lacks))
