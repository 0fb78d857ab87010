"""The pocket's tokenizer: one token a known word, letters and bytes for the rest, in any language."""

from __future__ import annotations

from typing import Any

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

from pocket.world.words import all_words

BEGIN, END, UNKNOWN = "<|startoftext|>", "<|endoftext|>", "<|unknown|>"
LENGTH = 77
# Fewer pieces always win: two words cost less than a word and a letter.
WORD, LETTER, BYTE = -4.0, -14.0, -18.0
PUNCTUATION = ".,!?;:'\"()[]{}<>-_/&+*#@%=~|\\$^`"


def vocabulary() -> list[tuple[str, float]]:
    """Pieces with their scores; the order is the numbering and must never change within a base."""
    english, chinese = all_words()
    alphabet = sorted(
        set("abcdefghijklmnopqrstuvwxyz0123456789" + PUNCTUATION) | {c for w in chinese for c in w}
    )
    pieces = [(BEGIN, 0.0), (END, 0.0), (UNKNOWN, 0.0)]
    pieces += [(f"<0x{b:02X}>", BYTE) for b in range(256)]
    # The alphabet's short entries may be words too ("a", "花"): then they score as words.
    pieces += [(c, LETTER) for c in alphabet if c not in english | chinese]
    return pieces + [(w, WORD) for w in sorted(english)] + [(w, WORD) for w in sorted(chinese)]


def build_backend() -> Tokenizer:
    """The tokenizer as the `tokenizers` package knows it."""
    backend = Tokenizer(Unigram(vocabulary(), unk_id=2, byte_fallback=True))
    backend.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    backend.pre_tokenizer = pre_tokenizers.Split(
        Regex(r"[a-z]+|\p{Han}+|\p{N}|\p{L}+|[^\s\p{L}\p{N}]"), behavior="removed", invert=True
    )
    backend.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    backend.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A {END}", pair=f"{BEGIN} $A {END} $B {END}", special_tokens=[(BEGIN, 0), (END, 1)]
    )
    return backend


def build_tokenizer() -> Any:
    """The tokenizer as transformers knows it; imported late, since it is heavy."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=build_backend(),
        bos_token=BEGIN,
        eos_token=END,
        pad_token=END,
        unk_token=UNKNOWN,
        model_max_length=LENGTH,
        model_input_names=["input_ids", "attention_mask"],
    )


def encode(backend: Tokenizer, text: str) -> list[int]:
    """Ids padded or cut to the fixed length, as the pipeline does."""
    ids = backend.encode(text).ids
    if len(ids) > LENGTH:
        ids = [*ids[: LENGTH - 1], 1]
    return ids + [1] * (LENGTH - len(ids))
