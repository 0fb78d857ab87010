"""VAEs by themselves: a folder in diffusers layout, or one file in either layout, brought as a model's own is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from studio.errors import StudioError
from studio.families import FAMILIES
from studio.messages import VaeSpec
from studio.models.files import CONFIGS, check_file, file_key, filled, is_file, read_tensors
from studio.models.folders import elements_of, load_whole, part_files, part_key, read_config
from studio.models.parts import Part, check_missing, is_wide
from studio.weights import read_header

if TYPE_CHECKING:
    from studio.weights import Hashes

NAME = "vae"
KIND = "AutoencoderKL"
PIECES = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
"""How the names of its weights begin; whatever else a file holds, such as its training's losses, is not read."""
PREFIXES = ("first_stage_model.", "vae.")
"""What stands before them where the file held more once."""
OLD_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""How the library called the weights of attention before."""


def plan_vae(spec: VaeSpec, source: Path, hashes: Hashes) -> tuple[Part, ...]:
    """Its one part, from headers; what is missing, broken or of other latents than its family's is refused."""
    config = _config(spec, source)
    if config.get("_class_name") != KIND:
        raise StudioError("vae_unknown", model=spec.title.en, kind=str(config.get("_class_name")))
    wide = any(is_wide(family, NAME, config) for family in spec.families)
    if is_file(source):
        return (_of_file(spec, source, config, wide, hashes),)
    component = _component(source)
    files = part_files(component.parent, component.name)
    _check_channels(spec, int(config["latent_channels"]))
    return (Part(NAME, part_key(component, files, hashes), elements_of(files), wide),)


def load_vae(spec: VaeSpec, source: Path, dtype: torch.dtype) -> Any:
    """The VAE in memory, every weight of it from its files."""
    config = _config(spec, source)
    if dtype == torch.float16 and any(is_wide(family, NAME, config) for family in spec.families):
        dtype = torch.float32
    return _from_file(source, config, dtype) if is_file(source) else _from_folder(_component(source), dtype)


def _component(source: Path) -> Path:
    """The folder itself, or its part where it is a whole checkpoint."""
    return source if (source / "config.json").is_file() else source / NAME


def _config(spec: VaeSpec, source: Path) -> dict[str, Any]:
    if not is_file(source):
        component = _component(source)
        return read_config(component.parent, component.name)
    # A file tells nothing but its weights: what scales them is its family's, unless it stands beside it.
    if (source.with_suffix("") / "config.json").is_file():
        return read_config(source.parent, source.stem)
    return read_config(CONFIGS / spec.families[0], NAME)


# -- one file -------------------------------------------------------------------------------------


def _of_file(spec: VaeSpec, file: Path, config: dict[str, Any], wide: bool, hashes: Hashes) -> Part:
    check_file(file)
    prefix, header = _prefix(file), read_header(file)
    inlet = header.get(f"{prefix}decoder.conv_in.weight", {"shape": (0, 0)})
    _check_channels(spec, inlet["shape"][1])
    names = [name for name in header if name.removeprefix(prefix).startswith(PIECES)]
    elements = sum(math.prod(header[name]["shape"]) for name in names)
    return Part(NAME, file_key(config, hashes.of(file, prefix)), elements, wide)


def _prefix(file: Path) -> str:
    names = read_header(file)
    return next((one for one in PREFIXES if any(name.startswith(one) for name in names)), "")


def _check_channels(spec: VaeSpec, channels: int) -> None:
    for family in map(FAMILIES.__getitem__, spec.families):
        if family.channels != channels:
            raise StudioError("family_wrong", model=spec.title.en, family=family.title)


def _from_file(file: Path, config: dict[str, Any], dtype: torch.dtype) -> Any:
    from accelerate import init_empty_weights
    from diffusers import AutoencoderKL

    with init_empty_weights(include_buffers=False):
        vae = AutoencoderKL.from_config(config)
    weights = _renamed(_read(file), config, file.name)
    return filled(vae, weights, file, NAME, dtype)


def _read(file: Path) -> dict[str, torch.Tensor]:
    prefix = _prefix(file)
    bare = {name.removeprefix(prefix): tensor for name, tensor in read_tensors(file, prefix).items()}
    return {name: tensor for name, tensor in bare.items() if name.startswith(PIECES)}


def _renamed(weights: dict[str, torch.Tensor], config: dict[str, Any], model: str) -> dict[str, torch.Tensor]:
    """Under the library's names of today, from those of yesterday or those of the classic layout."""
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    if not any(name.startswith("decoder.mid_block.") for name in weights):
        try:
            return dict(convert_ldm_vae_checkpoint(weights, config))
        except KeyError as error:
            check_missing(model, NAME, [str(error.args[0])])
    return {_todays(name): tensor for name, tensor in weights.items()}


def _todays(name: str) -> str:
    for old, new in OLD_NAMES.items():
        name = name.replace(old, new)
    return name


# -- a folder -------------------------------------------------------------------------------------


def _from_folder(component: Path, dtype: torch.dtype) -> Any:
    from diffusers import AutoencoderKL

    return load_whole(AutoencoderKL, component, dtype, component.name, NAME)
