"""python -m pocket.train [stage ...]: trains the pocket from nothing, or goes on where it stopped."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
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
    "maps",
    "control",
    "detectors",
)
# Only when they are named: a control net belongs to a base that is frozen, and what reads drawings to none.
NAMED = ("maps", "control", "detectors")
USUAL = [one for one in STAGES if one not in NAMED]
# What can go on beside the training, which takes in what is there: each row in a process of its own.
ROWS = (("draw", "maps"), ("latents",))
# Whose minutes stand elsewhere than in the settings of that name.
BUDGETS = {"decoder": ("vae", "decoder_minutes")}
# What needs all of that.
WHOLE = ("decoder", "export", "control")


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
    for stage in args.stages if args.minutes else ():
        part, name = BUDGETS.get(stage, (stage, "minutes"))
        if hasattr(settings, part):
            budget = replace(getattr(settings, part), **{name: args.minutes})
            settings = replace(settings, **{part: budget})
    return replace(settings, from_weights=args.from_weights or settings.from_weights)


def row_beside(stage: str, asked: list[str]) -> list[str]:
    """The stages that go on beside the others with this one, if there are others."""
    row = next((row for row in ROWS if stage in row), ())
    return [one for one in asked if one in row] if set(asked) - set(row) else []


def start(row: list[str], args: argparse.Namespace) -> subprocess.Popen[bytes]:
    """A process that goes through a row of stages."""
    command = [sys.executable, "-m", "pocket.train", *row]
    command += ["--settings", str(args.settings)] if args.settings else []
    command += ["--from-weights"] if args.from_weights else []
    return subprocess.Popen(command)


def finish(beside: dict[str, subprocess.Popen[bytes]]) -> None:
    """Wait for what goes on beside; nobody can go on without it."""
    for stages, process in beside.items():
        if process.wait():
            raise SystemExit(f"{stages} failed: what was wrong stands above")
    beside.clear()


def main() -> None:
    """Run the stages in their order."""
    args = read_args()
    settings = read_settings(args)
    from pocket.train.stages import run_stage

    asked, beside, begun = [stage for stage in STAGES if stage in args.stages], {}, set()
    try:
        for stage in asked:
            row = row_beside(stage, asked) if settings.beside else []
            if stage in WHOLE:
                finish(beside)
            if not row:
                run_stage(stage, settings)
            elif stage not in begun:
                beside[" and ".join(row)] = start(row, args)
                begun |= set(row)
        finish(beside)
    finally:
        for process in beside.values():
            process.terminate()


if __name__ == "__main__":
    main()
