"""Faces: eyes, cheeks, mouths, shared by animals and people."""

from __future__ import annotations

from pocket.world.kit import INK, Pen, Rgb

CHEEK: Rgb = (246, 140, 140)
GLINT: Rgb = (255, 255, 255)


def eyes(pen: Pen, x: float, y: float, gap: float, r: float, c: Rgb = INK, shut: bool = False) -> None:
    """Two eyes with a glint, or closed ones."""
    for side in (-1, 1):
        cx = x + side * gap
        if shut:
            pen.line([(cx - r, y), (cx, y + r * 0.7), (cx + r, y)], c, r * 0.5)
            continue
        pen.mark(cx, y, r, c, 1.2)
        pen.mark(cx - r * 0.3, y - r * 0.4, r * 0.38, GLINT)


def cheeks(pen: Pen, x: float, y: float, gap: float, r: float) -> None:
    """Two rosy spots."""
    for side in (-1, 1):
        pen.mark(x + side * gap, y, r, CHEEK, 0.7)


def mouth(pen: Pen, x: float, y: float, w: float, expression: str = "smiling", c: Rgb = INK) -> None:
    """A mouth by expression."""
    if expression == "surprised":
        pen.mark(x, y + w * 0.25, w * 0.42, (150, 50, 60), 1.3)
        return
    bend = {"sad": -0.55, "sleeping": 0.15}.get(expression, 0.6) * w
    base = y + (w * 0.5 if expression == "sad" else 0)
    pen.line([(x - w, base), (x, base + bend), (x + w, base)], c, max(0.03, w * 0.3))


def eye_colour(coat: Rgb) -> Rgb:
    """Dark eyes, but light ones on a dark coat."""
    return INK if sum(coat) > 260 else (250, 236, 170)


def animal_face(pen: Pen, x: float, y: float, r: float, coat: Rgb, nose: Rgb, expression: str) -> None:
    """Eyes, cheeks, nose and mouth on a round head of radius r."""
    dark = eye_colour(coat)
    eyes(pen, x, y - r * 0.05, r * 0.42, r * 0.15, dark, expression == "sleeping")
    cheeks(pen, x, y + r * 0.3, r * 0.62, r * 0.15)
    pen.mark(x, y + r * 0.22, r * 0.11, nose, 0.75)
    for side in (-1, 1):
        sx = x + side * r * 0.13
        pen.line([(x, y + r * 0.3), (sx, y + r * 0.42), (sx + side * r * 0.13, y + r * 0.34)], dark, r * 0.07)
