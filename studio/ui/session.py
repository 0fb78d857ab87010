"""Who is asking, and with what: cookies of the browser turned into a person, and what it sent with an event."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import gradio as gr

from studio.errors import StudioError, say_trouble
from studio.messages import Language, Person
from studio.service import Studio
from studio.settings import LANGUAGE_COOKIE, PERSON_COOKIE


def who(studio: Studio, request: gr.Request | None) -> Person:
    """The person behind a request of the page."""
    language = language_of(request)
    try:
        return studio.person(_cookies(request).get(PERSON_COOKIE), language)
    except StudioError as error:
        raise gr.Error(say_trouble(language, error.trouble), print_exception=False) from error


def language_of(request: gr.Request | None) -> Language:
    """The language chosen on the page, else the browser's first that the studio speaks."""
    chosen = _cookies(request).get(LANGUAGE_COOKIE, "")
    header = getattr(request, "headers", None) or {}
    for name in [chosen, *str(header.get("accept-language", "")).split(",")]:
        if name.strip().lower().startswith("zh"):
            return "zh"
        if name.strip().lower().startswith("en"):
            return "en"
    return "en"


def zone(name: str) -> tzinfo:
    """The browser's time zone, or UTC where it names one nobody knows."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def sent(event: gr.EventData) -> dict[str, Any]:
    """What the browser sent with an event."""
    data = getattr(event, "_data", None)
    return data if isinstance(data, dict) else {}


def text_sent(event: gr.EventData, name: str) -> str:
    """One of the words that it sent, or none."""
    value = sent(event).get(name)
    return "" if value is None else str(value)


def _cookies(request: gr.Request | None) -> dict[str, str]:
    return dict(getattr(request, "cookies", None) or {})
