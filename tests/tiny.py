"""Tiny random checkpoints in the layout of real ones: every path through the libraries, in milliseconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

WORDS = ["a", "red", "blue", "cat", "house", "sea", "low", "quality"]


def tiny_sd1(folder: Path, seed: int = 0) -> Path:
    """A Stable Diffusion 1 checkpoint of 8 px latents and one layer a block, random weights."""
    import torch
    from diffusers import StableDiffusionPipeline

    torch.manual_seed(seed)
    tokenizer = clip_tokenizer(folder)
    return saved(
        StableDiffusionPipeline(
            vae=vae(),
            text_encoder=clip_text(tokenizer),
            tokenizer=tokenizer,
            unet=unet(),
            scheduler=noise_schedule(),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        ),
        folder,
    )


def saved(pipe: Any, folder: Path) -> Path:
    """The pipeline as a checkpoint in diffusers layout."""
    pipe.save_pretrained(str(folder / "checkpoint"), safe_serialization=True)
    return folder / "checkpoint"


def clip_tokenizer(folder: Path, pad: str = "<|endoftext|>") -> Any:
    """A CLIP tokenizer that knows the words of the tests."""
    from transformers import CLIPTokenizer

    tokenizer_files(folder / "vocabulary")
    return CLIPTokenizer.from_pretrained(str(folder / "vocabulary"), model_max_length=77, pad_token=pad)


def clip_text(tokenizer: Any, width: int = 32, projected: int = 0, **changes: object) -> Any:
    """A CLIP text encoder of two layers; with a projection where a family needs the prompt as a whole."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    settings = {
        "vocab_size": len(tokenizer),
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 77,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    kind = CLIPTextModelWithProjection if projected else CLIPTextModel
    return kind(CLIPTextConfig(**settings | ({"projection_dim": projected} if projected else {}) | changes))


def unet(**changes: object) -> Any:
    """A U-Net of two blocks with one layer each."""
    from diffusers import UNet2DConditionModel

    settings = {
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "sample_size": 8,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 32,
        "norm_num_groups": 4,
        "attention_head_dim": 4,
    }
    return UNet2DConditionModel(**settings | changes)


def vae(channels: int = 4, **changes: object) -> Any:
    """A decoder of eight pixels a latent cell, as real ones are."""
    from diffusers import AutoencoderKL

    settings = {
        "block_out_channels": (8, 8, 8, 16),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "latent_channels": channels,
        "sample_size": 64,
    }
    return AutoencoderKL(**settings | changes)


def noise_schedule(**changes: object) -> Any:
    """The noise that the first two families and XL were trained with."""
    from diffusers import DDIMScheduler

    settings = {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "steps_offset": 1,
        "clip_sample": False,
        "set_alpha_to_one": False,
    }
    return DDIMScheduler(**settings | changes)


def tokenizer_files(folder: Path) -> None:
    """A CLIP vocabulary in which the words of the tests are one token each, the rest letters."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters), ",", ",</w>", "!", "!</w>"]
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        parts = [*word[:-1], f"{word[-1]}</w>"]
        while len(parts) > 1:
            merges.append((parts[0], parts[1]))
            parts = [parts[0] + parts[1], *parts[2:]]
            vocabulary.append(parts[0])
    vocabulary = list(dict.fromkeys([*vocabulary, "<|startoftext|>", "<|endoftext|>"]))
    ids = {token: number for number, token in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    lines = ["#version: 0.2", *dict.fromkeys(f"{first} {second}" for first, second in merges)]
    (folder / "merges.txt").write_text("\n".join(lines), encoding="utf-8")


def catalog_text(*entries: tuple[str, Path]) -> str:
    """A models.yaml with tiny models."""
    return "models:\n" + "".join(
        f"""  - id: {id}
    title: {{en: {id}, zh: {id}}}
    family: sd1
    source: {{kind: local, path: {checkpoint}}}
    licence: test
    defaults: {{size: {{width: 64, height: 64}}, steps: 3, guidance: 4.0, sampler: dpmpp_2m_karras}}
    limits: {{smallest: 64, largest: 128, multiple: 8, steps: 50, guidance: 20}}
"""
        for id, checkpoint in entries
    )
