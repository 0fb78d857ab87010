"""Whether a control net is made for a denoiser, told from sizes before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from studio.errors import StudioError
from studio.messages import ControlSpec

SIZES = (
    "cross_attention_dim",
    "block_out_channels",
    "layers_per_block",
    "addition_embed_type",
    "projection_class_embeddings_input_dim",
)
"""What a control net copies of its denoiser and cannot do without."""


def check_fits(spec: ControlSpec, net: Any, unet: Any, model: str) -> None:
    """A net of other sizes than the denoiser's is refused; the libraries would fail over shapes in the middle."""
    checks = {"adapter": _adapter_fits, "ip_adapter": _style_fits}
    if not checks.get(spec.network, _net_fits)(net, unet):
        raise StudioError("control_unfit", net=spec.title.en, model=model)


def _net_fits(net: Any, unet: Any) -> bool:
    same = all(_plain(net.config.get(key)) == _plain(unet.config.get(key)) for key in SIZES)
    # A denoiser that fills masks reads more than the noise; its control nets do not.
    return same and net.config.in_channels <= unet.config.in_channels


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _adapter_fits(net: Any, unet: Any) -> bool:
    widths = tuple(unet.config.block_out_channels)
    told = tuple(net.config.channels)
    if net.config.adapter_type == "light_adapter":
        told = (*told, told[-1])
    # The large kind speaks after a first block that halves; the others before it does.
    halves_first = unet.config.down_block_types[0] == "DownBlock2D"
    large = net.config.adapter_type == "full_adapter_xl"
    deeper = all(width == widths[-1] for width in told[len(widths) :])
    return told[: len(widths)] == widths and deeper and large == halves_first


def _style_fits(net: Any, unet: Any) -> bool:
    layers = [(layer.in_features, layer.out_features) for layer in net.keys]
    return layers == [(one.cross_attention_dim, one.inner_kv_dim) for _, one in readers(unet)]


def readers(unet: Any) -> Iterator[tuple[str, Any]]:
    """The denoiser's layers that read the text, by name, in the order in which adapters number them."""
    for name in unet.attn_processors:
        if name.endswith("attn2.processor"):
            layer = name.removesuffix(".processor")
            yield layer, unet.get_submodule(layer)
