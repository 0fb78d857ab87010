"""Tiny random checkpoints in the layout of real ones: every path through the libraries, in milliseconds."""

from __future__ import annotations

import json
from pathlib import Path

WORDS = ["a", "red", "blue", "cat", "house", "sea", "low", "quality"]


def tiny_sd1(folder: Path, seed: int = 0) -> Path:
    """A Stable Diffusion 1 checkpoint of 8 px latents and one layer a block, random weights."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(seed)
    tokenizer_files(folder / "vocabulary")
    tokenizer = CLIPTokenizer.from_pretrained(str(folder / "vocabulary"), model_max_length=77)
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    unet = UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        sample_size=8,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        norm_num_groups=4,
        attention_head_dim=4,
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
        sample_size=64,
    )
    pipe = StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            steps_offset=1,
            clip_sample=False,
            set_alpha_to_one=False,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(str(folder / "checkpoint"), safe_serialization=True)
    return folder / "checkpoint"


def tokenizer_files(folder: Path) -> None:
    """A CLIP vocabulary in which the words of the tests are one token each, the rest letters."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters), ",", ",</w>"]
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
