"""Small random LoRAs for the parts of a model, in the layouts of those who train them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Tensors = dict[str, "torch.Tensor"]
PREFIXES = {"unet": "lora_unet_", "text_encoder": "lora_te_", "text_encoder_2": "lora_te2_"}
Wanted = Callable[[str], bool]


def changeable(part: Any) -> dict[str, tuple[int, ...]]:
    """The layers that a LoRA may change, with the shapes of their weights, as the library names them."""
    import torch

    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    return {name: tuple(one.weight.shape) for name, one in part.named_modules() if isinstance(one, kinds)}


def attention(name: str) -> bool:
    """Whether a layer is one of those that most LoRAs change."""
    return "attn" in name


def everything(name: str) -> bool:
    """Every layer."""
    return True


def pairs(part: Any, rank: int = 4, seed: int = 0, wanted: Wanted = attention, size: float = 0.3) -> Tensors:
    """Both halves of the change to each layer, by `<layer>.down` and `<layer>.up`."""
    import torch

    numbers = torch.Generator().manual_seed(seed)
    found: Tensors = {}
    for name, (outlet, inlet, *kernel) in changeable(part).items():
        if wanted(name):
            found[f"{name}.down"] = torch.randn(rank, inlet, *kernel, generator=numbers) * size
            found[f"{name}.up"] = torch.randn(outlet, rank, *[1] * len(kernel), generator=numbers) * size
    return found


def kohya(
    parts: Mapping[str, Any],
    names: Callable[[str], str] = lambda name: name,
    alpha: Callable[[str], float] | None = None,
    **how: Any,
) -> Tensors:
    """As sd-scripts writes it: no dots in the names of layers, a scale beside each."""
    import torch

    both = {"text_encoder", "text_encoder_2"} <= set(parts)
    found: Tensors = {}
    for part, module in parts.items():
        prefix = "lora_te1_" if both and part == "text_encoder" else PREFIXES[part]
        for key, tensor in pairs(module, **how).items():
            layer, _, half = key.rpartition(".")
            flat = (names(layer) if part == "unet" else _bodied(layer)).replace(".", "_")
            found[f"{prefix}{flat}.lora_{half}.weight"] = tensor
            if alpha and half == "down":
                found[f"{prefix}{flat}.alpha"] = torch.tensor(alpha(layer))
    return found


def _bodied(layer: str) -> str:
    return layer if layer.startswith("text_model.") else f"text_model.{layer}"


def peft(parts: Mapping[str, Any], **how: Any) -> Tensors:
    """As the library saves it."""
    words = {"down": "lora_A", "up": "lora_B"}
    return {
        f"{part}.{key.rpartition('.')[0]}.{words[key.rpartition('.')[2]]}.weight": tensor
        for part, module in parts.items()
        for key, tensor in pairs(module, **how).items()
    }


def old(parts: Mapping[str, Any], **how: Any) -> Tensors:
    """As the library's first years saved it: the layers of attention under the names of its processors."""
    return {
        _old(part, key): one for part, module in parts.items() for key, one in pairs(module, **how).items()
    }


def _old(part: str, key: str) -> str:
    layer, _, half = key.rpartition(".")
    if part == "unet":
        block, _, name = layer.replace("to_out.0", "to_out").rpartition(".")
        return f"unet.{block}.processor.{name}_lora.{half}.weight"
    block, _, name = layer.rpartition(".")
    if name in ("fc1", "fc2"):
        return f"{part}.{_bodied(layer)}.lora_linear_layer.{half}.weight"
    return f"{part}.{_bodied(block)}.{'to_' + name.removesuffix('_proj')}_lora.{half}.weight"


def written(tensors: Tensors, file: Path, about: Mapping[str, str] | None = None) -> Path:
    """The tensors as a file."""
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: one.contiguous() for name, one in tensors.items()}, file, dict(about or {}))
    return file


def merged(module: Any, changes: Tensors, weight: float, skip: Collection[str] = ()) -> None:
    """Adds a LoRA to the weights themselves: what painting with it must come to."""
    import torch

    with torch.no_grad():
        for key in [key for key in changes if key.endswith(".down")]:
            layer = key.removesuffix(".down")
            down, up = changes[key], changes[f"{layer}.up"]
            one = module.get_submodule(layer)
            flat = torch.einsum("or,ri->oi", up.flatten(1), down.flatten(1)).reshape(one.weight.shape)
            one.weight += (weight * flat).to(one.weight)
