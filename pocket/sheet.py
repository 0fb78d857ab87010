"""python -m pocket.sheet: a contact sheet of 48 held-out prompts, first seeds, nothing picked by hand.

It also prints a plain measure that needs no judge: for every picture the nearest of the world's own drawings,
once among all subjects, once among all colours, once among all backgrounds (the rest as asked for). And another of
how well they are painted, whatever they show: how little they look like drawings (`pocket/likeness.py`).
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pocket.evaluate import WEIGHTS
from pocket.prompts import LANGUAGES, Prompt, say
from pocket.world import SUBJECTS, Scene, draw, is_held_out
from pocket.world.sampling import settle
from pocket.world.scene import BACKGROUNDS, COLOURS

SHEET = Path(__file__).parent / "sheet.png"
COUNT = 48
COARSE, SHOWN = 32, 192


def sheet_prompts(count: int = COUNT) -> list[Prompt]:
    """Held-out single subjects, every subject in turn, languages by turns."""
    every = [settle(s, c, b) for s in SUBJECTS for c in COLOURS for b in BACKGROUNDS]
    held = [scene for scene in every if is_held_out(scene)]
    random.Random(1).shuffle(held)
    order = {name: i for i, name in enumerate(SUBJECTS)}
    ranks: dict[str, int] = {}
    keyed = []
    for scene in held:
        name = scene.things[0].subject
        ranks[name] = ranks.get(name, 0) + 1
        keyed.append(((ranks[name], order[name]), scene))
    chosen = [scene for _, scene in sorted(keyed, key=lambda pair: pair[0])[:count]]
    return [
        Prompt("colours", LANGUAGES[i % 2], say("colours", scene, LANGUAGES[i % 2]), scene, i)
        for i, scene in enumerate(chosen)
    ]


def coarse(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture as few pixels, so that shape and colour count and fine detail does not."""
    return np.asarray(Image.fromarray(pixels).resize((COARSE, COARSE), Image.Resampling.BOX), np.float32)


def nearest(picture: NDArray[np.uint8], ways: dict[str, Scene]) -> str:
    """The name of the drawing that is nearest to the picture."""
    seen = coarse(picture)
    return min(ways, key=lambda name: float(np.abs(coarse(draw(ways[name]).pixels) - seen).mean()))


def smaller(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures as the sheet shows them."""
    small = [Image.fromarray(one).resize((SHOWN, SHOWN), Image.Resampling.LANCZOS) for one in pictures]
    return np.stack([np.asarray(one) for one in small])


def hits(prompt: Prompt, picture: NDArray[np.uint8]) -> dict[str, bool]:
    """Whether the nearest drawing has the subject, the colour and the background asked for."""
    thing, background = prompt.scene.things[0], prompt.scene.background
    subject, colour = thing.subject, thing.colour
    return {
        "subject": nearest(picture, {s: settle(s, colour, background) for s in SUBJECTS}) == subject,
        "colour": nearest(picture, {c: settle(subject, c, background) for c in COLOURS}) == colour,
        "background": nearest(picture, {b: settle(subject, colour, b) for b in BACKGROUNDS}) == background,
    }


def measure(prompts: list[Prompt], pictures: NDArray[np.uint8]) -> dict[str, dict[str, float]]:
    """The share of hits in each language and in both together."""
    found = [(p.lang, hits(p, picture)) for p, picture in zip(prompts, pictures, strict=True)]
    out = {}
    for name in (*LANGUAGES, "both"):
        rows = [hit for lang, hit in found if name in (lang, "both")]
        out[name] = {key: round(sum(hit[key] for hit in rows) / max(1, len(rows)), 3) for key in found[0][1]}
    return out


def main() -> None:
    """Paint the sheet, list its prompts and print the measure."""
    parser = argparse.ArgumentParser(prog="python -m pocket.sheet", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=SHEET)
    args = parser.parse_args()
    from pocket.judge import load_judge
    from pocket.likeness import unlike_drawings
    from pocket.painter import load_painter
    from pocket.train.common import save_sheet

    prompts = sheet_prompts()
    pictures = load_painter(args.weights).paint([p.text for p in prompts], [p.seed for p in prompts])
    save_sheet(args.out, smaller(pictures))
    for i, prompt in enumerate(prompts):
        print(f"row {i // 8 + 1}, {i % 8 + 1}: {prompt.text} (seed {prompt.seed})")
    for name, shares in measure(prompts, pictures).items():
        print(name, shares)
    painted, drawn = unlike_drawings(load_judge(args.weights / "judge.safetensors"), pictures)
    print(f"unlike drawings {painted:.4f}; as many drawings {drawn:.4f}")


if __name__ == "__main__":
    main()
