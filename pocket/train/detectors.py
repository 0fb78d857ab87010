"""Only when it is named: the small reader that takes soft edges, depth and poses out of pictures of this world.

It is the studio's own network, taught by drawn truth alone, so that a picture can be held up to the pocket without
fetching any detector. What it scored on drawings that it never saw, clean and rough ones, is written beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from pocket.closeness import depth_rank, edge_f1
from pocket.models import NATIVE
from pocket.train.common import fast_math, lay_out, pick_device
from pocket.train.loop import Loop
from pocket.train.readings import Readings, open_readings, rough
from pocket.train.settings import Settings
from studio.control import small
from studio.models.small_reader import FINER, SmallReader

NAME, HELD_OUT = "reader", 200
QUICK = 30
# A joint is right within this share of the picture's side.
NEAR = 0.05
SETTINGS = {"resolution": NATIVE / FINER}


# -- what is to be said ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Cells:
    """The truth about people on the cells: how likely each joint is, how far it is from the neck, and where to ask."""

    likely: Tensor
    away: Tensor
    asked: Tensor


def to_cells(joints: Tensor, rows: int) -> Cells:
    """Joints (n, people, 18, 2) in shares of the side, on a square of cells; what is no number is nobody's."""
    axis = (torch.arange(rows, device=joints.device) + 0.5) / rows
    right, down = (joints[..., k, None] - axis for k in (0, 1))
    far = right.square()[..., None, :] + down.square()[..., :, None]
    likely = torch.exp(-far * rows**2 / 2).nan_to_num(0.0)
    # Every cell beside a neck belongs to the person whose neck is nearest.
    neck, owner = likely[:, :, small.NECK].max(1)
    ends = torch.stack([right[..., None, :].expand_as(likely), down[..., :, None].expand_as(likely)], 3)
    away = ends.gather(1, owner[:, None, None, None].expand(-1, 1, *ends.shape[2:]))[:, 0]
    asked = (neck > 0.3)[:, None, None] & ~away.isnan()
    return Cells(likely.amax(1), away.nan_to_num(0.0).flatten(1, 2), asked.flatten(1, 2))


def reader_loss(told: dict[str, Tensor], truth: dict[str, Tensor]) -> Tensor:
    """The sum of what is wrong about edges, depth and people."""
    cells = to_cells(truth["joints"], told["joints"].shape[-1])
    edges = weighed(told["edges"], truth["edges"], 1 + 4 * truth["edges"])
    off = (told["depth"].sigmoid() - truth["depth"]).abs().mean((1, 2)) * ~truth["moved"]
    nearness = off.sum() / (~truth["moved"]).sum().clamp(min=1)
    joints = weighed(told["joints"], cells.likely, 1 + 50 * cells.likely)
    away = ((told["away"] - cells.away).abs() * cells.asked).sum() / cells.asked.sum().clamp(min=1)
    return edges + 4 * nearness + 10 * joints + 4 * away


def weighed(logits: Tensor, levels: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy with levels between no and yes."""
    return (functional.binary_cross_entropy_with_logits(logits, levels, reduction="none") * weight).mean()


# -- the run --------------------------------------------------------------------------------------


class Reading:
    """A run of the reader."""

    def __init__(self, settings: Settings, readings: Readings) -> None:
        self.s, self.readings, self.device = settings.detectors, readings, pick_device()
        torch.manual_seed(self.s.seed)
        self.reader = lay_out(SmallReader(), self.device)
        self.loop = Loop(
            "detectors", settings, self.s, self.reader,
            decay=self.s.decay, betas=(0.9, 0.999), shrink=0.02, most=5.0,
        )  # fmt: skip

    def wrong(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """What the reader gets wrong about some drawings."""
        x, truth = self.readings.batch(self.s.batch, rng, self.device)
        with fast_math(self.device):
            told = self.reader(x)
        return {"loss": reader_loss({name: values.float() for name, values in told.items()}, truth)}

    def averaged(self) -> SmallReader:
        """The averaged network as it ships, in half precision, ready to read."""
        assert self.loop.average is not None
        reader = SmallReader()
        reader.load_state_dict({name: values.cpu() for name, values in self.loop.average.values.items()})
        return reader.half().float().eval()

    def run(self, look: Callable[[SmallReader], str]) -> SmallReader:
        """Train until the minutes are used, and tell now and then how well it reads."""
        self.loop.run(self.wrong, lambda: print(look(self.averaged()), flush=True))
        return self.averaged()


# -- the exam -------------------------------------------------------------------------------------


def found_share(seen: list[Any], joints: NDArray[np.float32], side: int) -> tuple[int, int]:
    """How many joints of a picture's people are found near their place, and how many there are."""
    hits = there = 0
    for person in joints[~np.isnan(joints[:, small.NECK, 0])]:
        wanted = {
            small.JOINTS[k]: place * side for k, place in enumerate(person) if not np.isnan(place).any()
        }
        right = [
            sum(
                name in one and float(np.hypot(*(one[name] - place))) <= NEAR * side
                for name, place in wanted.items()
            )
            for one in seen
        ]
        hits, there = hits + max(right, default=0), there + len(wanted)
    return hits, there


def examine(reader: SmallReader, readings: Readings, count: int, spoil: bool) -> dict[str, float]:
    """How well the detectors of the studio read drawings with this network."""
    tools, rng = {"network": reader}, np.random.default_rng(0)
    edges, ranks, hits, counted = [], [], np.zeros(2, int), []
    for k in range(count):
        pixels = rough(readings.pixels[k], rng) if spoil else readings.pixels[k]
        picture = Image.fromarray(pixels)
        edges.append(edge_f1(small.edges(picture, SETTINGS, tools), Image.fromarray(readings.edges[k])))
        ranks.append(depth_rank(small.depth(picture, SETTINGS, tools), Image.fromarray(readings.depth[k])))
        seen = list(small.figures(picture, SETTINGS, tools))
        hits += found_share(seen, readings.joints[k], NATIVE)
        counted.append(len(seen) == int((~np.isnan(readings.joints[k][:, small.NECK, 0])).sum()))
    return {
        "soft edges, F1": round(float(np.mean(edges)), 4),
        "depth, rank correlation": round(float(np.mean(ranks)), 4),
        "joints within 5 %": round(float(hits[0] / max(1, hits[1])), 4),
        "people counted right": round(float(np.mean(counted)), 4),
    }


def ship(settings: Settings, reader: SmallReader, marks: dict[str, dict[str, float]]) -> None:
    """Write the network in fp16 and its scores beside it."""
    folder = settings.weights / "detectors"
    folder.mkdir(parents=True, exist_ok=True)
    small_state = {k: v.half().contiguous() for k, v in reader.state_dict().items()}
    save_file(small_state, folder / f"{NAME}.safetensors")
    (folder / f"{NAME}.json").write_text(json.dumps(marks, indent=1) + "\n")


def train_detectors(settings: Settings) -> None:
    """Train until the budget is used, then examine the reader on held-out drawings and write it."""
    folder, s = settings.data / "readings", settings.detectors
    held_out = open_readings(folder, HELD_OUT, NATIVE, "held_out")
    reading = Reading(settings, open_readings(folder, s.pictures, NATIVE))
    reader = reading.run(lambda now: f"held out: {examine(now, held_out, QUICK, spoil=False)}")
    marks = {
        "clean": examine(reader, held_out, HELD_OUT, spoil=False),
        "rough": examine(reader, held_out, HELD_OUT, spoil=True),
    }
    ship(settings, reader, marks)
    print(json.dumps(marks, indent=1), flush=True)
