"""Writes a checkpoint of diffusers layout as one file in the classic layout, the way people exchange them.

The studio reads that layout through the library's own conversion. The way back is written here from the
layout itself, so that a picture painted from both forms checks the one against the other.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

Weights = dict[str, torch.Tensor]


def classic(checkpoint: Path, family: str, file: Path) -> Path:
    """The checkpoint as one file, with its configuration and tokenizers in a folder of the same name."""
    save_file(WRITERS[family](checkpoint), file)
    # Tiny models have sizes of their own; without this folder the family's real sizes are expected.
    ignored = shutil.ignore_patterns("*.safetensors")
    shutil.copytree(checkpoint, file.with_suffix(""), ignore=ignored)
    return file


def _sd1(checkpoint: Path) -> Weights:
    encoder = {f"text_model.{key}": tensor for key, tensor in _part(checkpoint, "text_encoder").items()}
    return _denoiser_and_vae(checkpoint) | _prefixed("cond_stage_model.transformer.", encoder)


def _sd2(checkpoint: Path) -> Weights:
    encoder = {f"text_model.{key}": tensor for key, tensor in _part(checkpoint, "text_encoder").items()}
    return _denoiser_and_vae(checkpoint) | _prefixed("cond_stage_model.model.", _open_clip(encoder))


def _sdxl(checkpoint: Path) -> Weights:
    first = {f"text_model.{key}": tensor for key, tensor in _part(checkpoint, "text_encoder").items()}
    second = _open_clip(_part(checkpoint, "text_encoder_2"))
    return (
        _denoiser_and_vae(checkpoint)
        | _prefixed("conditioner.embedders.0.transformer.", first)
        | _prefixed("conditioner.embedders.1.model.", second)
    )


def _sd3(checkpoint: Path) -> Weights:
    return (
        _prefixed("model.diffusion_model.", _transformer(_part(checkpoint, "transformer")))
        | _prefixed("first_stage_model.", _vae(_part(checkpoint, "vae")))
        | _prefixed("text_encoders.clip_l.transformer.", _part(checkpoint, "text_encoder"))
        | _prefixed("text_encoders.clip_g.transformer.", _part(checkpoint, "text_encoder_2"))
    )


WRITERS = {"sd1": _sd1, "sd2": _sd2, "sdxl": _sdxl, "sd3": _sd3}


def _part(checkpoint: Path, name: str) -> Weights:
    (file,) = (checkpoint / name).glob("*.safetensors")
    # Some versions of the library write the encoder with its outer name and some without.
    weights = load_file(file)
    bare = name == "text_encoder" and "text_projection.weight" not in weights
    return {key.removeprefix("text_model.") if bare else key: one for key, one in weights.items()}


def _prefixed(prefix: str, weights: Weights) -> Weights:
    return {prefix + key: tensor.contiguous() for key, tensor in weights.items()}


def _denoiser_and_vae(checkpoint: Path) -> Weights:
    layers = json.loads((checkpoint / "unet" / "config.json").read_text())["layers_per_block"]
    unet = {_unet_key(key, layers): tensor for key, tensor in _part(checkpoint, "unet").items()}
    vae = _vae(_part(checkpoint, "vae"))
    return _prefixed("model.diffusion_model.", unet) | _prefixed("first_stage_model.", vae)


OUTER = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}


def _unet_key(key: str, layers: int) -> str:
    """Blocks are counted in one row there: each layer, and each change of size, is a block."""
    name, _, kind = key.rpartition(".")
    if name in OUTER:
        return f"{OUTER[name]}.{kind}"
    side, *rest = key.split(".")
    if side == "mid_block":
        place = {"resnets.0": 0, "attentions.0": 1, "resnets.1": 2}[".".join(rest[:2])]
        return f"middle_block.{place}.{_inner(rest[0], rest[2:])}"
    block, what, number = int(rest[0]), rest[1], int(rest[2])
    if what == "downsamplers":
        return f"input_blocks.{(layers + 1) * (block + 1)}.0.op.{kind}"
    if what == "upsamplers":
        # It comes after the attention where the block has one: so it does in the first block of these models.
        return f"output_blocks.{(layers + 1) * block + layers}.{2 if block == 0 else 1}.conv.{kind}"
    start = 1 if side == "down_blocks" else 0
    row = (layers + 1) * block + number + start
    rows = "input_blocks" if side == "down_blocks" else "output_blocks"
    return f"{rows}.{row}.{0 if what == 'resnets' else 1}.{_inner(what, rest[3:])}"


def _inner(what: str, rest: list[str]) -> str:
    return ".".join([RESNET[rest[0]], *rest[1:]] if what == "resnets" else rest)


def _vae(weights: Weights) -> Weights:
    blocks = 1 + max(int(key.split(".")[2]) for key in weights if key.startswith("decoder.up_blocks."))
    found = {}
    for key, tensor in weights.items():
        new = _vae_key(key, blocks)
        # Attention was a convolution of one pixel there.
        flat = ".attn_1." in new and new.endswith("weight") and tensor.ndim == 2
        found[new] = tensor[:, :, None, None] if flat else tensor
    return found


def _vae_key(key: str, blocks: int) -> str:
    for new, old in [("down_blocks", "down"), ("up_blocks", "up")]:
        for number in range(blocks):
            # The decoder's blocks are counted from the picture inwards.
            place = number if old == "down" else blocks - 1 - number
            key = key.replace(f"{new}.{number}.resnets", f"{old}.{place}.block")
            key = key.replace(f"{new}.{number}.{old}samplers.0", f"{old}.{place}.{old}sample")
    for new, old in [
        ("mid_block.resnets.0", "mid.block_1"),
        ("mid_block.resnets.1", "mid.block_2"),
        ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"),
        ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"),
        ("mid_block.attentions.0.to_", "mid.attn_1."),
        ("conv_norm_out", "norm_out"),
        ("conv_shortcut", "nin_shortcut"),
    ]:
        key = key.replace(new, old)
    return key


OPEN_CLIP = {
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
}
OPEN_CLIP_LAYER = [
    ("text_model.encoder.layers.", "transformer.resblocks."),
    ("layer_norm1", "ln_1"),
    ("layer_norm2", "ln_2"),
    ("mlp.fc1", "mlp.c_fc"),
    ("mlp.fc2", "mlp.c_proj"),
    ("self_attn.out_proj", "attn.out_proj"),
]


def _open_clip(weights: Weights) -> Weights:
    """OpenCLIP holds query, key and value in one matrix, and its projection the other way round."""
    found = {}
    for key, tensor in weights.items():
        if key == "text_projection.weight":
            found["text_projection"] = tensor.T
        elif "q_proj" in key:
            three = [weights[key.replace("q_proj", name)] for name in ("q_proj", "k_proj", "v_proj")]
            new = _open_clip_key(key).replace("self_attn.q_proj.", "attn.in_proj_")
            found[new] = torch.cat(three)
        elif "k_proj" not in key and "v_proj" not in key:
            found[_open_clip_key(key)] = tensor
    return found


def _open_clip_key(key: str) -> str:
    for new, old in OPEN_CLIP_LAYER:
        key = key.replace(new, old)
    return OPEN_CLIP.get(key, key)


TRANSFORMER = {
    "pos_embed.pos_embed": "pos_embed",
    "pos_embed.proj": "x_embedder.proj",
    "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
    "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2",
    "context_embedder": "context_embedder",
    "proj_out": "final_layer.linear",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
}
LAYER = {
    "norm1.linear": "x_block.adaLN_modulation.1",
    "norm1_context.linear": "context_block.adaLN_modulation.1",
    "attn.to_out.0": "x_block.attn.proj",
    "attn.to_add_out": "context_block.attn.proj",
    "ff.net.0.proj": "x_block.mlp.fc1",
    "ff.net.2": "x_block.mlp.fc2",
    "ff_context.net.0.proj": "context_block.mlp.fc1",
    "ff_context.net.2": "context_block.mlp.fc2",
}
TOGETHER = {
    "attn.to_q": ("x_block.attn.qkv", ("attn.to_q", "attn.to_k", "attn.to_v")),
    "attn.add_q_proj": ("context_block.attn.qkv", ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj")),
}


def _transformer(weights: Weights) -> Weights:
    """The flow-matching transformer: two streams in each block, query, key and value in one matrix."""
    last = max(int(key.split(".")[1]) for key in weights if key.startswith("transformer_blocks."))
    found: Weights = {}
    for key, tensor in weights.items():
        if key == "pos_embed.pos_embed":
            found["pos_embed"] = tensor
        elif not key.startswith("transformer_blocks."):
            name, _, kind = key.rpartition(".")
            found[f"{TRANSFORMER[name]}.{kind}"] = _swapped(tensor) if name == "norm_out.linear" else tensor
        else:
            found |= _layer(weights, key, tensor, last)
    return found


def _layer(weights: Weights, key: str, tensor: torch.Tensor, last: int) -> Weights:
    _, number, *rest = key.split(".")
    kind, name = rest.pop(), ".".join(rest)
    block = f"joint_blocks.{number}"
    if name in LAYER:
        # The last block's text stream ends in a norm whose two halves lie the other way round there.
        ends = int(number) == last and name == "norm1_context.linear"
        return {f"{block}.{LAYER[name]}.{kind}": _swapped(tensor) if ends else tensor}
    if name in TOGETHER:
        together, names = TOGETHER[name]
        three = [weights[f"transformer_blocks.{number}.{one}.{kind}"] for one in names]
        return {f"{block}.{together}.{kind}": torch.cat(three)}
    return {}


def _swapped(tensor: torch.Tensor) -> torch.Tensor:
    first, second = tensor.chunk(2)
    return torch.cat([second, first])
