"""Writes tokenizer/vocab.json and merges.txt from CLIP's vocabulary as OpenCLIP carries it.

pip download --no-deps open_clip_torch==3.3.0
unzip open_clip_torch-*.whl open_clip/bpe_simple_vocab_16e6.txt.gz
python derive.py open_clip/bpe_simple_vocab_16e6.txt.gz
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

TOKENS = 49408
MARKS = ("<|startoftext|>", "<|endoftext|>")


def byte_letters() -> list[str]:
    """A visible letter for each of the 256 bytes: printable ones stand for themselves, and come first."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = 256 - len(printable)
    return [chr(code) for code in printable] + [chr(256 + number) for number in range(others)]


def main(source: str) -> None:
    """Reads the merges that CLIP was trained with: as many as make a vocabulary of its size."""
    lines = gzip.decompress(Path(source).read_bytes()).decode("utf-8").split("\n")
    merges = lines[1 : 1 + TOKENS - 2 * 256 - len(MARKS)]
    letters = byte_letters()
    words = [*letters, *(f"{letter}</w>" for letter in letters), *(line.replace(" ", "") for line in merges)]
    ids = {token: number for number, token in enumerate([*words, *MARKS])}
    folder = Path(__file__).resolve().parent / "tokenizer"
    folder.mkdir(exist_ok=True)
    text = json.dumps(ids, ensure_ascii=False, separators=(",", ":"))
    (folder / "vocab.json").write_text(text + "\n", encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
