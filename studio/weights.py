"""Reads what weights are without loading them: sizes and hashes from safetensors headers, no torch."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import math
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from studio.errors import Beside, StudioError
from studio.files import write_whole

log = logging.getLogger(__name__)

LARGEST_HEADER = 100_000_000
"""The format's own bound; a larger claim is a broken or hostile file."""

UNUSED_PARTS = {"safety_checker", "feature_extractor", "image_encoder"}
"""Parts of a checkpoint that the studio's pipelines do without."""
WITHOUT_WEIGHTS = ("scheduler", "tokenizer")
"""How the names of parts begin that are only configured."""


def read_header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file: tensor names to type, shape and place; `__metadata__` beside them."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        if not 0 < length <= min(LARGEST_HEADER, size - 8):
            raise StudioError("weights_broken", file=path.name)
        with _told_as_broken(path):
            header: dict[str, Any] = json.loads(file.read(length))
            _check_tensors(header)
    return header


def _check_tensors(header: dict[str, Any]) -> None:
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            if not 0 <= start <= end or any(side < 0 for side in entry["shape"]):
                raise ValueError(f"{name} lies nowhere")


@contextlib.contextmanager
def _told_as_broken(path: Path) -> Iterator[None]:
    """Whatever of a file is not as its format says is told by the file's name."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise StudioError("weights_broken", file=path.name) from error


@dataclass(frozen=True)
class _Weight:
    """What a header adds up to: bytes and numbers of all tensors, and the file's length that takes."""

    bytes: int
    elements: int
    end: int


def _weight(path: Path) -> _Weight:
    return _weighed(path, *_stamp(path))


# A page asks what models weigh at every key that is pressed, and a large one's header takes milliseconds.
@functools.lru_cache(maxsize=4096)
def _weighed(path: Path, size: int, changed: int) -> _Weight:
    tensors = [entry for name, entry in read_header(path).items() if name != "__metadata__"]
    places = [entry["data_offsets"] for entry in tensors]
    with path.open("rb") as file:
        header_length = 8 + struct.unpack("<Q", file.read(8))[0]
    return _Weight(
        bytes=sum(end - start for start, end in places),
        elements=sum(math.prod(entry["shape"]) for entry in tensors),
        end=header_length + max((end for _, end in places), default=0),
    )


def tensor_bytes(path: Path) -> int:
    """The bytes of all tensors of one file; a file shorter than its header says is refused."""
    weight = _weight(path)
    if path.stat().st_size < weight.end:
        raise StudioError("weights_truncated", file=path.name)
    return weight.bytes


def tensor_elements(path: Path) -> int:
    """How many numbers a file holds, whatever their type."""
    return _weight(path).elements


def component_folders(checkpoint: Path) -> tuple[Path, ...]:
    """The parts of a checkpoint in diffusers layout that hold weights."""
    index = checkpoint / "model_index.json"
    if not index.is_file():
        raise StudioError("checkpoint_missing", folder=checkpoint.name)
    with _told_as_broken(index):
        parts = json.loads(index.read_text(encoding="utf-8"))
        listed = {name for name, value in parts.items() if isinstance(value, list) and value[0] is not None}
    return tuple(checkpoint / name for name in sorted(listed - UNUSED_PARTS) if has_weights(name))


def has_weights(part: str) -> bool:
    """Whether a part is more than its configuration."""
    return not part.startswith(WITHOUT_WEIGHTS)


def weight_files(component: Path) -> tuple[Path, ...]:
    """The files of one component that are loaded: the shards its index names, or the one file."""
    # The index of a variant is `model.safetensors.index.fp16.json` since the libraries write such.
    indexes = _plain_first(component.glob("*.safetensors.index*.json"))
    files = _plain_first(component.glob("*.safetensors"))
    if not indexes or (files and _is_variant(indexes[0]) and not _is_variant(files[0])):
        return tuple(files[:1]) or (component / "*.safetensors",)
    with _told_as_broken(indexes[0]):
        names = set(json.loads(indexes[0].read_text(encoding="utf-8"))["weight_map"].values())
        return tuple(component / name for name in sorted(names))


def _is_variant(path: Path) -> bool:
    return path.name.count(".") > (3 if path.suffix == ".json" else 1)


def _plain_first(paths: Iterable[Path]) -> list[Path]:
    # `model.fp16.safetensors` may lie beside `model.safetensors`: the plain name is what is loaded.
    return sorted(paths, key=lambda path: (path.name.count("."), path.name))


def checkpoint_files(checkpoint: Path) -> tuple[Path, ...]:
    """All weight files of a checkpoint, each of which must be there; a single file is its own."""
    if checkpoint.is_file():
        return (checkpoint,)
    files = tuple(file for part in component_folders(checkpoint) for file in weight_files(part))
    for file in files:
        if not file.is_file():
            raise StudioError("weights_missing", file=str(file.relative_to(checkpoint)))
    return files


def checkpoint_bytes(checkpoint: Path) -> int:
    """What a checkpoint weighs as stored."""
    return sum(tensor_bytes(file) for file in checkpoint_files(checkpoint))


def text_layers(checkpoint: Path, parts: Iterable[str]) -> int | None:
    """How many layers the shortest of some text encoders has; None where no configuration beside them tells."""
    configs = [checkpoint / part / "config.json" for part in parts if part.startswith("text_encoder")]
    told = [_layers(config) for config in configs if config.is_file()]
    return min((layers for layers in told if layers), default=None)


def _layers(config: Path) -> int | None:
    with _told_as_broken(config):
        layers = json.loads(config.read_text(encoding="utf-8")).get("num_hidden_layers")
        return layers if isinstance(layers, int) and layers > 0 else None


def variant_of(component: Path) -> str:
    """The variant of one component's files, `fp16` of `model.fp16.safetensors`; empty for the plain ones."""
    name = weight_files(component)[0].name.removesuffix(".safetensors")
    if "*" in name:
        return ""
    return name.split("-0")[0].partition(".")[2]


# -- hashes, remembered ---------------------------------------------------------------------------


_KEEPING = threading.Lock()
"""Held while hashes are written: those of one process must not take each other's away."""


class Hashes:
    """Hashes of files and of parts of files, worked out once for as long as a file stays as it is."""

    def __init__(self, data: Path) -> None:
        self._path = data / "hashes.json"
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] | None = None
        self._beside = Beside("hashes of files")

    def of(self, path: Path, prefix: str | None = None) -> str:
        """The sha256 of a file; with a prefix, of its tensors whose names start so, the prefix left out.

        The empty prefix is that of all its tensors: the same weights have the same hash in whatever file.
        """
        path = path.resolve()
        key = f"{path}|{prefix or ('' if prefix is None else '*')}"
        stamp = _stamp(path)
        with self._lock:
            found = self._remembered().get(key)
        if found and found["stamp"] == stamp:
            return str(found["sha256"])
        digest = _hash_of_file(path) if prefix is None else _hash_of_tensors(path, prefix)
        with self._lock, _KEEPING:
            self._keep(key, {"stamp": stamp, "sha256": digest})
        return digest

    def _remembered(self) -> dict[str, dict[str, Any]]:
        if self._known is None:
            self._known = self._read()
        return self._known

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            return {key: value for key, value in kept.items() if {"stamp", "sha256"} <= set(value)}
        except OSError:
            return {}
        except (ValueError, TypeError, AttributeError):
            log.warning("%s cannot be read and is worked out anew", self._path.name)
            return {}

    def _keep(self, key: str, value: dict[str, Any]) -> None:
        # The page and each device's worker keep hashes in one file: what the others found stays. Should two
        # write at once, one hash is worked out again later.
        self._known = self._remembered() | self._read() | {key: value}
        self._beside.wrote(self._write)

    def _write(self) -> None:
        write_whole(self._path, json.dumps(self._known))


def _stamp(path: Path) -> list[int]:
    """What changes with a file."""
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]


def _hash_of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _hash_of_tensors(path: Path, prefix: str) -> str:
    header = read_header(path)
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        start = 8 + struct.unpack("<Q", stream.read(8))[0]
        for name in sorted(name for name in header if name.startswith(prefix) and name != "__metadata__"):
            entry = header[name]
            digest.update(f"{name.removeprefix(prefix)} {entry['dtype']} {entry['shape']}\n".encode())
            stream.seek(start + entry["data_offsets"][0])
            _digest_bytes(digest.update, stream.read, entry["data_offsets"][1] - entry["data_offsets"][0])
    return digest.hexdigest()


def _digest_bytes(take: Callable[[bytes], None], read: Callable[[int], bytes], left: int) -> None:
    while left > 0 and (piece := read(min(left, 1 << 20))):
        take(piece)
        left -= len(piece)


# -- what a single file is ------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """What a single safetensors file holds, told by the names and shapes in its header alone."""

    kind: Literal["checkpoint", "vae", "lora", "embedding", "control", "upscaler", "unknown"]
    family: str | None = None
    inpaint: bool = False
    whole: bool = True
    """Whether a checkpoint brings its text encoders and its VAE."""
    channels: int = 0
    """Of the latents that a VAE reads and writes."""
    network: Literal["controlnet", "union"] | None = None
    """Of a control net."""


UNKNOWN = Kind("unknown")
WIDTHS = {768: "sd1", 1024: "sd2", 2048: "sdxl", 1280: "sdxl-refiner", 4096: "sd3"}
"""How wide the text is that a family's cross attention reads."""
DENOISER = "model.diffusion_model."
LORA_MARKS: tuple[str, ...] = (
    *(".lora_down.", ".lora_up.", ".lora_A.", ".lora_B.", "lora.down.", "lora.up."),
    *(".hada_w1_a", ".lokr_w1", ".lokr_w2", ".oft_blocks", "lora_unet_", "lora_te"),
)
Shapes = dict[str, tuple[int, ...]]


def read_kind(path: Path) -> Kind:
    """What a file is and of which family; one that cannot be read or is cut short is refused by its name."""
    header = read_header(path)
    tensor_bytes(path)  # tells a file that is cut short
    with _told_as_broken(path):
        shapes = {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}
        about = header.get("__metadata__") or {}
        return _kind(shapes, about)


def _kind(shapes: Shapes, about: dict[str, str]) -> Kind:
    # A LoRA, then a control net, before a checkpoint: they bear names of the denoiser's layers too.
    for told in (_as_lora, _as_control, _as_checkpoint, _as_vae, _as_embedding, _as_upscaler):
        kind = told(shapes, about)
        if kind is not None:
            return kind
    return UNKNOWN


def _has(shapes: Shapes, *starts: str) -> bool:
    return any(name.startswith(starts) for name in shapes)


def _within(shapes: Shapes, *parts: str) -> bool:
    return any(part in name for name in shapes for part in parts)


def _as_lora(shapes: Shapes, about: dict[str, str]) -> Kind | None:
    if not _within(shapes, *LORA_MARKS):
        return None
    return Kind("lora", _lora_family(shapes) or _family_in_words(about))


def _lora_family(shapes: Shapes) -> str | None:
    if _within(shapes, "double_blocks", "single_transformer_blocks"):
        return "flux"
    if _within(shapes, "joint_blocks") or _has(shapes, "transformer.transformer_blocks."):
        return "sd3"
    if _within(shapes, "lora_te2_", "text_encoder_2."):
        return "sdxl"
    return _width(shapes)


def _family_in_words(about: dict[str, str]) -> str | None:
    """What training programs write into a LoRA's header."""
    words = f"{about.get('modelspec.architecture', '')} {about.get('ss_base_model_version', '')}".lower()
    known = {"xl": "sdxl", "flux": "flux", "sd3": "sd3", "diffusion-v3": "sd3", "v2": "sd2", "v1": "sd1"}
    return next((family for mark, family in known.items() if mark in words), None)


def _width(shapes: Shapes) -> str | None:
    """The family by the width of the text that the cross attention's keys read."""
    # The upper half of a LoRA knows its rank and the layer's own width, not that of the text.
    ups = (".lora_up.", ".lora_B.", ".up.")
    for name, shape in shapes.items():
        reads = "attn2" in name and "to_k" in name and name.endswith(".weight")
        if reads and len(shape) > 1 and not any(up in name for up in ups):
            return WIDTHS.get(shape[1])
    return None


def _as_control(shapes: Shapes, about: dict[str, str]) -> Kind | None:
    marks = ("control_model.", "input_hint_block.", "controlnet_cond_embedding.", "controlnet_blocks.")
    if not _has(shapes, *marks):
        return None
    if _has(shapes, "transformer_blocks.", "double_blocks."):
        return Kind("control", "flux" if _within(shapes, "single_transformer", "x_embedder") else "sd3")
    union = _has(shapes, "control_add_embedding.")
    return Kind("control", _width(shapes), network="union" if union else "controlnet")


def _as_checkpoint(shapes: Shapes, about: dict[str, str]) -> Kind | None:
    family, inlet = _denoiser(shapes)
    if inlet is None:
        return None
    whole = _has(shapes, "first_stage_model.", "vae.") and _has(
        shapes, "cond_stage_model.", "conditioner.embedders.", "text_encoders."
    )
    # 9 and 384 channels: the noise, the masked picture and its mask. A U-Net that takes in any other
    # number (a picture to be edited, depth) is a model of its own kind.
    if family not in ("flux", "sd3") and inlet not in (4, 9):
        return UNKNOWN
    return Kind("checkpoint", family, inpaint=inlet in (9, 384), whole=whole)


def _denoiser(shapes: Shapes) -> tuple[str | None, int | None]:
    """The family of the denoiser in the classic layout, and how many channels it takes in."""
    bare = {name.removeprefix(DENOISER): shape for name, shape in shapes.items()}
    if _has(bare, "double_blocks.") and "img_in.weight" in bare:
        return "flux", bare["img_in.weight"][1]
    if _has(bare, "joint_blocks.") and "x_embedder.proj.weight" in bare:
        return "sd3", bare["x_embedder.proj.weight"][1]
    if "input_blocks.0.0.weight" not in bare:
        return None, None
    return _unet_family(shapes), bare["input_blocks.0.0.weight"][1]


def _unet_family(shapes: Shapes) -> str | None:
    # The text encoders tell more surely than widths; widths serve where there is a denoiser alone.
    if _has(shapes, "conditioner.embedders.1."):
        return "sdxl"
    if _has(shapes, "conditioner.embedders.0."):
        return "sdxl-refiner"
    if _has(shapes, "cond_stage_model.model."):
        return "sd2"
    if _has(shapes, "cond_stage_model.transformer."):
        return "sd1"
    return _width(shapes)


def _as_vae(shapes: Shapes, about: dict[str, str]) -> Kind | None:
    bare = {name.removeprefix("first_stage_model."): shape for name, shape in shapes.items()}
    inlet = bare.get("decoder.conv_in.weight")
    if inlet is None or len(inlet) != 4 or not _has(bare, "encoder.", "post_quant_conv."):
        return None
    # Those of Stable Diffusion 1, 2 and XL have the same shapes: the file does not tell which it is of.
    return Kind("vae", channels=inlet[1])


def _as_embedding(shapes: Shapes, about: dict[str, str]) -> Kind | None:
    if {"clip_l", "clip_g"} <= set(shapes):
        return Kind("embedding", "sdxl")
    if len(shapes) != 1:
        return None
    ((name, shape),) = shapes.items()
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[0] > 256):
        return None
    family = {768: "sd1", 1024: "sd2"}.get(shape[-1])
    return Kind("embedding", family) if family or name == "emb_params" else None


def _as_upscaler(shapes: Shapes, about: dict[str, str]) -> Kind | None:
    nets = ("conv_first.", "model.1.sub.", "body.0.rdb1.", "layers.0.residual_group.", "conv_last.")
    compact = "body.0.weight" in shapes and "body.1.weight" in shapes
    return Kind("upscaler") if compact or _has(shapes, *nets) else None
