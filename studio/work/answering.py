"""Requests that are answered one after the other, each for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from studio.diffusion.stopping import Stopped
from studio.messages import Answered, Cancelled, CaptionRequest, TranslateRequest
from studio.work import Bench

Question = TypeVar("Question", TranslateRequest, CaptionRequest)


def answer_each(
    requests: Iterable[Question], bench: Bench, answer: Callable[[Question], Answered]
) -> Iterator[None]:
    """Every request ends as answered or cancelled; between two other work may come in."""
    for request in requests:
        try:
            if bench.unwanted(request.id):
                raise Stopped(0)
            bench.tell(answer(request))
        except Stopped as stopped:
            bench.tell(Cancelled(request=request.id, step=stopped.step))
        yield
