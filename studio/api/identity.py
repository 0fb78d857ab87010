"""Guests get their signed cookie with their first page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

from studio.messages import Language, Person
from studio.service import Studio
from studio.settings import LANGUAGE_COOKIE, PERSON_COOKIE

A_YEAR = 365 * 24 * 3600


def join(app: FastAPI, studio: Studio) -> None:
    """Puts the cookie on every answer to a newcomer."""

    @app.middleware("http")
    async def welcome(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        cookie = studio.welcome(request.cookies.get(PERSON_COOKIE)) if request.method == "GET" else None
        if cookie:
            # A Space shows the page in a frame of another site, which only gets a cookie marked for that.
            secure = (forwarded(request, "x-forwarded-proto") or request.url.scheme) == "https"
            response.set_cookie(
                PERSON_COOKIE,
                cookie,
                max_age=A_YEAR,
                httponly=True,
                secure=secure,
                samesite="none" if secure else "lax",
            )
            if secure:  # browsers that keep cookies of other sites apart want to be told that this is fine
                value = response.headers["set-cookie"]
                response.headers["set-cookie"] = f"{value}; Partitioned"
        return response


def forwarded(request: Request, name: str) -> str:
    """What the browser's own proxy said; each proxy behind it adds a word after a comma."""
    return request.headers.get(name, "").partition(",")[0].strip()


def asker(studio: Studio, request: Request) -> Person:
    """Who sends a request, in the language they chose."""
    return studio.person(request.cookies.get(PERSON_COOKIE), language_of(request))


def language_of(request: Request) -> Language:
    """The language chosen on the page; English for whoever never was there."""
    return "zh" if request.cookies.get(LANGUAGE_COOKIE) == "zh" else "en"
