"""The pocket's networks, built from nothing: VAE, UNet and text encoder in standard classes."""

from __future__ import annotations

from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

NATIVE = 256
FACTOR = 8
TEXT_WIDTH = 128
TEXT_LENGTH = 77


def build_vae() -> AutoencoderKL:
    """A small autoencoder: factor 8, four latent channels, groups at least four channels wide."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 64, 128),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=2,
        sample_size=NATIVE,
        mid_block_add_attention=False,
    )


def build_unet() -> UNet2DConditionModel:
    """A small UNet that attends to the words from half resolution down."""
    return UNet2DConditionModel(
        sample_size=NATIVE // FACTOR,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(64, 96, 128, 192),
        # Groups of four channels at least: thinner ones wash colour out.
        norm_num_groups=8,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
    )


def build_text_encoder(vocabulary: int, begin: int, end: int) -> CLIPTextModel:
    """A text encoder of three layers for the world's own vocabulary."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=TEXT_WIDTH,
            intermediate_size=4 * TEXT_WIDTH,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=TEXT_LENGTH,
            projection_dim=TEXT_WIDTH,
            bos_token_id=begin,
            eos_token_id=end,
            pad_token_id=end,
        )
    )
