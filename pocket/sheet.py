"""python -m pocket.sheet: a contact sheet of 48 held-out prompts, first seeds, nothing picked by hand."""

from __future__ import annotations

import argparse
from pathlib import Path

from pocket.evaluate import WEIGHTS
from pocket.prompts import Prompt, style_prompts, task_prompts

SHEET = Path(__file__).parent / "sheet.png"


def sheet_prompts() -> list[Prompt]:
    """Mostly single subjects in both languages, then pairs, counts and styles."""
    english, chinese = task_prompts(150, "en"), task_prompts(150, "zh")
    single = [p for pair in zip(english[:15], chinese[100:115], strict=True) for p in pair]
    single[1::2] = [p for p in chinese if p.task == "colours"][:15]
    pairs = [p for p in english if p.task == "position"][:4] + [p for p in chinese if p.task == "counting"][
        :4
    ]
    styles = [p for p in style_prompts(3) if p.scene.style != "flat"][:10]
    return [*single, *pairs, *styles]


def main() -> None:
    """Paint the sheet and list its prompts."""
    parser = argparse.ArgumentParser(prog="python -m pocket.sheet", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=SHEET)
    args = parser.parse_args()
    from pocket.painter import load_painter
    from pocket.train.common import save_sheet

    prompts = sheet_prompts()
    pictures = load_painter(args.weights).paint([p.text for p in prompts], [p.seed for p in prompts])
    save_sheet(args.out, pictures)
    for i, prompt in enumerate(prompts):
        print(f"row {i // 8 + 1}, {i % 8 + 1}: {prompt.text} (seed {prompt.seed})")


if __name__ == "__main__":
    main()
