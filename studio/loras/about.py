"""What those who made a LoRA say of it: in its header, and in the files they put beside it."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from studio.messages import LARGEST_LORA_WEIGHT

log = logging.getLogger(__name__)
MOST_TRIGGERS = 24
LONGEST_TRIGGER = 200
LONGEST_TITLE = 200
LONGEST_NOTES = 4000
LARGEST_TEXT = 2_000_000
"""Bytes of a file beside a LoRA that are read: what is longer is no note."""
LARGEST_PICTURE = 30_000_000
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif")
_MARKUP = re.compile(r"</[a-z]|<(?:br|p|div)\b", re.IGNORECASE)
COMMON_SHARE = 0.6
"""A tag that a smaller share of the training pictures bears is what some of them show, and no trigger."""


@dataclass(frozen=True)
class About:
    """What is known of a LoRA beside its weights; what nobody told is empty."""

    title: str = ""
    notes: str = ""
    triggers: tuple[str, ...] = ()
    weight: float | None = None
    author: str = ""
    licence: str = ""
    base: str = ""
    """What it was trained on, in the words of who did."""
    date: str = ""
    resolution: str = ""
    thumbnail: bytes = field(default=b"", repr=False)

    def over(self, other: About) -> About:
        """This, and where it says nothing, what another says."""
        empty = {name: value for name, value in vars(other).items() if not vars(self)[name]}
        return replace(self, **empty)


def about_lora(path: Path, header: Mapping[str, str]) -> About:
    """All that is told of a LoRA; what a person wrote beside the file comes before what its header says."""
    told = _a1111(path).over(_civitai(path)).over(_text(path))
    return told.over(from_header(header))


# -- the header -----------------------------------------------------------------------------------


def from_header(header: Mapping[str, str]) -> About:
    """What training programs and the model specification write beside the tensors."""
    return _spec(header).over(_kohya(header))


def _spec(header: Mapping[str, str]) -> About:
    def told(key: str, read: Callable[[str], str] = _line) -> str:
        return read(header.get(f"modelspec.{key}", ""))

    phrase = told("trigger_phrase", _notes)
    notes = "\n".join(filter(None, (told("description", _notes), told("usage_hint", _notes))))
    return About(
        title=told("title"),
        notes=notes[:LONGEST_NOTES],
        triggers=_triggers(phrase.split(",")),
        author=told("author"),
        licence=told("license"),
        base=told("architecture"),
        date=told("date"),
        resolution=told("resolution"),
        thumbnail=_data_uri(header.get("modelspec.thumbnail", "")),
    )


def _kohya(header: Mapping[str, str]) -> About:
    def told(key: str, read: Callable[[str], str] = _line) -> str:
        text = header.get(f"ss_{key}", "")
        return "" if text == "None" else read(text)

    return About(
        title=told("output_name"),
        notes=told("training_comment", _notes),
        triggers=_most_frequent(header.get("ss_tag_frequency", "")),
        base=told("base_model_version") or told("sd_model_name"),
        resolution=told("resolution"),
    )


def _most_frequent(text: str) -> tuple[str, ...]:
    """The tags that most of the training pictures bear, the most frequent first."""
    folders = _json(text, "ss_tag_frequency")
    counts: Counter[str] = Counter()
    for tags in folders.values() if isinstance(folders, dict) else ():
        for tag, count in tags.items() if isinstance(tags, dict) else ():
            if isinstance(count, int) and count > 0:
                counts[str(tag).strip()] += count
    most = max(counts.values(), default=0)
    ranked = sorted(counts, key=lambda tag: (-counts[tag], tag))
    return _triggers([tag for tag in ranked if counts[tag] >= COMMON_SHARE * most])


def _data_uri(text: str) -> bytes:
    head, _, data = text.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64") or len(data) > LARGEST_PICTURE:
        return b""
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        log.warning("the picture in a LoRA's header cannot be read")
        return b""


# -- files beside it ------------------------------------------------------------------------------


def _a1111(path: Path) -> About:
    """What AUTOMATIC1111's studio keeps of a person's notes."""
    said = _file(path, ".json")
    return About(
        notes=_joined(said.get("description"), said.get("notes")),
        triggers=_triggers(_text_of(said.get("activation text")).split(",")),
        weight=_weight(said.get("preferred weight")),
        base=_line(_text_of(said.get("sd version"))),
    )


def _civitai(path: Path) -> About:
    """What helpers for Civitai write beside the files they fetch."""
    said = _file(path, ".civitai.info")
    model = said.get("model")
    named = _text_of(model.get("name")) if isinstance(model, dict) else ""
    words = said.get("trainedWords")
    listed = [_text_of(word) for word in words] if isinstance(words, list) else []
    return About(
        title=_line(named),
        notes=_joined(said.get("description")),
        triggers=_triggers([one for word in listed for one in word.split(",")]),
        base=_line(_text_of(said.get("baseModel"))),
    )


def _text(path: Path) -> About:
    for ending in (".txt", ".description.txt"):
        data = _bytes(path.with_suffix(ending), LARGEST_TEXT)
        if data:
            return About(notes=_notes(data.decode("utf-8", errors="replace")))
    return About()


def _file(path: Path, ending: str) -> dict[str, Any]:
    file = path.with_suffix(ending)
    data = _bytes(file, LARGEST_TEXT)
    said = _json(data.decode("utf-8", errors="replace"), file.name)
    return said if isinstance(said, dict) else {}


def picture_bytes(path: Path, about: About) -> bytes:
    """The picture of a LoRA as it came: the file beside it, else the one in its header; nobody has looked at it yet."""
    for file in picture_files(path):
        if data := _bytes(file, LARGEST_PICTURE):
            return data
    return about.thumbnail


def picture_files(path: Path) -> Iterator[Path]:
    """Where a picture may lie beside a LoRA, in the order in which other studios look."""
    for middle in (".preview", ""):
        for ending in PICTURES:
            yield path.with_suffix(f"{middle}{ending}")


def beside(path: Path) -> Iterator[Path]:
    """Every file that may say something of a LoRA."""
    yield from (path.with_suffix(one) for one in (".json", ".civitai.info", ".txt", ".description.txt"))
    yield from picture_files(path)


# -- reading what cannot be trusted ---------------------------------------------------------------


def _bytes(file: Path, most: int) -> bytes:
    try:
        size = file.stat().st_size if file.is_file() else 0
        if size > most:
            log.warning("%s is longer than %d bytes and is left out", file.name, most)
        return file.read_bytes() if 0 < size <= most else b""
    except OSError as error:
        log.warning("%s cannot be read: %s", file.name, error.strerror)
        return b""


def _json(text: str, name: str) -> Any:
    if not text or len(text) > LARGEST_TEXT:
        return {}
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        log.warning("%s of a LoRA is no JSON and is left out", name)
        return {}


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _joined(*values: Any) -> str:
    return _notes("\n".join(filter(None, map(_text_of, values))))


def _weight(value: Any) -> float | None:
    """A weight that somebody recommends; 0 is how that studio writes that nobody does."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value:
        return None
    return float(value) if abs(value) <= LARGEST_LORA_WEIGHT else None


def _triggers(words: list[str]) -> tuple[str, ...]:
    plain = (_plain(word, LONGEST_TRIGGER).replace("\n", " ") for word in words)
    return tuple(dict.fromkeys(word for word in plain if word))[:MOST_TRIGGERS]


def _line(text: str) -> str:
    """A title, or whatever else stands on one line."""
    return " ".join(_plain(text, LONGEST_TITLE).split())


def _notes(text: str) -> str:
    """A text of several lines."""
    return _plain(text, LONGEST_NOTES)


def _plain(text: str, most: int) -> str:
    """Text without markup and without signs that show nothing, cut where it grows too long."""
    words = _words(text[: 4 * most]) if _MARKUP.search(text) else text
    kept = "".join(sign for sign in words if sign.isprintable() or sign in "\n\t")
    return kept.strip()[:most]


def _words(text: str) -> str:
    reader = _Words()
    reader.feed(text)
    reader.close()
    return "".join(reader.said)


class _Words(HTMLParser):
    """The words of a text with markup; descriptions on the web come with it."""

    BREAKS = ("p", "br", "li", "div", "h1", "h2", "h3", "tr")
    UNSAID = ("script", "style")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Some marks begin a new line."""
        self._silent += tag in self.UNSAID
        if tag in self.BREAKS and self.said:
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Words are heard again."""
        self._silent = max(0, self._silent - (tag in self.UNSAID))

    def handle_data(self, data: str) -> None:
        """Words."""
        if not self._silent:
            self.said.append(data)
