"""What reads pictures for control nets: the half of a CLIP that sees, as one file."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.models.files import check_file, file_key, filled, read_tensors
from studio.models.folders import read_config
from studio.models.parts import Part, check_missing
from studio.weights import read_header

if TYPE_CHECKING:
    import torch

    from studio.weights import Hashes

NAME = "image_encoder"
PIECES = ("vision_model.", "visual_projection.")
"""How the names of its weights begin; the half that reads words may lie beside it."""
HEADS = 16
"""The large ones all have so many, whatever their width."""


def plan_encoder(file: Path, hashes: Hashes) -> tuple[Part, ...]:
    """Its one part, from the header; what is missing, broken or no such network is refused."""
    check_file(file)
    header = read_header(file)
    shapes = [entry["shape"] for name, entry in header.items() if name.startswith(PIECES)]
    key = file_key(_config(file), hashes.of(file, ""))
    return (Part(NAME, key, sum(math.prod(shape) for shape in shapes)),)


def load_encoder(file: Path, dtype: torch.dtype) -> Any:
    """The network in memory, every weight of it from the file."""
    from accelerate import init_empty_weights
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    with init_empty_weights(include_buffers=False):
        network = CLIPVisionModelWithProjection(CLIPVisionConfig.from_dict(_config(file)))
    return filled(network, read_tensors(file), file, NAME, dtype)


def _config(file: Path) -> dict[str, Any]:
    """As it stands beside the file, or as the shapes tell."""
    if (file.with_suffix("") / "config.json").is_file():
        return read_config(file.parent, file.stem)
    shapes = {name: tuple(e["shape"]) for name, e in read_header(file).items() if name != "__metadata__"}
    try:
        return _told_by(shapes)
    except KeyError as error:
        check_missing(file.name, NAME, [str(error.args[0])])
        raise


def _told_by(shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    width, _, patch, _ = shapes["vision_model.embeddings.patch_embedding.weight"]
    places = shapes["vision_model.embeddings.position_embedding.weight"][0]
    layers = {
        found[1] for name in shapes if (found := re.match(r"vision_model\.encoder\.layers\.(\d+)\.", name))
    }
    return {
        "hidden_size": width,
        "patch_size": patch,
        "image_size": patch * math.isqrt(places - 1),
        "num_hidden_layers": len(layers),
        "num_attention_heads": HEADS,
        "intermediate_size": shapes["vision_model.encoder.layers.0.mlp.fc1.weight"][0],
        "projection_dim": shapes["visual_projection.weight"][0],
        # OpenAI's own used a quicker curve; those that IP-Adapters were trained with do not.
        "hidden_act": "gelu",
    }
