"""Tiny control nets, adapters and IP-Adapters with random weights, and entries for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.messages import Bilingual, ControlSpec, EncoderSpec, FileSource, LocalSource

if TYPE_CHECKING:
    import torch

HINTS = (4, 4, 8, 8)
"""Channels of the layers that read a map: three halvings, as in real ones."""
SIDE = 32
"""Of what the tiny encoder looks at."""


def control_net(unet: Any, seed: int = 0, **changes: object) -> Any:
    """A control net for a denoiser; its outlets, which training begins at zero, say something."""
    import torch
    from diffusers import ControlNetModel

    torch.manual_seed(seed)
    net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=HINTS)
    net.register_to_config(**changes)
    return _outspoken(net)


def union_net(unet: Any, seed: int = 0, kinds: int = 6) -> Any:
    """A union of control nets for a denoiser."""
    import inspect

    import torch
    from diffusers import ControlNetUnionModel

    torch.manual_seed(seed)
    known = inspect.signature(ControlNetUnionModel.__init__).parameters
    config = {name: value for name, value in unet.config.items() if name in known}
    width = unet.config.block_out_channels[0]
    net = ControlNetUnionModel(
        **config,
        conditioning_embedding_out_channels=HINTS,
        num_control_type=kinds,
        num_trans_channel=width,
        num_trans_head=2,
        num_proj_channel=width,
    )
    return _outspoken(net)


def _outspoken(net: Any) -> Any:
    import torch

    for outlet in (*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding):
        for weight in outlet.parameters():
            torch.nn.init.normal_(weight, std=0.3)
    return net.eval()


def adapter(channels: tuple[int, ...] = (8, 16), seed: int = 0, **changes: object) -> Any:
    """A T2I-Adapter."""
    import torch
    from diffusers import T2IAdapter

    torch.manual_seed(seed)
    return T2IAdapter(**{"channels": channels, "num_res_blocks": 2} | changes).eval()


def style_weights(unet: Any, seed: int = 0, plus: bool = False) -> dict[str, torch.Tensor]:
    """An IP-Adapter for a denoiser, as one is exchanged; plus reads the places of a picture."""
    import torch

    torch.manual_seed(seed)
    reads = unet.config.cross_attention_dim
    layers = [unet.get_submodule(name.removesuffix(".processor")) for name in unet.attn_processors
              if name.endswith("attn2.processor")]  # fmt: skip
    found = {}
    for number, layer in enumerate(layers):
        for kind in "kv":
            found[f"ip_adapter.{2 * number + 1}.to_{kind}_ip.weight"] = torch.randn(layer.inner_kv_dim, reads)
    return found | {f"image_proj.{n}": w for n, w in (_resampler(reads) if plus else _linear(reads)).items()}


def _linear(reads: int) -> dict[str, torch.Tensor]:
    import torch

    return {
        "proj.weight": torch.randn(4 * reads, 16),
        "proj.bias": torch.randn(4 * reads),
        "norm.weight": torch.ones(reads),
        "norm.bias": torch.zeros(reads),
    }


def _resampler(reads: int) -> dict[str, torch.Tensor]:
    """In the names of those who publish them."""
    import torch

    inner = 64

    def norm(name: str, width: int = inner) -> dict[str, torch.Tensor]:
        return {f"{name}.weight": torch.ones(width), f"{name}.bias": torch.zeros(width)}

    found = {"latents": torch.randn(1, 4, inner)}
    for name, out, into in (("proj_in", inner, 32), ("proj_out", reads, inner)):
        found |= {f"{name}.weight": torch.randn(out, into) / 8, f"{name}.bias": torch.zeros(out)}
    found |= norm("norm_out", reads)
    for layer in range(4):
        at = f"layers.{layer}"
        found |= norm(f"{at}.0.norm1") | norm(f"{at}.0.norm2") | norm(f"{at}.1.0")
        found |= {
            f"{at}.0.to_q.weight": torch.randn(inner, inner) / 8,
            f"{at}.0.to_kv.weight": torch.randn(2 * inner, inner) / 8,
            f"{at}.0.to_out.weight": torch.randn(inner, inner) / 8,
            f"{at}.1.1.weight": torch.randn(4 * inner, inner) / 8,
            f"{at}.1.3.weight": torch.randn(inner, 4 * inner) / 8,
        }
    return found


def encoder(seed: int = 0) -> Any:
    """What reads pictures for the IP-Adapters above."""
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}
    config = CLIPVisionConfig(**sizes, image_size=SIDE, patch_size=8, projection_dim=16, hidden_act="gelu")
    return CLIPVisionModelWithProjection(config).eval()


# -- on disk --------------------------------------------------------------------------------------


def control_spec(path: Path, id: str = "edges", family: str = "sd1", **changes: Any) -> ControlSpec:
    """A net's entry."""
    plain = {"kinds": ("canny",), "licence": "test", "family": family}
    title = Bilingual(en=id, zh=id)
    source = FileSource(path=str(path)) if path.suffix == ".safetensors" else LocalSource(path=str(path))
    return ControlSpec(id=id, title=title, source=source, **(plain | changes))


def single_file(weights: dict[str, torch.Tensor], file: Path, config: Any = None) -> Path:
    """Weights as one file, with the sizes of tiny ones in a folder beside it."""
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: weight.contiguous() for name, weight in weights.items()}, file)
    if config is not None:
        file.with_suffix("").mkdir()
        plain = {key: value for key, value in dict(config).items() if not key.startswith("_")}
        (file.with_suffix("") / "config.json").write_text(json.dumps(plain), encoding="utf-8")
    return file


def encoder_spec(file: Path, id: str = "eyes", seed: int = 0) -> EncoderSpec:
    """The encoder as one file, and its entry."""
    network = encoder(seed)
    single_file(network.state_dict(), file, network.config.to_dict())
    title = Bilingual(en=id, zh=id)
    return EncoderSpec(id=id, title=title, source=FileSource(path=str(file)), licence="test")


# -- as people exchange them ----------------------------------------------------------------------


def classic_net(net: Any, prefix: str = "control_model.") -> dict[str, torch.Tensor]:
    """A control net's weights in the layout of its makers."""
    from tests.tiny_classic import _unet_key

    layers = net.config.layers_per_block
    return {prefix + _classic_key(name, layers, _unet_key): one for name, one in net.state_dict().items()}


def _classic_key(name: str, layers: int, unet_key: Any) -> str:
    first, rest = name.split(".", 1)
    if first == "controlnet_mid_block":
        return f"middle_block_out.0.{rest}"
    if first == "controlnet_down_blocks":
        number, kind = rest.split(".")
        return f"zero_convs.{number}.0.{kind}"
    if first == "controlnet_cond_embedding":
        place, kind = rest.rsplit(".", 1)
        ends = {"conv_in": 0, "conv_out": 14}
        number = ends[place] if place in ends else 2 * (int(place.split(".")[1]) + 1)
        return f"input_hint_block.{number}.{kind}"
    return str(unet_key(name, layers))


def classic_adapter(net: Any) -> dict[str, torch.Tensor]:
    """An adapter's weights in the layout of its makers: all layers in one row, or blocks of them."""
    light, each = net.config.adapter_type == "light_adapter", net.config.num_res_blocks
    found = {}
    for name, weight in net.state_dict().items():
        parts = name.removeprefix("adapter.").split(".")
        if light:
            parts = ["body" if part == "resnets" else part for part in parts]
        elif parts[0] == "body" and parts[2] == "resnets":
            parts = ["body", str(int(parts[1]) * each + int(parts[3])), *parts[4:]]
        elif parts[0] == "body":
            parts = ["body", str(int(parts[1]) * each), *parts[2:]]
        found[".".join(parts)] = weight
    return found
