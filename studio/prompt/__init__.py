"""What a prompt is made of: emphasis, windows, blends and tags, read and counted without torch."""

from studio.prompt.chance import Wildcards, leaves_open, settle, unknown_wildcards
from studio.prompt.loras import Taken, joined, meant, name_in, names_of, take_loras
from studio.prompt.parse import (
    LONGEST_PROMPT,
    Chunk,
    Phrase,
    Piece,
    Prompt,
    Tag,
    parse,
    print_prompt,
    refusal,
)
from studio.prompt.styling import Template, Texts, apply_styles, language_for, only_language
from studio.prompt.tell import check_text, embeddings_in, remarks, wildcard_remarks
from studio.prompt.tokens import CLIP_FOLDER, MARKS, count_tokens
from studio.prompt.windows import Place, Window, cut, names_pattern

__all__ = [
    "Prompt",
    "Phrase",
    "Chunk",
    "Piece",
    "Tag",
    "parse",
    "print_prompt",
    "refusal",
    "check_text",
    "LONGEST_PROMPT",
    "remarks",
    "wildcard_remarks",
    "embeddings_in",
    "Taken",
    "take_loras",
    "joined",
    "meant",
    "name_in",
    "names_of",
    "Place",
    "Window",
    "cut",
    "count_tokens",
    "CLIP_FOLDER",
    "MARKS",
    "Template",
    "Texts",
    "apply_styles",
    "language_for",
    "only_language",
    "names_pattern",
    "Wildcards",
    "settle",
    "leaves_open",
    "unknown_wildcards",
]
