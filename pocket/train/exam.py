"""The judge's exam on held-out drawings: a score for every heading, and what it takes for what."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pocket.data import draw_set, scenes
from pocket.judge import HEADINGS, PASS, SIDE, Judge, Seen, Verdict, look
from pocket.train.settings import Settings
from pocket.world import Scene, Thing, sample
from pocket.world.scene import DEFECTS

COMMON, SPOILT, QUICK = 1500, 540, 300
NEAR = 0.12
Pair = tuple[Scene, Verdict]


def spoilt(k: int) -> Scene:
    """Held-out scene k with a defect, all defects by turns."""
    return replace(sample(700_000 + k, "held_out"), defects=(DEFECTS[k % len(DEFECTS)],))


def common_set(settings: Settings) -> NDArray[np.uint8]:
    """Held-out drawings as they come."""
    return draw_set(settings.data / f"held-{SIDE}.npy", COMMON, SIDE, 0, "held_out")


def spoilt_set(settings: Settings) -> NDArray[np.uint8]:
    """Held-out drawings with a defect each."""
    path = settings.data / f"spoilt-{SIDE}.npy"
    return draw_set(path, SPOILT, SIDE, 0, "spoilt", make=spoilt)


def names(things: Any) -> Counter[str]:
    """How many of each subject."""
    return Counter(thing.subject for thing in things)


def beside(thing: Thing, verdict: Verdict) -> Seen | None:
    """What was seen where the thing is."""
    near = [s for s in verdict.things if max(abs(s.x - thing.x), abs(s.y - thing.y)) < NEAR]
    return min(near, key=lambda s: abs(s.x - thing.x) + abs(s.y - thing.y), default=None)


def share(values: list[bool]) -> float:
    """The share that is true."""
    return round(sum(values) / max(1, len(values)), 4)


def mark(pairs: list[Pair]) -> dict[str, float]:
    """How often each heading is right."""
    spots = [(t, beside(t, v), v) for s, v in pairs for t in s.things]
    right = [(t, seen) for t, seen, _ in spots if seen and seen.subject == t.subject]
    known = [seen for t, seen, v in spots if t.subject in names(v.things)]
    return {
        "subjects": share([set(names(s.things)) == set(names(v.things)) for s, v in pairs]),
        "counts": share([names(s.things) == names(v.things) for s, v in pairs]),
        "colours": share([t.colour == seen.colour for t, seen in right]),
        "places": share([seen is not None for seen in known]),
        **{
            name: share([getattr(s, name) == getattr(v, name) for s, v in pairs])
            for name in ("background", "style", "light")
        },
        "defects": share([set(s.defects) == set(v.defects) for s, v in pairs]),
    }


def each_defect(pairs: list[Pair]) -> dict[str, float]:
    """For every defect the mean of how often it is seen where it is, and not seen where it is not."""
    out = {}
    for defect in DEFECTS:
        hits = share([defect in v.defects for s, v in pairs if defect in s.defects])
        quiet = share([defect not in v.defects for s, v in pairs if defect not in s.defects])
        out[defect] = round((hits + quiet) / 2, 4)
    return out


def mistakes(pairs: list[Pair]) -> dict[str, dict[str, int]]:
    """What was taken for what, the commonest first."""
    out: dict[str, Counter[str]] = {name: Counter() for name in HEADINGS if name not in ("counts", "places")}
    for scene, verdict in pairs:
        for thing in scene.things:
            seen = beside(thing, verdict)
            out["subjects"][f"{thing.subject} as {seen.subject if seen else 'nothing'}"] += 1
            if seen and seen.subject == thing.subject:
                out["colours"][f"{thing.colour} as {seen.colour}"] += 1
        out["subjects"]["nothing as something"] += max(0, len(verdict.things) - len(scene.things))
        for name in ("background", "style", "light"):
            out[name][f"{getattr(scene, name)} as {getattr(verdict, name)}"] += 1
        for kind in (set(scene.defects) or {"nothing"},):
            out["defects"][
                f"{' and '.join(sorted(kind))} as {' and '.join(verdict.defects) or 'nothing'}"
            ] += 1
    return {name: only_wrong(counts) for name, counts in out.items()}


def only_wrong(counts: Counter[str]) -> dict[str, int]:
    """The entries whose two sides differ."""
    wrong = {k: n for k, n in counts.most_common() if n and len(set(k.split(" as "))) == 2}
    return dict(list(wrong.items())[:12])


def examine(settings: Settings, judge: Judge) -> dict[str, Any]:
    """Scores of every heading, and the mistakes.

    Clean drawings (daylight, no defect) decide on subjects to style, all without defects on light, and as many
    spoilt ones as sound ones on defects.
    """
    common = list(zip(scenes(COMMON, 0, "held_out"), look(judge, common_set(settings)), strict=True))
    bad = list(zip(map(spoilt, range(SPOILT)), look(judge, spoilt_set(settings)), strict=True))
    sound = [pair for pair in common if not pair[0].defects]
    clean = [pair for pair in sound if pair[0].light == "day"]
    mixed = bad + sound[:SPOILT]
    scores = {**mark(clean), "light": mark(sound)["light"], "defects": mark(mixed)["defects"]}
    scores |= {f"defect: {name}": value for name, value in each_defect(mixed).items()}
    return {
        "scores": scores,
        "everything": mark(common),
        "mistakes": {
            **mistakes(clean),
            "light": mistakes(sound)["light"],
            "defects": mistakes(mixed)["defects"],
        },
    }


def quick_look(settings: Settings, judge: Judge) -> str:
    """A line of scores on a few clean held-out drawings, while training runs."""
    pairs = list(zip(scenes(QUICK, 0, "held_out"), look(judge, common_set(settings)[:QUICK]), strict=True))
    marks = mark([pair for pair in pairs if not pair[0].defects and pair[0].light == "day"])
    return "held out: " + ", ".join(f"{name} {value:.3f}" for name, value in marks.items())


def report(marks: dict[str, Any]) -> str:
    """The exam as text."""
    lines = [f"{'heading':<26}{'right':>8}"]
    for name, value in marks["scores"].items():
        lines.append(f"{name:<26}{value:>8.4f}{'' if value >= PASS else '  may not judge yet'}")
    lines.append("on everything, spoilt and in any light: " + str(marks["everything"]))
    for name, wrong in marks["mistakes"].items():
        lines.append(
            f"{name} taken for others: " + (", ".join(f"{k} {n}" for k, n in wrong.items()) or "none")
        )
    return "\n".join(lines)
