"""Translators: a Marian network in a folder as the hub has it, with the two vocabularies it reads and writes by."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from studio.errors import StudioError
from studio.models.folders import load_whole, part_files, part_key, read_config
from studio.models.parts import Part
from studio.models.unwanted import Unwanted
from studio.weights import read_header

if TYPE_CHECKING:
    from studio.weights import Hashes

NAME = "translator"
KIND = "marian"
VOCABULARIES = ("source.spm", "target.spm", "vocab.json")
TIED = ("model.shared.weight", "model.encoder.embed_tokens.weight")
HEADS = ("model.decoder.embed_tokens.weight", "lm_head.weight")
"""Names of one matrix in the network: files hold it once or several times."""
POSITIONS = ("model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight")
BEAMS = 4
"""How many readings are followed at once; what Marian's own decoder does, give or take two."""
LONGER, MORE = 3, 16
"""A text becomes at most so many times longer, and so many pieces more: what goes on further is a loop."""


def plan_translator(folder: Path, hashes: Hashes) -> tuple[Part, ...]:
    """Its one part, from headers; what is missing, broken or no translator that is known is refused."""
    if not (folder / "config.json").is_file():
        raise StudioError("translator_incomplete", model=folder.name, file="config.json")
    config = read_config(folder.parent, folder.name)
    if config.get("model_type") != KIND:
        raise StudioError("translator_unknown", model=folder.name, kind=str(config.get("model_type")))
    for name in VOCABULARIES:
        if not (folder / name).is_file():
            raise StudioError("translator_incomplete", model=folder.name, file=name)
    files = part_files(folder.parent, folder.name)
    # Whole numbers in full width: it is small, and on no device does a translation depend on the rounding.
    return (Part(NAME, part_key(folder, files, hashes), _elements(files, config), narrow=()),)


def _elements(files: Sequence[Path], config: dict[str, Any]) -> int:
    """How many numbers the network holds: a matrix under several names is one, positions may stand in no file."""
    shapes = {
        name: tuple(entry["shape"])
        for file in files
        for name, entry in read_header(file).items()
        if name != "__metadata__"
    }
    together = (*TIED, *HEADS) if config.get("share_encoder_decoder_embeddings", True) else HEADS
    same = [name for name in together if name in shapes]
    worked_out = int(config["max_position_embeddings"]) * int(config["d_model"])
    positions = sum(worked_out for name in POSITIONS if name not in shapes)
    return positions + sum(math.prod(shape) for name, shape in shapes.items() if name not in same[1:])


def load_translator(folder: Path, dtype: torch.dtype) -> Any:
    """The network in memory, every weight of it from its files."""
    from transformers import MarianMTModel

    kept = Part(NAME, "", 0, narrow=()).dtype(dtype)
    return load_whole(MarianMTModel, folder, kept, folder.name, NAME)


def load_tokenizer(folder: Path) -> Any:
    """What cuts texts into the network's pieces and joins them again."""
    from transformers import MarianTokenizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it advises a package for punctuation that these models do without
        return MarianTokenizer.from_pretrained(str(folder), local_files_only=True)


def translations(
    parts: dict[str, Any], texts: Sequence[str], device: str, unwanted: Callable[[], bool]
) -> Iterator[str]:
    """Texts in the other language, together in one go, the same each time; none once they are unwanted."""
    network, tokenizer = parts[NAME], parts["tokenizer"]
    cut = tokenizer(list(texts), padding=True, return_tensors="pt").to(device)
    most = int(network.config.max_position_embeddings)
    pieces = int(cut["input_ids"].shape[1])
    if pieces > most:
        raise StudioError("translation_too_long", most=most)
    with torch.inference_mode():
        found = network.generate(
            **cut,
            num_beams=BEAMS,
            do_sample=False,
            max_new_tokens=min(LONGER * pieces + MORE, most - 1),
            stopping_criteria=[Unwanted(unwanted)],
        )
    if not unwanted():
        yield from tokenizer.batch_decode(found, skip_special_tokens=True, use_source_tokenizer=False)
