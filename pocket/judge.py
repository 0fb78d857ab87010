"""The judge: a small network that reads a picture, taught only by drawn truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pocket.world import SUBJECTS, Scene
from pocket.world.scene import BACKGROUNDS, COLOURS, DEFECTS, STYLES

SUBJECT_NAMES, COLOUR_NAMES = tuple(SUBJECTS), tuple(COLOURS)
MOST = 3
SIDE = 128


def block(inside: int, outside: int, stride: int) -> nn.Sequential:
    """Convolution, norm, activation."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )


class Judge(nn.Module):
    """Reads subjects with counts, colours and places, background, style and defects."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        w, n = width, len(SUBJECT_NAMES)
        self.low = nn.Sequential(block(3, w, 2), block(w, 2 * w, 2), block(2 * w, 2 * w, 1))
        self.high = nn.Sequential(
            block(2 * w, 4 * w, 2), block(4 * w, 4 * w, 1), block(4 * w, 6 * w, 2), block(6 * w, 6 * w, 1)
        )
        self.where = nn.Conv2d(6 * w, n, 1)
        self.colour = nn.Linear(6 * w + 2 * w, len(COLOUR_NAMES) * 2)
        self.colour_by = nn.Embedding(n, len(COLOUR_NAMES))
        self.count = nn.Linear(12 * w, n * (MOST + 1))
        whole = 12 * w + 4 * w
        self.background = nn.Linear(whole, len(BACKGROUNDS))
        self.style = nn.Linear(whole, len(STYLES))
        self.defects = nn.Linear(whole, len(DEFECTS))
        self.mix = nn.Linear(len(COLOUR_NAMES) * 2, len(COLOUR_NAMES))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Logits of every head; x is a batch between -1 and 1 of 128 pixels."""
        low = self.low(x)
        high = self.high(low)
        n, side = len(x), high.shape[-1]
        maps = self.where(high).flatten(2)
        look = maps.softmax(-1)
        fine = nn.functional.adaptive_avg_pool2d(low, side)
        parts = look @ torch.cat([high, fine], 1).flatten(2).transpose(1, 2)
        flat, crisp = high.flatten(2), low.flatten(2)
        pooled = torch.cat([flat.mean(-1), flat.amax(-1)], 1)
        whole = torch.cat([pooled, crisp.mean(-1), crisp.std(-1)], 1)
        return {
            "count": self.count(pooled).view(n, len(SUBJECT_NAMES), MOST + 1),
            "colour": self.mix(torch.relu(self.colour(parts))) + self.colour_by.weight,
            "place": look @ grid(side, x.device),
            "background": self.background(whole),
            "style": self.style(whole),
            "defects": self.defects(whole),
        }


def grid(side: int, device: torch.device) -> Tensor:
    """The centres of the cells as (x, y) shares of the picture."""
    axis = (torch.arange(side, device=device) + 0.5) / side
    ys, xs = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([xs.flatten(), ys.flatten()], 1)


@dataclass(frozen=True)
class Found:
    """One kind of subject in a picture."""

    count: int
    colour: str
    x: float
    y: float


@dataclass(frozen=True)
class Verdict:
    """What the judge read from one picture."""

    subjects: dict[str, Found]
    background: str
    style: str
    defects: tuple[str, ...]


def read_truth(scene: Scene) -> dict[str, NDArray[np.float32]]:
    """A scene as the numbers that the heads should say."""
    n = len(SUBJECT_NAMES)
    count, colour = np.zeros(n, np.int64), np.full(n, -1, np.int64)
    place = np.zeros((n, 2), np.float32)
    for thing in scene.things:
        k = SUBJECT_NAMES.index(thing.subject)
        place[k] = (place[k] * count[k] + (thing.x, thing.y)) / (count[k] + 1)
        count[k] += 1
        colour[k] = COLOUR_NAMES.index(thing.colour)
    return {
        "count": count,
        "colour": colour,
        "place": place,
        "background": np.int64(BACKGROUNDS.index(scene.background)),
        "style": np.int64(STYLES.index(scene.style)),
        "defects": np.array([d in scene.defects for d in DEFECTS], np.float32),
    }


def load_judge(path: Path) -> Judge:
    """The judge from its file, ready to read."""
    from safetensors.torch import load_file

    judge = Judge()
    judge.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()})
    return judge.eval()


@torch.no_grad()
def look(judge: Judge, pictures: NDArray[np.uint8], batch: int = 64) -> list[Verdict]:
    """Read pictures (n, 128, 128, 3)."""
    out: list[Verdict] = []
    for i in range(0, len(pictures), batch):
        x = (
            torch.from_numpy(np.ascontiguousarray(pictures[i : i + batch])).permute(0, 3, 1, 2).float()
            / 127.5
            - 1
        )
        heads = judge(x)
        out += [verdict({k: v[row] for k, v in heads.items()}) for row in range(len(x))]
    return out


def verdict(heads: dict[str, Tensor]) -> Verdict:
    """The heads of one picture in words."""
    counts, colours = heads["count"].argmax(-1).tolist(), heads["colour"].argmax(-1).tolist()
    places = heads["place"].tolist()
    subjects = {
        name: Found(counts[k], COLOUR_NAMES[colours[k]], places[k][0], places[k][1])
        for k, name in enumerate(SUBJECT_NAMES)
        if counts[k] > 0
    }
    defects = tuple(d for d, v in zip(DEFECTS, heads["defects"].tolist(), strict=True) if v > 0)
    return Verdict(
        subjects,
        BACKGROUNDS[int(heads["background"].argmax())],
        STYLES[int(heads["style"].argmax())],
        defects,
    )
