"""Brings the texts of requests from one language into another, several at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from studio.diffusion.stopping import Stopped
from studio.messages import Answered, Entry, Loading, TranslateRequest, TranslatorSpec
from studio.models.translators import translations
from studio.work import Bench
from studio.work.answering import answer_each

TOGETHER = 8
"""Texts that are translated in one go; between two goes a request can be let go of."""


def translate(
    requests: tuple[TranslateRequest, ...], specs: Mapping[str, Entry], bench: Bench
) -> Iterator[None]:
    """Every request ends as answered or cancelled."""

    def answer(request: TranslateRequest) -> Answered:
        spec = specs[request.translator]
        assert isinstance(spec, TranslatorSpec)
        return _answered(request, spec, bench)

    return answer_each(requests, bench, answer)


def _answered(request: TranslateRequest, spec: TranslatorSpec, bench: Bench) -> Answered:
    on_load = partial(bench.tell, Loading(request=request.id, model=spec.id))
    unwanted = partial(bench.unwanted, request.id)
    with bench.registry.lease(spec, on_load) as translator:
        started = time.monotonic()
        said: dict[str, str] = {}
        for few in _few(request.texts):
            asked = [f"{spec.prefix} {text}".strip() for text in few]
            answers = list(translations(translator.parts, asked, bench.registry.device.name, unwanted))
            if unwanted():
                raise Stopped(len(said))
            said |= dict(zip(few, answers, strict=True))
    took = time.monotonic() - started
    return Answered(request=request.id, texts=tuple(said[text] for text in request.texts), took=took)


def _few(texts: Sequence[str]) -> Iterator[list[str]]:
    """Each text once, those of a length together: short ones would be padded to the longest."""
    ordered = sorted(dict.fromkeys(texts), key=lambda text: (len(text), text))
    for start in range(0, len(ordered), TOGETHER):
        yield ordered[start : start + TOGETHER]
