"""How many tokens of a model's windows a prompt uses, counted without torch."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from studio.errors import StudioError
from studio.messages import TokenCount
from studio.prompt.parse import parse
from studio.prompt.windows import cut
from studio.settings import ROOT

CLIP_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
CLIP_FOLDER = ROOT / "assets" / "clip" / "tokenizer"
"""The vocabulary that single files and models still to be fetched share."""
MARKS = ("<|startoftext|>", "<|endoftext|>")


def count_tokens(
    checkpoint: Path | None,
    text: str,
    window: int,
    vectors: Mapping[str, int] | None = None,
    long_prompts: bool = True,
) -> TokenCount:
    """What the text encoder reads of a prompt, marks not counted; None for a checkpoint that brings no tokenizer.

    `vectors` tells how many tokens the embeddings that may be named take. A family without `long_prompts` has one
    window, which the count may exceed. Of a blend the longest phrase is counted.
    """
    folder = checkpoint / "tokenizer" if checkpoint and checkpoint.is_dir() else CLIP_FOLDER
    tokenizer = _tokenizer(folder)

    def ids(words: str) -> list[int]:
        return list(tokenizer.encode(words, add_special_tokens=False).ids)

    prompt = parse(text)
    if not long_prompts:
        return _counted((len(ids(prompt.plain)),), window)
    cuts = [tuple(map(len, cut(phrase, ids, window, vectors))) for phrase in prompt.phrases]
    return _counted(max(cuts, key=lambda lengths: (len(lengths), sum(lengths))), window)


def _counted(lengths: tuple[int, ...], window: int) -> TokenCount:
    return TokenCount(used=sum(lengths), window=window, windows=lengths)


@functools.lru_cache(maxsize=16)
def _tokenizer(folder: Path) -> Tokenizer:
    if (folder / "tokenizer.json").is_file():
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer
    if (folder / "merges.txt").is_file() and (folder / "vocab.json").is_file():
        return _classic_clip(folder)
    raise StudioError("tokenizer_missing", folder=folder.parent.name)


def _classic_clip(folder: Path) -> Tokenizer:
    # Checkpoints of the first years carry only the vocabulary and the merges.
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
    pairs = [tuple(line.split()) for line in lines if line and not line.startswith("#version")]
    merges = [(first, second) for first, second in pairs]
    model = models.BPE(vocab=vocabulary, merges=merges, end_of_word_suffix="</w>", unk_token="<|endoftext|>")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(CLIP_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    # Whoever writes a mark into the prompt gets the mark, not its letters.
    tokenizer.add_special_tokens([AddedToken(mark, normalized=False) for mark in MARKS])
    return tokenizer
