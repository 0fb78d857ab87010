"""IP-Adapters: the few layers by which a denoiser's attention reads a picture, and what brings it to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from studio.errors import StudioError
from studio.models.files import read_tensors
from studio.models.parts import check_missing

LAYER = re.compile(r"ip_adapter\.(\d+)\.to_k_ip\.weight")


class StyleNet(nn.Module):
    """An IP-Adapter by itself; it changes no denoiser, it is lent to one for a while."""

    def __init__(self, projection: nn.Module, keys: list[nn.Linear], values: list[nn.Linear]) -> None:
        super().__init__()
        self.projection = projection
        self.keys, self.values = nn.ModuleList(keys), nn.ModuleList(values)

    @property
    def whole(self) -> bool:
        """Whether it reads what an encoder says of a picture as a whole, or of all its places."""
        return type(self.projection).__name__ == "ImageProjection"


def load_style(file: Path, dtype: torch.dtype) -> StyleNet:
    """The net in memory, every weight of it from the file."""
    weights = read_tensors(file)
    numbers = sorted(int(found[1]) for name in weights if (found := LAYER.fullmatch(name)))
    keys, values = ([f"ip_adapter.{n}.to_{kind}_ip.weight" for n in numbers] for kind in "kv")
    check_missing(file.name, "net", {*keys, *values} - weights.keys())
    projection = _projection(weights, file.name)
    return StyleNet(projection, [_layer(weights[k]) for k in keys], [_layer(weights[v]) for v in values]).to(
        dtype
    )


def _layer(weight: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    layer.weight = nn.Parameter(weight, requires_grad=False)
    return layer


def _projection(weights: dict[str, Tensor], file: str) -> nn.Module:
    """What makes words of the picture; the library tells its kind by its weights and renames them."""
    from diffusers.loaders.unet import UNet2DConditionLoadersMixin

    own = {
        name.removeprefix("image_proj."): tensor
        for name, tensor in weights.items()
        if name.startswith("image_proj.")
    }
    # Those for faces want what a network for faces says of them, and nothing here brings that.
    if ("norm.weight" in own and "proj.0.weight" in own) or any("lora" in name for name in weights):
        raise StudioError("control_network", file=file, network="ip_adapter")
    convert: Any = UNet2DConditionLoadersMixin._convert_ip_adapter_image_proj_to_diffusers
    try:
        return convert(None, own, low_cpu_mem_usage=False)  # type: ignore[no-any-return]
    except KeyError as error:
        check_missing(file, "net", [f"image_proj.{error.args[0]}"])
        raise
