"""Sizes: those a model is offered with, and the one it takes for a picture of any shape. No Gradio here."""

from __future__ import annotations

import math
import re

from studio.messages import ModelSpec, Size
from studio.sizes import fitted, takes

ASPECTS: dict[str, float] = {"1:1": 1.0, "3:4": 3 / 4, "4:3": 4 / 3, "9:16": 9 / 16, "16:9": 16 / 9}


def size_text(size: Size) -> str:
    """A size as the form keeps it."""
    return f"{size.width}x{size.height}"


def shown(size: Size) -> str:
    """A size as people read it."""
    return f"{size.width} × {size.height}"


def read_size(text: str) -> Size | None:
    """The size a text names, if it names one."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not found or not int(found[1]) or not int(found[2]):
        return None
    return Size(width=int(found[1]), height=int(found[2]))


def sizes(spec: ModelSpec) -> dict[str, Size]:
    """One size for each aspect: the model's default area, within its limits, in its multiples."""
    area = spec.defaults.size.width * spec.defaults.size.height
    return {
        name: fitted(math.sqrt(area * ratio), math.sqrt(area / ratio), spec)
        for name, ratio in ASPECTS.items()
    }


def times(size: Size, factor: float) -> Size:
    """A size so many times larger."""
    return Size(width=max(1, round(size.width * factor)), height=max(1, round(size.height * factor)))


def allowed(text: str, spec: ModelSpec) -> bool:
    """Whether a model takes the size that a text names."""
    size = read_size(text)
    return size is not None and takes(size, spec)


def nearest_size(text: str, spec: ModelSpec) -> str:
    """The model's size whose shape is nearest to another one's."""
    size = read_size(text) or spec.defaults.size
    wanted = math.log(size.width / size.height)
    return size_text(min(sizes(spec).values(), key=lambda s: abs(math.log(s.width / s.height) - wanted)))


def size_choices(spec: ModelSpec, chosen: str) -> list[tuple[str, str]]:
    """What the row of sizes offers; a size that came with a recipe or a picture stands last, under its numbers."""
    offered = {size_text(size): name for name, size in reversed(sizes(spec).items())}
    choices = [(name, value) for value, name in reversed(offered.items())]
    if chosen not in offered and allowed(chosen, spec):
        choices.append((chosen.replace("x", "×"), chosen))
    return choices


def same_shape(one: Size, other: Size, slack: float = 0.02) -> bool:
    """Whether neither cropping nor stretching would be seen."""
    return abs(one.width * other.height / (one.height * other.width) - 1) <= slack
