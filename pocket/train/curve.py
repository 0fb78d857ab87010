"""python -m pocket.train.curve: whether a training falls as the recorded one did, step by step.

Where no GPU is at hand nobody trains the pocket to its end to see whether code and seeds still make it. Its first steps
can be taken on a CPU in an hour and a half, and what a stage gets wrong after so many of them held against a record.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

RECORD = Path(__file__).with_name("curve.jsonl")
TRAIN = "python -m pocket.train draw vae latents words unet --settings pocket/train/cpu.json"
# At a stage's first steps the mean is mostly of where it began.
FROM_STEP, NEAR = 100, 0.1


@dataclass(frozen=True)
class Point:
    """What a stage got wrong after so many steps, on the average of the last of them."""

    stage: str
    step: int
    wrong: float


@dataclass(frozen=True)
class Pair:
    """The same moment of the recorded training and of this one."""

    recorded: Point
    here: Point

    @property
    def ratio(self) -> float:
        """How much more this one gets wrong."""
        return self.here.wrong / self.recorded.wrong

    @property
    def follows(self) -> bool:
        """Whether that is about the same."""
        return abs(self.ratio - 1) <= NEAR


def curve_file(run: Path) -> Path:
    """Where a run notes its points, a line each."""
    return run / "curve.jsonl"


def read(path: Path) -> list[Point]:
    """The points of a file; none where there is no file."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [Point(**json.loads(line)) for line in lines]


def write(path: Path, points: Iterable[Point]) -> None:
    """Points, a line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(asdict(point)) + "\n" for point in points))


def add(path: Path, point: Point) -> None:
    """Note one more point."""
    with path.open("a") as lines:
        lines.write(json.dumps(asdict(point)) + "\n")


def go_back(path: Path, stage: str, step: int) -> None:
    """Forget what a stage noted after the step that it goes on from."""
    if path.exists():
        write(path, [p for p in read(path) if p.stage != stage or p.step <= step])


def pairs(recorded: list[Point], here: list[Point]) -> Iterator[Pair]:
    """The moments that both trainings tell of."""
    told = {(p.stage, p.step): p for p in here}
    for point in recorded:
        if (point.stage, point.step) in told:
            yield Pair(point, told[point.stage, point.step])


def tell(found: list[Pair]) -> None:
    """The table."""
    print(f"{'stage':<10}{'step':>7}{'recorded':>11}{'here':>9}{'ratio':>8}")
    for pair in found:
        at = pair.recorded
        off = "" if pair.follows else "  does not follow"
        print(f"{at.stage:<10}{at.step:>7}{at.wrong:>11.4f}{pair.here.wrong:>9.4f}{pair.ratio:>8.3f}{off}")


def compare(recorded: list[Point], here: list[Point]) -> str:
    """Print the table; says what keeps this training from following the record, if anything does."""
    if not recorded:
        return f"nothing is recorded in {RECORD}"
    counted = [point for point in recorded if point.step >= FROM_STEP]
    found = list(pairs(counted, here))
    tell(found)
    if len(found) < len(counted):
        met = {pair.recorded for pair in found}
        first = next(point for point in counted if point not in met)
        return f"not there yet: {first.stage} at step {first.step}"
    strayed = sum(not pair.follows for pair in found)
    return f"{strayed} of {len(found)} points are more than {NEAR:.0%} off" if strayed else ""


def main() -> None:
    """Compare a run with the record, or make it the record."""
    parser = argparse.ArgumentParser(prog="python -m pocket.train.curve", description=__doc__)
    parser.add_argument("--run", type=Path, default=Path("runs/curve"), help="the folder of the run")
    parser.add_argument("--record", action="store_true", help="make this run the recorded one")
    args = parser.parse_args()
    if not (here := read(curve_file(args.run))):
        parser.exit(2, f"{args.run} has noted nothing yet: {TRAIN}\n")
    if args.record:
        write(RECORD, here)
        print(f"wrote {len(here)} points into {RECORD}")
    elif wrong := compare(read(RECORD), here):
        parser.exit(1, wrong + "\n")


if __name__ == "__main__":
    main()
