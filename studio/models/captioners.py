"""Captioners: networks that say what can be seen in a picture, each in a folder as the hub has it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from studio.errors import StudioError
from studio.models.folders import load_whole, part_files, part_key, read_config
from studio.models.parts import Part
from studio.models.unwanted import Unwanted
from studio.weights import read_header

if TYPE_CHECKING:
    from PIL import Image

    from studio.weights import Hashes

NAME = "captioner"
BEAMS = 3
"""How many readings are followed at once; what Florence-2 was tried with."""
NO_LOOP = 3
"""So many pieces never come twice in the same order: a network that has nothing more to say repeats itself."""
WORKED_OUT = ("position_ids",)
"""How names end in older files of what the library works out itself."""
OPENING = re.compile(
    r"(?:(?:the|this) (?:image|picture) (?:shows|is of|depicts|features)|in this (?:image|picture) we can see)\s+",
    re.I,
)
"""Words about there being a picture: a LoRA would learn them with what is seen in it."""


@dataclass(frozen=True)
class _Network:
    """One kind of captioner: the library's classes, what its folder holds, and how it is asked."""

    network: str
    processor: str
    vocabularies: tuple[str, ...]
    """Any of these files; the library makes an empty vocabulary where there is none."""
    tied: tuple[tuple[str, ...], ...]
    """Names of one matrix in the network: files hold it once or several times."""
    most: int
    """Pieces of words of a caption."""
    asked: str = ""
    """What stands for the question; empty: it says what it sees without one."""


NETWORKS = {
    "blip": _Network(
        network="BlipForConditionalGeneration",
        processor="BlipProcessor",
        vocabularies=("tokenizer.json", "vocab.txt"),
        tied=(
            (
                "text_decoder.bert.embeddings.word_embeddings.weight",
                "text_decoder.cls.predictions.decoder.weight",
            ),
            ("text_decoder.cls.predictions.bias", "text_decoder.cls.predictions.decoder.bias"),
        ),
        most=50,
    ),
    "florence2": _Network(
        network="Florence2ForConditionalGeneration",
        processor="Florence2Processor",
        vocabularies=("tokenizer.json", "vocab.json"),
        tied=(
            (
                "model.language_model.shared.weight",
                "model.language_model.encoder.embed_tokens.weight",
                "model.language_model.decoder.embed_tokens.weight",
                "lm_head.weight",
            ),
        ),
        most=120,
        asked="<DETAILED_CAPTION>",
    ),
}
"""The kinds that are known, as their configurations call themselves."""
PICTURES, PROCESSOR = "preprocessor_config.json", "processor_config.json"
"""What says how a picture is made ready: the first, or a part of the second."""


def plan_captioner(folder: Path, hashes: Hashes) -> tuple[Part, ...]:
    """Its one part, from headers; what is missing, broken or no captioner that is known is refused."""
    if not (folder / "config.json").is_file():
        raise StudioError("captioner_incomplete", model=folder.name, file="config.json")
    config = read_config(folder.parent, folder.name)
    known = NETWORKS.get(str(config.get("model_type")))
    if known is None:
        raise StudioError("captioner_unknown", model=folder.name, kind=str(config.get("model_type")))
    if not _makes_pictures_ready(folder):
        raise StudioError("captioner_incomplete", model=folder.name, file=PICTURES)
    if not any((folder / name).is_file() for name in known.vocabularies):
        raise StudioError("captioner_incomplete", model=folder.name, file=known.vocabularies[0])
    files = part_files(folder.parent, folder.name)
    tied = known.tied if config.get("tie_word_embeddings", True) else ()
    # Whole numbers in full width, as translators have them: on no device does a caption depend on the rounding.
    return (Part(NAME, part_key(folder, files, hashes), _elements(files, tied), narrow=()),)


def _makes_pictures_ready(folder: Path) -> bool:
    if (folder / PICTURES).is_file():
        return True
    try:
        return "image_processor" in json.loads((folder / PROCESSOR).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def _elements(files: Sequence[Path], tied: Sequence[tuple[str, ...]]) -> int:
    """How many numbers the network holds: a matrix under several names is one."""
    shapes = {
        name: tuple(entry["shape"])
        for file in files
        for name, entry in read_header(file).items()
        if name != "__metadata__" and not name.endswith(WORKED_OUT)
    }
    again = {name for names in tied for name in [one for one in names if one in shapes][1:]}
    return sum(math.prod(shape) for name, shape in shapes.items() if name not in again)


def load_captioner(folder: Path, dtype: torch.dtype) -> Any:
    """The network in memory, every weight of it from its files."""
    kept = Part(NAME, "", 0, narrow=()).dtype(dtype)
    return load_whole(_class(_known(folder).network), folder, kept, folder.name, NAME)


def load_processor(folder: Path) -> Any:
    """What makes a picture ready for the network, and joins its pieces to words again."""
    kind = _class(_known(folder).processor)
    return kind.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)


def _known(folder: Path) -> _Network:
    return NETWORKS[read_config(folder.parent, folder.name)["model_type"]]


def _class(name: str) -> Any:
    import transformers

    return getattr(transformers, name)


def captions(
    parts: dict[str, Any], pictures: Sequence[Image.Image], device: str, unwanted: Callable[[], bool]
) -> Iterator[str]:
    """What can be seen in each of some pictures, together in one go, the same each time; none once unwanted."""
    network, processor = parts[NAME], parts["processor"]
    known = NETWORKS[network.config.model_type]
    question = {"text": [known.asked] * len(pictures)} if known.asked else {}
    ready = processor(images=list(pictures), **question, return_tensors="pt").to(device)
    with torch.inference_mode():
        found = network.generate(
            **ready,
            num_beams=BEAMS,
            do_sample=False,
            no_repeat_ngram_size=NO_LOOP,
            max_new_tokens=known.most,
            stopping_criteria=[Unwanted(unwanted)],
        )
    if not unwanted():
        yield from map(_plain, processor.batch_decode(found, skip_special_tokens=True))


def _plain(text: str) -> str:
    """What is seen, on one line, without words about its being a picture."""
    return OPENING.sub("", " ".join(text.split()), count=1).strip().rstrip(".")
