"""Checkpoints as one `.safetensors` file: what is in one, and its parts brought into memory, offline."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError
from studio.families import FAMILIES
from studio.models.classic import PIECES, SIZES, Piece
from studio.models.folders import part_classes, read_config
from studio.models.parts import Part, check_missing, check_parts, is_wide
from studio.settings import ROOT
from studio.weights import read_header, read_kind, tensor_bytes

if TYPE_CHECKING:
    import torch

    from studio.weights import Hashes

CONFIGS, CLIP = ROOT / "assets" / "configs", ROOT / "assets" / "clip" / "tokenizer"
VELOCITY_SPREAD = 0.09
"""Stable Diffusion 2 files do not say what they predict; those that predict velocity have this layer wider.
The bound is the one that other tools tell them apart by."""
SUFFIXES = {".safetensors", ".ckpt", ".pt", ".pth", ".bin"}
READ = {".safetensors", ".json"}
"""Of a folder, what tells its content: weights and configurations."""
Stamps = tuple[tuple[str, int, int], ...]
TELLING_LAYER = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"


def is_file(source: Path) -> bool:
    """Whether it is one file and no folder; what is not there is told as what it was meant to be."""
    return source.is_file() or (not source.is_dir() and source.suffix.lower() in SUFFIXES)


def stamps_of(source: Path) -> Stamps:
    """What changes with the files that an entry is read from; nothing where they are gone."""
    single = is_file(source)
    folder = source.with_suffix("") if single else source  # one of its name belongs to a file
    beside = (file for found in ("*", "*/*") for file in folder.glob(found) if file.suffix in READ)
    files = (source, source.with_suffix(".yaml"), *beside) if single else tuple(beside)
    return tuple(sorted(stamp for file in files for stamp in _stamp(file)))


def _stamp(file: Path) -> Stamps:
    try:
        state = file.stat()
    except OSError:
        return ()
    return ((str(file), state.st_size, state.st_mtime_ns),)


def check_file(file: Path) -> None:
    """Refuses a file of weights that is not there, that is a pickle or cut off, before anything of it is read."""
    if not file.is_file():
        raise StudioError("weights_missing", file=file.name)
    if file.suffix.lower() != ".safetensors":
        raise StudioError("weights_pickled", file=file.name)
    tensor_bytes(file)


def plan_file(file: Path, family: str, hashes: Hashes) -> tuple[Part, ...]:
    """The parts with weights, from the header; whatever could not be loaded is refused here by its name."""
    check_file(file)
    kind = read_kind(file)
    if kind.kind != "checkpoint" or kind.family != family:
        raise StudioError("family_wrong", model=file.name, family=FAMILIES[family].title)
    pieces = {name: piece for name, piece in _pieces(family).items() if _shapes(file, piece)}
    check_parts(file.name, family, pieces)
    return tuple(_part(file, family, name, pieces[name], hashes) for name in sorted(pieces))


def load_file_part(file: Path, family: str, name: str, dtype: torch.dtype) -> Any:
    """One part of a file in memory, every weight of it from the file."""
    from accelerate import init_empty_weights

    # 1. The part without weights, as its family's configuration and the file's own shapes say.
    piece, config = _pieces(family)[name], file_config(file, family, name)
    kind = part_classes(settings_folder(file, family))[name]
    with init_empty_weights(include_buffers=False):
        part = kind.from_config(config) if hasattr(kind, "from_config") else _encoder(kind, config)
    # 2. Its weights from the file, under the library's names.
    try:
        weights = piece.convert(read_tensors(file, piece.prefix), piece.prefix, config)
    except KeyError as error:
        check_missing(file.name, name, [str(error.args[0])])
    # 3. Every weight there, and of its size; a file may hold more, such as numbers of places.
    if not hasattr(part, "text_model"):
        weights = {key.removeprefix("text_model."): tensor for key, tensor in weights.items()}
    return filled(part, weights, file, name, dtype)


def filled(part: Any, weights: Mapping[str, torch.Tensor], file: Path, name: str, dtype: torch.dtype) -> Any:
    """The part with its weights; one that is missing or of another size is refused by its name."""
    wanted = part.state_dict()
    check_missing(file.name, name, wanted.keys() - weights.keys())
    _check_sizes(file, name, wanted, weights)
    part.load_state_dict({key: weights[key].to(dtype) for key in wanted}, assign=True)
    return part.eval()


def load_file_settings(file: Path, family: str) -> dict[str, Any]:
    """Tokenizers and scheduler of a file: its family's, told by what lies beside the file and in it."""
    folder = settings_folder(file, family)
    classes = part_classes(folder)
    found = {name: _tokenizer(classes[name], folder, name) for name in classes if "tokenizer" in name}
    schedule = classes["scheduler"]
    config = schedule.load_config(str(folder), subfolder="scheduler", local_files_only=True)
    return found | {"scheduler": schedule.from_config(config | _predicts(file, family))}


def settings_folder(file: Path, family: str) -> Path:
    """Configurations and tokenizers: a folder of the file's own name beside it, else what the studio ships.

    The shipped ones are of the sizes that a family's models have. A model of other sizes (the tests' tiny
    ones are) brings its own in the folder beside it, and goes the same way from there on.
    """
    beside = file.with_suffix("")
    return beside if (beside / "model_index.json").is_file() else CONFIGS / family


def _pieces(family: str) -> dict[str, Piece]:
    if family not in PIECES:
        raise StudioError("single_file_unknown", family=FAMILIES[family].title)
    return PIECES[family]


def _part(file: Path, family: str, name: str, piece: Piece, hashes: Hashes) -> Part:
    # The same weights under another configuration are another part: a decoder is scaled by it.
    config = file_config(file, family, name)
    elements = sum(math.prod(shape) for shape in _shapes(file, piece).values())
    key = file_key(config, hashes.of(file, piece.prefix))
    return Part(name, key, elements, is_wide(family, name, config))


def file_key(config: Mapping[str, Any], digest: str) -> str:
    """The key of a part by its configuration and the hash of its weights."""
    return hashlib.sha256(f"{json.dumps(config, sort_keys=True)} {digest}".encode()).hexdigest()


def _shapes(file: Path, piece: Piece) -> dict[str, tuple[int, ...]]:
    header = read_header(file)
    names = [name for name in header if name.startswith(piece.prefix)]
    return {name.removeprefix(piece.prefix): tuple(header[name]["shape"]) for name in names}


def file_config(file: Path, family: str, name: str) -> dict[str, Any]:
    """The configuration of one part: beside the file, or its family's and what the shapes say."""
    folder = settings_folder(file, family)
    config = read_config(folder, name)
    # Who brings configurations of his own means them.
    if name in SIZES and folder.parent == CONFIGS:
        config |= SIZES[name](_shapes(file, _pieces(family)[name]))
    return config


def _encoder(kind: Any, config: Mapping[str, Any]) -> Any:
    return kind(kind.config_class.from_dict(dict(config)))


def read_tensors(file: Path, prefix: str = "") -> dict[str, torch.Tensor]:
    """The tensors of a file whose names start so."""
    from safetensors import safe_open

    with safe_open(file, "pt") as weights:
        return {name: weights.get_tensor(name) for name in weights.keys() if name.startswith(prefix)}  # noqa: SIM118


def _check_sizes(file: Path, part: str, wanted: Mapping[str, Any], weights: Mapping[str, Any]) -> None:
    for key, tensor in wanted.items():
        if tensor.shape != weights[key].shape:
            found, meant = (str(tuple(one.shape)) for one in (weights[key], tensor))
            raise StudioError(
                "weights_other_size", model=file.name, part=part, key=key, found=found, meant=meant
            )


def _tokenizer(kind: Any, folder: Path, name: str) -> Any:
    own = folder / name
    if any((own / known).is_file() for known in ("vocab.json", "tokenizer.json")):
        return kind.from_pretrained(str(folder), subfolder=name, local_files_only=True)
    # All families read with CLIP's one vocabulary; how they pad differs.
    given = json.loads((own / "tokenizer_config.json").read_text(encoding="utf-8"))
    padded = {key: given[key] for key in ("pad_token", "model_max_length")}
    return kind.from_pretrained(str(CLIP), local_files_only=True, **padded)


# -- what a file predicts -------------------------------------------------------------------------


def _predicts(file: Path, family: str) -> dict[str, Any]:
    """Noise or velocity, where the file says: in a note beside it, in its header, by a mark, by its weights."""
    if settings_folder(file, family).parent != CONFIGS or FAMILIES[family].denoiser != "unet":
        return {}
    header = read_header(file)
    told = str((header.get("__metadata__") or {}).get("modelspec.prediction_type", ""))
    if "ztsnr" in header:
        return {
            "prediction_type": "v_prediction",
            "rescale_betas_zero_snr": True,
            "timestep_spacing": "trailing",
        }
    velocity = _note_says_velocity(file) or told.startswith("v") or "v_pred" in header
    if not (velocity or told) and family == "sd2" and TELLING_LAYER in header:
        velocity = bool(read_tensors(file, TELLING_LAYER)[TELLING_LAYER].float().std() > VELOCITY_SPREAD)
    return {"prediction_type": "v_prediction"} if velocity else {}


def _note_says_velocity(file: Path) -> bool:
    """The note that other tools ask people to lay beside such a file."""
    note = file.with_suffix(".yaml")
    text = note.read_text(encoding="utf-8", errors="replace") if note.is_file() else ""
    return any(line.replace('"', "").split() == ["parameterization:", "v"] for line in text.splitlines())
