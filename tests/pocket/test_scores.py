"""The committed weights hold what the card's table says, on a few of its prompts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
POCKET = Path(__file__).parents[2] / "pocket"
FLOOR, FEW = 0.05, 8
pytestmark = pytest.mark.skipif(not (POCKET / "scores.json").exists(), reason="no table yet")


def table() -> dict[str, float]:
    """What the card says."""
    return {row["name"]: row["value"] for row in json.loads((POCKET / "scores.json").read_text())}


def seen(task: str) -> list[tuple[Any, Any]]:
    """Some prompts of a task in both languages, and what the judge reads from their pictures."""
    from pocket.evaluate import WEIGHTS, open_desk
    from pocket.painter import STEPS
    from pocket.prompts import LANGUAGES, task_prompts

    prompts = [p for lang in LANGUAGES for p in task_prompts(6 * FEW, lang) if p.task == task]
    return list(zip(prompts, open_desk(WEIGHTS, STEPS).verdicts(prompts), strict=True))


def test_single_objects_and_their_backgrounds_hold_the_table_less_five_points() -> None:
    from pocket.evaluate import mean, shows
    from pocket.prompts import LANGUAGES

    found = seen("single object")
    for lang in LANGUAGES:
        shown = [shows(p.task, p.scene, v) for p, v in found if p.lang == lang]
        assert mean(shown) >= table()[f"single object ({lang})"] - FLOOR
    assert mean([v.background == p.scene.background for p, v in found]) >= table()["background"] - FLOOR


def test_two_things_stand_where_they_are_said_to_as_the_table_says_less_five_points() -> None:
    from pocket.evaluate import mean, shows
    from pocket.prompts import LANGUAGES

    shown = [shows(p.task, p.scene, v) for p, v in seen("position")]
    assert len(shown) == 2 * FEW
    assert mean(shown) >= mean([table()[f"position ({lang})"] for lang in LANGUAGES]) - FLOOR
