"""The drawn data set on disk: picture i is the world's scene of seed i; beside it lies which thing covers each cell."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pocket.growing import Growing
from pocket.world import Picture, Scene, draw, sample

CHUNK = 100
CELLS = 16
# Raised whenever a number's scene, or how it is drawn, becomes another: what was drawn before is drawn anew then.
EDITION = 4
# A thing owns a cell when it covers so much of it.
OWNED = 0.4
# Pictures, and the owners of their cells.
Drawn = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def owners(picture: Picture) -> NDArray[np.uint8]:
    """Which thing covers each cell of a coarse grid: 1 for the first, 0 for none."""
    out, step = np.zeros((CELLS, CELLS), np.uint8), picture.pixels.shape[0] // CELLS
    for k, mask in enumerate(picture.masks):
        cover = mask.reshape(CELLS, step, CELLS, step).mean((1, 3)) / 255
        out[cover >= OWNED] = k + 1
    return out


def draw_chunk(seeds: range, side: int, make: Callable[[int], Scene]) -> Drawn:
    """The pictures of some seeds, and the owners of their cells."""
    drawn = [draw(make(seed), side) for seed in seeds]
    return np.stack([p.pixels for p in drawn]), np.stack([owners(p) for p in drawn])


def cells_path(path: Path) -> Path:
    """Where the owners of a set's cells lie."""
    return path.with_name(f"{path.stem}-cells.npy")


def about(count: int, side: int, first: int = 0, split: str = "train") -> str:
    """What is written beside a whole set: what is in it, and as of which drawing."""
    return f"{count} {side} {first} {split} {EDITION}"


def is_drawn(path: Path, meant: str) -> bool:
    """Whether a file holds the whole of what is meant."""
    done = path.with_suffix(".done")
    return done.exists() and done.read_text() == meant


def drawn_chunks(
    draw_one: Callable[[range], Drawn], seeds: range, workers: int | None
) -> Iterator[tuple[slice, Drawn]]:
    """Pictures and cells of some seeds, drawn on several processors; with each lot where in the set it belongs."""
    starts = range(0, len(seeds), CHUNK)
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        lots = pool.map(draw_one, [seeds[start : start + CHUNK] for start in starts])
        for start, drawn in zip(starts, lots, strict=True):
            yield slice(start, start + len(drawn[0])), drawn


def draw_set(
    path: Path,
    count: int,
    side: int,
    first: int = 0,
    split: str = "train",
    workers: int | None = None,
    make: Callable[[int], Scene] | None = None,
) -> NDArray[np.uint8]:
    """Draw `count` pictures into one file, or open the file if it is complete; returns a memory map.

    `make` gives the scene of a seed where a set is no plain split; `split` is then only its name. How many are drawn
    is told all the while, for those who begin with what there is.
    """
    done, grown, meant = path.with_suffix(".done"), Growing(path), about(count, side, first, split)
    if is_drawn(path, meant):
        grown.tell(count)
        return np.load(path, mmap_mode="r")
    done.unlink(missing_ok=True)
    grown.tell(0)
    pixels = np.lib.format.open_memmap(path, "w+", np.uint8, (count, side, side, 3))
    cells = np.lib.format.open_memmap(cells_path(path), "w+", np.uint8, (count, CELLS, CELLS))
    one_chunk = partial(draw_chunk, side=side, make=make or partial(sample, split=split))
    for here, (chunk, owned) in drawn_chunks(one_chunk, range(first, first + count), workers):
        pixels[here], cells[here] = chunk, owned
        grown.tell(here.stop)
        print(f"drawn {here.stop} of {count}", flush=True)
    pixels.flush()
    cells.flush()
    done.write_text(meant)
    return np.load(path, mmap_mode="r")


def scenes(count: int, first: int = 0, split: str = "train") -> list[Scene]:
    """The truths of a drawn set."""
    return [sample(first + i, split) for i in range(count)]
