"""python -m pocket.thumbnails: what the book's styles look like, painted by the model in the box where it knows them.

Every picture is painted as a person's would be: the style's own template around one and the same prompt, nothing
picked by hand. It is the first of a few seeds whose picture the judge takes for that style; where none is, there is
no picture.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from pocket.evaluate import WEIGHTS, open_desk

PRESETS = Path(__file__).parents[1] / "presets"
SIDE = 144
SUBJECT, SEEDS = "a red castle in a meadow", range(3, 9)
# The book's name of every style that the world knows.
STYLES = {
    "flat-illustration": "flat",
    "ink-drawing": "ink drawing",
    "watercolour": "watercolour",
    "pixel-art": "pixel art",
    "neon": "neon",
    "paper-cut": "paper cut",
}


def templates() -> dict[str, str]:
    """The English template of every style that the world knows."""
    files = [yaml.safe_load(path.read_text("utf-8")) for path in sorted((PRESETS / "styles").glob("*.yaml"))]
    return {one["id"]: one["prompt"]["en"] for file in files for one in file["styles"] if one["id"] in STYLES}


def main() -> None:
    """Paint, let the judge look, and write those that show their style."""
    parser = argparse.ArgumentParser(prog="python -m pocket.thumbnails", description=__doc__)
    parser.add_argument("--out", type=Path, default=PRESETS / "thumbnails")
    args = parser.parse_args()
    from pocket.judge import look
    from pocket.painter import STEPS

    desk, wanted = open_desk(WEIGHTS, STEPS), templates()
    if not desk.licence.may_judge(("style",)):
        parser.exit(2, "the judge has not earned to tell styles yet: python -m pocket.train manner\n")
    args.out.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS:
        prompts = [text.replace("{prompt}", SUBJECT) for text in wanted.values()]
        pictures = desk.painter.paint(prompts, [seed] * len(prompts))
        for id, picture, verdict in zip(tuple(wanted), pictures, look(desk.judge, pictures), strict=True):
            print(f"{id:<20} with seed {seed} seen as {verdict.style}")
            if verdict.style == STYLES[id]:
                small = Image.fromarray(np.asarray(picture)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
                small.save(args.out / f"{id}.webp", quality=88, method=6)
                del wanted[id]
        if not wanted:
            break
    for id in wanted:
        print(f"{id:<20} gets no picture")


if __name__ == "__main__":
    main()
