"""What translators said, for as long as the studio runs; only what a prompt can hold without being read otherwise."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence

from studio.messages import Language
from studio.spellbook.book import HAN
from studio.spellbook.translating import Told

MOST = 5000
"""Clauses that are remembered; the oldest go first."""
# A bracket or a colon of a translator's would weigh or part what stands around it.
_SIGNS = re.compile(r'[()\[\]{}<>|:"\\_（）：“”]|\b(?:BREAK|AND)\b')
_LETTERS = re.compile(r"[A-Za-zÀ-ɏ]")
_LOOP = re.compile(r"\b(\w+)(?:\W+\1\b){2}|([\u3400-\u9fff]{1,4})\2{3}", re.IGNORECASE)
_ARTICLE = re.compile(r"(?:A|An|The)\b")
_FULL_STOPS = " .。"


class Sayings:
    """By translator and clause; what it had no usable answer for is remembered as such and not asked again."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], str | None] = {}
        self._lock = threading.Lock()

    def of(self, translator: str) -> Told:
        """What a translator said for a clause."""
        return lambda clause: self._said.get((translator, clause))

    def unasked(self, translator: str, clauses: Iterable[str]) -> tuple[str, ...]:
        """The clauses that it was not asked for yet."""
        return tuple(clause for clause in clauses if (translator, clause) not in self._said)

    def keep(self, translator: str, to: Language, clauses: Sequence[str], answers: Sequence[str]) -> None:
        """Remembers its answers."""
        with self._lock:
            for clause, answer in zip(clauses, answers, strict=True):
                self._said[translator, clause] = usable(answer, to)
            for oldest in list(self._said)[: max(0, len(self._said) - MOST)]:
                del self._said[oldest]


def usable(answer: str, to: Language) -> str | None:
    """An answer as part of a prompt: no sentence any more; None where it is no answer or would be read otherwise."""
    said = " ".join(answer.split()).strip(_FULL_STOPS)
    foreign = HAN if to == "en" else _LETTERS
    if not said or foreign.search(said) or _SIGNS.search(said) or _LOOP.search(said):
        return None
    if to == "en" and _ARTICLE.match(said):
        said = said[0].lower() + said[1:]
    return said
