"""python -m pocket.evaluate: how well the committed weights show what a prompt says, read by the judge."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pocket.prompts import LANGUAGES, TASKS, Prompt, defect_prompts, style_prompts, task_prompts
from pocket.world import Scene

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    value: float
    goal: float | None
    ok: bool


def row(name: str, value: float, goal: float | None = None) -> Row:
    """A line; without a goal it is only told."""
    return Row(name, round(value, 4), goal, goal is None or value >= goal)


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


def paint_and_judge(painter: Any, judge: Any, prompts: list[Prompt], steps: int) -> list[Any]:
    """The judge's verdict on a picture of every prompt."""
    from pocket.judge import look

    pictures = painter.paint([p.text for p in prompts], [p.seed for p in prompts], steps=steps)
    return look(judge, pictures)


def task_rows(painter: Any, judge: Any, count: int, steps: int) -> list[Row]:
    """The six tasks in both languages, their means, and the backgrounds."""
    prompts = [p for lang in LANGUAGES for p in task_prompts(count, lang)]
    verdicts = paint_and_judge(painter, judge, prompts, steps)
    marks = [(p, shows(p.task, p.scene, v)) for p, v in zip(prompts, verdicts, strict=True)]
    score = {
        (t, lang): mean([ok for p, ok in marks if (p.task, p.lang) == (t, lang)])
        for t in TASKS
        for lang in LANGUAGES
    }
    whole = {lang: sum(score[t, lang] for t in TASKS) / len(TASKS) for lang in LANGUAGES}
    goals = {"single object": 0.95, "colours": 0.95}
    rows = [row(f"{t} ({lang})", score[t, lang], goals.get(t, 0.85)) for t in TASKS for lang in LANGUAGES]
    rows += [row(f"mean of six ({lang})", whole[lang], 0.85) for lang in LANGUAGES]
    rows.append(row("mean of six", sum(whole.values()) / 2, 0.85))
    rows.append(row("Chinese less English", whole["zh"] - whole["en"], -0.03))
    places = [v.background == p.scene.background for p, v in zip(prompts, verdicts, strict=True)]
    return [*rows, row("background", mean(places), 0.85)]


def style_rows(painter: Any, judge: Any, each: int, steps: int) -> list[Row]:
    """How often the style asked for is seen."""
    prompts = style_prompts(each)
    verdicts = paint_and_judge(painter, judge, prompts, steps)
    return [
        row("style", mean([v.style == p.scene.style for p, v in zip(prompts, verdicts, strict=True)]), 0.85)
    ]


def defect_rows(painter: Any, judge: Any, each: int, steps: int) -> list[Row]:
    """How often a defect's word brings the defect: what a negative prompt can then push away."""
    prompts = defect_prompts(each)
    verdicts = paint_and_judge(painter, judge, prompts, steps)
    seen = [p.scene.defects[0] in v.defects for p, v in zip(prompts, verdicts, strict=True)]
    return [row("defect words show", mean(seen), None)]


def table(rows: list[Row]) -> str:
    """The rows as text."""
    lines = [f"{'what':<26}{'value':>8}{'goal':>8}"]
    for r in rows:
        goal = "" if r.goal is None else f"{r.goal:.2f}"
        lines.append(f"{r.name:<26}{r.value:>8.3f}{goal:>8}  {'' if r.ok else 'not yet'}".rstrip())
    return "\n".join(lines)


def evaluate(weights: Path, count: int, steps: int) -> list[Row]:
    """All rows for a weights folder."""
    from pocket.judge import load_judge
    from pocket.painter import load_painter

    painter, judge = load_painter(weights), load_judge(weights / "judge.safetensors")
    each = max(2, count // 30)
    return [
        *task_rows(painter, judge, count, steps),
        *style_rows(painter, judge, each, steps),
        *defect_rows(painter, judge, each, steps),
    ]


def main() -> None:
    """Print the table, and write it as JSON if asked."""
    parser = argparse.ArgumentParser(prog="python -m pocket.evaluate", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the rows as a list of name, value, goal, ok")
    parser.add_argument("--count", type=int, default=300, help="prompts a language, shared by the six tasks")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    if not (args.weights / "judge.safetensors").exists():
        parser.exit(2, f"{args.weights} has no judge yet: python -m pocket.train judge export\n")
    rows = evaluate(args.weights, args.count, args.steps)
    print(table(rows))
    if args.json:
        args.json.write_text(json.dumps([asdict(r) for r in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
