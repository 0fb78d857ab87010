"""What the browser sent with an event, as words; no event and no word are none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from studio.ui.session import sent, text_sent


@pytest.mark.parametrize(
    ("data", "text"),
    [({"seed": 0}, "0"), ({"seed": "7"}, "7"), ({"seed": None}, ""), ({}, ""), (None, ""), ("seed", "")],
)
def test_what_was_sent_is_read_as_a_word(data: Any, text: str) -> None:
    event: Any = SimpleNamespace(_data=data)
    assert text_sent(event, "seed") == text
    assert sent(event) == (data if isinstance(data, dict) else {})


def test_an_event_without_anything_is_none() -> None:
    assert text_sent(SimpleNamespace(), "seed") == ""  # type: ignore[arg-type]
