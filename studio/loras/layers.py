"""Which layers a model has that a LoRA can change: names and shapes from its configuration, no weights read."""

# By hand: the library knows a network's layers only once it has built it, and that needs torch.

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.errors import StudioError
from studio.families import FAMILIES
from studio.settings import ROOT

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
"""The weights of layers by their names in the library, dots and all."""
DENOISER = "unet"
ENCODERS = ("text_encoder", "text_encoder_2")
LORA_FAMILIES = ("sd1", "sd2", "sdxl")
"""Those whose denoiser is a U-Net, which is what LoRAs are read for here."""
CONFIGS = ROOT / "assets" / "configs"
BODY = "text_model."
"""Some encoders carry it before the names of their layers, and some LoRAs: here nobody does."""


@dataclass(frozen=True)
class Layers:
    """The layers of a model's parts."""

    parts: Mapping[str, Shapes]
    _found: dict[str, dict[str, str]] = field(default_factory=dict, compare=False, repr=False)

    def name(self, part: str, flat: str) -> str | None:
        """The layer that a LoRA means, whichever of its names is written there, dots as underscores."""
        if part not in self._found:
            self._found[part] = _names(part, self.parts.get(part, {}))
        return self._found[part].get(flat)

    def shape(self, part: str, name: str) -> Shape:
        """The shape of a layer's weights."""
        return self.parts[part][name]


def flat(name: str) -> str:
    """A layer's name as those write it that have no dots."""
    return name.removeprefix(BODY).replace(".", "_")


def _names(part: str, shapes: Shapes) -> dict[str, str]:
    names = {flat(name): name for name in shapes}
    if part == DENOISER:
        # The names of the library come last: they win where both layouts have one.
        names = {flat(old): new for old, new in classic_names(shapes)} | names
    return names


# -- what a configuration says --------------------------------------------------------------------


def layers_of(checkpoint: Path | None, family: str) -> Layers:
    """The layers of a checkpoint, from the configurations beside its weights; else those usual in its family."""
    if family not in LORA_FAMILIES:
        raise StudioError("lora_family_without", family=FAMILIES[family].title)
    beside = checkpoint.with_suffix("") if checkpoint and checkpoint.suffix == ".safetensors" else checkpoint
    own = beside is not None and (beside / DENOISER / "config.json").is_file()
    folder = beside if own and beside else CONFIGS / family
    return _read_layers(folder, _stamp(folder))


def _stamp(folder: Path) -> tuple[int, ...]:
    return tuple(_config(folder, part).stat().st_mtime_ns for part in _parts_in(folder))


def _parts_in(folder: Path) -> list[str]:
    return [part for part in (DENOISER, *ENCODERS) if _config(folder, part).is_file()]


def _config(folder: Path, part: str) -> Path:
    return folder / part / "config.json"


@functools.lru_cache(maxsize=64)
def _read_layers(folder: Path, stamp: tuple[int, ...]) -> Layers:
    parts = {part: _read_part(folder, part) for part in _parts_in(folder)}
    return Layers(parts)


def _read_part(folder: Path, part: str) -> Shapes:
    try:
        config = json.loads(_config(folder, part).read_text(encoding="utf-8"))
        return dict(unet_layers(config) if part == DENOISER else clip_layers(config))
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise StudioError("weights_broken", file=f"{part}/config.json") from error


def clip_layers(config: Mapping[str, Any]) -> Iterator[tuple[str, Shape]]:
    """The linear layers of a CLIP text encoder."""
    width, inner = int(config["hidden_size"]), int(config["intermediate_size"])
    for number in range(int(config["num_hidden_layers"])):
        layer = f"encoder.layers.{number}"
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            yield f"{layer}.self_attn.{name}", (width, width)
        yield f"{layer}.mlp.fc1", (inner, width)
        yield f"{layer}.mlp.fc2", (width, inner)
    if "CLIPTextModelWithProjection" in (config.get("architectures") or ()):
        yield "text_projection", (int(config["projection_dim"]), width)


def unet_layers(config: Mapping[str, Any]) -> Iterator[tuple[str, Shape]]:
    """The linear layers and convolutions of a U-Net."""
    unet = _UNet(config)
    yield "conv_in", (unet.widths[0], int(config["in_channels"]), 3, 3)
    yield from _two(unet.time, unet.widths[0], "time_embedding")
    if config.get("addition_embed_type") == "text_time":
        yield from _two(unet.time, int(config["projection_class_embeddings_input_dim"]), "add_embedding")
    yield from unet.down()
    yield from unet.middle()
    yield from unet.up()
    yield "conv_out", (int(config["out_channels"]), unet.widths[0], 3, 3)


def _two(width: int, inlet: int, name: str) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.linear_1", (width, inlet)
    yield f"{name}.linear_2", (width, width)


def _each(value: Any, count: int) -> list[int]:
    """One number for each block, where a configuration may give one for all."""
    return [int(one) for one in value] if isinstance(value, list | tuple) else [int(value)] * count


class _UNet:
    """What of a U-Net's configuration tells its layers."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.widths = [int(width) for width in config["block_out_channels"]]
        count = len(self.widths)
        self.time = 4 * self.widths[0]
        self.depths = _each(config.get("layers_per_block", 2), count)
        self.transformers = _each(config.get("transformer_layers_per_block", 1), count)
        self.text = _each(config["cross_attention_dim"], count)
        self.linear = bool(config.get("use_linear_projection", False))
        self.down_types: list[str] = list(config["down_block_types"])
        self.up_types: list[str] = list(config["up_block_types"])

    def down(self) -> Iterator[tuple[str, Shape]]:
        """From the picture inwards."""
        inlet = self.widths[0]
        for block, width in enumerate(self.widths):
            place = f"down_blocks.{block}"
            for layer in range(self.depths[block]):
                yield from self._resnet(f"{place}.resnets.{layer}", inlet if layer == 0 else width, width)
                if "CrossAttn" in self.down_types[block]:
                    yield from self._attention(f"{place}.attentions.{layer}", width, block)
            if block < len(self.widths) - 1:
                yield f"{place}.downsamplers.0.conv", (width, width, 3, 3)
            inlet = width

    def middle(self) -> Iterator[tuple[str, Shape]]:
        """The innermost block."""
        width = self.widths[-1]
        yield from self._resnet("mid_block.resnets.0", width, width)
        yield from self._attention("mid_block.attentions.0", width, len(self.widths) - 1)
        yield from self._resnet("mid_block.resnets.1", width, width)

    def up(self) -> Iterator[tuple[str, Shape]]:
        """Back outwards; each layer reads what came by on the way in beside what it is given."""
        passed = self._passed_by()
        inlet = self.widths[-1]
        for block in range(len(self.widths)):
            inner = len(self.widths) - 1 - block
            width, place = self.widths[inner], f"up_blocks.{block}"
            for layer in range(self.depths[inner] + 1):
                beside = passed.pop()
                yield from self._resnet(f"{place}.resnets.{layer}", inlet + beside, width)
                if "CrossAttn" in self.up_types[block]:
                    yield from self._attention(f"{place}.attentions.{layer}", width, inner)
                inlet = width
            if block < len(self.widths) - 1:
                yield f"{place}.upsamplers.0.conv", (width, width, 3, 3)

    def _passed_by(self) -> list[int]:
        widths = [self.widths[0]]
        for block, width in enumerate(self.widths):
            widths += [width] * (self.depths[block] + (block < len(self.widths) - 1))
        return widths

    def _resnet(self, place: str, inlet: int, width: int) -> Iterator[tuple[str, Shape]]:
        yield f"{place}.conv1", (width, inlet, 3, 3)
        yield f"{place}.time_emb_proj", (width, self.time)
        yield f"{place}.conv2", (width, width, 3, 3)
        if inlet != width:
            yield f"{place}.conv_shortcut", (width, inlet, 1, 1)

    def _attention(self, place: str, width: int, block: int) -> Iterator[tuple[str, Shape]]:
        through = (width, width) if self.linear else (width, width, 1, 1)
        yield f"{place}.proj_in", through
        for number in range(self.transformers[block]):
            yield from self._transformer(f"{place}.transformer_blocks.{number}", width, self.text[block])
        yield f"{place}.proj_out", through

    @staticmethod
    def _transformer(place: str, width: int, text: int) -> Iterator[tuple[str, Shape]]:
        for attention, reads in (("attn1", width), ("attn2", text)):
            yield f"{place}.{attention}.to_q", (width, width)
            yield f"{place}.{attention}.to_k", (width, reads)
            yield f"{place}.{attention}.to_v", (width, reads)
            yield f"{place}.{attention}.to_out.0", (width, width)
        yield f"{place}.ff.net.0.proj", (8 * width, width)
        yield f"{place}.ff.net.2", (width, 4 * width)


# -- the names of the classic layout --------------------------------------------------------------

OUTER = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_out": "out.2",
}
RESNET = {
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def classic_names(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The names that layers have where a U-Net's blocks are counted in one row, each with the library's."""
    known = list(names)
    rows = _Rows(known)
    for name in known:
        yield OUTER.get(name) or rows.classic(name), name


class _Rows:
    """Where in the one row each block stands; a layer is a place in it, and so is a change of size."""

    def __init__(self, names: list[str]) -> None:
        places = {tuple(name.split(".")[:4]) for name in names if "_blocks." in name}
        self._attends = {place[:2] for place in places if place[2] == "attentions"}
        self._first: dict[tuple[str, str], int] = {}
        for side, row in (("down_blocks", 1), ("up_blocks", 0)):
            for block in sorted({place[1] for place in places if place[0] == side}, key=int):
                self._first[side, block] = row
                kinds = {place[2:] for place in places if place[:2] == (side, block)}
                row += len({kind for kind in kinds if kind[0] == "resnets"})
                row += side == "down_blocks" and any(kind[0] == "downsamplers" for kind in kinds)
        self._depth = {
            block: len({place[3] for place in places if place[:2] == block and place[2] == "resnets"})
            for block in self._first
        }

    def classic(self, name: str) -> str:
        """A layer's name there."""
        side, *rest = name.split(".")
        if side == "mid_block":
            at = {"resnets.0": 0, "attentions.0": 1, "resnets.1": 2}[".".join(rest[:2])]
            return f"middle_block.{at}.{_inner(rest[0], rest[2:])}"
        block, what, number = (side, rest[0]), rest[1], int(rest[2])
        row = self._first[block]
        if what == "downsamplers":
            return f"input_blocks.{row + self._depth[block]}.0.op"
        if what == "upsamplers":
            return f"output_blocks.{row + self._depth[block] - 1}.{1 + (block in self._attends)}.conv"
        rows = "input_blocks" if side == "down_blocks" else "output_blocks"
        return f"{rows}.{row + number}.{int(what == 'attentions')}.{_inner(what, rest[3:])}"


def _inner(what: str, rest: list[str]) -> str:
    return ".".join([RESNET[rest[0]], *rest[1:]] if what == "resnets" else rest)
