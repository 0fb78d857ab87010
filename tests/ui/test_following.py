"""One follower a page: what it shows first, whose turn it is, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.messages import Draft, Person
from studio.service import Studio
from studio.ui.following import Turns, first_view, views
from studio.ui.sheets import StageView
from tests.ui.house import studio_at


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A quick studio."""
    made = studio_at(tmp_path, step_seconds=0.005)
    made.start()
    yield made
    made.close()


@pytest.fixture
def person(studio: Studio) -> Person:
    """The one person of a loopback studio."""
    return studio.person(None, "en")


def submit(studio: Studio, person: Person, prompt: str = "a cat", count: int = 1, steps: int = 5) -> str:
    """A small job."""
    draft = Draft(model="pocket", prompt=prompt, width=256, height=256, steps=steps, count=count)
    return studio.submit(draft, person)


async def all_views(studio: Studio, person: Person, dismissed: tuple[str, ...] = ()) -> list[StageView]:
    """Everything a page is shown until nothing is at work."""
    return [view async for view in views(studio, person, first_view(studio, person, dismissed))]


def test_an_empty_studio_shows_an_empty_stage(studio: Studio, person: Person) -> None:
    assert [view.shown for view in asyncio.run(all_views(studio, person))] == [None]


def test_a_job_is_followed_to_its_end(studio: Studio, person: Person) -> None:
    job = submit(studio, person, count=2)
    shown = asyncio.run(all_views(studio, person))[-1].shown
    assert shown is not None
    assert (shown.job, shown.phase, len(shown.done)) == (job, "done", 2)


def test_two_jobs_take_the_stage_one_after_the_other(studio: Studio, person: Person) -> None:
    first, second = submit(studio, person, "one"), submit(studio, person, "two")
    seen = [view.shown.job for view in asyncio.run(all_views(studio, person)) if view.shown]
    assert seen[0] == first
    assert seen[-1] == second
    assert seen == sorted(seen, key=[first, second].index)


def test_a_page_that_comes_back_finds_what_was_painted(studio: Studio, person: Person) -> None:
    job = submit(studio, person)
    asyncio.run(all_views(studio, person))
    shown = first_view(studio, person).shown
    assert shown is not None
    assert (shown.job, shown.phase) == (job, "done")
    assert first_view(studio, person, (job,)).shown is None


def test_an_old_mishap_is_no_news(studio: Studio, person: Person) -> None:
    stopped = submit(studio, person, steps=60)
    studio.cancel(stopped, person)
    asyncio.run(all_views(studio, person))
    painted = submit(studio, person)
    asyncio.run(all_views(studio, person))
    assert [sheet.job for sheet in first_view(studio, person).sheets] == [painted]
    assert first_view(studio, person, (painted,)).shown is None


def test_a_deleted_picture_is_not_missed(studio: Studio, person: Person) -> None:
    submit(studio, person)
    asyncio.run(all_views(studio, person))
    studio.delete(studio.pictures(person)[0].id, person)
    assert first_view(studio, person).shown is None


def test_nobody_is_shown_the_jobs_of_another(studio: Studio, person: Person) -> None:
    submit(studio, person)
    assert first_view(studio, Person(id="somebody-else")).shown is None


def test_who_stops_listening_leaves_no_task(studio: Studio, person: Person) -> None:
    async def listen_once() -> int:
        submit(studio, person, steps=40)
        following = views(studio, person, first_view(studio, person))
        await anext(following)
        await following.aclose()
        return len(asyncio.all_tasks()) - 1

    assert asyncio.run(listen_once()) == 0


def test_the_newest_follower_of_a_page_has_the_turn() -> None:
    turns = Turns()
    first = turns.take("page")
    second = turns.take("page")
    assert not turns.holds("page", first)
    assert turns.holds("page", second)
    turns.forget("page")
    assert not turns.holds("page", second)
