"""A job's log: replayable, and never a heap for a slow follower."""

from __future__ import annotations

import asyncio
import threading

from studio.jobs.log import JobLog
from studio.messages import Done, Loading, Queued, Step


def step(number: int) -> Step:
    return Step(request="r", step=number, steps=9, preview=b"jpeg")


def test_events_are_numbered_and_carry_their_job() -> None:
    log = JobLog("j")
    log.add(Queued(position=1))
    log.add(Loading(request="r", model="m"))
    assert [(event.job, event.seq) for event in log.since(0)] == [("j", 1), ("j", 2)]
    assert [event.seq for event in log.since(1)] == [2]


def test_only_the_latest_preview_is_kept() -> None:
    log = JobLog("j")
    for number in range(1, 8):
        log.add(step(number))
    assert [event.step for event in log.since(0) if isinstance(event, Step)] == [7]
    assert log.since(0)[0].seq == 7


def test_a_follower_sees_what_was_what_comes_and_the_end() -> None:
    async def follow() -> list[str]:
        log = JobLog("j", [Queued(position=2)])
        seen: list[str] = []

        def work() -> None:
            log.add(Loading(request="r", model="m"))
            log.add(Done())

        async for event in log.follow():
            seen.append(event.kind)
            if event.kind == "queued":
                threading.Thread(target=work).start()
        return seen

    assert asyncio.run(asyncio.wait_for(follow(), 30)) == ["queued", "loading", "done"]


def test_two_followers_each_get_everything_and_leave_nothing_behind() -> None:
    async def follow(log: JobLog) -> list[int]:
        return [event.seq async for event in log.follow()]

    async def both() -> list[list[int]]:
        log = JobLog("j", [Queued(position=1)])
        followers = [asyncio.create_task(follow(log)) for _ in range(2)]
        await asyncio.sleep(0)
        log.add(Done())
        seen = await asyncio.gather(*followers)
        assert not log._followers
        return seen

    assert asyncio.run(asyncio.wait_for(both(), 30)) == [[1, 2], [1, 2]]


def test_following_from_a_number_skips_what_is_known() -> None:
    async def follow() -> list[int]:
        log = JobLog("j", [Queued(position=1), Loading(request="r", model="m"), Done()])
        return [event.seq async for event in log.follow(after=2)]

    assert asyncio.run(follow()) == [3]
