"""Solids by their signed distance: what stands in the scenes, and the straight edges that it has."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
Numbers = NDArray[np.float32]
Colour = tuple[float, float, float]
Place = tuple[float, float, float]
Paint = Colour | Callable[[Points], NDArray[np.float32]]
Edge = tuple[Place, Place]


Ball = tuple[Points, float]
"""A middle and a radius."""
NEAR = 0.5
"""What is farther away than this is known by its ball alone."""


@dataclass(frozen=True)
class Shape:
    """How far points are from a surface, less than nothing inside; its straight edges; a ball around it."""

    exact: Callable[[Points], Numbers]
    edges: tuple[Edge, ...] = ()
    ball: Ball | None = None

    def distance(self, p: Points) -> Numbers:
        """Exact where it is near, else no more than it is."""
        if self.ball is None:
            return self.exact(p)
        away = _length(p - self.ball[0]) - np.float32(self.ball[1])
        near = away < NEAR
        if near.any():
            away[near] = self.exact(p[near])
        return away


def _around(shapes: Sequence[Shape]) -> Ball | None:
    balls = [shape.ball for shape in shapes if shape.ball]
    if len(balls) < len(shapes):
        return None
    low = np.minimum.reduce([c - np.float32(r) for c, r in balls])
    high = np.maximum.reduce([c + np.float32(r) for c, r in balls])
    middle = (low + high) / 2
    return middle, max(float(_length(c - middle)) + r for c, r in balls)


@dataclass(frozen=True)
class Solid:
    """A shape with its colour, what it is among ADE20K's classes, and how much it shines."""

    shape: Shape
    colour: Paint
    what: str
    shine: float = 0.0


def _from(centre: Place) -> Points:
    return np.array(centre, np.float32)


def _length(p: Points) -> Numbers:
    return np.sqrt(np.einsum("...i,...i->...", p, p))


def sphere(centre: Place, radius: float) -> Shape:
    """A ball."""
    c = _from(centre)
    return Shape(lambda p: _length(p - c) - np.float32(radius), (), (c, radius))


def ellipsoid(centre: Place, radii: Place) -> Shape:
    """A ball that is longer one way than another."""
    c, r = _from(centre), _from(radii)

    def distance(p: Points) -> Numbers:
        near, steep = _length((p - c) / r), _length((p - c) / (r * r))
        return near * (near - 1) / np.maximum(steep, 1e-6)

    return Shape(distance, (), (c, max(radii)))


def box(centre: Place, half: Place, soft: float = 0.0) -> Shape:
    """A box, its corners rounded where they are soft."""
    c, h = _from(centre), _from(half) - np.float32(soft)

    def distance(p: Points) -> Numbers:
        q = np.abs(p - c) - h
        return _length(np.maximum(q, 0)) + np.minimum(q.max(-1), 0) - np.float32(soft)

    corners = [
        tuple(float(c[i] + s[i] * half[i]) for i in range(3)) for s in itertools.product((-1, 1), repeat=3)
    ]
    pairs = [(0, 1), (0, 2), (0, 4), (1, 3), (1, 5), (2, 3), (2, 6), (3, 7), (4, 5), (4, 6), (5, 7), (6, 7)]
    edges = tuple((corners[a], corners[b]) for a, b in pairs)
    return Shape(distance, edges, (c, float(np.hypot.reduce(half))))  # type: ignore[arg-type]


def frustum(foot: Place, height: float, below: float, above: float, soft: float = 0.0) -> Shape:
    """A round column, as wide below and above as is said; a cone where it ends in nothing."""
    c = _from(foot)
    slope = np.float32((below - above) / height)
    upright = np.float32(1 / np.sqrt(1 + slope * slope))

    def distance(p: Points) -> Numbers:
        q = p - c
        side = (np.hypot(q[..., 0], q[..., 2]) - (below - soft - slope * q[..., 1])) * upright
        ends = np.abs(q[..., 1] - height / 2) - (height / 2 - soft)
        out = np.hypot(np.maximum(side, 0), np.maximum(ends, 0)) + np.minimum(np.maximum(side, ends), 0)
        return (out - soft).astype(np.float32)

    middle = c + _from((0, height / 2, 0))
    return Shape(distance, (), (middle, float(np.hypot(height / 2, max(below, above)))))


def bar(a: Place, b: Place, thick: float, thin: float | None = None) -> Shape:
    """A stick with round ends."""
    start, way = _from(a), _from(b) - _from(a)
    more = np.float32((thick if thin is None else thin) - thick)

    def distance(p: Points) -> Numbers:
        share = np.clip(((p - start) @ way) / (way @ way), 0, 1)
        return _length(p - start - share[..., None] * way) - (thick + more * share)

    reach = float(_length(way)) / 2 + max(thick, thin or 0)
    return Shape(distance, (), (start + way / 2, reach))


def gable(centre: Place, wide: float, high: float, deep: float) -> Shape:
    """A roof of two slopes over a rectangle; its ridge runs away from who looks along z."""
    c = _from(centre)
    long = np.hypot(wide, high)

    def distance(p: Points) -> Numbers:
        q = p - c
        slope = (np.abs(q[..., 0]) * high + (q[..., 1] - high) * wide) / long
        return np.maximum(np.maximum(slope, -q[..., 1]), np.abs(q[..., 2]) - deep)

    x, y, z = centre
    ends = [((x - wide, y, w), (x + wide, y, w), (x, y + high, w)) for w in (z - deep, z + deep)]
    around = [edge for a, b, top in ends for edge in ((a, b), (a, top), (b, top))]
    ball = (c + _from((0, high / 2, 0)), float(np.hypot.reduce((wide, high / 2, deep))))
    return Shape(distance, (*around, *zip(*ends, strict=True)), ball)  # type: ignore[arg-type]


def revolved(foot: Place, profile: Sequence[tuple[float, float]], wall: float = 0.0) -> Shape:
    """What a potter turns: a profile of heights and radii; hollow where its wall is said."""
    c = _from(foot)
    heights, radii = _rounded(*zip(*profile, strict=True))

    def distance(p: Points) -> Numbers:
        q = p - c
        radius = np.interp(q[..., 1], heights, radii).astype(np.float32)
        around = np.hypot(q[..., 0], q[..., 2])
        side = around - radius if not wall else np.abs(around - radius) - wall
        ends = np.maximum(heights[0] - q[..., 1], q[..., 1] - heights[-1])
        return np.maximum(side * 0.6, ends)

    high = float(heights[-1] - heights[0])
    middle = c + _from((0, float(heights[0]) + high / 2, 0))
    return Shape(distance, (), (middle, float(np.hypot(high / 2, radii.max() + wall))))


def _rounded(heights: Sequence[float], radii: Sequence[float]) -> tuple[Numbers, Numbers]:
    """A profile without corners."""
    fine = np.linspace(heights[0], heights[-1], 97)
    bell = np.exp(-(np.linspace(-2, 2, 15) ** 2))
    padded = np.pad(np.interp(fine, heights, radii), 7, "reflect", reflect_type="odd")
    return fine.astype(np.float32), np.convolve(padded, bell / bell.sum(), "valid").astype(np.float32)


def land(height: Callable[[Numbers, Numbers], Numbers]) -> Shape:
    """Ground as high as is said for every place."""
    return Shape(lambda p: (p[..., 1] - height(p[..., 0], p[..., 2])) * np.float32(0.75))


def blended(soft: float, *shapes: Shape) -> Shape:
    """Shapes grown together."""

    def distance(p: Points) -> Numbers:
        d = shapes[0].distance(p)
        for shape in shapes[1:]:
            other = shape.distance(p)
            h = np.clip(0.5 + 0.5 * (other - d) / soft, 0, 1)
            d = other + (d - other) * h - soft * h * (1 - h)
        return d

    ball = _around(shapes)
    return Shape(distance, (), ball and (ball[0], ball[1] + soft))


def together(*shapes: Shape) -> Shape:
    """Shapes beside one another."""
    edges = tuple(edge for shape in shapes for edge in shape.edges)
    return Shape(lambda p: np.minimum.reduce([shape.distance(p) for shape in shapes]), edges, _around(shapes))


def without(shape: Shape, *holes: Shape) -> Shape:
    """A shape with holes cut into it, which have edges too."""
    edges = tuple(edge for one in (shape, *holes) for edge in one.edges)

    def distance(p: Points) -> Numbers:
        return np.maximum.reduce([shape.distance(p), *(-hole.exact(p) for hole in holes)])

    return Shape(distance, edges, shape.ball)


def turned(shape: Shape, degrees: float, about: Place) -> Shape:
    """The same shape turned about an upright axis."""
    c, a = _from(about), np.radians(degrees)
    cos, sin = np.float32(np.cos(a)), np.float32(np.sin(a))
    back = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], np.float32)

    def moved(place: Place) -> Place:
        x, y, z = (float(v) for v in (_from(place) - c) @ back.T + c)
        return x, y, z

    edges = tuple((moved(a), moved(b)) for a, b in shape.edges)
    ball = shape.ball and (_from(moved(tuple(shape.ball[0]))), shape.ball[1])  # type: ignore[arg-type]
    return replace(shape, exact=lambda p: shape.exact((p - c) @ back + c), edges=edges, ball=ball)
