"""What the small reader learns from: drawings in every style and light, half of them of people, with their maps."""

from __future__ import annotations

import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pocket.train.common import to_input
from pocket.world import SUBJECTS, Picture, Scene, draw, sample
from pocket.world.scene import LIGHTS, STYLES
from pocket.world.truth import depth, people, soft_edges
from studio.skeletons import JOINTS

FIRST, TRIES, MOST, CHUNK = 1_200_000, 1000, 3, 100
PEOPLE, FLAT, DAY = 0.5, 0.35, 0.6
# Mirrored, a person's right side is the left one.
OTHER = {"right": "left", "left": "right"}
MIRRORED = [JOINTS.index("_".join(OTHER.get(word, word) for word in name.split("_"))) for name in JOINTS]
# How many pictures are made rough; each of the ways comes in half of them.
ROUGH = 0.6
# How many are shifted and made larger or smaller; how near things are is then no longer told by where they stand.
SHIFTED = 0.4


def has_people(scene: Scene) -> bool:
    """Whether anybody stands in a scene."""
    return any(SUBJECTS[thing.subject].person for thing in scene.things)


def reading(k: int, split: str = "train") -> Scene:
    """Scene k: no defect moves anything in it, and every style and light comes often."""
    rng = random.Random(f"reading-{split}-{k}")
    wants = rng.random() < PEOPLE
    scene = next(
        s for s in (sample(FIRST + TRIES * k + n, split) for n in count()) if has_people(s) or not wants
    )
    style = "flat" if rng.random() < FLAT else rng.choice(STYLES)
    light = (
        "day"
        if rng.random() < DAY or style == "neon" or scene.background == "night sky"
        else rng.choice(LIGHTS)
    )
    return replace(scene, style=style, light=light, defects=())


def places(picture: Picture) -> NDArray[np.float32]:
    """The joints of everybody as shares of the side; what is beyond the picture, or nobody's, is no number."""
    out, side = np.full((MOST, len(JOINTS), 2), np.nan, np.float32), picture.pixels.shape[0]
    for row, figure in enumerate(people(picture)):
        out[row] = [figure[name] for name in JOINTS]
    out /= side
    out[((out < 0) | (out >= 1)).any(-1)] = np.nan
    return out


@dataclass(frozen=True)
class Readings:
    """Pictures and what is to be read from each."""

    pixels: NDArray[np.uint8]
    edges: NDArray[np.uint8]
    depth: NDArray[np.uint8]
    joints: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(
        self, size: int, rng: np.random.Generator, device: torch.device
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Some pictures at half their size, mirrored and made rough, and what is to be read from them all the same."""
        rows = np.sort(rng.integers(0, len(self), size))
        pixels, joints = self.pixels[rows], self.joints[rows]
        maps = np.stack([self.edges[rows], self.depth[rows]], -1)
        turned = rng.random(size) < 0.5
        pixels[turned], maps[turned] = pixels[turned, :, ::-1], maps[turned, :, ::-1]
        joints[turned] = joints[turned][:, :, MIRRORED] * (-1, 1) + (1, 0)
        moved = rng.random(size) < SHIFTED
        for k in np.flatnonzero(moved):
            pixels[k], maps[k], joints[k] = shifted(pixels[k], maps[k], joints[k], rng)
        pixels = np.stack([rough(one, rng) if rng.random() < ROUGH else one for one in pixels])
        levels = torch.from_numpy(maps).to(device).float() / 255
        truth = {
            "edges": levels[..., 0],
            "depth": levels[..., 1],
            "moved": torch.from_numpy(moved).to(device),
        }
        seen = np.stack(
            [cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for one in pixels]
        )
        return toned(to_input(seen, device)), {**truth, "joints": torch.from_numpy(joints).to(device)}


def shifted(
    pixels: NDArray[np.uint8], maps: NDArray[np.uint8], joints: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray, NDArray, NDArray]:
    """A picture, its maps and its joints at another place and size; its edges go on as they end."""
    side, size = pixels.shape[0], rng.uniform(0.75, 1.2)
    right, down = (1 - size) / 2 + rng.uniform(-0.12, 0.12, 2)
    how = np.array([[size, 0, right * side], [0, size, down * side]], np.float32)
    laid = [cv2.warpAffine(one, how, (side, side), borderMode=cv2.BORDER_REPLICATE) for one in (pixels, maps)]
    places = joints * np.float32(size) + np.float32((right, down))
    places[((places < 0) | (places >= 1)).any(-1)] = np.nan
    return laid[0], laid[1], places


def rough(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture as painting, sending and shrinking leave it: soft, blocky, noisy, by chance one or several of them."""
    out = pixels
    if rng.random() < 0.5:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.5, 2.0))
    if rng.random() < 0.5:
        noise = rng.standard_normal(out.shape, np.float32) * rng.uniform(2, 16)
        out = np.clip(out + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        _, sent = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))])
        out = cv2.imdecode(sent, cv2.IMREAD_COLOR)
    return np.asarray(out, np.uint8)


def toned(x: Tensor) -> Tensor:
    """Every picture a little lighter or darker, stronger or paler."""
    shape = (len(x), 1, 1, 1)
    strength, shift = (
        0.8 + 0.4 * torch.rand(shape, device=x.device),
        0.2 * torch.rand(shape, device=x.device) - 0.1,
    )
    return (x * strength + shift).clamp(-1, 1)


def read_chunk(rows: range, side: int, split: str) -> dict[str, NDArray]:
    """The pictures of some scenes with their truth."""
    drawn = [draw(reading(k, split), side) for k in rows]
    return {
        "pixels": np.stack([p.pixels for p in drawn]),
        "edges": np.stack([soft_edges(p) for p in drawn]),
        "depth": np.stack([depth(p) for p in drawn]),
        "joints": np.stack([places(p) for p in drawn]),
    }


def open_readings(folder: Path, amount: int, side: int, split: str = "train", workers: int = 2) -> Readings:
    """The drawings of a split, drawn once; those that are there already are not drawn again."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [range(k, min(k + CHUNK, amount)) for k in range(0, amount, CHUNK)]
    paths = {job: folder / f"readings-{split}-{side}-{job.start}-{job.stop}.npz" for job in jobs}
    with ProcessPoolExecutor(workers) as pool:
        missing = [job for job in jobs if not paths[job].exists()]
        for job, part in zip(
            missing, pool.map(partial(read_chunk, side=side, split=split), missing), strict=True
        ):
            unfinished = paths[job].with_suffix(".part.npz")
            np.savez(unfinished, **part)
            unfinished.replace(paths[job])
            print(f"drawn {job.stop} of {amount}", flush=True)
    parts = [np.load(paths[job]) for job in jobs]
    return Readings(**{f.name: np.concatenate([part[f.name] for part in parts]) for f in fields(Readings)})
