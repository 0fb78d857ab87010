r"""Reads prompt text as it is written elsewhere, and writes it out again.

`(word)` counts 1.1 times, `((word))` 1.21 times, `(word:1.2)` 1.2 times, `[word]` is divided by 1.1; groups nest
and may hold commas. A backslash before a bracket, a backslash, `<` or BREAK makes it text. A bracket without its
partner is text. `BREAK` begins a new window. `("a cat", "a dog").blend(0.3, 0.7)` mixes two readings; it must be
the whole prompt. `<lora:name:0.8>` is a tag and no text.

Full-width brackets and colons, `（猫：1.2）`, mean the same as the narrow ones: an input method for Chinese types
them by itself, and whoever wants one as text puts a backslash before it.

What is recognised and not done, so that it can be said: `[from:to:when]`, `[one|other]`, and AND. The words of
such a group are read together, without its weights.
"""

# By hand: the parsers of the libraries that know this syntax need torch or bring another dialect, and none of
# them can tell what it has left out.

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from studio.messages import Trouble

EMPHASIS = 1.1
LARGEST_WEIGHT = 10.0
"""Beyond this nothing but noise comes of a weight; deep nesting would end at infinity."""
DIGITS = 4
"""Weights are kept to so many places, so that writing one out and reading it again changes nothing."""
LARGEST_SHARE = 1000.0
LONGEST_PROMPT = 20_000

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
_WORD = "A-Za-z0-9_"
TAG_KINDS = ("lora", "lyco", "hypernet")
_TAG_KINDS = "|".join(TAG_KINDS)
_QUOTES = '"“”'
_ESCAPED = r"\\(?:[\\()\[\]（）<]|BREAK(?![A-Za-z0-9_]))"

_TOKENS = re.compile(
    rf"(?P<escape>{_ESCAPED})|(?P<weighed>[:：]\s*(?P<weight>{_NUMBER})\s*[)）])"
    r"|(?P<round>[(（])|(?P<unround>[)）])|(?P<square>\[)|(?P<unsquare>\])"
    r"|(?P<colon>[:：])|(?P<bar>\|)|(?P<text>\\|[^\\()（）\[\]:：|]+)"
)
_TAG = re.compile(rf"{_ESCAPED}|<(?P<kind>{_TAG_KINDS}):(?P<name>[^<>:]+)(?P<rest>(?::[^<>:]*)*)>", re.I)
_TAG_BEGINS = re.compile(rf"{_ESCAPED}|<(?=(?i:{_TAG_KINDS}):)")
_BREAK = re.compile(rf"(?<![{_WORD}])BREAK(?![{_WORD}])")
_TO_ESCAPE = re.compile(rf"[\\()\[\]（）]|<(?=(?i:{_TAG_KINDS}):)|(?<![{_WORD}])BREAK(?![{_WORD}])")
_ONLY_NUMBER = re.compile(rf"\s*{_NUMBER}\s*")

_QUOTED = rf"[{_QUOTES}](?:[^{_QUOTES}\\]|\\.)*[{_QUOTES}]"
_BLEND = re.compile(
    rf"\s*[(（]\s*(?P<phrases>{_QUOTED}(?:\s*[,，]\s*{_QUOTED})*)\s*[)）]\s*"
    rf"\.blend\s*[(（]\s*(?P<weights>{_NUMBER}(?:\s*[,，]\s*{_NUMBER})*)\s*[)）]\s*",
    re.DOTALL,
)
_BLEND_BEGINS = re.compile(rf"[{_QUOTES}]\s*[)）]\s*\.blend\s*[(（]")

Unread = Literal["", "schedule", "alternation"]


@dataclass(frozen=True)
class Piece:
    """Text of one weight; what is not done here is kept as it was written."""

    text: str
    weight: float = 1.0
    unread: Unread = ""

    @property
    def words(self) -> str:
        """What a text encoder is given of it."""
        return _words_within(self.text) if self.unread else self.text


@dataclass(frozen=True)
class Chunk:
    """What stands between two BREAKs."""

    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True)
class Phrase:
    """One text of a blend, with its weight; a prompt without a blend is one."""

    chunks: tuple[Chunk, ...] = (Chunk(),)
    weight: float = 1.0

    @property
    def plain(self) -> str:
        """Its words alone, for encoders that know no weights."""
        return " ".join("".join(piece.words for piece in chunk.pieces) for chunk in self.chunks)


@dataclass(frozen=True)
class Tag:
    """Something a prompt asks for beside its words: `<lora:name:0.8>`."""

    kind: str
    name: str
    arguments: tuple[str, ...] = ()

    @property
    def weight(self) -> float:
        """The first argument, where it is a number."""
        first = self.arguments[0] if self.arguments else ""
        return float(first) if _ONLY_NUMBER.fullmatch(first) else 1.0


@dataclass(frozen=True)
class Prompt:
    """A prompt as it is read: one phrase, or several to be mixed, and its tags."""

    phrases: tuple[Phrase, ...] = (Phrase(),)
    tags: tuple[Tag, ...] = ()

    @property
    def shares(self) -> tuple[float, ...]:
        """How much each phrase counts; together 1."""
        whole = sum(phrase.weight for phrase in self.phrases)
        return tuple(phrase.weight / whole for phrase in self.phrases)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All pieces in order."""
        return tuple(p for phrase in self.phrases for chunk in phrase.chunks for p in chunk.pieces)

    @property
    def plain(self) -> str:
        """Its words alone, for encoders that know no weights."""
        return ", ".join(phrase.plain for phrase in self.phrases)


def parse(text: str) -> Prompt:
    """What a text means. Every text means something; `refusal` tells of those that are not painted."""
    text, tags = without_tags(text)
    blend = _blend(text)
    if blend is None:
        return Prompt((Phrase(_chunks(text)),), tags)
    return Prompt(tuple(Phrase(_chunks(phrase), weight) for phrase, weight in blend), tags)


def refusal(text: str) -> Trouble | None:
    """Why a text cannot be painted: it holds a blend that is no whole one."""
    text, _ = without_tags(text)
    blend = _blend(text)
    if blend is None and _BLEND.fullmatch(text):
        return Trouble(code="blend_weights", params={"most": int(LARGEST_SHARE)})
    parts = [phrase for phrase, _ in blend] if blend else [text]
    return Trouble(code="blend_not_whole") if any(_BLEND_BEGINS.search(part) for part in parts) else None


def print_prompt(prompt: Prompt) -> str:
    """The shortest plain way to write a prompt; reading it gives the same prompt."""
    tags = "".join(f"<{':'.join([tag.kind, tag.name, *tag.arguments])}>" for tag in prompt.tags)
    texts = [" BREAK ".join(map(_print_chunk, phrase.chunks)) for phrase in prompt.phrases]
    if len(texts) == 1 and prompt.phrases[0].weight == 1:
        return texts[0] + tags
    quoted = ", ".join('"' + re.sub(f"[{_QUOTES}]", r"\\\g<0>", text) + '"' for text in texts)
    weights = ", ".join(_number(phrase.weight) for phrase in prompt.phrases)
    return f"({quoted}).blend({weights}){tags}"


def _print_chunk(chunk: Chunk) -> str:
    return "".join(map(_print_piece, chunk.pieces))


def _print_piece(piece: Piece) -> str:
    text = piece.text if piece.unread else _TO_ESCAPE.sub(r"\\\g<0>", piece.text)
    return text if piece.weight == 1 else f"({text}:{_number(piece.weight)})"


def _number(value: float) -> str:
    return f"{value:.{DIGITS}f}".rstrip("0").rstrip(".")


# -- tags and blends ------------------------------------------------------------------------------


def without_tags(text: str, kinds: Collection[str] = TAG_KINDS) -> tuple[str, tuple[Tag, ...]]:
    """A text without its tags of some kinds, and those tags; the rest stays to the byte."""
    tags: list[Tag] = []

    def taken(found: re.Match[str]) -> str:
        if not found["kind"] or found["kind"].lower() not in kinds:
            return found[0]
        tags.append(Tag(found["kind"].lower(), found["name"], tuple(found["rest"].split(":")[1:])))
        return ""

    return _TAG.sub(taken, text), tuple(tags)


def _blend(text: str) -> list[tuple[str, float]] | None:
    found = _BLEND.fullmatch(text)
    if not found:
        return None
    phrases = [_unquoted(part) for part in re.findall(_QUOTED, found["phrases"], re.DOTALL)]
    weights = [round(float(number), DIGITS) for number in re.findall(_NUMBER, found["weights"])]
    usable = len(phrases) == len(weights) and all(0 <= one <= LARGEST_SHARE for one in weights)
    return list(zip(phrases, weights, strict=True)) if usable and any(weights) else None


def _unquoted(quoted: str) -> str:
    # Pair by pair, so that an escaped backslash before a quote stays one.
    return re.sub(r"\\(.)", lambda m: m[1] if m[1] in _QUOTES else m[0], quoted[1:-1], flags=re.DOTALL)


# -- brackets -------------------------------------------------------------------------------------


@dataclass
class _Token:
    """A part of the text; brackets that found each other know it."""

    kind: str
    raw: str
    number: float = 1.0
    partner: int = -1
    factor: float = 1.0
    unread: Unread = ""


@dataclass
class _Open:
    """A bracket that waits for its partner, and the marks that stand directly inside it."""

    at: int
    colons: list[int] = field(default_factory=list)
    bars: int = 0


def _chunks(text: str) -> tuple[Chunk, ...]:
    tokens = _tokens(text)
    _pair(tokens)
    chunks: list[list[Piece]] = [[]]
    for piece in _pieces(tokens):
        if piece is None:
            chunks.append([])
        else:
            _add(chunks[-1], piece)
    last = len(chunks) - 1
    return tuple(Chunk(_trimmed(pieces, at > 0, at < last)) for at, pieces in enumerate(chunks))


def _tokens(text: str) -> list[_Token]:
    tokens = []
    for found in _TOKENS.finditer(text):
        kind = found.lastgroup or ""
        weight = found["weight"]
        kind = "weighed" if weight else kind
        tokens.append(_Token(kind, found[0], float(weight) if weight else EMPHASIS))
    return tokens


def _pair(tokens: list[_Token]) -> None:
    """Finds each bracket's partner in one pass: deep nesting must not cost more than length."""
    waiting: list[_Open] = []
    count = {"round": 0, "square": 0}
    for at, token in enumerate(tokens):
        if token.kind in count:
            waiting.append(_Open(at))
            count[token.kind] += 1
        elif token.kind in ("weighed", "unround", "unsquare"):
            kind = "square" if token.kind == "unsquare" else "round"
            if count[kind]:
                _close(tokens, at, _partner(tokens, waiting, kind, count))
        elif waiting and token.kind == "colon":
            waiting[-1].colons.append(at)
        elif waiting and token.kind == "bar":
            waiting[-1].bars += 1


def _partner(tokens: list[_Token], waiting: list[_Open], kind: str, count: dict[str, int]) -> _Open:
    """The nearest open bracket of a kind; those above it found no partner, and what they hold is its own."""
    colons: list[int] = []
    bars = 0
    while True:
        top = waiting.pop()
        count[tokens[top.at].kind] -= 1
        colons, bars = top.colons + colons, top.bars + bars
        if tokens[top.at].kind == kind:
            return _Open(top.at, colons, bars)


def _close(tokens: list[_Token], at: int, opened: _Open) -> None:
    first, last = tokens[opened.at], tokens[at]
    first.partner, last.partner = at, opened.at
    if last.kind != "unsquare":
        first.factor = last.number
    elif opened.bars:
        first.unread = "alternation"
    elif opened.colons and opened.colons[-1] == at - 2 and _is_number(tokens[at - 1]):
        first.unread = "schedule"
    else:
        first.factor = 1 / EMPHASIS


def _is_number(token: _Token) -> bool:
    return token.kind == "text" and _ONLY_NUMBER.fullmatch(token.raw) is not None


def _pieces(tokens: list[_Token]) -> Iterator[Piece | None]:
    """Pieces in order, None for a BREAK."""
    weights = [1.0]
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.unread:
            yield Piece(_raw(tokens[at : token.partner + 1]), _bounded(weights[-1]), token.unread)
            at = token.partner
        elif token.partner > at:
            weights.append(weights[-1] * token.factor)
        elif token.partner >= 0:
            weights.pop()
        else:
            yield from _texts(token, _bounded(weights[-1]))
        at += 1


def _texts(token: _Token, weight: float) -> Iterator[Piece | None]:
    if token.kind == "escape":
        yield Piece(token.raw[1:], weight)
        return
    for number, part in enumerate(_BREAK.split(token.raw)):
        if number:
            yield None
        yield Piece(part, weight)


def _bounded(weight: float) -> float:
    return round(min(max(weight, -LARGEST_WEIGHT), LARGEST_WEIGHT), DIGITS)


def _raw(tokens: list[_Token]) -> str:
    """A group as it was written, with what is text in it marked as text, so that it reads the same anywhere."""
    raw = "".join(_raw_token(token) for token in tokens)
    return _TAG_BEGINS.sub(lambda found: r"\<" if found[0] == "<" else found[0], raw)


def _raw_token(token: _Token) -> str:
    lonely = token.partner < 0
    if lonely and token.kind in ("round", "unround", "square", "unsquare", "weighed"):
        return f"{token.raw[:-1]}\\{token.raw[-1]}"
    return token.raw


def _words_within(raw: str) -> str:
    """The words of a group that is not done here: its marks become commas, its numbers go."""
    tokens = _tokens(raw)
    kept = [token for at, token in enumerate(tokens) if not _is_when(tokens, at)]
    return "".join(map(_word, kept)).strip(", ")


def _is_when(tokens: list[_Token], at: int) -> bool:
    before, after = tokens[at - 1 : at], tokens[at + 1 : at + 2]
    between = bool(before and after) and before[0].kind == "colon" and after[0].kind == "unsquare"
    return between and _is_number(tokens[at])


def _word(token: _Token) -> str:
    if token.kind in ("colon", "bar"):
        return ", "
    if token.kind == "escape":
        return token.raw[1:]
    return _BREAK.sub(", ", token.raw) if token.kind == "text" else ""


def _add(pieces: list[Piece], piece: Piece) -> None:
    """Neighbours of one weight are one text, as they would be without their brackets."""
    last = pieces[-1] if pieces else None
    if last and not last.unread and not piece.unread and last.weight == piece.weight:
        pieces[-1] = Piece(last.text + piece.text, piece.weight)
    elif piece.text:
        pieces.append(piece)


def _trimmed(pieces: Iterable[Piece], before: bool, after: bool) -> tuple[Piece, ...]:
    """Without the white space that stands beside a BREAK."""
    kept = list(pieces)
    while before and kept and not kept[0].unread and kept[0].text != (text := kept[0].text.lstrip()):
        kept[:1] = [Piece(text, kept[0].weight)] if text else []
    while after and kept and not kept[-1].unread and kept[-1].text != (text := kept[-1].text.rstrip()):
        kept[-1:] = [Piece(text, kept[-1].weight)] if text else []
    return tuple(kept)
