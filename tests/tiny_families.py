"""A tiny random checkpoint of every family. One that is not in `BUILDERS` fails the family tests by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.tiny import WORDS, clip_text, clip_tokenizer, noise_schedule, saved, tiny_sd1, unet, vae


def tiny_sd2(folder: Path, seed: int = 0) -> Path:
    """Stable Diffusion 2 as its large variant is: it predicts velocity."""
    return _sd2(folder, seed, prediction_type="v_prediction")


def tiny_sd2_base(folder: Path, seed: int = 0) -> Path:
    """Stable Diffusion 2 as its base variant is: it predicts noise."""
    return _sd2(folder, seed, prediction_type="epsilon")


def tiny_sd2_zero(folder: Path, seed: int = 0) -> Path:
    """Stable Diffusion 2 trained down to pure noise."""
    return _sd2(
        folder,
        seed,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )


def _sd2(folder: Path, seed: int, **schedule: object) -> Path:
    import torch
    from diffusers import StableDiffusionPipeline

    torch.manual_seed(seed)
    tokenizer = clip_tokenizer(folder, pad="!")
    return saved(
        StableDiffusionPipeline(
            vae=vae(),
            text_encoder=clip_text(tokenizer, hidden_act="gelu"),
            tokenizer=tokenizer,
            unet=unet(use_linear_projection=True, attention_head_dim=(2, 4)),
            scheduler=noise_schedule(**schedule),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        ),
        folder,
    )


def tiny_sdxl(folder: Path, seed: int = 0) -> Path:
    """Stable Diffusion XL: two text encoders, side by side, and sizes among the conditions."""
    import torch
    from diffusers import StableDiffusionXLPipeline

    torch.manual_seed(seed)
    tokenizer, second = clip_tokenizer(folder), clip_tokenizer(folder, pad="!")
    return saved(
        StableDiffusionXLPipeline(
            vae=vae(scaling_factor=0.13025),
            text_encoder=clip_text(tokenizer),
            # Real files of this family are told by the second one's ten layers and more.
            text_encoder_2=clip_text(second, 64, 64, hidden_act="gelu", num_hidden_layers=10),
            tokenizer=tokenizer,
            tokenizer_2=second,
            unet=unet(
                cross_attention_dim=96,
                use_linear_projection=True,
                attention_head_dim=(2, 4),
                addition_embed_type="text_time",
                addition_time_embed_dim=8,
                # The prompt as a whole, and six numbers of eight waves each.
                projection_class_embeddings_input_dim=64 + 6 * 8,
            ),
            scheduler=noise_schedule(),
            add_watermarker=False,
        ),
        folder,
    )


def tiny_sd3(folder: Path, seed: int = 0) -> Path:
    """Stable Diffusion 3 without its T5: a transformer of two layers, latents of 16 channels."""
    return _sd3(folder, seed, None, None)


def tiny_sd3_t5(folder: Path, seed: int = 0) -> Path:
    """Stable Diffusion 3 with all three text encoders."""
    import torch
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    torch.manual_seed(seed)
    pieces = ["<pad>", "</s>", "<unk>", "▁", *(f"▁{word}" for word in WORDS), *"abcdefghijklmnopqrstuvwxyz"]
    tokenizer = T5Tokenizer(vocab=[(piece, -float(len(piece) == 1)) for piece in pieces], extra_ids=0)
    sizes = T5Config(vocab_size=len(tokenizer), d_model=128, d_kv=8, d_ff=64, num_layers=1, num_heads=2)
    return _sd3(folder, seed, T5EncoderModel(sizes), tokenizer)


def _sd3(folder: Path, seed: int, third_encoder: Any, third_tokenizer: Any) -> Path:
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    torch.manual_seed(seed)
    tokenizer, second = clip_tokenizer(folder), clip_tokenizer(folder, pad="!")
    return saved(
        StableDiffusion3Pipeline(
            vae=vae(
                16,
                scaling_factor=1.5305,
                shift_factor=0.0609,
                use_quant_conv=False,
                use_post_quant_conv=False,
            ),
            text_encoder=clip_text(tokenizer, 32, 32),
            text_encoder_2=clip_text(second, 64, 64, hidden_act="gelu"),
            text_encoder_3=third_encoder,
            tokenizer=tokenizer,
            tokenizer_2=second,
            tokenizer_3=third_tokenizer,
            transformer=SD3Transformer2DModel(
                sample_size=8,
                patch_size=2,
                in_channels=16,
                num_layers=2,
                attention_head_dim=8,
                num_attention_heads=4,
                joint_attention_dim=128,
                caption_projection_dim=32,
                pooled_projection_dim=32 + 64,
                out_channels=16,
                pos_embed_max_size=16,
            ),
            scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        ),
        folder,
    )


BUILDERS: dict[str, Callable[[Path], Path]] = {
    "sd1": tiny_sd1,
    "sd2": tiny_sd2,
    "sdxl": tiny_sdxl,
    "sd3": tiny_sd3,
}
"""A family of the table is tested with the checkpoint that is built here under its name."""

VARIANTS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "sd2-base": ("sd2", tiny_sd2_base),
    "sd2-zero": ("sd2", tiny_sd2_zero),
    "sd3-t5": ("sd3", tiny_sd3_t5),
}
"""Checkpoints of a family that differ from its usual one in a way that painting must respect."""
