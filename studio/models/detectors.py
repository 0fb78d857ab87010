"""The networks of detectors: one file of weights whose network is known here, or a folder that says what it is."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import io
import types
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from studio.errors import StudioError
from studio.messages import DetectorSpec
from studio.models.files import check_file, filled, read_tensors
from studio.models.folders import elements_of, load_whole, part_files, part_key
from studio.models.parts import Part
from studio.models.small_reader import SmallReader
from studio.weights import tensor_elements

if TYPE_CHECKING:
    from studio.weights import Hashes

NAME = "network"
PROCESSOR = "preprocessor_config.json"
# How it fuses its deepest level with nothing: the library makes these layers and never calls them.
NEVER_CALLED = ("neck.fusion_stage.layers.0.residual_layer1.",)
Weights = dict[str, torch.Tensor]


def library(module: str) -> Any:
    """A module of controlnet-aux; what it says of packages that are not needed here is nobody's business."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return importlib.import_module(f"controlnet_aux.{module}")


# -- networks whose file is weights alone ---------------------------------------------------------


def _plain(weights: Weights, wanted: Mapping[str, Any]) -> Weights:
    """Without what training on several devices puts before every name."""
    return {name.removeprefix("module."): tensor for name, tensor in weights.items()}


def _in_stages(weights: Weights, wanted: Mapping[str, Any]) -> Weights:
    """The file names layers alone; in the network they lie in stages."""
    staged = {name: name.partition(".")[2] for name in wanted}
    return {name: weights[layer] for name, layer in staged.items() if layer in weights}


@dataclass(frozen=True)
class _Network:
    """A network, of controlnet-aux mostly, and how the names in its file become its own."""

    build: Callable[[], torch.nn.Module]
    renamed: Callable[[Weights, Mapping[str, Any]], Weights] = _plain


def _bae() -> torch.nn.Module:
    told = {"mode": "client", "architecture": "BN", "pretrained": "scannet"}
    shares = {"sampling_ratio": 0.4, "importance_ratio": 0.7}
    kind = library("normalbae.nets.NNET").NNET
    # It prints while it is made.
    with contextlib.redirect_stdout(io.StringIO()):
        network: torch.nn.Module = kind(types.SimpleNamespace(**told, **shares))
    return network


def _anime() -> torch.nn.Module:
    norm = functools.partial(torch.nn.InstanceNorm2d, affine=False, track_running_stats=False)
    network: torch.nn.Module = library("lineart_anime").UnetGenerator(
        3, 1, 8, 64, norm_layer=norm, use_dropout=False
    )
    return network


NETWORKS: dict[str, _Network] = {
    "hed": _Network(lambda: library("hed").ControlNetHED_Apache2()),
    "pidinet": _Network(lambda: library("pidi.model").pidinet()),
    "mlsd": _Network(lambda: library("mlsd.models.mbv2_mlsd_large").MobileV2_MLSD_Large()),
    "openpose": _Network(lambda: library("open_pose.model").bodypose_model(), _in_stages),
    "openpose_hand": _Network(lambda: library("open_pose.model").handpose_model(), _in_stages),
    "openpose_face": _Network(lambda: library("open_pose.face").FaceNet()),
    "leres": _Network(
        lambda: library("leres.leres.multi_depth_model_woauxi").RelDepthModel(backbone="resnext101")
    ),
    "bae": _Network(_bae),
    "line_art_realistic": _Network(lambda: library("lineart").Generator(3, 1, 3)),
    "line_art_coarse": _Network(lambda: library("lineart").Generator(3, 1, 3)),
    "line_art_anime": _Network(_anime),
    "small": _Network(SmallReader),
}
"""By the detector; each is read from one file."""

FOLDERS: dict[str, tuple[str, str]] = {
    "depth_anything": ("DepthAnythingForDepthEstimation", "DPTImageProcessor"),
    "midas": ("DPTForDepthEstimation", "DPTImageProcessor"),
    "zoe": ("ZoeDepthForDepthEstimation", "ZoeDepthImageProcessor"),
    "upernet": ("UperNetForSemanticSegmentation", "SegformerImageProcessor"),
    "segformer": ("SegformerForSemanticSegmentation", "SegformerImageProcessor"),
}
"""By the detector: its class in transformers, and that of what makes its input."""


# -- bringing -------------------------------------------------------------------------------------


def plan_detector(spec: DetectorSpec, source: Path, hashes: Hashes) -> tuple[Part, ...]:
    """Its one part, from headers; what is missing, broken or of no use to this detector is refused."""
    if spec.detector in FOLDERS:
        return (_of_folder(source, hashes),)
    if spec.detector not in NETWORKS:
        raise StudioError("detector_weightless", entry=spec.id, detector=spec.detector)
    return (_of_file(spec, source, hashes),)


def load_detector(spec: DetectorSpec, source: Path) -> Any:
    """The network in memory, every weight of it from its files."""
    return _from_folder(spec, source) if spec.detector in FOLDERS else _from_file(spec, source)


def load_processor(spec: DetectorSpec, source: Path) -> dict[str, Any]:
    """What makes a network's input of a picture, where its folder says how."""
    if spec.detector not in FOLDERS:
        return {}
    if not (source / PROCESSOR).is_file():
        raise StudioError("weights_missing", file=PROCESSOR)
    kind = _transformers(FOLDERS[spec.detector][1])
    return {"processor": kind.from_pretrained(str(source), local_files_only=True)}


def _part(key: str, elements: int) -> Part:
    # They are small, and what they work out is a map of many levels: full precision everywhere.
    return Part(NAME, key, elements, narrow=())


def _of_file(spec: DetectorSpec, file: Path, hashes: Hashes) -> Part:
    check_file(file)
    key = hashlib.sha256(f"{spec.detector} {hashes.of(file)}".encode()).hexdigest()
    return _part(key, tensor_elements(file))


def _of_folder(folder: Path, hashes: Hashes) -> Part:
    if not (folder / "config.json").is_file():
        raise StudioError("weights_missing", file="config.json")
    files = part_files(folder.parent, folder.name)
    return _part(part_key(folder, files, hashes), elements_of(files))


def _from_file(spec: DetectorSpec, file: Path) -> Any:
    from accelerate import init_empty_weights

    known = NETWORKS[spec.detector]
    with init_empty_weights(include_buffers=False):
        network = known.build()
    weights = known.renamed(read_tensors(file), network.state_dict())
    return filled(network, weights, file, NAME, torch.float32)


def _from_folder(spec: DetectorSpec, folder: Path) -> Any:
    kind = _transformers(FOLDERS[spec.detector][0])
    return load_whole(kind, folder, torch.float32, folder.name, NAME, NEVER_CALLED).eval()


def _transformers(name: str) -> Any:
    import transformers

    return getattr(transformers, name)
