"""Detectors with random weights, in the files and under the names that they are published with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.messages import Bilingual, DetectorSpec
from tests.tiny_parts import source_of

STAGED = {"openpose", "openpose_hand"}
SEVERAL_DEVICES = {"pidinet", "line_art_anime", "bae", "leres"}


def detector_spec(detector: str, path: Path, id: str = "") -> DetectorSpec:
    """A detector's entry."""
    title = Bilingual(en=detector, zh=detector)
    return DetectorSpec(
        id=id or f"my-{detector}", title=title, source=source_of(path), licence="test", detector=detector
    )


def published(detector: str) -> dict[str, Any]:
    """Weights under the names that their file has where it is published."""
    import torch

    from studio.models.detectors import NETWORKS

    torch.manual_seed(0)
    weights = {name: one.contiguous() for name, one in NETWORKS[detector].build().state_dict().items()}
    if detector in STAGED:
        return {name.partition(".")[2]: one for name, one in weights.items()}
    if detector in SEVERAL_DEVICES:
        return {f"module.{name}": one for name, one in weights.items()}
    return weights


def network_file(detector: str, folder: Path) -> Path:
    """A network of controlnet-aux as one file."""
    from safetensors.torch import save_file

    file = folder / f"{detector}.safetensors"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        save_file(published(detector), file)
    return file


def network_folder(detector: str, folder: Path) -> Path:
    """A tiny network of transformers as a folder."""
    import torch

    torch.manual_seed(0)
    network, processor = FOLDERS[detector]()
    # As they are made their depth is nought everywhere, and a map of it would show nothing.
    for weights in network.parameters():
        torch.nn.init.normal_(weights, std=0.2)
    network.save_pretrained(folder / detector)
    processor.save_pretrained(folder / detector)
    return folder / detector


def _depth_anything() -> tuple[Any, Any]:
    from transformers import (
        DepthAnythingConfig,
        DepthAnythingForDepthEstimation,
        Dinov2Config,
        DPTImageProcessor,
    )

    stages = {"out_indices": [1, 2, 3, 4], "apply_layernorm": True, "reshape_hidden_states": False}
    backbone = Dinov2Config(
        hidden_size=12, num_hidden_layers=4, num_attention_heads=2, image_size=28, patch_size=14, **stages
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=12,
        neck_hidden_sizes=[4, 4, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=4,
    )
    size = {"height": 56, "width": 56}
    processor = DPTImageProcessor(size=size, keep_aspect_ratio=True, ensure_multiple_of=14)
    return DepthAnythingForDepthEstimation(config), processor


def _midas() -> tuple[Any, Any]:
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessor

    config = DPTConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=64,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        is_hybrid=False,
    )
    return DPTForDepthEstimation(config), DPTImageProcessor(size={"height": 64, "width": 64})


def _zoe() -> tuple[Any, Any]:
    from transformers import (
        BeitConfig,
        ZoeDepthConfig,
        ZoeDepthForDepthEstimation,
        ZoeDepthImageProcessor,
    )

    backbone = BeitConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=64,
        patch_size=16,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
        use_relative_position_bias=True,
    )
    bins = {"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0, "name": "nyu"}
    config = ZoeDepthConfig(
        backbone_config=backbone,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        bottleneck_features=8,
        num_relative_features=4,
        bin_embedding_dim=8,
        bin_configurations=[bins],
        num_attractors=[4, 2, 2, 1],
    )
    size = {"height": 64, "width": 64}
    return ZoeDepthForDepthEstimation(config), ZoeDepthImageProcessor(size=size, ensure_multiple_of=32)


def _segformer() -> tuple[Any, Any]:
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessor

    config = SegformerConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 16, 16], decoder_hidden_size=8, num_labels=150
    )
    return SegformerForSemanticSegmentation(config), SegformerImageProcessor(do_reduce_labels=True)


def _upernet() -> tuple[Any, Any]:
    from transformers import (
        ConvNextConfig,
        SegformerImageProcessor,
        UperNetConfig,
        UperNetForSemanticSegmentation,
    )

    stages = ["stage1", "stage2", "stage3", "stage4"]
    backbone = ConvNextConfig(depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 16, 16], out_features=stages)
    config = UperNetConfig(
        backbone_config=backbone,
        hidden_size=8,
        auxiliary_channels=8,
        auxiliary_in_channels=16,
        num_labels=150,
    )
    return UperNetForSemanticSegmentation(config), SegformerImageProcessor(do_reduce_labels=True)


FOLDERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "depth_anything": _depth_anything,
    "midas": _midas,
    "zoe": _zoe,
    "segformer": _segformer,
    "upernet": _upernet,
}
