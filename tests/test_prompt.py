"""Counting tokens without torch gives what the model's own tokenizer gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import StudioError
from studio.prompt import MARKS, count_tokens, cut, parse
from tests.tiny import WORDS, tokenizer_files

LETTERS = [*WORDS, *MARKS, "cats", "Red", "HOUSE", "'s", "'LL", "12", "世界", "é", "e\u0301", "ﬁ", "İ", "🐈"]
SPACES = [" ", "  ", "\n", "\t", "\u00a0", "\u3000", "\u2028", "\u200b", "\x85"]
SIGNS = [",", ",,", "!?", "(red:1.2)", "_", "-", "<|end"]
PIECES = st.sampled_from([*LETTERS, *SPACES, *SIGNS])
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=40)
Count = Callable[[str], int]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two checkpoints' tokenizers: `classic` has only vocabulary and merges, `fast` only tokenizer.json."""
    from transformers import CLIPTokenizer

    folder = tmp_path_factory.mktemp("tokenizers")
    classic, fast = folder / "classic" / "tokenizer", folder / "fast" / "tokenizer"
    tokenizer_files(classic)
    _learn(classic, "1 2</w>", "' s</w>", "! !</w>", "a 1</w>")
    CLIPTokenizer.from_pretrained(str(classic), model_max_length=77).save_pretrained(str(fast))
    assert not (classic / "tokenizer.json").exists() and not (fast / "merges.txt").exists()
    return folder


def _learn(folder: Path, *merges: str) -> None:
    """Adds pairs that only a text cut up wrongly, or rightly, can make into one token."""
    vocabulary = json.loads((folder / "vocab.json").read_text("utf-8"))
    for first, second in (merge.split() for merge in merges):
        letter = second.removesuffix("</w>")
        for token in (first, f"{first}</w>", letter, second, first + second):
            vocabulary.setdefault(token, len(vocabulary))
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    lines = (folder / "merges.txt").read_text("utf-8")
    (folder / "merges.txt").write_text("\n".join([lines, *merges]), encoding="utf-8")


@pytest.fixture(scope="module", params=["classic", "fast"])
def checkpoint(request: pytest.FixtureRequest, folder: Path) -> Path:
    return folder / str(request.param)


@pytest.fixture(scope="module")
def own(folder: Path) -> Count:
    """How the libraries count."""
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(str(folder / "classic" / "tokenizer"))
    return lambda text: len(tokenizer(text, add_special_tokens=False).input_ids)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_a_count_is_what_the_models_own_tokenizer_says(checkpoint: Path, own: Count, text: str) -> None:
    pieces = parse(text).pieces
    assert count_tokens(checkpoint, text, 75).used == sum(own(piece.words) for piece in pieces)
    if not set(text) & set("()[]（）\\<"):
        assert [piece.text for piece in pieces] == ([text] if text else [])


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("", 0),
        ("a red cat", 3),
        ("A RED  cat\n", 3),
        ("cat, cat", 3),
        ("dog", 3),
        ("12", 2),
        ("it's", 3),
        ("!!", 1),
        ("a1", 2),
        ("(red:1.2) [cat]", 2),
        ("a red BREAK cat", 3),
        ("<lora:sea:0.8> cat", 1),
        ('("a red cat", "a cat").blend(1, 1)', 3),
    ],
)
def test_known_texts_have_known_counts(checkpoint: Path, text: str, used: int) -> None:
    assert count_tokens(checkpoint, text, 75).used == used


def test_a_prompt_longer_than_the_window_is_counted_to_its_end(checkpoint: Path) -> None:
    count = count_tokens(checkpoint, "cat " * 200, 75)
    assert (count.used, count.window, count.windows, count.room) == (200, 75, (75, 75, 50), 225)


def test_a_family_of_one_window_has_no_borders(checkpoint: Path) -> None:
    count = count_tokens(checkpoint, "(cat:1.2) BREAK " * 90, 75, long_prompts=False)
    assert (count.used, count.windows, count.room) == (90, (90,), 75)


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("", (0,)),
        ("cat " * 75, (75,)),
        ("cat " * 76, (75, 1)),
        ("cat BREAK " * 2 + "sea", (1, 1, 1)),
        ("cat BREAK", (1,)),
        ("BREAK cat", (0, 1)),
        # A comma that is near takes what follows it along; a far one does not.
        ("cat " * 60 + ", " + "sea " * 20, (61, 20)),
        ("cat " * 50 + ", " + "sea " * 40, (75, 16)),
        ("cat " * 74 + ", sea", (75, 1)),
        ("cat " * 75 + ", sea", (75, 2)),
        ("cat " * 54 + ", " + "sea " * 21, (75, 1)),
        ("cat " * 54 + ", " + "sea " * 20 + "(red:1.2)", (75, 1)),
        ("cat " * 55 + ", " + "sea " * 20, (56, 20)),
        ("cat " * 56 + ", " + "sea " * 18 + "(red:1.2)", (57, 19)),
    ],
)
def test_windows_end_where_they_end_elsewhere(checkpoint: Path, text: str, windows: tuple[int, ...]) -> None:
    count = count_tokens(checkpoint, text, 75)
    assert count.windows == windows and count.used == sum(windows)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([1, 2, 3, 4]), max_size=90), st.integers(1, 30))
def test_cutting_loses_no_token_and_keeps_their_order(ids: list[int], size: int) -> None:
    (phrase,) = parse(" ".join(map(str, ids))).phrases
    windows = cut(phrase, lambda text: [3] if text == "," else list(map(int, text.split())), size)
    assert [place.id for window in windows for place in window] == ids
    assert all(len(window) <= size for window in windows)


def test_an_embedding_counts_as_many_tokens_as_it_has_vectors(checkpoint: Path) -> None:
    vectors = {"glow": 8, "sea": 2}
    assert count_tokens(checkpoint, "(Glow:1.2), a cat, glow, sea", 75, vectors).used == 8 + 8 + 2 + 5
    assert count_tokens(checkpoint, "cat " * 70 + "glow", 75, vectors).windows == (70, 8)
    assert (
        count_tokens(checkpoint, "cat " * 60 + ", " + "cat " * 10 + "glow", 20, {"glow": 19}).windows[-1]
        == 19
    )


def test_an_embedding_that_no_window_holds_is_refused(checkpoint: Path) -> None:
    with pytest.raises(StudioError, match="embedding_too_long"):
        count_tokens(checkpoint, "glow", 75, {"glow": 76})


def test_a_tokenizer_that_cuts_and_pads_is_counted_without_either(tmp_path: Path, folder: Path) -> None:
    fast = json.loads((folder / "fast" / "tokenizer" / "tokenizer.json").read_text("utf-8"))
    fast["truncation"] = {"max_length": 5, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    fast["padding"] = {
        "strategy": {"Fixed": 77},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "!",
    }
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "tokenizer.json").write_text(json.dumps(fast), encoding="utf-8")
    assert count_tokens(tmp_path, "cat " * 9, 75).used == 9


@pytest.mark.parametrize("left", [(), ("merges.txt",), ("vocab.json",)])
def test_a_checkpoint_without_a_whole_tokenizer_is_told(tmp_path: Path, left: tuple[str, ...]) -> None:
    tokenizer_files(tmp_path / "model" / "tokenizer")
    for path in (tmp_path / "model" / "tokenizer").iterdir():
        if path.name not in left:
            path.unlink()
    with pytest.raises(StudioError, match="tokenizer_missing") as told:
        count_tokens(tmp_path / "model", "cat", 75)
    assert told.value.params == {"folder": "model"}


def test_a_tokenizer_put_in_place_later_is_found(tmp_path: Path) -> None:
    with pytest.raises(StudioError):
        count_tokens(tmp_path, "cat", 75)
    tokenizer_files(tmp_path / "tokenizer")
    assert count_tokens(tmp_path, "cat", 75).used == 1
