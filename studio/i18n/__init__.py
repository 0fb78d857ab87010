"""Every word the studio says, one table per language; a test keeps their keys equal."""

from __future__ import annotations

from studio.i18n.en import STRINGS as EN
from studio.i18n.zh import STRINGS as ZH

TABLES: dict[str, dict[str, str]] = {"en": EN, "zh": ZH}


def say(language: str, key: str, /, **params: object) -> str:
    """The words for a key, its `{places}` filled in."""
    return TABLES[language][key].format_map(params)
