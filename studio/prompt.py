"""What a prompt is made of: how many tokens of a model's window it uses, counted without torch."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from studio.errors import StudioError
from studio.messages import TokenCount
from studio.settings import ROOT

CLIP_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
CLIP_FOLDER = ROOT / "assets" / "clip" / "tokenizer"
"""The vocabulary that single files and models still to be fetched share."""
MARKS = ("<|startoftext|>", "<|endoftext|>")


def count_tokens(checkpoint: Path | None, text: str, window: int) -> TokenCount:
    """Tokens a prompt takes, start and end marks not counted; None for a checkpoint that brings no tokenizer."""
    folder = checkpoint / "tokenizer" if checkpoint and checkpoint.is_dir() else CLIP_FOLDER
    encoding = _tokenizer(folder).encode(text, add_special_tokens=False)
    return TokenCount(used=len(encoding.ids), window=window)


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
