"""Draws the pictures of presets/references.yaml anew: `python -m presets.references.draw`, or some of them by name.

Five scenes are looked at by rays, so that their depth, directions, segments and edges are true; that takes minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from PIL import Image

from presets.references.draw import camera, sketches
from presets.references.draw.scenes import SCENES

FOLDER = Path(__file__).parents[1]
LOOKS: dict[str, Callable[[camera.Seen], Image.Image]] = {
    "picture": camera.picture, "depth": camera.depth, "normals": camera.normals, "segments": camera.segments,
    "art": camera.line_art, "soft": camera.soft_edges, "lines": camera.straight,
}  # fmt: skip
TAKEN = {
    "cottage": ("picture", "depth", "segments", "art", "soft", "lines"),
    "room": ("picture", "depth", "normals", "segments", "lines"),
    "cat": ("picture", "normals", "art", "soft"),
    "still": ("picture", "depth", "normals", "art"),
    "lighthouse": ("picture", "segments", "soft"),
}
"""What is taken of every scene."""
EXACT = ("segments", "art", "lines")
"""Maps of few colours, which a file must give back as they are."""
FIGURES = ("waving", "running", "dancing-pair")


def drawings(names: Iterable[str]) -> Iterator[tuple[str, Image.Image]]:
    """File names and pictures, one after the other."""
    wanted = set(names)
    flat: dict[str, Callable[[], Image.Image]] = {
        f"{name}.webp": draw for name, draw in sketches.MANNERS.items()
    }
    flat["pixel-night.png"] = flat.pop("pixel-night.webp")
    for number, (name, lines) in enumerate(sketches.SCRIBBLES.items()):
        flat[f"{name}.png"] = lambda lines=lines, number=number: sketches.scribble(lines(), number)
    flat |= {f"pose-{pose}.png": lambda pose=pose: sketches.skeleton(pose) for pose in FIGURES}
    yield from ((file, draw()) for file, draw in flat.items() if not wanted or Path(file).stem in wanted)
    for scene in TAKEN:
        if not wanted or scene in wanted:
            yield from _of_scene(scene)


def _of_scene(name: str) -> Iterator[tuple[str, Image.Image]]:
    seen = camera.look(SCENES[name]())
    for way in TAKEN[name]:
        stem = name if way == "picture" else f"{way}-{name}"
        yield f"{stem}.{'png' if way in EXACT else 'webp'}", LOOKS[way](seen)


def write(file: str, picture: Image.Image) -> None:
    """Keeps a drawing, as small as it can be without harm."""
    if file.endswith(".webp"):
        picture.save(FOLDER / file, quality=86, method=6)
        return
    colours = picture.getcolors(256)
    small = picture if colours is None else picture.quantize(len(colours), dither=Image.Dither.NONE)
    small.save(FOLDER / file, optimize=True)


if __name__ == "__main__":
    for file, picture in drawings(sys.argv[1:]):
        write(file, picture)
        sys.stdout.write(f"{file}\n")
