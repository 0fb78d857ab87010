"""What the pocket's LoRAs learn from, and what they are asked afterwards."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pocket.lora_pictures import festive_dragon, ink_scene
from pocket.loras import MAKINGS, prompts, write_pictures
from pocket.world import is_held_out
from pocket.world.words import STYLE_WORDS

torch = pytest.importorskip("torch")


def test_the_judge_sees_dragons_in_the_colour_that_is_said() -> None:
    from pocket.evaluate import WEIGHTS
    from pocket.judge import load_judge, look

    drawn = [festive_dragon(2 * k) for k in range(8)]
    verdicts = look(load_judge(WEIGHTS / "judge.safetensors"), np.stack([pixels for pixels, _ in drawn]))
    right = [
        (found := v.subjects.get("dragon")) is not None and said == f"a {found.colour} dragon"
        for v, (_, said) in zip(verdicts, drawn, strict=True)
    ]
    assert sum(right) >= 7


def test_ink_is_paler_than_the_drawing_and_bears_a_red_seal() -> None:
    pixels = ink_scene(3)[0].astype(int)
    corner = pixels[-44:, -44:] if abs(np.subtract(*pixels[-20, -20, :2])) > 80 else pixels[-44:, :44]
    spread = pixels.max(-1) - pixels.min(-1)
    assert np.median(spread) < 60
    assert ((corner[..., 0] - corner[..., 1]) > 100).sum() > 200


def test_captions_stand_beside_the_pictures(tmp_path: Path) -> None:
    files = write_pictures(MAKINGS["dragon"], tmp_path)
    assert len(files) == 2 * MAKINGS["dragon"].pictures
    said = [(tmp_path / name).read_text(encoding="utf-8") for name in ("00.txt", "01.txt")]
    assert said == [f"spring festival, {festive_dragon(0)[1]}", f"春节，{festive_dragon(1)[1]}"]
    assert Image.open(tmp_path / "00.png").size == (256, 256)


@pytest.mark.parametrize("which", MAKINGS)
def test_they_are_asked_for_what_they_never_saw_and_without_a_word_of_style(which: str) -> None:
    asked = prompts(which, 6)
    words = {word for ways in STYLE_WORDS.values() for way in ways for word in way}
    said = [re.split(r"[ ,，的]+", p.text) for p in asked]
    assert len(asked) == 6 and {p.lang for p in asked} == {"en", "zh"}
    assert all(is_held_out(p.scene) for p in asked)
    assert all(p.text.startswith(MAKINGS[which].triggers) for p in asked)
    assert not words & {word for one in said for word in one}
