"""What is told of a prompt before anything is painted, and which embeddings it names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from studio.errors import StudioError
from studio.families import Family
from studio.messages import Trouble
from studio.prompt.chance import Wildcards, unknown_wildcards
from studio.prompt.loras import Taken, take_loras
from studio.prompt.parse import LARGEST_WEIGHT, LONGEST_PROMPT, Piece, Prompt, Unread, parse, refusal
from studio.prompt.windows import names_pattern

LONGEST_EXCERPT = 40
_AND = re.compile(r"(?<![A-Za-z0-9_])AND(?![A-Za-z0-9_])")


def check_text(*texts: str) -> None:
    """Refuses what cannot be painted whatever the model: a text without an end, or a blend that is no whole one."""
    for text in texts:
        if len(text) > LONGEST_PROMPT:
            raise StudioError("prompt_too_long", length=len(text), most=LONGEST_PROMPT)
        if refused := refusal(text):
            raise StudioError(refused.code, **refused.params)


def remarks(
    text: str,
    family: Family,
    clip_skip: int = 1,
    embeddings: Collection[str] = (),
    loras: Mapping[str, str] | None = None,
) -> tuple[Trouble, ...]:
    """What a family does not do of a text, or nobody here does; a text that cannot be painted comes first.

    `loras` are ids by the names that LoRAs go by, where a prompt may name them.
    """
    taken = Taken(text) if loras is None else take_loras(text, loras)
    prompt = parse(taken.text)
    refused = refusal(text)
    told = [refused] if refused else []
    told += [*taken.troubles, *_not_here(prompt), *_not_by(prompt, family)]
    if clip_skip > 1 and not family.clip_skip:
        told.append(Trouble(code="clip_skip_not_here", params={"family": family.title}))
    named = embeddings_in(text, embeddings)
    if named and not family.embeddings:
        told.append(
            Trouble(code="embedding_not_here", params={"embedding": named[0], "family": family.title})
        )
    return tuple(told)


def wildcard_remarks(text: str, wildcards: Wildcards) -> tuple[Trouble, ...]:
    """The names a text asks the book for and does not get."""
    unknown = unknown_wildcards(text, wildcards)
    return tuple(Trouble(code="wildcard_unknown", params={"name": _excerpt(name)}) for name in unknown)


def embeddings_in(text: str, names: Collection[str]) -> tuple[str, ...]:
    """Which of a person's embeddings a text names, in the order of their first mention."""
    pattern = names_pattern(names)
    if pattern is None:
        return ()
    known = {name.casefold(): name for name in names}
    found = [known[name.casefold()] for piece in parse(text).pieces for name in pattern.findall(piece.words)]
    return tuple(dict.fromkeys(found))


def _not_here(prompt: Prompt) -> Iterator[Trouble]:
    for piece in _first(prompt, "schedule"):
        yield Trouble(code="prompt_schedule", params={"text": _excerpt(piece.text)})
    for piece in _first(prompt, "alternation"):
        yield Trouble(code="prompt_alternation", params={"text": _excerpt(piece.text)})
    if any(_AND.search(piece.words) for piece in prompt.pieces):
        yield Trouble(code="prompt_and")
    for tag in prompt.tags[:1]:
        yield Trouble(code="prompt_tag", params={"kind": tag.kind, "name": _excerpt(tag.name)})
    if any(abs(piece.weight) >= LARGEST_WEIGHT for piece in prompt.pieces):
        yield Trouble(code="prompt_weight", params={"most": int(LARGEST_WEIGHT)})


def _first(prompt: Prompt, unread: Unread) -> tuple[Piece, ...]:
    return tuple(piece for piece in prompt.pieces if piece.unread == unread)[:1]


def _not_by(prompt: Prompt, family: Family) -> Iterator[Trouble]:
    if not family.emphasis and any(piece.weight != 1 for piece in prompt.pieces):
        yield Trouble(code="emphasis_not_here", params={"family": family.title})
    if not family.emphasis and len(prompt.phrases) > 1:
        yield Trouble(code="blend_not_here", params={"family": family.title})
    if not family.long_prompts and any(len(phrase.chunks) > 1 for phrase in prompt.phrases):
        yield Trouble(code="break_not_here", params={"family": family.title})


def _excerpt(text: str) -> str:
    return text if len(text) <= LONGEST_EXCERPT else text[: LONGEST_EXCERPT - 1] + "…"
