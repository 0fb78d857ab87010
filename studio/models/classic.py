"""The layout in which people exchange a checkpoint as one file: where its parts lie, and under what names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Weights = dict[str, "torch.Tensor"]
Convert = Callable[[Weights, str, Mapping[str, Any]], Weights]
"""From a file's weights, their prefix and the part's configuration to the library's names."""
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Piece:
    """Where one part lies in a file, and how its weights get the library's names."""

    prefix: str
    convert: Convert


def _unet(weights: Weights, prefix: str, config: Mapping[str, Any]) -> Weights:
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    return convert_ldm_unet_checkpoint(weights, config)


def _vae(weights: Weights, prefix: str, config: Mapping[str, Any]) -> Weights:
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    return convert_ldm_vae_checkpoint(weights, config)


def _transformer(weights: Weights, prefix: str, config: Mapping[str, Any]) -> Weights:
    from diffusers.loaders.single_file_utils import convert_sd3_transformer_checkpoint_to_diffusers

    return convert_sd3_transformer_checkpoint_to_diffusers(weights)


def _clip(weights: Weights, prefix: str, config: Mapping[str, Any]) -> Weights:
    """OpenAI's encoder bears the library's own names."""
    return {name.removeprefix(prefix): tensor for name, tensor in weights.items()}


def _clip_projected(weights: Weights, prefix: str, config: Mapping[str, Any]) -> Weights:
    """The same, with a projection; many files leave it out because it changes nothing."""
    import torch

    found = _clip(weights, prefix, config)
    return {"text_projection.weight": torch.eye(int(config["hidden_size"]))} | found


def _open_clip(weights: Weights, prefix: str, config: Mapping[str, Any]) -> Weights:
    from types import SimpleNamespace

    from diffusers.loaders.single_file_utils import convert_open_clip_checkpoint

    encoder = SimpleNamespace(config=SimpleNamespace(hidden_size=config["hidden_size"]))
    return convert_open_clip_checkpoint(encoder, weights, prefix=prefix)


UNET, VAE = Piece("model.diffusion_model.", _unet), Piece("first_stage_model.", _vae)

PIECES: dict[str, dict[str, Piece]] = {
    "sd1": {"unet": UNET, "vae": VAE, "text_encoder": Piece("cond_stage_model.transformer.", _clip)},
    "sd2": {"unet": UNET, "vae": VAE, "text_encoder": Piece("cond_stage_model.model.", _open_clip)},
    "sdxl": {
        "unet": UNET,
        "vae": VAE,
        "text_encoder": Piece("conditioner.embedders.0.transformer.", _clip),
        "text_encoder_2": Piece("conditioner.embedders.1.model.", _open_clip),
    },
    # T5 is left in the file where there is one: its tokenizer is not shipped, and the family paints without.
    "sd3": {
        "transformer": Piece("model.diffusion_model.", _transformer),
        "vae": VAE,
        "text_encoder": Piece("text_encoders.clip_l.transformer.", _clip_projected),
        "text_encoder_2": Piece("text_encoders.clip_g.transformer.", _clip),
    },
}
"""A family that is not here can be had as a folder only."""


def unet_sizes(shapes: Shapes) -> dict[str, Any]:
    """What the shapes say of a U-Net beyond its family: inpainting models take in more channels."""
    inlet = shapes.get("input_blocks.0.0.weight")
    return {"in_channels": inlet[1]} if inlet else {}


def transformer_sizes(shapes: Shapes) -> dict[str, Any]:
    """What the shapes say of a transformer: the family comes in several sizes, with heads of 64 each."""
    numbers = [int(found[1]) for name in shapes if (found := re.match(r"joint_blocks\.(\d+)\.", name))]
    twice = {int(name.split(".")[1]) for name in shapes if ".x_block.attn2." in name}
    width, places = shapes["x_embedder.proj.weight"][0], shapes["pos_embed"][1]
    return {
        "num_layers": max(numbers) + 1,
        "num_attention_heads": width // 64,
        "caption_projection_dim": width,
        "pos_embed_max_size": round(places**0.5),
        "dual_attention_layers": sorted(twice),
        "qk_norm": "rms_norm" if any(".ln_q." in name for name in shapes) else None,
    }


SIZES: dict[str, Callable[[Shapes], dict[str, Any]]] = {"unet": unet_sizes, "transformer": transformer_sizes}
