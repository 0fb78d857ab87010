"""The line in front of the devices: people take turns, however much each has asked for."""

from __future__ import annotations

from collections.abc import Iterable

from studio.messages import AnyRequest


class Line:
    """Waiting requests. Whoever was served longest ago is next; a person's own go in order."""

    def __init__(self) -> None:
        self._waiting: list[AnyRequest] = []
        self._served: dict[str, int] = {}
        self._clock = 0

    def join(self, requests: Iterable[AnyRequest]) -> None:
        """At the end of their person's own."""
        self._waiting.extend(requests)

    def leave(self, job: str) -> tuple[AnyRequest, ...]:
        """Takes all of a job's requests out."""
        gone = tuple(request for request in self._waiting if request.job == job)
        self._waiting = [request for request in self._waiting if request.job != job]
        return gone

    def take(self, long: bool = False) -> AnyRequest | None:
        """Whose turn it is; None where nobody waits. What is long has turns of its own, and costs nobody theirs."""
        request = _next([one for one in self._waiting if one.long == long], self._served)
        if request:
            self._clock += not long
            self._served |= {} if long else {request.person: self._clock}
            self._waiting.remove(request)
        return request

    def order(self) -> tuple[AnyRequest, ...]:
        """All that wait, in the order in which they would be taken if nobody else came; what is long at the end."""
        waiting = [request for request in self._waiting if not request.long]
        served, order, clock = dict(self._served), [], self._clock
        while request := _next(waiting, served):
            clock += 1
            served[request.person] = clock
            waiting.remove(request)
            order.append(request)
        return (*order, *(request for request in self._waiting if request.long))


def _next(waiting: list[AnyRequest], served: dict[str, int]) -> AnyRequest | None:
    if not waiting:
        return None
    # min() keeps the first of equals, so a person's own requests stay in order; what is over in a moment
    # goes before them: a person waits for a map while pictures are being made.
    return min(
        waiting, key=lambda request: (-request.priority, served.get(request.person, 0), not request.light)
    )
