"""Looks at a scene of solids by walking along rays: its picture, and the maps that are true of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from presets.references.draw.solids import NEAR, Colour, Numbers, Place, Points, Solid

SIDE = 512
FINE = 2
"""Rays a pixel has each way."""
FAR = 90.0
ADE = {
    "wall": (120, 120, 120), "sky": (6, 230, 230), "floor": (80, 50, 50), "tree": (4, 200, 3),
    "bed": (204, 5, 255), "windowpane": (230, 230, 230), "grass": (4, 250, 7), "door": (8, 255, 51),
    "table": (255, 6, 82), "mountain": (143, 255, 140), "plant": (204, 255, 4), "chair": (204, 70, 3),
    "painting": (255, 6, 51), "house": (255, 9, 224), "sea": (9, 7, 230), "lamp": (224, 255, 8),
    "rug": (255, 9, 92), "rock": (255, 41, 10), "path": (255, 31, 0), "boat": (173, 255, 0),
    "tower": (255, 184, 184), "vase": (0, 255, 204), "food": (255, 204, 0), "book": (255, 163, 0),
    "animal": (255, 0, 122), "cushion": (255, 194, 7), "pot": (245, 0, 255), "ball": (255, 0, 163),
}  # fmt: skip
"""The colours that ADE20K's classes have in a map of segments, of those that stand in the scenes."""


@dataclass(frozen=True)
class Scene:
    """Solids, who looks at them from where, and the light."""

    solids: tuple[Solid, ...]
    eye: Place
    at: Place
    zoom: float
    sun: Place = (-0.5, 0.8, 0.45)
    sky: tuple[Colour, Colour] = ((0.99, 0.93, 0.84), (0.55, 0.76, 0.9))
    """At the horizon and above."""
    haze: float = 0.012
    behind: str = "sky"


@dataclass(frozen=True)
class Seen:
    """What every ray met: how far, which solid (-1: none), which way it faces, in which light."""

    scene: Scene
    rays: Points
    far: Numbers
    which: NDArray[np.int64]
    normals: Points

    @property
    def side(self) -> int:
        """Rays along one side."""
        return self.far.shape[0]


def look(scene: Scene, side: int = SIDE * FINE) -> Seen:
    """Follows one ray a pixel until it meets something."""
    rays = _rays(scene, side)
    far, which = _walk(scene, rays.reshape(-1, 3))
    met = which >= 0
    normals = np.zeros((side * side, 3), np.float32)
    places = _from(scene.eye) + rays.reshape(-1, 3)[met] * far[met, None]
    normals[met] = _normals(scene, places, which[met])
    shape = (side, side)
    return Seen(scene, rays, far.reshape(shape), which.reshape(shape), normals.reshape(*shape, 3))


def _from(place: Place) -> Points:
    return np.array(place, np.float32)


def _unit(v: Points) -> Points:
    return v / np.maximum(np.sqrt((v * v).sum(-1, keepdims=True)), 1e-9)


def _frame(scene: Scene) -> tuple[Points, Points, Points]:
    """Right, up and ahead, as who looks has them."""
    ahead = _unit(_from(scene.at) - _from(scene.eye))
    right = _unit(np.cross(ahead, _from((0, 1, 0))))
    return right, np.cross(right, ahead), ahead


def _rays(scene: Scene, side: int) -> Points:
    right, up, ahead = _frame(scene)
    steps = ((np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1) / np.float32(scene.zoom)
    x, y = np.meshgrid(steps, -steps)
    return _unit(ahead + x[..., None] * right + y[..., None] * up).astype(np.float32)


def _walk(scene: Scene, rays: Points) -> tuple[Numbers, NDArray[np.int64]]:
    far, which = np.zeros(len(rays), np.float32), np.full(len(rays), -1)
    going = np.arange(len(rays))
    for _ in range(140):
        places = _from(scene.eye) + rays[going] * far[going, None]
        distances = np.stack([solid.shape.distance(places) for solid in scene.solids])
        nearest = distances.min(0)
        met = nearest < 0.0006 * (1 + far[going])
        which[going[met]] = distances.argmin(0)[met]
        far[going] += np.where(met, 0, nearest * 0.9)
        going = going[~met & (far[going] < FAR)]
        if not len(going):
            break
    _close_in(scene, rays, far, which)
    return far, which


def _close_in(scene: Scene, rays: Points, far: Numbers, which: NDArray[np.int64]) -> None:
    """Takes the last steps to the surface that was met: what is left of the way would show as bands."""
    for number in np.unique(which[which >= 0]):
        own = which == number
        for _ in range(3):
            far[own] += scene.solids[number].shape.distance(_from(scene.eye) + rays[own] * far[own, None])


def _nearest(scene: Scene, places: Points) -> Numbers:
    return np.minimum.reduce([solid.shape.distance(places) for solid in scene.solids])


def _normals(scene: Scene, places: Points, which: NDArray[np.int64]) -> Points:
    found = np.zeros_like(places)
    for corner in _from((1, -1, -1)), _from((-1, -1, 1)), _from((-1, 1, -1)), _from((1, 1, 1)):
        for number in np.unique(which):
            own = which == number
            there = places[own] + corner * np.float32(0.004)
            found[own] += corner * scene.solids[number].shape.distance(there)[:, None]
    return _unit(found)


# -- the picture ----------------------------------------------------------------------------------


def picture(seen: Seen) -> Image.Image:
    """The scene in the light of its sun, smoothed from its fine rays."""
    scene, met = seen.scene, seen.which >= 0
    colours = _sky(scene, seen.rays)
    places = _from(scene.eye) + seen.rays[met] * seen.far[met][:, None]
    lit = _lit(scene, places, seen.normals[met], seen.which[met], seen.rays[met])
    haze = (1 - np.exp(-scene.haze * np.maximum(seen.far[met] - 6, 0)))[:, None]
    colours[met] = lit * (1 - haze) + np.array(scene.sky[0], np.float32) * haze
    return _smoothed(
        Image.fromarray(_bytes(np.clip(colours, 0, None) ** np.float32(0.86) * np.float32(1.04)))
    )


def _bytes(shares: NDArray[np.float32]) -> NDArray[np.uint8]:
    return (np.clip(shares, 0, 1) * 255 + 0.5).astype(np.uint8)


def _smoothed(image: Image.Image) -> Image.Image:
    return image.resize(
        (SIDE, SIDE), Image.Resampling.BOX if image.width % SIDE == 0 else Image.Resampling.LANCZOS
    )


def _sky(scene: Scene, rays: Points) -> NDArray[np.float32]:
    below, above = (np.array(colour, np.float32) for colour in scene.sky)
    high = np.clip(rays[..., 1] * 1.9 + 0.05, 0, 1)[..., None] ** np.float32(0.8)
    sun = np.clip((rays @ _unit(_from(scene.sun)) - 0.90) / 0.10, 0, 1)[..., None] ** 3
    return below * (1 - high) + above * high + sun * np.array((0.35, 0.28, 0.14), np.float32)


def _lit(
    scene: Scene, places: Points, normals: Points, which: NDArray[np.int64], rays: Points
) -> NDArray[np.float32]:
    sun = _unit(_from(scene.sun))
    start = places + normals * np.float32(0.02)
    direct = np.clip(normals @ sun, 0, 1)
    bright = direct > 0
    direct[bright] *= _sunlit(scene, start[bright], sun)
    around = _open(scene, places, normals) * (0.62 + 0.38 * normals[:, 1])
    warm, cool = np.array((1.04, 0.93, 0.78), np.float32), np.array((0.56, 0.58, 0.62), np.float32)
    light = direct[:, None] * warm * np.float32(0.85) + around[:, None] * cool
    shine = np.clip((_unit(sun - rays) * normals).sum(-1), 0, 1) ** 40 * direct
    gloss = np.array([solid.shine for solid in scene.solids], np.float32)[which]
    return _painted(scene, places, which) * light + (shine * gloss)[:, None]


def _painted(scene: Scene, places: Points, which: NDArray[np.int64]) -> NDArray[np.float32]:
    colours = np.zeros_like(places)
    for number, solid in enumerate(scene.solids):
        own = which == number
        paint = solid.colour
        colours[own] = paint(places[own]) if callable(paint) else np.array(paint, np.float32)
    return colours


def _sunlit(scene: Scene, places: Points, sun: Points) -> Numbers:
    """How much of the sun is seen from places; shadows soften with the distance of what throws them."""
    light, t = np.ones(len(places), np.float32), np.full(len(places), 0.03, np.float32)
    going = np.arange(len(places))
    for _ in range(28):
        near = _nearest(scene, places[going] + sun * t[going, None])
        # What is farther away is not known well enough to dim anything.
        dimmed = np.where(near < 0.9 * NEAR, np.clip(16 * near / t[going] + 0.1, 0, 1), 1)
        light[going] = np.minimum(light[going], dimmed)
        t[going] += np.clip(near, 0.03, 0.8)
        going = going[(light[going] > 0) & (t[going] < 12)]
    return light


def _open(scene: Scene, places: Points, normals: Points) -> Numbers:
    """How open places are to the sky around."""
    closed = np.zeros(len(places), np.float32)
    for step, weight in ((0.06, 0.9), (0.16, 0.5), (0.42, 0.3)):
        near = _nearest(scene, places + normals * np.float32(step))
        closed += np.float32(weight) * np.maximum(step - near, 0) / np.float32(step) * np.float32(0.6)
    return np.clip(1 - closed, 0.15, 1)


# -- the maps -------------------------------------------------------------------------------------


def depth(seen: Seen) -> Image.Image:
    """Nearness: what is near is bright, what is behind everything is black."""
    met = seen.which >= 0
    ahead = seen.far * (seen.rays @ _frame(seen.scene)[2])
    near = 1 / np.maximum(ahead, 0.1)
    least, most = np.percentile(near[met], (1, 99.7))
    grey = np.where(met, 0.04 + 0.96 * np.clip((near - least) / (most - least), 0, 1) ** 0.6, 0)
    return _smoothed(Image.fromarray(_bytes(grey.astype(np.float32)))).convert("RGB")


def normals(seen: Seen) -> Image.Image:
    """Which way surfaces face: red to the left, green up, blue to who looks, as the nets were taught."""
    right, up, ahead = _frame(seen.scene)
    shares = np.stack([-(seen.normals @ right), seen.normals @ up, -(seen.normals @ ahead)], -1)
    shares[seen.which < 0] = (0, 0, 1)
    return _smoothed(Image.fromarray(_bytes((shares * 0.5 + 0.5).astype(np.float32))))


def segments(seen: Seen) -> Image.Image:
    """What is what, in the colours of ADE20K's classes and none between them."""
    half = seen.side // SIDE
    which = seen.which[half // 2 :: half, half // 2 :: half]
    table = np.array([ADE[solid.what] for solid in seen.scene.solids] + [ADE[seen.scene.behind]], np.uint8)
    return Image.fromarray(table[which])


def outlines(seen: Seen, fold: float = 0.55) -> NDArray[np.float32]:
    """Where one thing ends and another begins, and where a surface folds; from 0 to 1, on fine rays."""
    found = np.zeros(seen.far.shape, np.float32)
    for axis in (0, 1):
        other = np.roll(seen.which, 1, axis) != seen.which
        step = np.abs(np.roll(seen.far, 1, axis) - seen.far) > 0.06 * seen.far
        bend = 1 - (np.roll(seen.normals, 1, axis) * seen.normals).sum(-1)
        both = (seen.which >= 0) & (np.roll(seen.which, 1, axis) >= 0)
        edge = other | (both & (step | (bend > fold)))
        found[edge] = 1
    found[0], found[:, 0] = 0, 0
    return found


def line_art(seen: Seen) -> Image.Image:
    """Clean white lines on black, around colours too."""
    inked = np.maximum(outlines(seen), _colour_ends(seen))
    lines = Image.fromarray(_bytes(inked)).filter(ImageFilter.MaxFilter(3))
    smooth = _smoothed(lines.filter(ImageFilter.GaussianBlur(0.8)))
    return smooth.point(lambda v: min(255, round(v * 1.5))).convert("RGB")


def _colour_ends(seen: Seen) -> NDArray[np.float32]:
    """Where one colour of a thing ends and another begins."""
    met = seen.which >= 0
    painted = np.zeros_like(seen.rays)
    places = _from(seen.scene.eye) + seen.rays[met] * seen.far[met][:, None]
    painted[met] = _painted(seen.scene, places, seen.which[met])
    found = np.zeros(seen.far.shape, np.float32)
    for axis in (0, 1):
        same = np.roll(seen.which, 1, axis) == seen.which
        found[same & (np.abs(np.roll(painted, 1, axis) - painted).sum(-1) > 0.2)] = 1
    return found


def soft_edges(seen: Seen) -> Image.Image:
    """Broad, soft edges, stronger where things end than where they only bend."""
    strong, weak = (_bytes(outlines(seen, fold)) for fold in (1.2, 0.12))
    layers = []
    for lines, wide, blur, share in ((strong, 5, 2.2, 1.0), (strong, 9, 6.0, 0.5), (weak, 3, 2.6, 0.6)):
        line = (
            Image.fromarray(lines).filter(ImageFilter.MaxFilter(wide)).filter(ImageFilter.GaussianBlur(blur))
        )
        layers.append(np.asarray(_smoothed(line), np.float32) * share)
    return Image.fromarray(np.clip(np.maximum.reduce(layers) * 1.15, 0, 255).astype(np.uint8)).convert("RGB")


def straight(seen: Seen, wanted: Callable[[Solid], bool] = lambda solid: True) -> Image.Image:
    """The straight edges that are seen, white on black."""
    drawn = Image.new("L", (SIDE * 2, SIDE * 2))
    pen = ImageDraw.Draw(drawn)
    for solid in seen.scene.solids:
        for a, b in solid.shape.edges if wanted(solid) else ():
            for run in _visible(seen, a, b):
                pen.line([tuple(point) for point in run * 2], 255, 5)
    return drawn.resize((SIDE, SIDE), Image.Resampling.BOX).convert("RGB")


def _visible(seen: Seen, a: Place, b: Place) -> list[NDArray[np.float32]]:
    """The parts of an edge that nothing hides, as their ends in pixels."""
    shares = np.linspace(0, 1, 160, dtype=np.float32)[:, None]
    offsets = _from(a) * (1 - shares) + _from(b) * shares - _from(seen.scene.eye)
    right, up, ahead = _frame(seen.scene)
    deep = offsets @ ahead
    safe = np.maximum(deep, 0.05)
    x = (offsets @ right) / safe * seen.scene.zoom * 0.5 + 0.5
    y = 0.5 - (offsets @ up) / safe * seen.scene.zoom * 0.5
    inside = (deep > 0.05) & (x >= 0) & (x < 1) & (y >= 0) & (y < 1)
    far = np.where(inside, np.sqrt((offsets * offsets).sum(-1)), np.inf)
    at = [np.clip(v * seen.side, 0, seen.side - 1).astype(int) for v in (y, x)]
    around = [_at(seen.far, at[0] + dy, at[1] + dx) for dy in (-3, 0, 3) for dx in (-3, 0, 3)]
    # Not behind what is seen there, and not in the air before it, where only something was cut away.
    least, most = np.minimum.reduce(around), np.maximum.reduce(around)
    bare = inside & (far <= most * 1.006 + 0.02) & (far >= least * 0.985 - 0.02)
    return [np.stack([x[s], y[s]], -1)[[0, -1]] * SIDE for s in _runs(bare) if len(x[s]) > 8]


def _at(values: Numbers, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Numbers:
    most = len(values) - 1
    return values[np.clip(rows, 0, most), np.clip(columns, 0, most)]


def _runs(flags: NDArray[np.bool_]) -> list[slice]:
    ends = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [slice(int(a), int(b)) for a, b in zip(ends[::2], ends[1::2], strict=True)]
