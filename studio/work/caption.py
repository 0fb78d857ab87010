"""Says what can be seen in the pictures of requests, several at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import partial

from studio.diffusion.stopping import Stopped
from studio.inputs import Inputs
from studio.messages import Answered, CaptionerSpec, CaptionRequest, Entry, Loading
from studio.models.captioners import captions
from studio.work import Bench
from studio.work.answering import answer_each

TOGETHER = 4
"""Pictures that are looked at in one go; between two goes a request can be let go of."""


def caption(requests: tuple[CaptionRequest, ...], specs: Mapping[str, Entry], bench: Bench) -> Iterator[None]:
    """Every request ends as answered or cancelled."""

    def answer(request: CaptionRequest) -> Answered:
        spec = specs[request.captioner]
        assert isinstance(spec, CaptionerSpec)
        return _answered(request, spec, bench)

    return answer_each(requests, bench, answer)


def _answered(request: CaptionRequest, spec: CaptionerSpec, bench: Bench) -> Answered:
    unwanted = partial(bench.unwanted, request.id)
    inputs, seen = Inputs(bench.registry.data), list[str]()
    on_load = partial(bench.tell, Loading(request=request.id, model=spec.id))
    with bench.registry.lease(spec, on_load) as captioner:
        started = time.monotonic()
        for first in range(0, len(request.pictures), TOGETHER):
            pictures = [inputs.open(one) for one in request.pictures[first : first + TOGETHER]]
            seen += captions(captioner.parts, pictures, bench.registry.device.name, unwanted)
            if unwanted():
                raise Stopped(len(seen))
    return Answered(request=request.id, texts=tuple(seen), took=time.monotonic() - started)
