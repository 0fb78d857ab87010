"""What the control net learns from: drawings, each with its map of every kind that the course names."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pocket.data import about
from pocket.eyes import Eyes, open_eyes, reader_file
from pocket.models import NATIVE
from pocket.train.scenes import anything, first_of, learned
from pocket.train.settings import Settings
from pocket.world import Picture, draw
from pocket.world.truth import depth, people, soft_edges
from studio.skeletons import skeleton

# One net follows all of them: their maps cannot be taken for one another.
KINDS = ("pose", "canny", "soft_edge", "depth", "colour")
# How often a kind is shown beside the others: few pictures have a pose, and a map without outlines is learned late.
SHARES = {"pose": 3.0, "canny": 1.5, "soft_edge": 1.0, "depth": 0.75, "colour": 3.0}
LOW, HIGH = 100, 200
GRID = 8
CHUNK = 100


def hard_edges(pixels: NDArray[np.uint8], low: float = LOW, high: float = HIGH) -> NDArray[np.uint8]:
    """What the studio's detector of hard edges finds in a picture."""
    return cv2.Canny(pixels, low, high)


def grid(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mean colours of a few large cells."""
    side = pixels.shape[0] // GRID
    return pixels.reshape(GRID, side, GRID, side, 3).mean((1, 3)).round().astype(np.uint8)


@dataclass(frozen=True)
class Maps:
    """The maps of some pictures, small where they can be: levels (n, side, side), colours, joints drawn."""

    canny: NDArray[np.uint8]
    soft_edge: NDArray[np.uint8]
    depth: NDArray[np.uint8]
    colour: NDArray[np.uint8]
    pose: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.canny)

    def kinds(self, row: int) -> list[str]:
        """What there is of a picture: a pose only where somebody stands in it."""
        return [kind for kind in KINDS if kind != "pose" or self.pose[row].any()]

    def one(self, kind: str, row: int) -> NDArray[np.uint8]:
        """A map as the net is shown it, in three colours."""
        told: NDArray[np.uint8] = getattr(self, kind)[row]
        if kind == "colour":
            return told.repeat(self.canny.shape[1] // GRID, 0).repeat(self.canny.shape[1] // GRID, 1)
        return told if told.ndim == 3 else np.repeat(told[..., None], 3, 2)

    def any(self, row: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """A map of one of the kinds that there are."""
        kinds = self.kinds(row)
        shares = np.array([SHARES[kind] for kind in kinds])
        return self.one(str(rng.choice(kinds, p=shares / shares.sum())), row)

    def some(self, rows: NDArray[np.int64], rng: np.random.Generator, device: torch.device) -> Tensor:
        """A map of any of its kinds for each picture, 0 to 1."""
        chosen = [self.any(row, rng) for row in rows]
        batch = torch.from_numpy(np.stack(chosen)).to(device).permute(0, 3, 1, 2).float() / 255
        return batch.contiguous(memory_format=torch.channels_last)


def maps_of(picture: Picture) -> dict[str, NDArray[np.uint8]]:
    """Every map of a drawing; of hard edges and colours as the studio's own detectors take them."""
    return {
        "canny": hard_edges(picture.pixels),
        "soft_edge": soft_edges(picture),
        "depth": depth(picture),
        "colour": grid(picture.pixels),
        "pose": np.asarray(skeleton(people(picture), picture.image.size)),
    }


def seen_levels(picture: Image.Image, eyes: Eyes) -> dict[str, NDArray[np.uint8]]:
    """The levels that the studio's detectors see in a picture, which is what the net is shown of it later."""
    detectors = {"soft_edge": "small_edges", "depth": "small_depth"}
    return {kind: np.asarray(eyes.map(name, picture).convert("L")) for kind, name in detectors.items()}


def seen_pose(picture: Picture, eyes: Eyes) -> dict[str, NDArray[np.uint8]]:
    """The pose that is seen, if everybody who is there is seen and nobody else."""
    found = eyes.figures(picture.image)
    if not found or len(found) != len(people(picture)):
        return {}
    return {"pose": np.asarray(skeleton(found, picture.image.size))}


@cache
def eyes_of(weights: Path) -> Eyes:
    """The eyes of a weights folder, once in every process."""
    return open_eyes(weights)


def map_chunk(rows: list[int], side: int, weights: Path) -> dict[str, NDArray[np.uint8]]:
    """The maps of some of the pictures that the base learned from: in every second picture, what is seen takes the
    place of what is true, since people show both to the net."""
    every = []
    for number, row in enumerate(rows):
        picture = draw(learned(row), side)
        maps, eyes = maps_of(picture), eyes_of(weights)
        if number % 2:
            maps |= seen_levels(picture.image, eyes) | seen_pose(picture, eyes)
        every.append(maps)
    return {kind: np.stack([maps[kind] for maps in every]) for kind in KINDS}


def mapped(count: int) -> list[int]:
    """The rows of the training set whose maps are shown: scenes of the world, whose shapes and places only a map
    tells."""
    return first_of(count, anything)


def draw_maps(settings: Settings) -> None:
    """Draw and see them into the run folder, once."""
    folder, count = settings.run, settings.control.pictures
    done, meant = folder / "maps.done", about(count, NATIVE, split="seen")
    if done.exists() and done.read_text() == meant:
        return
    done.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    parts = map_chunks(mapped(count), settings.weights)
    for kind in KINDS:
        np.save(folder / f"map-{kind}.npy", np.concatenate([part[kind] for part in parts]))
    done.write_text(meant)


def map_chunks(rows: list[int], weights: Path) -> list[dict[str, NDArray[np.uint8]]]:
    """The maps of some pictures, made by a process for every core."""
    if not reader_file(weights).exists():
        raise SystemExit(f"{weights} has no reader yet, which sees maps: python -m pocket.train detectors")
    jobs = [rows[k : k + CHUNK] for k in range(0, len(rows), CHUNK)]
    # Forked, a network that ran here before would not be safe there.
    apart = get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), apart, torch.set_num_threads, (1,)) as pool:
        return list(pool.map(partial(map_chunk, side=NATIVE, weights=weights), jobs))


def open_maps(settings: Settings) -> tuple[NDArray[np.int64], Maps]:
    """The rows of the training set that the net learns from, and their maps."""
    draw_maps(settings)
    read = {kind: np.load(settings.run / f"map-{kind}.npy", mmap_mode="r") for kind in KINDS}
    return np.array(mapped(settings.control.pictures)), Maps(**read)
