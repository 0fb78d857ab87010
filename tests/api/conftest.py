"""A studio on the fake engine behind an app, on loopback or in public."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio import api
from studio.engine.fake import FakeEngine
from studio.messages import Draft, Person, Picture, Saved
from studio.service import Studio
from studio.settings import PERSON_COOKIE
from tests.worlds import fake_studio, paint

Open = Callable[..., Studio]


@pytest.fixture
def open_studio(tmp_path: Path) -> Iterator[Open]:
    """Opens studios and closes them after the test."""
    opened: list[Studio] = []

    def start(**settings: object) -> Studio:
        studio = fake_studio(tmp_path, FakeEngine(step_seconds=0), **settings)
        studio.start()
        opened.append(studio)
        return studio

    yield start
    for studio in opened:
        studio.close()


@pytest.fixture
def alone(open_studio: Open) -> Studio:
    """On loopback: one person."""
    return open_studio()


@pytest.fixture
def public(open_studio: Open) -> Studio:
    """Strangers come."""
    return open_studio(public=True)


def client(studio: Studio, cookie: str | None = None, base_url: str = "http://localhost") -> TestClient:
    """A browser, with a cookie or without."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    api.join(app, studio)
    return TestClient(app, base_url=base_url, cookies={PERSON_COOKIE: cookie} if cookie else None)


def painted(studio: Studio, person: Person, **changes: object) -> Picture:
    """One finished picture of a person's."""
    draft = Draft(model="tiny", prompt="a red cat, 一只红猫", seed=7, steps=1).model_copy(update=changes)
    return next(event.picture for event in paint(studio, draft, person) if isinstance(event, Saved))


def guest(studio: Studio) -> tuple[str, Person]:
    """A newcomer's cookie and who they are."""
    cookie = studio.welcome(None)
    assert cookie
    return cookie, studio.person(cookie, "en")
