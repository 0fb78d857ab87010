"""The pocket's tokenizer knows the world's words and survives everything else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pocket.tokens import LENGTH, build_backend, encode
from pocket.world import sample
from pocket.world.captions import caption
from pocket.world.words import all_words

BACKEND = build_backend()


def pieces(text: str) -> list[str]:
    """The tokens without begin and end."""
    return BACKEND.encode(text).tokens[1:-1]


def test_every_english_word_of_the_world_is_one_token() -> None:
    words = {word for word in all_words()[0] if word.isalpha()}
    assert [word for word in words if len(pieces(word)) != 1] == []


def test_every_chinese_word_of_the_world_is_one_token() -> None:
    assert [word for word in all_words()[1] if len(pieces(word)) != 1] == []


def test_chinese_without_spaces_splits_into_its_words() -> None:
    assert pieces("一只红色的猫坐在草地上") == ["一只", "红色", "的", "猫", "坐在", "草地", "上"]


@pytest.mark.parametrize("text", ["zebra 斑马", "café 😀", "한국어", "", "   ", "x" * 500, "\u0000\ufffd"])
def test_unknown_text_never_crashes(text: str) -> None:
    ids = encode(BACKEND, text)
    assert len(ids) == LENGTH
    assert ids[0] == 0 and 1 in ids


def test_case_and_full_width_commas_do_not_matter() -> None:
    assert encode(BACKEND, "A RED Cat，Meadow") == encode(BACKEND, "a red cat,meadow")


def test_captions_fit_the_length_and_need_no_bytes() -> None:
    for seed in range(200):
        tokens = pieces(caption(sample(seed), random.Random(seed)))
        assert len(tokens) <= LENGTH - 2
        assert not any(token.startswith("<0x") for token in tokens)


def test_the_saved_tokenizer_gives_the_same_ids_everywhere(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer

    from pocket.tokens import build_tokenizer

    build_tokenizer().save_pretrained(tmp_path)
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path)
    alone = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for text in ("一只红色的猫坐在草地上", "a beautiful picture of a blue dog", "zebra 斑马 😀"):
        whole = loaded(text, padding="max_length", max_length=LENGTH, truncation=True).input_ids
        assert whole == encode(alone, text) == encode(BACKEND, text)
