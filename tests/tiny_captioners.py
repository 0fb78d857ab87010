"""Tiny captioners with random weights, in the layout of the real ones."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

from studio.messages import Bilingual, CaptionerSpec, LocalSource

WORDS = (
    "a",
    "red",
    "green",
    "cat",
    "dog",
    "house",
    "under",
    "on",
    "the",
    "moon",
    "table",
    "of",
    "two",
    "##s",
)
SIDE, POSITIONS = 64, 256
SPREAD = 0.6
"""How far weights lie apart: by less, whatever is seen comes out as the same words."""


def captioner_spec(folder: Path, **changes: Any) -> CaptionerSpec:
    """Its entry."""
    title, source = Bilingual(en=folder.name, zh=folder.name), LocalSource(path=str(folder))
    told = {"id": folder.name, "licence": "test", "writes": "en", "title": title, "source": source}
    return CaptionerSpec(**told | changes)


def tiny_blip(folder: Path, seed: int = 0) -> Path:
    """A BLIP of one layer each, which knows a dozen words; as in the real ones, what begins a text is none of them."""
    import torch
    from transformers import (
        BertTokenizer,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessor,
        BlipProcessor,
    )

    words = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS)
    number = {word: at for at, word in enumerate(words)}
    pictures = BlipImageProcessor(size={"height": SIDE, "width": SIDE})
    BlipProcessor(pictures, BertTokenizer(vocab=number)).save_pretrained(str(folder))
    layers = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "initializer_range": SPREAD,
    }  # fmt: skip
    text = {
        "vocab_size": len(words) + 1, "max_position_embeddings": POSITIONS, "encoder_hidden_size": 16,
        "bos_token_id": len(words), "pad_token_id": number["[PAD]"], "sep_token_id": number["[SEP]"],
    }  # fmt: skip
    torch.manual_seed(seed)
    config = BlipConfig(
        text_config=layers | text, vision_config=layers | {"image_size": SIDE, "patch_size": 16}
    )
    BlipForConditionalGeneration(config).save_pretrained(str(folder), safe_serialization=True)
    return folder


def tiny_florence(folder: Path, seed: int = 0) -> Path:
    """A Florence-2 of one layer each, which spells; of its picture it sees four pieces and the whole."""
    import torch
    from transformers import (
        BartTokenizer,
        CLIPImageProcessor,
        Florence2Config,
        Florence2ForConditionalGeneration,
        Florence2Processor,
    )

    pieces = (
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        "\u0120",
        *string.ascii_letters,
        ".",
        "?",
        ",",
        "<mask>",
        "<image>",
    )
    number = {piece: at for at, piece in enumerate(pieces)}
    tokenizer = BartTokenizer(vocab=number, merges=[], extra_special_tokens={"image_token": "<image>"})
    sides = {"height": SIDE, "width": SIDE}
    pictures = CLIPImageProcessor(size=sides, do_center_crop=False, image_seq_length=5)
    Florence2Processor(pictures, tokenizer).save_pretrained(str(folder))
    text = {
        "model_type": "bart", "vocab_size": len(pieces), "d_model": 16, "encoder_layers": 1, "decoder_layers": 1,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
        "max_position_embeddings": POSITIONS, "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2,
        "decoder_start_token_id": 2, "init_std": SPREAD,
    }  # fmt: skip
    vision = {
        "depths": (1, 1, 1, 1), "embed_dim": (8, 8, 16, 16), "num_heads": (2, 2, 2, 2), "num_groups": (2, 2, 2, 2),
        "window_size": 4, "projection_dim": 16, "max_temporal_embeddings": 4, "max_position_embeddings": 8,
        "initializer_range": SPREAD,
    }  # fmt: skip
    torch.manual_seed(seed)
    config = Florence2Config(text_config=text, vision_config=vision, image_token_id=number["<image>"])
    network = Florence2ForConditionalGeneration(config).to(torch.float16)
    network.save_pretrained(str(folder), safe_serialization=True)
    return folder


def as_published(folder: Path) -> Path:
    """The same folder as older programs wrote it, and as the hubs have them: one file for pictures, one for words."""
    told = json.loads((folder / "processor_config.json").read_text(encoding="utf-8"))
    pictures = told.pop("image_processor") | {"processor_class": told["processor_class"]}
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures), encoding="utf-8")
    (folder / "processor_config.json").write_text(json.dumps(told), encoding="utf-8")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    # How it was to write stood among the settings of its parts; nobody writes captions of twenty pieces.
    config["text_config"] |= {
        "max_length": 20,
        "num_beams": 1,
        "no_repeat_ngram_size": 0,
        "torch_dtype": None,
    }
    if config["model_type"] == "blip":
        del config["text_config"]["encoder_hidden_size"]
        (folder / "generation_config.json").unlink()
        (folder / "processor_config.json").unlink()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
