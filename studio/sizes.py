"""Which sizes a model takes, and which of them a picture to start from gets: pure, asked by limits and page alike."""

from __future__ import annotations

import math

from studio.messages import ModelSpec, Outpaint, Size

MOST_AREA, LEAST_AREA = 2.0, 0.5
"""How far a picture's size may depart from the area that a model was trained at: beyond that it repeats itself,
and below it shapes fall apart."""


def size_like(picture: Size, spec: ModelSpec) -> Size:
    """What a model takes for a picture: its own size where the model is at home there, its shape in any case."""
    native = spec.defaults.size.width * spec.defaults.size.height
    area = picture.width * picture.height
    scale = math.sqrt(min(max(area, LEAST_AREA * native), MOST_AREA * native) / area)
    shortest = min(picture.width, picture.height) * scale
    scale *= max(1.0, _least(spec) / shortest)
    return fitted(picture.width * scale, picture.height * scale, spec)


def grown_size(picture: Size, sides: Outpaint, spec: ModelSpec) -> Size:
    """A picture with what is added at its sides: where a model can take that, no pixel of the old is lost."""
    width = picture.width + sides.left + sides.right
    height = picture.height + sides.top + sides.bottom
    multiple = spec.limits.multiple
    up = Size(width=-(-width // multiple) * multiple, height=-(-height // multiple) * multiple)
    return up if takes(up, spec) else size_like(Size(width=width, height=height), spec)


def takes(size: Size, spec: ModelSpec) -> bool:
    """Whether a model takes a size as it is."""
    limits, sides = spec.limits, (size.width, size.height)
    return all(limits.smallest <= side <= limits.largest and side % limits.multiple == 0 for side in sides)


def fitted(width: float, height: float, spec: ModelSpec) -> Size:
    """Two lengths as sides that a model takes, shrunk as a whole so that the largest side keeps the shape."""
    shrink = min(1.0, _most(spec) / max(width, height))
    return Size(width=_side(width * shrink, spec), height=_side(height * shrink, spec))


def _side(length: float, spec: ModelSpec) -> int:
    multiple = spec.limits.multiple
    return min(max(round(length / multiple) * multiple, _least(spec)), _most(spec))


def _least(spec: ModelSpec) -> int:
    return math.ceil(spec.limits.smallest / spec.limits.multiple) * spec.limits.multiple


def _most(spec: ModelSpec) -> int:
    return spec.limits.largest // spec.limits.multiple * spec.limits.multiple
