"""Control nets in memory: as a folder in diffusers layout, or as one file in either layout."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from studio.errors import StudioError
from studio.families import FAMILIES
from studio.messages import ControlSpec
from studio.models.adapters import adapter_config, adapter_names
from studio.models.files import CONFIGS, check_file, file_key, filled, is_file, read_tensors
from studio.models.folders import elements_of, load_whole, part_files, part_key, read_config
from studio.models.parts import Part
from studio.models.styles import load_style
from studio.weights import read_header

if TYPE_CHECKING:
    from studio.weights import Hashes

NAME = "net"
CLASSES = {"controlnet": "ControlNetModel", "union": "ControlNetUnionModel", "adapter": "T2IAdapter"}
"""The library's; an IP-Adapter has none, it is a handful of layers for the denoiser's own attention."""
MARKS = {
    "union": ("control_add_embedding.",),
    "ip_adapter": ("ip_adapter.", "image_proj."),
    "controlnet": ("controlnet_cond_embedding.", "input_hint_block.", "control_model.input_hint_block."),
    "adapter": ("adapter.body.", "body."),
}
"""How weights are named that only one network has; a union has those of a control net too, so it is first."""
HINTS = (
    *("controlnet_cond_embedding.conv_in.weight", "controlnet_cond_embedding.blocks.1.weight"),
    *("controlnet_cond_embedding.blocks.3.weight", "controlnet_cond_embedding.blocks.5.weight"),
)
CLASSIC_HINTS = tuple(f"input_hint_block.{number}.weight" for number in (0, 4, 8, 12))
"""The layers through which a map is read, before and after each halving; unions have wider ones than others."""
TOLD_BY = ("addition_embed_type", "use_linear_projection")
"""What in a net's configuration tells families apart, as it does in a denoiser's."""


def plan_control(spec: ControlSpec, source: Path, hashes: Hashes) -> tuple[Part, ...]:
    """Its one part, from headers; what is missing, of another network or of another family is refused."""
    if is_file(source):
        return (_of_file(spec, source, hashes),)
    files = part_files(source.parent, source.name)
    _check_network(spec, source.name, read_header(files[0]))
    _check_family(spec, read_config(source.parent, source.name))
    return (Part(NAME, part_key(source, files, hashes), elements_of(files)),)


def load_control(spec: ControlSpec, source: Path, dtype: torch.dtype) -> Any:
    """The net in memory, every weight of it from its files."""
    if spec.network == "ip_adapter":
        return load_style(source, dtype)
    if is_file(source):
        return _from_file(spec, source, dtype)
    return load_whole(_class(spec), source, dtype, source.name, NAME)


def _check_network(spec: ControlSpec, file: str, names: Iterable[str]) -> None:
    """A net that is taken for another one would lack nothing and follow nothing."""
    names = tuple(names)
    told = (kind for kind, marks in MARKS.items() if any(name.startswith(marks) for name in names))
    if next(told, None) != spec.network:
        raise StudioError("control_network", file=file, network=spec.network)


def _check_family(spec: ControlSpec, config: dict[str, Any]) -> None:
    facts = FAMILIES[spec.family]
    if spec.network == "adapter":
        right = (config.get("adapter_type") == "full_adapter_xl") == (spec.family == "sdxl")
    else:
        right = all((config.get(key) or None) == (facts.told_by.get(key) or None) for key in _told_by(spec))
    if not right:
        raise StudioError("family_wrong", model=spec.title.en, family=facts.title)


def _told_by(spec: ControlSpec) -> tuple[str, ...]:
    return tuple(key for key in TOLD_BY if key in FAMILIES[spec.family].told_by)


# -- one file -------------------------------------------------------------------------------------


def _of_file(spec: ControlSpec, file: Path, hashes: Hashes) -> Part:
    check_file(file)
    header, prefix = read_header(file), _prefix(file)
    _check_network(spec, file.name, header)
    config = _config(spec, file)
    if config:
        _check_family(spec, config)
    shapes = [entry["shape"] for name, entry in header.items() if _inside(name, prefix)]
    key = file_key(config | {"network": spec.network}, hashes.of(file, prefix))
    return Part(NAME, key, sum(math.prod(shape) for shape in shapes))


def _inside(name: str, prefix: str) -> bool:
    return name != "__metadata__" and name.startswith(prefix)


def _prefix(file: Path) -> str:
    """What stands before the weights: some files hold the whole model that a net was trained with."""
    whole = any(name.startswith("control_model.") for name in read_header(file))
    return "control_model." if whole else ""


def _config(spec: ControlSpec, file: Path) -> dict[str, Any]:
    if spec.network == "ip_adapter":
        return {}
    if (file.with_suffix("") / "config.json").is_file():
        return read_config(file.parent, file.stem)
    shapes = {n: tuple(e["shape"]) for n, e in read_header(file).items() if n != "__metadata__"}
    if spec.network == "adapter":
        return adapter_config(shapes, spec.family)
    return _net_config(spec, shapes)


def _net_config(spec: ControlSpec, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """A net is a copy of half its family's denoiser; a map of colours alone has no places to be followed in."""
    taken = inspect.signature(_class(spec).__init__).parameters
    config = {key: value for key, value in read_config(CONFIGS / spec.family, "unet").items() if key in taken}
    config["conditioning_embedding_out_channels"] = _hints(shapes)
    config["global_pool_conditions"] = spec.kinds == ("shuffle",)
    if spec.network == "union" and "task_embedding" in shapes:
        config["num_control_type"] = shapes["task_embedding"][0]
    return config


def _hints(shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    bare = {name.removeprefix("control_model."): shape for name, shape in shapes.items()}
    names = HINTS if HINTS[0] in bare else CLASSIC_HINTS
    return tuple(bare[name][0] for name in names if name in bare)


def _class(spec: ControlSpec) -> Any:
    import diffusers

    return getattr(diffusers, CLASSES[spec.network])


def _from_file(spec: ControlSpec, file: Path, dtype: torch.dtype) -> Any:
    from accelerate import init_empty_weights

    config, weights = _config(spec, file), read_tensors(file, _prefix(file))
    with init_empty_weights(include_buffers=False):
        net = _class(spec).from_config(config)
    return filled(net, _named(spec, weights, config), file, NAME, dtype)


def _named(
    spec: ControlSpec, weights: dict[str, torch.Tensor], config: dict[str, Any]
) -> dict[str, torch.Tensor]:
    """The weights under the library's names."""
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    if spec.network == "adapter":
        return adapter_names(weights, config)
    found = convert_controlnet_checkpoint(weights, config)
    # The conversion gives nothing under the name of what it did not find.
    return {name: tensor for name, tensor in found.items() if tensor is not None}
