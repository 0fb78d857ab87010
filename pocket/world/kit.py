"""The drawing kit: a pen that draws soft, outlined shapes in a subject's own coordinates."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image, ImageDraw

Rgb = tuple[int, int, int]
Points = list[tuple[float, float]]
OVERSAMPLE = 3
INK: Rgb = (44, 38, 48)


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """The colour `share` of the way from a to b."""
    return tuple(round(p + (q - p) * share) for p, q in zip(a, b, strict=True))  # type: ignore[return-value]


def lighter(c: Rgb, share: float = 0.35) -> Rgb:
    """The colour towards white."""
    return mix(c, (255, 252, 244), share)


def darker(c: Rgb, share: float = 0.3) -> Rgb:
    """The colour towards ink."""
    return mix(c, (34, 22, 40), share)


def jitter(c: Rgb, rng: random.Random, amount: int = 9) -> Rgb:
    """A small variation of the colour, so that no two reds are the same."""
    return tuple(min(255, max(0, v + rng.randint(-amount, amount))) for v in c)  # type: ignore[return-value]


@dataclass(frozen=True)
class Look:
    """How a style turns a colour into a fill and an edge."""

    wash: float = 0.0  # towards paper white
    dim: float = 0.0  # towards black
    edge: str = "soft"  # soft, ink, glow or none
    edge_width: float = 0.013

    def fill(self, c: Rgb) -> Rgb:
        """The colour inside a shape."""
        return mix(mix(c, (252, 249, 240), self.wash), (14, 12, 28), self.dim)

    def line(self, c: Rgb) -> Rgb | None:
        """The colour of a shape's edge, or None for no edge."""
        if self.edge == "none":
            return None
        if self.edge == "ink":
            return INK
        return lighter(c, 0.25) if self.edge == "glow" else darker(c, 0.42)


LOOKS: dict[str, Look] = {
    "flat": Look(),
    "ink drawing": Look(wash=0.5, edge="ink", edge_width=0.017),
    "watercolour": Look(wash=0.08, edge="none"),
    "pixel art": Look(edge_width=0.02),
    "neon": Look(dim=0.8, edge="glow", edge_width=0.018),
    "paper cut": Look(edge="none"),
}


class Spots(NamedTuple):
    """Where a subject carries its details: (x, y, reach) each, or None."""

    head: tuple[float, float, float] | None = None
    eyes: tuple[float, float, float] | None = None
    neck: tuple[float, float, float] | None = None
    body: tuple[float, float, float] | None = None


class Pen:
    """Draws on one layer; local coordinates run from -1 to 1, y downwards."""

    def __init__(self, side: int, look: Look, x: float, y: float, size: float, flip: bool = False,
                 tilt: float = 0.0) -> None:
        self.image = Image.new("RGBA", (side, side), (255, 255, 255, 0))
        self.draw = ImageDraw.Draw(self.image)
        self.side, self.look = side, look
        self.x, self.y, self.size = x * side, y * side, size * side
        self.sign = -1 if flip else 1
        self.cos, self.sin = math.cos(tilt), math.sin(tilt)
        # Small subjects get thinner edges, but never so thin that they vanish.
        self.width = max(1.0, side * look.edge_width * min(1.0, 0.45 + size * 1.4))

    def place(self, points: Points) -> Points:
        """Local points as pixels of the layer."""
        out = []
        for px, py in points:
            qx, qy = px * self.cos - py * self.sin, px * self.sin + py * self.cos
            out.append((self.x + self.sign * qx * self.size, self.y + qy * self.size))
        return out

    def poly(self, points: Points, c: Rgb, edge: bool = True) -> None:
        """A closed shape with straight sides."""
        xy = self.place(points)
        self.draw.polygon(xy, fill=(*self.look.fill(c), 255))
        line = self.look.line(c) if edge else None
        if line:
            self.stroke(xy + xy[:2], line, self.width)

    def blob(self, points: Points, c: Rgb, edge: bool = True, fine: int = 7) -> None:
        """A closed shape that runs smoothly through its points."""
        self.poly(smooth(points, fine), c, edge)

    def oval(self, x: float, y: float, rx: float, ry: float, c: Rgb, edge: bool = True,
             turn: float = 0.0) -> None:
        """An ellipse, turned by some radians."""
        self.poly(ring(x, y, rx, ry, turn), c, edge)

    def box(self, x0: float, y0: float, x1: float, y1: float, c: Rgb, edge: bool = True) -> None:
        """A rectangle by two corners."""
        self.poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], c, edge)

    def mark(self, x: float, y: float, r: float, c: Rgb, tall: float = 1.0) -> None:
        """A small spot that keeps its colour in every style (eyes, cheeks)."""
        keep = c if self.look.edge != "glow" else lighter(c, 0.45)
        self.draw.polygon(self.place(ring(x, y, r, r * tall)), fill=(*keep, 255))

    def line(self, points: Points, c: Rgb, width: float = 0.05, curve: bool = True) -> None:
        """A bare line; width is local."""
        pts = open_curve(points) if curve and len(points) > 2 else points
        keep = c if self.look.edge != "glow" else lighter(c, 0.4)
        self.stroke(self.place(pts), keep, max(1.0, width * self.size))

    def limb(self, points: Points, c: Rgb, width: float) -> None:
        """A thick line with an edge: arms, legs, stems, tails."""
        xy = self.place(open_curve(points) if len(points) > 2 else points)
        line, wide = self.look.line(c), width * self.size
        if line:
            self.stroke(xy, line, wide + 2 * self.width * 0.8)
        self.stroke(xy, self.look.fill(c), wide)

    def stroke(self, xy: Points, c: Rgb, width: float) -> None:
        """A line in pixels with round ends."""
        w = max(1, round(width))
        self.draw.line(xy, fill=(*c, 255), width=w, joint="curve")
        r = w / 2 - 0.5
        if r > 0.7:
            for px, py in (xy[0], xy[-1]):
                self.draw.ellipse((px - r, py - r, px + r, py + r), fill=(*c, 255))


def ring(x: float, y: float, rx: float, ry: float, turn: float = 0.0, n: int = 36) -> Points:
    """Points around an ellipse."""
    cos, sin = math.cos(turn), math.sin(turn)
    out = []
    for i in range(n):
        a = 2 * math.pi * i / n
        p, q = rx * math.cos(a), ry * math.sin(a)
        out.append((x + p * cos - q * sin, y + p * sin + q * cos))
    return out


def spline(p: tuple[tuple[float, float], ...], t: float) -> tuple[float, float]:
    """A point of a Catmull-Rom segment between the two middle points."""
    out = []
    for a, b, c, d in zip(*p, strict=True):
        out.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t
                          + (3 * b - a - 3 * c + d) * t**3))
    return out[0], out[1]


def smooth(points: Points, fine: int = 7) -> Points:
    """A closed smooth line through the points."""
    n = len(points)
    return [spline((points[i - 1], points[i], points[(i + 1) % n], points[(i + 2) % n]), k / fine)
            for i in range(n) for k in range(fine)]


def open_curve(points: Points, fine: int = 6) -> Points:
    """An open smooth line through the points."""
    p = [points[0], *points, points[-1]]
    out = [spline((p[i], p[i + 1], p[i + 2], p[i + 3]), k / fine)
           for i in range(len(p) - 3) for k in range(fine)]
    return [*out, points[-1]]
