"""What a LoRA is trained from, as far as it can be told without torch: pictures, captions, shapes, settings, order."""

from studio.training.buckets import Place, cropped, place, shapes
from studio.training.diary import Diaries
from studio.training.header import Outcome, header
from studio.training.keeping import Kept, forget_all_but, kept_whole
from studio.training.order import Look, looks
from studio.training.presets import RECIPES, captioned, check_model, plan, resolve
from studio.training.reading import (
    LEAST_PICTURES,
    MOST_PICTURES,
    Files,
    check_most,
    open_files,
    open_zip,
    read_set,
)

__all__ = [
    "LEAST_PICTURES",
    "MOST_PICTURES",
    "RECIPES",
    "Diaries",
    "Files",
    "Kept",
    "Look",
    "Outcome",
    "Place",
    "captioned",
    "check_model",
    "check_most",
    "cropped",
    "forget_all_but",
    "header",
    "kept_whole",
    "looks",
    "open_files",
    "open_zip",
    "place",
    "plan",
    "read_set",
    "resolve",
    "shapes",
]
