"""What can be counted in the repository itself."""

from __future__ import annotations

from studio.i18n import EN, ZH
from tests.bench import register
from tests.bench.table import Row, at_most
from tests.floors import complaints, sources
from tests.repository import tracked


@register("House")
def house() -> list[Row]:
    """Wrong arrows, words without a translation, and the largest file."""
    return [
        at_most("imports that break the floors", len(complaints(sources())), 0),
        at_most("words in one language only", len(EN.keys() ^ ZH.keys()), 0),
        at_most("largest tracked file, MB", max(p.stat().st_size for p in tracked()) / 1e6, 9),
    ]
