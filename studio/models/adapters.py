"""T2I-Adapters in the layout that their makers published: what the shapes tell, and the library's names."""

# By hand: the library converts this layout in a script of its repository, which is not part of the package.

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

Shapes = Mapping[str, tuple[int, ...]]
Value = TypeVar("Value")
LIGHT = "body.0.out_conv.weight"
"""Only the small ones have it."""
BLOCKS = 4


def adapter_config(shapes: Shapes, family: str) -> dict[str, Any]:
    """The configuration of an adapter, from its shapes and its family."""
    factor = 16 if family == "sdxl" else 8
    light = LIGHT in shapes
    inlet = shapes["body.0.in_conv.weight" if light else "conv_in.weight"][1]
    each = _each(shapes)
    ends = [f"body.{i}.out_conv.weight" if light else f"body.{i * each}.block1.weight" for i in range(BLOCKS)]
    channels = [shapes[name][0] for name in ends if name in shapes]
    large = "full_adapter_xl" if family == "sdxl" else "full_adapter"
    return {
        "in_channels": inlet // factor**2,
        # The last block of a small one has the width of the one before it, which is not written twice.
        "channels": channels[:-1] if light else channels,
        "num_res_blocks": each,
        "downscale_factor": factor,
        "adapter_type": "light_adapter" if light else large,
    }


def _each(shapes: Shapes) -> int:
    """How many layers a block has."""
    if LIGHT in shapes:
        return len([name for name in shapes if re.fullmatch(r"body\.0\.body\.\d+\.block1\.weight", name)])
    layers = [name for name in shapes if re.fullmatch(r"body\.\d+\.block1\.weight", name)]
    return max(1, len(layers) // BLOCKS)


def adapter_names(weights: Mapping[str, Value], config: Mapping[str, Any]) -> dict[str, Value]:
    """The weights under the library's names; those that bear them already keep them."""
    if any(name.startswith("adapter.") for name in weights):
        return dict(weights)
    light = config["adapter_type"] == "light_adapter"
    each = int(config["num_res_blocks"])
    return {f"adapter.{_light(name) if light else _full(name, each)}": w for name, w in weights.items()}


def _light(name: str) -> str:
    return re.sub(r"^(body\.\d+)\.body\.", r"\1.resnets.", name)


def _full(name: str, each: int) -> str:
    found = re.fullmatch(r"body\.(\d+)\.(.+)", name)
    if not found:
        return name
    block, layer = divmod(int(found[1]), each)
    return f"body.{block}.{found[2]}" if "in_conv" in found[2] else f"body.{block}.resnets.{layer}.{found[2]}"
