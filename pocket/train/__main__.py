"""python -m pocket.train [stage ...]: trains the pocket from nothing, or goes on where it stopped."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pocket.train.common import hurry
from pocket.train.settings import Settings, from_dict
from pocket.train.stages import MADE, begin, run_stage

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
# Only when they are named: a control net and its maps belong to a base that is frozen, what reads drawings to none.
NAMED = ("maps", "control", "detectors")
USUAL = [one for one in STAGES if one not in NAMED]
# What can go on beside the training, which takes in what is there: each lane in a process of its own.
LANES = (("draw", "maps"), ("latents",))
# Which of it has to be whole before a stage begins.
NEEDS = {
    "manner": ("latents",),
    "decoder": ("draw", "latents"),
    "export": ("draw", "latents"),
    "control": ("latents", "maps"),
}
# Whose minutes stand elsewhere than in the settings of that name.
BUDGETS = {"decoder": ("vae", "decoder_minutes")}
Lane = tuple[str, ...]
Beside = dict[Lane, "subprocess.Popen[bytes]"]


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
    parser.add_argument(
        "--aside", action="store_true", help=argparse.SUPPRESS
    )  # of a process that a lane has
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
            budget = replace(getattr(settings, part), **{name: args.minutes, "steps": 0})
            settings = replace(settings, **{part: budget})
    return replace(settings, from_weights=args.from_weights or settings.from_weights)


def lane_of(stage: str, asked: list[str]) -> Lane:
    """The stages that go on beside the others together with this one, if there are others."""
    lane = next((lane for lane in LANES if stage in lane), ())
    return tuple(one for one in asked if one in lane) if set(asked) - set(lane) else ()


def start(lane: Lane, args: argparse.Namespace) -> subprocess.Popen[bytes]:
    """A process that goes through a lane, and a group with all that it starts."""
    command = [sys.executable, "-m", "pocket.train", *lane, "--aside"]
    command += ["--settings", str(args.settings)] if args.settings else []
    command += ["--from-weights"] if args.from_weights else []
    return subprocess.Popen(command, start_new_session=True)


def finish(beside: Beside, needed: Iterable[str]) -> None:
    """Wait for what has to be whole; without what failed nobody goes on."""
    for lane, process in list(beside.items()):
        if process.wait() if set(lane) & set(needed) else process.poll():
            raise SystemExit(f"{' and '.join(lane)} failed: what was wrong stands above")
        if process.returncode == 0:
            del beside[lane]


def stop(beside: Beside) -> None:
    """End what still goes on, with all that it started."""
    for process in beside.values():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def tried(stage: str, settings: Settings, aside: bool) -> None:
    """Run a stage; who waits for what it makes aside is told when it fails."""
    try:
        run_stage(stage, settings)
    except BaseException:
        if aside and stage in MADE:
            MADE[stage](settings).fail()
        raise


def go_through(asked: list[str], args: argparse.Namespace, settings: Settings) -> None:
    """The stages in their order; what can go on beside is begun when its turn comes and waited for when needed."""
    beside: Beside = {}
    begun: set[str] = set()
    try:
        for stage in asked:
            lane = lane_of(stage, asked) if settings.beside and not args.aside else ()
            finish(beside, NEEDS.get(stage, ()))
            if not lane:
                tried(stage, replace(settings, beside=args.aside or bool(begun)), args.aside)
            elif stage not in begun:
                for one in lane:
                    begin(one, settings)
                beside[lane] = start(lane, args)
                begun |= set(lane)
        finish(beside, begun)
    finally:
        stop(beside)


def main() -> None:
    """Run the stages in their order."""
    args = read_args()
    settings, asked = read_settings(args), [stage for stage in STAGES if stage in args.stages]
    hurry()
    # Told to stop, it still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    go_through(asked, args, settings)


if __name__ == "__main__":
    main()
