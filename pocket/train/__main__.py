"""python -m pocket.train [stage ...]: trains the pocket from nothing, or goes on where it stopped."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from pocket.train.settings import Settings, from_dict

STAGES = (
    "draw",
    "vae",
    "latents",
    "words",
    "unet",
    "decoder",
    "judge",
    "manner",
    "export",
    "control",
    "detectors",
)
# Only when they are named: a control net belongs to a base that is frozen, and what reads drawings to none.
NAMED = ("control", "detectors")
USUAL = [one for one in STAGES if one not in NAMED]


def read_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m pocket.train", description=__doc__)
    parser.add_argument(
        "stages",
        nargs="*",
        default=USUAL,
        help=f"some of: {', '.join(STAGES)}",
    )
    parser.add_argument("--settings", type=Path, help="a JSON file of settings; unknown keys are errors")
    parser.add_argument("--minutes", type=float, help="the wall-clock budget of each named stage")
    parser.add_argument("--from-weights", action="store_true", help="start from the committed weights")
    args = parser.parse_args()
    unknown = set(args.stages) - set(STAGES)
    if unknown:
        parser.error(f"unknown stages {sorted(unknown)}; known: {', '.join(STAGES)}")
    return args


def read_settings(args: argparse.Namespace) -> Settings:
    """Settings from the file, changed by flags."""
    settings = from_dict(Settings, json.loads(args.settings.read_text()) if args.settings else {})
    if args.minutes:
        for stage, part in {
            "vae": "vae",
            "words": "words",
            "unet": "unet",
            "decoder": "vae",
            "judge": "judge",
            "manner": "manner",
            "control": "control",
            "detectors": "detectors",
        }.items():
            if stage in args.stages:
                settings = replace(settings, **{part: replace(getattr(settings, part), minutes=args.minutes)})
    return replace(settings, from_weights=args.from_weights or settings.from_weights)


def main() -> None:
    """Run the stages in their order."""
    args = read_args()
    settings = read_settings(args)
    from pocket.train.stages import run_stage

    for stage in STAGES:
        if stage in args.stages:
            run_stage(stage, settings)


if __name__ == "__main__":
    main()
