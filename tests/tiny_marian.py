"""A tiny translator with random weights, in the layout of the real ones."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from studio.messages import Bilingual, LocalSource, TranslatorSpec

CHINESE = ("一只猫", "一只赤狐", "月光下的森林", "佐布", "追着佐布", "红色的房子", "一条鱼", "水墨画")
ENGLISH = ("a cat", "a red fox", "a forest in moonlight", "zobo", "a red house", "a fish", "an ink painting")


def translator_spec(folder: Path, **changes: Any) -> TranslatorSpec:
    """Its entry."""
    told = {"id": "zh-en", "licence": "test", "reads": "zh", "writes": "en"}
    title, source = Bilingual(en="zh-en", zh="zh-en"), LocalSource(path=str(folder))
    return TranslatorSpec(**told | {"title": title, "source": source} | changes)


def tiny_marian(folder: Path, seed: int = 0, **changes: Any) -> Path:
    """A network of one layer each way, and vocabularies made of a few sentences."""
    import torch
    from transformers import MarianConfig, MarianMTModel

    vocabulary = _vocabularies(folder)
    torch.manual_seed(seed)
    settings = {
        "vocab_size": len(vocabulary), "d_model": 16, "encoder_layers": 1, "decoder_layers": 1,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 32,
        "decoder_ffn_dim": 32, "max_position_embeddings": 64, "pad_token_id": vocabulary["<pad>"],
        "eos_token_id": vocabulary["</s>"], "decoder_start_token_id": vocabulary["<pad>"],
        "forced_eos_token_id": vocabulary["</s>"], "bad_words_ids": [[vocabulary["<pad>"]]],
        "scale_embedding": True, "init_std": 0.5,
    }  # fmt: skip
    network = MarianMTModel(MarianConfig(**settings | changes))
    network.save_pretrained(str(folder), safe_serialization=True)
    return folder


def _vocabularies(folder: Path) -> dict[str, int]:
    folder.mkdir(parents=True, exist_ok=True)
    pieces: list[str] = []
    for name, texts in (("source", CHINESE), ("target", ENGLISH)):
        pieces += _sentencepiece(folder / f"{name}.spm", texts)
    every = ["</s>", "<unk>", ">>cmn_Hans<<", *dict.fromkeys(pieces), "<pad>"]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(every))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    settings = {"source_lang": "zho", "target_lang": "eng", "tokenizer_class": "MarianTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return vocabulary


def _sentencepiece(file: Path, texts: tuple[str, ...]) -> list[str]:
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=model, vocab_size=60, model_type="unigram",
        hard_vocab_limit=False, character_coverage=1.0, minloglevel=2,
    )  # fmt: skip
    file.write_bytes(model.getvalue())
    read = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [read.id_to_piece(number) for number in range(read.get_piece_size())]
