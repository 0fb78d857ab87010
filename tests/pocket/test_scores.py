"""The committed weights hold what the card's table says, on a few of its prompts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
POCKET = Path(__file__).parents[2] / "pocket"
FLOOR, FEW = 0.05, 8
pytestmark = pytest.mark.skipif(not (POCKET / "scores.json").exists(), reason="no table yet")


def test_single_objects_and_their_backgrounds_hold_the_table_less_five_points() -> None:
    from pocket.evaluate import WEIGHTS, mean, open_desk, shows
    from pocket.prompts import LANGUAGES, task_prompts

    scores = {row["name"]: row["value"] for row in json.loads((POCKET / "scores.json").read_text())}
    prompts = [p for lang in LANGUAGES for p in task_prompts(6 * FEW, lang) if p.task == "single object"]
    seen = list(zip(prompts, open_desk(WEIGHTS, 20).verdicts(prompts), strict=True))
    for lang in LANGUAGES:
        shown = [shows(p.task, p.scene, v) for p, v in seen if p.lang == lang]
        assert mean(shown) >= scores[f"single object ({lang})"] - FLOOR
    assert mean([v.background == p.scene.background for p, v in seen]) >= scores["background"] - FLOOR
