"""Where a model is now, what it weighs and what wanting it would do, told from headers without torch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from studio.catalog import PICKLE, Sourced, source_path
from studio.errors import StudioError
from studio.families import FAMILIES, MOST_LAYERS
from studio.forecast import forecast
from studio.messages import (
    DetectorSpec,
    DeviceState,
    Forecast,
    Held,
    ModelPlace,
    ModelSpec,
    ModelState,
    PartState,
    Trouble,
    UpscalerSpec,
    VaeSpec,
)
from studio.weights import (
    checkpoint_bytes,
    component_folders,
    tensor_bytes,
    tensor_elements,
    text_layers,
    weight_files,
)


def state_of(
    spec: ModelSpec,
    data: Path,
    devices: Iterable[DeviceState],
    troubles: Mapping[str, Trouble],
    on_hub: bool,
) -> ModelState:
    """A model as the page shows it."""
    family = FAMILIES[spec.family]
    known = ModelState(
        spec=spec,
        place="hub" if on_hub else "disk",
        trouble=troubles.get(spec.id),
        samplers=family.samplers,
        window=family.window,
        layers=MOST_LAYERS if on_hub else layers_of(spec, data),
    )
    devices = tuple(devices)
    held = _held(known, devices)
    return held or (known if on_hub else _on_disk(known, data, devices))


def layers_of(spec: ModelSpec, data: Path) -> int:
    """How far a clip skip can go with a model that is here; its load tells what is wrong with its files."""
    with contextlib.suppress(StudioError):
        layers = text_layers(source_path(spec, data), FAMILIES[spec.family].parts)
        return min(layers or MOST_LAYERS, MOST_LAYERS)
    return MOST_LAYERS


def _held(known: ModelState, devices: tuple[DeviceState, ...]) -> ModelState | None:
    for device in devices:
        for place, models in _shelves(device):
            for one in models:
                if one.model == known.spec.id:
                    told = forecast(device.held, one.model, one.parts, device.budget)
                    now = {"place": place, "bytes": one.bytes, "used": one.used, "forecast": told}
                    return known.model_copy(update=now)
    return None


def _shelves(device: DeviceState) -> tuple[tuple[ModelPlace, tuple[Held, ...]], ...]:
    return ("resident", device.held), ("host", device.host_held)


def _on_disk(known: ModelState, data: Path, devices: tuple[DeviceState, ...]) -> ModelState:
    try:
        parts = part_elements(source_path(known.spec, data))
    except StudioError as error:
        return known.model_copy(update={"place": "missing", "trouble": error.trouble})
    ready = [device for device in devices if device.ready]
    sizes = {key: elements * (ready[0].itemsize if ready else 2) for key, elements in parts.items()}
    told = _best(known.spec, sizes, ready)
    return known.model_copy(update={"bytes": sum(sizes.values()), "forecast": told})


def _best(spec: ModelSpec, sizes: Mapping[str, int], devices: list[DeviceState]) -> Forecast | None:
    told = [forecast(device.held, spec.id, sizes, device.budget) for device in devices]
    return min(told, key=lambda one: (not one.fits, len(one.evicts)), default=None)


def part_elements(source: Path) -> dict[str, int]:
    """How many numbers each part of a checkpoint holds; a single file counts as one part."""
    checkpoint_bytes(source)  # what is missing or cut short is told by its name
    if source.is_file():
        return {str(source): tensor_elements(source)}
    return {
        str(folder): sum(tensor_elements(file) for file in weight_files(folder))
        for folder in component_folders(source)
    }


# -- VAEs and upscalers ---------------------------------------------------------------------------


def part_state(
    spec: VaeSpec | UpscalerSpec | DetectorSpec, data: Path, devices: Iterable[DeviceState], on_hub: bool
) -> PartState:
    """A VAE or an upscaler as the page shows it."""
    if on_hub:
        return PartState(spec=spec, place="hub")
    for device in devices:
        for place, entries in _shelves(device):
            for one in entries:
                # A person's own VAE is held once for each family that it is used in.
                if one.model.partition(":")[0] == spec.id:
                    return PartState(spec=spec, place=place, bytes=one.bytes)
    try:
        return PartState(spec=spec, place="disk", bytes=entry_bytes(spec, data))
    except StudioError as error:
        return PartState(spec=spec, place="missing", trouble=error.trouble)


def entry_bytes(spec: Sourced, data: Path) -> int:
    """What an entry that is here weighs as stored; what is missing or cut short is told by its name."""
    source = source_path(spec, data)
    if isinstance(spec, ModelSpec):
        return checkpoint_bytes(source)
    try:
        return part_bytes(source)
    except StudioError as error:
        if not isinstance(spec, DetectorSpec) or error.code != "weights_missing":
            raise
        raise StudioError(
            "detector_file_missing", detector=spec.title.en, file=error.params["file"]
        ) from None


def part_bytes(source: Path) -> int:
    """What a VAE or an upscaler weighs as stored; what is missing or cut short is told by its name."""
    files: tuple[Path, ...] = (source,)
    if source.is_dir():
        folder = source if (source / "config.json").is_file() else source / "vae"
        files = weight_files(folder)
        if not files[0].is_file() and (folder / PICKLE).is_file():
            files = (folder / PICKLE,)  # whether it may be read is decided where it is loaded
    for file in files:
        if not file.is_file():
            raise StudioError("weights_missing", file=f"{file.parent.name}/{file.name}")
    # A pickle that the catalog names by its hash is made safetensors when it is first used.
    return sum(tensor_bytes(file) if file.suffix == ".safetensors" else file.stat().st_size for file in files)
