"""One follower a page: it watches all of a person's jobs and decides what the stage shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from studio.errors import StudioError
from studio.messages import AnyEvent, Bilingual, Job, ModelState, Person, Picture
from studio.service import Studio
from studio.ui.sheets import Sheet, StageView, ended, sheet_of

RECENT = 20
REPLAY_SECONDS = 0.03
"""Long enough for what already happened to arrive, too short to be seen."""


class Turns:
    """Which follower of a page is the present one. A new one takes over, the older one goes quietly."""

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}

    def take(self, page: str) -> int:
        """Take over a page."""
        self._turns[page] = self._turns.get(page, 0) + 1
        return self._turns[page]

    def holds(self, page: str, turn: int) -> bool:
        """Whether nobody took over since."""
        return self._turns.get(page) == turn

    def forget(self, page: str) -> None:
        """The page was closed."""
        self._turns.pop(page, None)


def first_view(studio: Studio, person: Person, dismissed: tuple[str, ...] = ()) -> StageView:
    """What a page shows as it opens: all that is at work, else the latest job that was not put away."""
    states = studio.models(person)
    jobs = studio.jobs(person, RECENT)
    working = [_sheet(studio, person, job) for job in reversed(jobs) if not ended(job)]
    latest = _latest(studio, person, [job for job in jobs if ended(job)], dismissed)
    return StageView(
        sheets=(*latest, *working),
        models=titles(studio, states),
        samplers={sampler.id: sampler.title for state in states for sampler in state.samplers},
    )


def titles(studio: Studio, states: tuple[ModelState, ...]) -> dict[str, Bilingual]:
    """The names of all that a recipe may name: models, VAEs, upscalers."""
    parts = (*studio.library.vaes.values(), *studio.library.upscalers.values())
    return {part.id: part.title for part in parts} | {state.spec.id: state.spec.title for state in states}


def _latest(studio: Studio, person: Person, jobs: list[Job], dismissed: tuple[str, ...]) -> list[Sheet]:
    """The newest ended job. Of older ones only finished pictures are shown: an old mishap is no news."""
    for age, job in enumerate(jobs):
        sheet = _sheet(studio, person, job)
        finished = sheet.phase == "done" and bool(sheet.done)
        if job.id not in dismissed and (finished or (age == 0 and sheet.phase != "done")):
            return [sheet]
    return []


def _sheet(studio: Studio, person: Person, job: Job) -> Sheet:
    return sheet_of(job, tuple(p for p in (_picture(studio, person, name) for name in job.pictures) if p))


def _picture(studio: Studio, person: Person, name: str) -> Picture | None:
    try:
        return studio.picture(name, person)
    except StudioError:  # deleted meanwhile
        return None


async def views(studio: Studio, person: Person, view: StageView) -> AsyncIterator[StageView]:
    """The view now and after everything that happens, until nothing is at work.

    1. One task per job at work puts its events into one basket.
    2. What happened before is replayed first, so that a page that comes back does not begin at nothing.
    3. All that lies in the basket is taken at once: a slow page misses previews, never an end.
    4. A task that breaks ends its own job on the page and no other.
    5. Whoever stops listening leaves no task behind.
    """
    basket: asyncio.Queue[AnyEvent | str] = asyncio.Queue()
    at_work = {sheet.job for sheet in view.sheets if sheet.at_work}
    replayed = [
        sheet.job for sheet in view.sheets if sheet.phase in ("cancelled", "failed") and not sheet.done
    ]
    tasks = [asyncio.create_task(_carry(studio, person, job, basket)) for job in [*at_work, *replayed]]
    open_jobs = at_work | set(replayed)
    try:
        if tasks:
            await asyncio.sleep(REPLAY_SECONDS)
        view = _after(view, _lying(basket), open_jobs)
        yield view
        while open_jobs:
            view = _after(view, [await basket.get(), *_lying(basket)], open_jobs)
            yield view
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(studio: Studio, person: Person, job: str, basket: asyncio.Queue[AnyEvent | str]) -> None:
    try:
        async for event in studio.follow(job, person):
            basket.put_nowait(event)
    finally:
        basket.put_nowait(job)


def _lying(basket: asyncio.Queue[AnyEvent | str]) -> list[AnyEvent | str]:
    found = []
    while not basket.empty():
        found.append(basket.get_nowait())
    return found


def _after(view: StageView, events: list[AnyEvent | str], open_jobs: set[str]) -> StageView:
    """The view after some events; a bare job id says that nothing more comes of it."""
    for event in events:
        if isinstance(event, str):
            open_jobs.discard(event)
        else:
            view = view.after(event)
    return view
