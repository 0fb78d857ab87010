"""The drawn data set on disk: picture i is the world's scene of seed i."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pocket.world import Scene, draw, sample

CHUNK = 200


def draw_chunk(seeds: range, side: int, make: Callable[[int], Scene]) -> NDArray[np.uint8]:
    """The pictures of some seeds."""
    return np.stack([draw(make(seed), side).pixels for seed in seeds])


def draw_set(
    path: Path,
    count: int,
    side: int,
    first: int = 0,
    split: str = "train",
    workers: int = 2,
    make: Callable[[int], Scene] | None = None,
) -> NDArray[np.uint8]:
    """Draw `count` pictures into one file, or open the file if it is complete; returns a memory map.

    `make` gives the scene of a seed where a set is no plain split; `split` is then only its name.
    """
    done = path.with_suffix(".done")
    if done.exists() and done.read_text() == f"{count} {side} {first} {split}":
        return np.load(path, mmap_mode="r")
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.lib.format.open_memmap(path, "w+", np.uint8, (count, side, side, 3))
    starts, make = range(0, count, CHUNK), make or partial(sample, split=split)
    with ProcessPoolExecutor(workers) as pool:
        jobs = [range(first + s, first + min(s + CHUNK, count)) for s in starts]
        for start, chunk in zip(
            starts, pool.map(partial(draw_chunk, side=side, make=make), jobs), strict=True
        ):
            pixels[start : start + len(chunk)] = chunk
            print(f"drawn {start + len(chunk)} of {count}", flush=True)
    pixels.flush()
    done.write_text(f"{count} {side} {first} {split}")
    return np.load(path, mmap_mode="r")


def scenes(count: int, first: int = 0, split: str = "train") -> list[Scene]:
    """The truths of a drawn set."""
    return [sample(first + i, split) for i in range(count)]
