"""Head starts: an autoencoder that carries a small copy of the picture, words that know their translation.

Every residual branch starts at zero, and the shortcut path carries red, green and blue through average pooling to
the latents and back. Pairs of plus and minus make the final SiLU exactly linear (silu(x) - silu(-x) = x), and a pair
of large constants in their group keeps the final norm from washing colour out. Training then only adds detail,
which spares most of the time that a fresh network spends on finding colour.

Words of both languages that mean the same begin as the same vector, so that what is learned of "cat" is nearly
learned of 猫.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import AutoencoderKL
from tokenizers import Tokenizer
from torch import Tensor, nn

from pocket.world.words import meanings

CONSTANT = 8.0
# Latents 0 to 2 are brightness and two colour differences of about unit spread.
TO_LATENT = torch.tensor([[0.6, 0.6, 0.6], [1.5, 0.0, -1.5], [-1.0, 2.0, -1.0]])
FINE = 0.3


def carry(conv: nn.Conv2d, kernel: Tensor) -> None:
    """Channels 0 to 2 pass through the kernel unmixed; the rest keeps its random start."""
    conv.weight[:3].zero_()
    conv.bias[:3].zero_()
    for k in range(3):
        conv.weight[k, k] = kernel


def pair_up(shortcut: nn.Conv2d, most: int) -> float:
    """Plus, minus and constants in the first norm group; returns the spread the norm will divide by."""
    shortcut.weight[:most].zero_()
    shortcut.bias[:most].zero_()
    for k in range(3):
        shortcut.weight[k, k], shortcut.weight[3 + k, k] = 1.0, -1.0
    shortcut.bias[6], shortcut.bias[7] = CONSTANT, -CONSTANT
    return (2 * CONSTANT**2 / most + 1.5 / most) ** 0.5


def silence(blocks: nn.Module) -> None:
    """Every residual branch adds nothing yet."""
    for name, module in blocks.named_modules():
        if name.endswith("conv2"):
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)


def shortcuts(blocks: nn.ModuleList) -> list[nn.Conv2d]:
    """The shortcut convolutions in their order."""
    return [r.conv_shortcut for b in blocks for r in b.resnets if r.conv_shortcut is not None]


@torch.no_grad()
def start_encoder(vae: AutoencoderKL) -> None:
    """Average pooling into the latents."""
    e, one = vae.encoder, torch.zeros(3, 3)
    one[1, 1] = 1.0
    pool = torch.zeros(3, 3)
    pool[:2, :2] = 0.25
    silence(e)
    carry(e.conv_in, one)
    for block in e.down_blocks[:-1]:
        carry(block.downsamplers[0].conv, pool)
    for shortcut in shortcuts(e.down_blocks)[:-1]:
        carry(shortcut, torch.ones(1, 1))
    spread = pair_up(shortcuts(e.down_blocks)[-1], 128 // e.conv_norm_out.num_groups)
    e.conv_out.weight[:3].zero_()
    e.conv_out.weight[3:] *= FINE
    e.conv_out.weight[4:].zero_()
    e.conv_out.weight[:3, :3, 1, 1], e.conv_out.weight[:3, 3:6, 1, 1] = (
        TO_LATENT * spread,
        -TO_LATENT * spread,
    )
    e.conv_out.bias.zero_()
    e.conv_out.bias[4:] = -6.0
    vae.quant_conv.weight.copy_(torch.eye(8)[..., None, None])
    vae.quant_conv.bias.zero_()


@torch.no_grad()
def start_decoder(vae: AutoencoderKL) -> None:
    """Smooth enlargement of the latents back to colours."""
    d = vae.decoder
    smooth = torch.outer(torch.tensor([0.25, 0.5, 0.25]), torch.tensor([0.25, 0.5, 0.25]))
    silence(d)
    vae.post_quant_conv.weight.copy_(torch.eye(4)[..., None, None])
    vae.post_quant_conv.bias.zero_()
    d.conv_in.weight[:3].zero_()
    d.conv_in.bias[:3].zero_()
    d.conv_in.weight[:3, :3, 1, 1] = torch.linalg.inv(TO_LATENT)
    for block in d.up_blocks[:-1]:
        carry(block.upsamplers[0].conv, smooth)
    for shortcut in shortcuts(d.up_blocks)[:-1]:
        carry(shortcut, torch.ones(1, 1))
    spread = pair_up(shortcuts(d.up_blocks)[-1], 16 // d.conv_norm_out.num_groups)
    d.conv_out.weight *= FINE
    d.conv_out.weight[:, :8].zero_()
    d.conv_out.bias.zero_()
    for k in range(3):
        d.conv_out.weight[k, k, 1, 1], d.conv_out.weight[k, 3 + k, 1, 1] = spread, -spread


def start_linear(vae: AutoencoderKL) -> AutoencoderKL:
    """Give a fresh autoencoder its head start."""
    start_encoder(vae)
    start_decoder(vae)
    return vae


@torch.no_grad()
def start_bilingual(text_encoder: Any, backend: Tokenizer) -> Any:
    """Give every word that is one piece the vector of the plainest word that means the same."""
    table = text_encoder.get_input_embeddings().weight
    pieces = backend.get_vocab()
    for words in meanings():
        known = [pieces[word] for word in words if word in pieces]
        for other in known[1:]:
            table[other] = table[known[0]]
    return text_encoder
