"""python -m pocket.evaluate: how well the committed weights show what a prompt says, read by the judge.

The judge answers only for headings that it earned on held-out drawings; rows it may not judge are named, not shown.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from pocket.prompts import (
    LANGUAGES,
    TASKS,
    Prompt,
    defect_prompts,
    guarded_prompts,
    light_prompts,
    style_prompts,
    task_prompts,
)
from pocket.world import Scene
from pocket.world.scene import DEFECTS
from studio.messages import NegativeCounts

WEIGHTS = Path(__file__).parent / "weights"
CATALOG = Path(__file__).parents[1] / "models.yaml"
"""Where the studio is told of the pocket."""
# What the judge must be good at to mark a task.
NEEDS = {
    "single object": ("subjects",),
    "two objects": ("subjects",),
    "counting": ("subjects", "counts"),
    "colours": ("subjects", "colours"),
    "position": ("subjects", "places"),
    "colour binding": ("subjects", "colours"),
}

# Little strength keeps the drawing's subject, much of it brings the prompt's.
STRENGTHS = ((0.3, "source", 0.85), (0.6, "target", None), (0.9, "target", 0.85))
ROUNDING = 3
ENOUGH = 0.1
"""Of pictures that show a defect: of fewer, one more or less would say that its negative does wonders or harm."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    value: float
    goal: float | None
    ok: bool


def row(name: str, value: float, goal: float | None = None) -> Row:
    """A line; without a goal it is only told."""
    told = round(value, 4)
    return Row(name, told, goal, goal is None or told >= goal)


def mean(values: list[bool]) -> float:
    """The share that is true."""
    return sum(values) / max(1, len(values))


def holds(relation: str, a: Any, b: Any) -> bool:
    """Whether a lies where the relation says, seen from b."""
    dx, dy = a.x - b.x, a.y - b.y
    return {"left": dx < -0.1, "right": dx > 0.1, "above": dy < -0.1, "below": dy > 0.1}[relation]


def shows(task: str, scene: Scene, verdict: Any) -> bool:
    """Whether the judge sees what the task asks for."""
    found = verdict.subjects
    if any(t.subject not in found for t in scene.things):
        return False
    if task == "counting":
        return found[scene.things[0].subject].count == scene.count
    if task in ("colours", "colour binding"):
        return all(found[t.subject].colour == t.colour for t in scene.things)
    if task == "position":
        return holds(scene.relation, *(found[t.subject] for t in scene.things))
    return True


@dataclass(frozen=True)
class Desk:
    """The painter, the judge and what the judge may be asked."""

    painter: Any
    judge: Any
    licence: Any
    steps: int
    negative_counts: NegativeCounts = "needed"

    def verdicts(self, prompts: list[Prompt], negatives: list[str] | None = None) -> list[Any]:
        """The judge's verdict on a picture of every prompt."""
        from pocket.judge import look

        texts, seeds = [p.text for p in prompts], [p.seed for p in prompts]
        how = {"steps": self.steps, "negative_counts": self.negative_counts}
        return look(self.judge, self.painter.paint(texts, seeds, negatives=negatives, **how))

    def may(self, task: str) -> bool:
        """Whether the judge may mark a task."""
        return self.licence.may_judge(NEEDS[task])


def task_rows(desk: Desk, count: int) -> list[Row]:
    """The six tasks in both languages, their means, and the backgrounds."""
    prompts = [p for lang in LANGUAGES for p in task_prompts(count, lang)]
    verdicts = desk.verdicts(prompts)
    marks = [(p, shows(p.task, p.scene, v)) for p, v in zip(prompts, verdicts, strict=True)]
    score = {
        (t, lang): mean([ok for p, ok in marks if (p.task, p.lang) == (t, lang)])
        for t in TASKS
        for lang in LANGUAGES
        if desk.may(t)
    }
    goals = {"single object": 0.95, "colours": 0.95}
    rows = [row(f"{t} ({lang})", value, goals.get(t, 0.85)) for (t, lang), value in score.items()]
    if len(score) == len(TASKS) * len(LANGUAGES):
        rows += mean_rows(score)
    if desk.licence.may_judge(("background",)):
        right = [v.background == p.scene.background for p, v in zip(prompts, verdicts, strict=True)]
        rows.append(row("background", mean(right), 0.85))
    return rows


def mean_rows(score: dict[tuple[str, str], float]) -> list[Row]:
    """The means over the six tasks."""
    whole = {lang: sum(score[t, lang] for t in TASKS) / len(TASKS) for lang in LANGUAGES}
    return [
        *(row(f"mean of six ({lang})", whole[lang], 0.85) for lang in LANGUAGES),
        row("mean of six", sum(whole.values()) / 2, 0.85),
        row("Chinese less English", whole["zh"] - whole["en"], -0.03),
    ]


def word_rows(desk: Desk, heading: str, prompts: list[Prompt]) -> list[Row]:
    """How often the style or the light asked for is seen."""
    if not desk.licence.may_judge((heading,)):
        return []
    seen = zip(prompts, desk.verdicts(prompts), strict=True)
    return [row(heading, mean([getattr(v, heading) == getattr(p.scene, heading) for p, v in seen]), 0.85)]


def defect_rows(desk: Desk, each: int, words: tuple[str, ...] = DEFECTS) -> list[Row]:
    """How often a defect's word brings the defect, and how often it still comes with the word as the negative."""
    known = [word for word in words if desk.licence.may_judge((f"defect: {word}",))]
    prompts = [p for p in defect_prompts(each) if p.scene.defects[0] in known]
    if not prompts:
        return []
    with_word = desk.verdicts(prompts)
    pushed = desk.verdicts(prompts, [p.negative for p in prompts])
    return [found for d in known for found in defect_row(d, prompts, with_word, pushed)]


def defect_row(defect: str, prompts: list[Prompt], with_word: list[Any], pushed: list[Any]) -> list[Row]:
    """One defect: its share with its word, and the share of it that the negative takes away; then the same of any
    defect, since what a word spoils the judge may know under another name."""
    rows = [k for k, p in enumerate(prompts) if p.scene.defects == (defect,)]
    if not rows:
        return []
    own, any_ = (
        [mean([sees(seen[k].defects) for k in rows]) for seen in (with_word, pushed)]
        for sees in (lambda found: defect in found, bool)
    )
    return [
        *taken(f"{defect}: its word shows it", own, f"{defect}: negative takes away", 0.5),
        *taken(f"{defect}: its word spoils", any_, f"{defect}: negative mends"),
    ]


def guard_rows(desk: Desk, count: int) -> list[Row]:
    """Pictures that nothing spoils, without a negative and with the words of all defects: those that stay sound, and
    those that show what was asked for."""
    if not desk.may("colours") or unjudged(desk.licence):
        return []
    prompts = guarded_prompts(count)
    rows = []
    for name, negatives in {
        "no negative": None,
        "all negatives at once": [p.negative for p in prompts],
    }.items():
        seen = list(zip(prompts, desk.verdicts(prompts, negatives), strict=True))
        goal = 0.9 if negatives else None
        rows.append(row(f"{name}: sound", mean([not v.defects for _, v in seen]), goal))
        rows.append(
            row(f"{name}: subject and colour", mean([shows(p.task, p.scene, v) for p, v in seen]), goal)
        )
    return rows


def taken(shown: str, shares: list[float], away: str, goal: float | None = None) -> list[Row]:
    """A share, and how much less of it there is with the negative, where there is enough to tell."""
    before, after = shares
    told = [row(shown, before)]
    return [*told, row(away, 1 - after / before, goal)] if before >= ENOUGH else told


def edit_rows(desk: Desk, weights: Path, count: int) -> list[Row]:
    """Image-to-image at three strengths, and inpaint."""
    from pocket.edits import drift, edits, fill, repaint
    from pocket.judge import look

    if not desk.licence.may_judge(("subjects",)):
        return []
    some, rows = edits(count), []

    def shown(pictures: Any, which: str) -> float:
        seen = zip(some, look(desk.judge, pictures), strict=True)
        return mean([getattr(e, which).things[0].subject in v.subjects for e, v in seen])

    for strength, which, goal in STRENGTHS:
        name = f"image-to-image {strength}: {which} shows"
        rows.append(row(name, shown(repaint(weights, some, desk.steps, strength), which), goal))
    filled = fill(weights, some, desk.steps)
    rows.append(row("inpaint: target shows", shown(filled, "target"), 0.85))
    return [*rows, row("inpaint: change outside, of 255", drift(desk.painter.vae, some, filled))]


def seed_rows(desk: Desk) -> list[Row]:
    """A seed gives its picture alone and in a batch; how far pictures of other seeds differ is only told."""
    prompts = [p.text for p in task_prompts(60, "en")[:8]]
    seeds = list(range(len(prompts)))
    paint = replace(desk.painter, fast=False).paint
    batch, alone = (paint(prompts, seeds, batch=n, steps=desk.steps).astype(float) for n in (len(seeds), 1))
    other = paint(prompts, [100 + s for s in seeds], steps=desk.steps).astype(float)
    same = [bool(abs(a - b).max() <= ROUNDING) for a, b in zip(batch, alone, strict=True)]
    return [
        row("a seed's picture, alone as in a batch", mean(same), 1.0),
        row("difference between seeds, of 255", float(abs(batch - other).mean())),
    ]


def unjudged(licence: Any) -> list[str]:
    """The headings that the judge has not earned, with its scores."""
    from pocket.judge import HEADINGS

    names = [*(h for h in HEADINGS if h != "defects"), *(f"defect: {d}" for d in DEFECTS)]
    return [f"{n} ({licence.scores.get(n, 0.0):.3f})" for n in names if not licence.may_judge((n,))]


def line(r: Row) -> str:
    """A row as text."""
    goal = "" if r.goal is None else f"{r.goal:.2f}"
    return f"{r.name:<40}{r.value:>8.3f}{goal:>8}  {'' if r.ok else 'not yet'}".rstrip()


def tell(rows: Iterable[Row], path: Path | None) -> None:
    """Print rows as they come, and write all of them as JSON where a path is given."""
    told = []
    print(f"{'what':<40}{'value':>8}{'goal':>8}")
    for found in rows:
        told.append(asdict(found))
        print(line(found), flush=True)
    if path:
        path.write_text(json.dumps(told, indent=1) + "\n")


def open_desk(weights: Path, steps: int) -> Desk:
    """Painter and judge of a weights folder."""
    from pocket.judge import load_judge, load_licence
    from pocket.painter import load_painter

    judge = load_judge(weights / "judge.safetensors")
    return Desk(load_painter(weights), judge, load_licence(weights), steps)


def evaluate(desk: Desk, weights: Path, count: int) -> Iterator[Row]:
    """All rows that the judge may fill, as they come."""
    each = max(2, count // 30)
    yield from task_rows(desk, count)
    yield from word_rows(desk, "style", style_prompts(each))
    yield from word_rows(desk, "light", light_prompts(each))
    # More of each, since not every picture with its word shows a defect that could be taken away.
    yield from defect_rows(desk, 4 * each)
    yield from guard_rows(desk, 6 * each)
    yield from edit_rows(desk, weights, 3 * each)
    yield from seed_rows(desk)


def main() -> None:
    """Print the table, and write it as JSON if asked."""
    from pocket.painter import STEPS

    parser = argparse.ArgumentParser(prog="python -m pocket.evaluate", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the rows as a list of name, value, goal, ok")
    parser.add_argument("--count", type=int, default=300, help="prompts a language, shared by the six tasks")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--negative-counts", choices=get_args(NegativeCounts), default="needed")
    args = parser.parse_args()
    if not (args.weights / "judge.safetensors").exists():
        parser.exit(2, f"{args.weights} has no judge yet: python -m pocket.train judge\n")
    desk = replace(open_desk(args.weights, args.steps), negative_counts=args.negative_counts)
    tell(evaluate(desk, args.weights, args.count), args.json)
    if missing := unjudged(desk.licence):
        print("not judged, since the judge is not 99 % right there: " + ", ".join(missing))


if __name__ == "__main__":
    main()
