"""LoRAs as their files tell them: kind, rank, family, whether they fit a model, and what is said of them."""

from studio.loras.about import About, about_lora, from_header
from studio.loras.layers import DENOISER, ENCODERS, LORA_FAMILIES, Layers, layers_of
from studio.loras.names import short
from studio.loras.reading import Change, Fit, Lora, called, fit, fit_with, read_lora, why_not
from studio.loras.shelf import card, embedding_card, picture, picture_beside

__all__ = [
    "Lora",
    "Change",
    "read_lora",
    "Layers",
    "layers_of",
    "Fit",
    "called",
    "fit",
    "fit_with",
    "why_not",
    "About",
    "about_lora",
    "from_header",
    "card",
    "picture",
    "embedding_card",
    "picture_beside",
    "short",
    "DENOISER",
    "ENCODERS",
    "LORA_FAMILIES",
]
