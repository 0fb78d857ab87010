"""python -m pocket.fidelity: how closely pictures follow a reference, kind by kind, and how closely without it.

Every reference is a held-out drawing, and its map is what the studio's detector makes of it; of a pose it is the
true one. A picture is painted of its prompt, once with the map and once without: followed by the control net, or
held to its colours, as in the studio. What the detectors read from the pictures is compared with the map. Distances
are 0 where both are the same. Without a control net only the pictures without a map are measured, and that is said.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pocket.closeness import colour_difference, depth_rank, edge_f1, joint_distance, palette_difference
from pocket.evaluate import CATALOG, WEIGHTS, Row, row, tell
from pocket.eyes import Eyes, open_eyes, reader_file
from pocket.models import NATIVE
from pocket.prompts import say
from pocket.world import SUBJECTS, Picture, Scene, draw, sample
from pocket.world.truth import people
from studio.catalog import read_catalog
from studio.controls import CONTROLS

NET = "pocket-control"
"""The net's entry, which says how loud it may speak."""
FIRST, GOAL = 1_300_000, 3.0
# How much less of the prompt may be followed than without a reference.
PROMPT_GOAL = -0.05
# Distances below this are the detectors' own doing: nothing is called closer than that.
LEAST = 0.01
Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Shown:
    """Maps of a kind, one for each picture."""

    kind: str
    maps: Pictures

    def __getitem__(self, rows: slice) -> Shown:
        """Those of some pictures."""
        return Shown(self.kind, self.maps[rows])


Paint = Callable[[list[str], list[int], Shown | None], Pictures]
"""From prompts, seeds and what is to be followed, or nothing, to pictures."""


# -- references -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """A held-out drawing, what is asked for beside it, how that is said, and the seed that it is painted with."""

    drawing: Picture
    asked: Scene
    prompt: str
    seed: int


def references(kind: str, amount: int, side: int = NATIVE) -> list[Reference]:
    """Plain drawings of one thing each; for poses it is a person. What is drawn is asked for, but beside a palette
    something else: a prompt names most of its own colours."""
    scenes = (sample(FIRST + k, "held_out", "single", plain=True) for k in count())
    fitting = (s for s in scenes if kind != "pose" or SUBJECTS[s.things[0].subject].person)
    some = [scene for scene, _ in zip(fitting, range(amount), strict=False)]
    asked = some[1:] + some[:1] if kind == "palette" else some
    said = [say("single object", scene, "en") for scene in asked]
    return [
        Reference(draw(scene, side), *told, k)
        for k, (scene, *told) in enumerate(zip(some, asked, said, strict=True))
    ]


# -- distances ------------------------------------------------------------------------------------


def pose_distance(eyes: Eyes, painted: Image.Image, meant: Picture, map: Image.Image) -> float:
    """The distance of the joints in heights of the figure; nobody is as far as can be."""
    (wanted,) = people(meant)
    return min((joint_distance(one, wanted) for one in eyes.figures(painted)), default=1.0)


def canny_distance(eyes: Eyes, painted: Image.Image, meant: Picture, map: Image.Image) -> float:
    """What the hard edges lack to be the same."""
    return 1 - edge_f1(eyes.map("canny", painted), map)


def soft_distance(eyes: Eyes, painted: Image.Image, meant: Picture, map: Image.Image) -> float:
    """What the soft edges lack to be the same."""
    return 1 - edge_f1(eyes.map("small_edges", painted), map)


def depth_distance(eyes: Eyes, painted: Image.Image, meant: Picture, map: Image.Image) -> float:
    """What the order of near and far lacks to be the same."""
    return 1 - depth_rank(eyes.map("small_depth", painted), map)


def colour_distance(eyes: Eyes, painted: Image.Image, meant: Picture, map: Image.Image) -> float:
    """How far the colours in place are from the reference's, in CIE Lab; white and black are 100 apart."""
    return colour_difference(painted, meant.image) / 100


def palette_distance(eyes: Eyes, painted: Image.Image, meant: Picture, map: Image.Image) -> float:
    """How far the colours are from the reference's wherever they stand, in CIE Lab likewise."""
    return palette_difference(painted, meant.image) / 100


KINDS: dict[str, Callable[[Eyes, Image.Image, Picture, Image.Image], float]] = {
    "pose": pose_distance,
    "canny": canny_distance,
    "soft_edge": soft_distance,
    "depth": depth_distance,
    "colour": colour_distance,
    "palette": palette_distance,
}
"""By the kind: how far a painted picture is from a drawing and its map."""


# -- the table ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Desk:
    """What paints, what reads maps, and what reads whether the prompt is followed, where it may."""

    paint: Paint
    eyes: Eyes
    shown: Callable[[Pictures, list[Reference]], float] | None
    follows: bool


def maps_for(eyes: Eyes, kind: str, some: list[Reference]) -> Pictures:
    """The maps of references as the net is shown them."""
    from pocket.train.references import Maps, maps_of, seen_levels

    if kind == "palette":
        return np.stack([np.asarray(eyes.map("histogram", one.drawing.image)) for one in some])
    every = [maps_of(one.drawing) | seen_levels(one.drawing.image, eyes) for one in some]
    maps = Maps(**{name: np.stack([told[name] for told in every]) for name in every[0]})
    return np.stack([maps.one(kind, at) for at in range(len(some))])


def distance(desk: Desk, kind: str, pictures: Pictures, some: list[Reference], maps: Pictures) -> float:
    """The mean distance of pictures from their references."""
    each = zip(pictures, some, maps, strict=True)
    told = [KINDS[kind](desk.eyes, Image.fromarray(p), r.drawing, Image.fromarray(m)) for p, r, m in each]
    return float(np.mean(told))


def kind_rows(desk: Desk, kind: str, amount: int) -> Iterator[Row]:
    """One kind: the distance without control, with it, how many times closer that is, and what it costs the prompt."""
    some = references(kind, amount)
    maps, words = maps_for(desk.eyes, kind, some), ([r.prompt for r in some], [r.seed for r in some])
    alone = desk.paint(*words, None)
    apart = distance(desk, kind, alone, some, maps)
    yield row(f"{kind}: distance without control", apart)
    if not desk.follows:
        return
    led = desk.paint(*words, Shown(kind, maps))
    near = distance(desk, kind, led, some, maps)
    yield row(f"{kind}: distance with control", near)
    yield row(f"{kind}: times closer", apart / max(near, LEAST), GOAL)
    if desk.shown:
        yield row(
            f"{kind}: prompt, with less without", desk.shown(led, some) - desk.shown(alone, some), PROMPT_GOAL
        )


def measure(desk: Desk, kinds: list[str], amount: int) -> Iterator[Row]:
    """All rows, as they come."""
    for kind in kinds:
        yield from kind_rows(desk, kind, amount)


# -- the pocket at the desk -----------------------------------------------------------------------


class Following:
    """A UNet that follows maps as it does in the studio, called as the UNet alone is: a control net beside it is as
    loud as the studio lets it speak, and colours are held without it."""

    def __init__(self, painter: Any, net: Any, shown: Shown) -> None:
        held = CONTROLS[shown.kind].held
        self.unet, self.net = painter.unet, None if held else net
        self.config, self.parameters = painter.unet.config, painter.unet.parameters
        self.maps = to_batch(shown.maps, painter.device)
        self.colours = held_colours(painter, self.maps, held) if held else None
        self.loud = loudness()

    def __call__(self, x: Any, t: Any, words: Any) -> Any:
        """The prediction for a batch that holds every picture without words, then with them."""
        from pocket.painter import GUIDANCE

        guess = self.unet(x, t, words, **self.told(x, t, words))
        if self.colours is None:
            return guess
        return SimpleNamespace(sample=self.colours.hold(guess.sample, x, t, GUIDANCE))

    def told(self, x: Any, t: Any, words: Any) -> dict[str, Any]:
        """What the net says to the UNet."""
        from studio.diffusion.control_nets import Added

        if self.net is None:
            return {}
        down, mid = self.net(x, t, words, controlnet_cond=self.maps.repeat(2, 1, 1, 1), return_dict=False)
        heard = Added(down=list(down), mid=[mid]).on_both_sides(self.loud)
        return {"down_block_additional_residuals": heard.down, "mid_block_additional_residual": heard.mid[0]}


@cache
def loudness() -> Any:
    """How loud the studio lets the net speak."""
    return read_catalog(CATALOG).controls[NET].loudness("even")


def to_batch(maps: Pictures, device: Any) -> Any:
    """Maps as nets read them."""
    import torch

    return torch.from_numpy(maps).permute(0, 3, 1, 2).float().to(device) / 255


def held_colours(painter: Any, maps: Any, how: str) -> Any:
    """The colours of maps as the studio holds them."""
    from pocket.painter import build_scheduler
    from studio.diffusion.control_colours import HOLDINGS, Grid, Held, placed, shares
    from studio.diffusion.latents import encode

    holding, latents = HOLDINGS[how], encode(painter.vae, 2 * maps - 1)
    grid = Grid(holding.cells, holding.cells)
    aim = placed(grid.cells(latents)) if how == "places" else shares(latents)
    return Held(grid, aim, build_scheduler(), holding.pull["even"])


def painting(painter: Any, net: Any, steps: int, batch: int = 25) -> Paint:
    """What the pocket paints, following maps where there are some."""

    def paint(prompts: list[str], seeds: list[int], shown: Shown | None) -> Pictures:
        if shown is None:
            return painter.paint(prompts, seeds, batch, steps=steps)
        done = []
        for k in range(0, len(prompts), batch):
            here = slice(k, k + batch)
            led = replace(painter, unet=Following(painter, net, shown[here]))
            done.append(led.paint(prompts[here], seeds[here], batch, steps=steps))
        return np.concatenate(done)

    return paint


def remembering(paint: Paint) -> Paint:
    """The same, but what follows no map is painted once: most kinds have the same references."""
    alone: dict[str, Pictures] = {}

    def go(prompts: list[str], seeds: list[int], shown: Shown | None) -> Pictures:
        if shown is not None:
            return paint(prompts, seeds, shown)
        asked = repr((prompts, seeds))
        if asked not in alone:
            alone[asked] = paint(prompts, seeds, None)
        return alone[asked]

    return go


def load_net(folder: Path) -> Any:
    """The control net of a folder, or None where there is none."""
    from diffusers import ControlNetModel

    from pocket.train.common import pick_device

    if not folder.is_dir():
        return None
    return ControlNetModel.from_pretrained(folder).float().eval().to(pick_device())


def judged(weights: Path) -> Callable[[Pictures, list[Reference]], float] | None:
    """How often the judge sees the subject that was asked for; None where it may not judge."""
    from pocket.judge import load_judge, load_licence, look

    if not (weights / "judge.safetensors").exists() or not load_licence(weights).may_judge(("subjects",)):
        return None
    judge = load_judge(weights / "judge.safetensors")

    def shown(pictures: Pictures, some: list[Reference]) -> float:
        seen = zip(some, look(judge, pictures), strict=True)
        return float(np.mean([r.asked.things[0].subject in v.subjects for r, v in seen]))

    return shown


def open_desk(weights: Path, steps: int) -> Desk:
    """The desk of a weights folder."""
    from pocket.painter import load_painter

    net = load_net(weights / "control")
    paint = remembering(painting(load_painter(weights), net, steps))
    return Desk(paint, open_eyes(weights), judged(weights), net is not None)


def main() -> None:
    """Print the table, and write it as JSON if asked."""
    from pocket.painter import STEPS

    parser = argparse.ArgumentParser(prog="python -m pocket.fidelity", description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(KINDS), help=f"some of: {', '.join(KINDS)}")
    parser.add_argument("--json", type=Path, help="write the rows as a list of name, value, goal, ok")
    parser.add_argument("--count", type=int, default=100, help="references a kind")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    if unknown := sorted(set(args.kinds) - set(KINDS)):
        parser.error(f"unknown kinds {', '.join(unknown)}; known: {', '.join(KINDS)}")
    if not reader_file(args.weights).exists():
        parser.exit(2, f"{args.weights} has no reader yet: python -m pocket.train detectors\n")
    desk = open_desk(args.weights, args.steps)
    if not desk.follows:
        print(f"no control net in {args.weights / 'control'}: only pictures without control are measured")
    tell(measure(desk, args.kinds, args.count), args.json)


if __name__ == "__main__":
    main()
