"""The geometry of painting over a picture: what the model is given, and how what it paints goes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter, ImageOps

from studio.errors import StudioError
from studio.messages import GenerationRequest, Outpaint
from studio.messages import Mask as MaskWish

Floats = npt.NDArray[np.floating[Any]]
Levels = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
FAINT = 16
"""Levels of a mask below this are what a lossy format leaves on black, not somebody's wish."""
TRIMMED = 8
"""Pixels that snapping to a model's multiple may cost: cut off, for scaling would touch every other one."""
SMOOTH, FINE = Image.Resampling.BILINEAR, Image.Resampling.LANCZOS


@dataclass(frozen=True)
class Canvas:
    """What is painted on, and what is around it."""

    picture: Image.Image
    """RGB at the size that the model paints."""
    mask: Image.Image | None = None
    """L at that size: 255 is painted anew, levels between are the feather; None: everything is."""
    whole: Image.Image | None = None
    """The picture that the painted part goes back into; None: what is painted is the result."""
    blend: Image.Image | None = None
    """L at the size of the whole: how much of what is painted shows."""
    box: Box | None = None
    """Where in the whole the painted part belongs, maybe beyond its edges; None: it is all of it."""

    def finish(self, painted: Image.Image) -> Image.Image:
        """What was painted, put back into the whole; where nothing was to change nothing does."""
        if self.whole is None or self.blend is None:
            return painted
        if self.box is not None:
            return Image.composite(_put(painted, self.box, self.whole), self.whole, self.blend)
        # A second pass may have painted larger than the canvas.
        whole = _resized(self.whole, painted.size, FINE)
        return Image.composite(painted, whole, _resized(self.blend, painted.size, SMOOTH))


def lay_out(request: GenerationRequest, start: Image.Image, mask: Image.Image | None) -> Canvas:
    """The canvas of a request that starts from a picture, with the mask that goes with it."""
    wanted = _wanted(request.mask, mask, start.size)
    if request.outpaint is not None:
        return _grown(request, request.outpaint, start, wanted)
    if request.mask is None or wanted is None:
        return Canvas(_fitted(request, start, FINE))
    if request.mask.area == "masked":
        return _close_up(request, request.mask, start, wanted)
    fitted, marked = _fitted(request, start, FINE), _fitted(request, wanted, SMOOTH)
    blend = feathered(_not_empty(marked), request.mask.feather)
    return Canvas(_underlaid(fitted, blend, request.mask), blend, fitted, blend)


# -- masks ----------------------------------------------------------------------------------------


def _wanted(wish: MaskWish | None, mask: Image.Image | None, size: tuple[int, int]) -> Image.Image | None:
    """The mask as it is meant, at the start's size."""
    if wish is None or mask is None:
        return None
    levels = ImageOps.invert(mask.convert("L")) if wish.invert else mask.convert("L")
    return _not_empty(_resized(levels.point(lambda level: level if level >= FAINT else 0), size, SMOOTH))


def _not_empty(mask: Image.Image) -> Image.Image:
    if mask.getbbox() is None:
        raise StudioError("mask_empty")
    return mask


def feathered(mask: Image.Image, feather: int) -> Image.Image:
    """A mask that runs out over so many pixels around it, and is as it was within.

    First grown, then blurred no further than it grew: so all that was asked for is painted anew in full, and
    beyond the feather not one level is left. A Gaussian has no end, so two boxes blur.
    """
    blur = feather // 2
    grown = Image.fromarray(_spread(np.asarray(mask), feather - blur))
    for radius in (blur // 2, blur - blur // 2):
        grown = grown.filter(ImageFilter.BoxBlur(radius)) if radius else grown
    return grown


def _spread(levels: Levels, reach: int) -> Levels:
    """The brightest level of a square around each pixel; Pillow's own filter takes minutes on a photo."""
    for axis in (0, 1):
        done = 0
        while done < reach:
            # What is spread by n goes on by up to n + 1 at once, and no gap opens, at an edge neither.
            step = min(reach - done, done + 1)
            levels = _spread_along(axis, levels, step)
            done += step
    return levels


def _spread_along(axis: int, levels: Levels, step: int) -> Levels:
    source = np.moveaxis(levels, axis, 0)
    spread = source.copy()
    np.maximum(spread[step:], source[:-step], out=spread[step:])
    np.maximum(spread[:-step], source[step:], out=spread[:-step])
    return np.moveaxis(spread, 0, axis)


# -- fitting --------------------------------------------------------------------------------------


def _fitted(request: GenerationRequest, image: Image.Image, filter: Image.Resampling) -> Image.Image:
    """A picture, or its mask, at the request's size: its middle, or all of it stretched."""
    target = (request.width, request.height)
    stretch = request.start is not None and request.start.fit == "stretch"
    return _resized(image if stretch else image.crop(_middle(image.size, target)), target, filter)


def _middle(size: tuple[int, int], target: tuple[int, int]) -> Box:
    """The largest part of the target's shape, or the target itself where next to nothing is cut."""
    width, height = target
    if not all(0 <= side - aim <= TRIMMED for side, aim in zip(size, target, strict=True)):
        scale = max(target[0] / size[0], target[1] / size[1])
        width, height = (max(1, min(s, round(t / scale))) for s, t in zip(size, target, strict=True))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


def _resized(image: Image.Image, size: tuple[int, int], filter: Image.Resampling) -> Image.Image:
    return image if image.size == size else image.resize(size, filter)


def _cut(image: Image.Image, box: Box) -> Image.Image:
    """A part of a picture; where it reaches beyond the edges the picture goes on mirrored."""
    left, top, right, bottom = box
    beyond = [(max(0, -top), max(0, bottom - image.height)), (max(0, -left), max(0, right - image.width))]
    wide = np.pad(np.asarray(image), [*beyond, (0, 0)], mode="symmetric")
    up, aside = beyond[0][0], beyond[1][0]
    return Image.fromarray(wide).crop((left + aside, top + up, right + aside, bottom + up))


# -- the masked region at the model's full size ---------------------------------------------------


def _close_up(request: GenerationRequest, wish: MaskWish, start: Image.Image, wanted: Image.Image) -> Canvas:
    target = (request.width, request.height)
    blend = feathered(wanted, wish.feather)
    box = _region(blend.getbbox() or (0, 0, *start.size), wish.margin, start.size, target)
    marked = _resized(blend.crop(box), target, SMOOTH)
    picture = _resized(_cut(start, box), target, FINE)
    return Canvas(_underlaid(picture, marked, wish), marked, start, blend, box)


def _region(marked: Box, margin: int, size: tuple[int, int], target: tuple[int, int]) -> Box:
    """What is marked with its margin, grown to the target's shape; larger than the picture if it must."""
    left, top = max(0, marked[0] - margin), max(0, marked[1] - margin)
    right, bottom = min(size[0], marked[2] + margin), min(size[1], marked[3] + margin)
    width, height = right - left, bottom - top
    wide = max(width, -(-height * target[0] // target[1]))
    high = max(height, -(-width * target[1] // target[0]))
    x, y = _centred(left, width, wide, size[0]), _centred(top, height, high, size[1])
    return x, y, x + wide, y + high


def _centred(start: int, length: int, grown: int, room: int) -> int:
    """Where a length begins that grew on both sides and was pushed back into its room."""
    if grown > room:
        return (room - grown) // 2
    return min(max(0, start - (grown - length) // 2), room - grown)


def _put(painted: Image.Image, box: Box, whole: Image.Image) -> Image.Image:
    left, top, right, bottom = box
    picture = whole.copy()
    picture.paste(_resized(painted, (right - left, bottom - top), FINE), (left, top))
    return picture


# -- growing by the sides -------------------------------------------------------------------------


def _grown(
    request: GenerationRequest, outpaint: Outpaint, start: Image.Image, wanted: Image.Image | None
) -> Canvas:
    target = (request.width, request.height)
    size, offset = _place(start.size, outpaint, target)
    whole, old = _surrounded(_resized(start, size, FINE), offset, target)
    blend = feathered(ImageOps.invert(old), outpaint.feather)
    if request.mask is None or wanted is None:
        return Canvas(whole, _not_empty(blend), whole, blend)
    marked = Image.new("L", target)
    marked.paste(_resized(wanted, size, SMOOTH), offset)
    marked = feathered(marked, request.mask.feather)
    blend = ImageChops.lighter(blend, marked)
    return Canvas(_underlaid(whole, marked, request.mask), blend, whole, blend)


def _place(
    size: tuple[int, int], outpaint: Outpaint, target: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """How large the start is on the canvas, and where."""
    grown = (size[0] + outpaint.left + outpaint.right, size[1] + outpaint.top + outpaint.bottom)
    scale = min(target[0] / grown[0], target[1] / grown[1])
    # A canvas that only snapped gives or takes a few pixels of what is new; the old keeps its own.
    if all(-TRIMMED <= aim - side <= side / 4 for aim, side in zip(target, grown, strict=True)):
        scale = 1.0
    width, height = (max(1, round(side * scale)) for side in size)
    left = _share(target[0] - width, outpaint.left, outpaint.right)
    return (width, height), (left, _share(target[1] - height, outpaint.top, outpaint.bottom))


def _share(spare: int, before: int, after: int) -> int:
    return round(spare * before / (before + after)) if before + after else spare // 2


def _surrounded(
    start: Image.Image, offset: tuple[int, int], target: tuple[int, int]
) -> tuple[Image.Image, Image.Image]:
    """The start on its canvas, and where it lies there.

    Around it, it goes on mirrored for a little and then runs into plain colour: something to paint on that
    fits at the edge, without a second picture farther out that the model would take up.
    """
    x, y = offset
    mirrored = _cut(start, (-x, -y, target[0] - x, target[1] - y))
    old = Image.new("L", target)
    old.paste(255, (x, y, x + start.width, y + start.height))
    reach = max(target) // 16
    plain = mirrored.filter(ImageFilter.GaussianBlur(reach))
    return Image.composite(mirrored, plain, feathered(old, reach)), old


# -- what lies under the mask ---------------------------------------------------------------------


def _underlaid(picture: Image.Image, mask: Image.Image, wish: MaskWish) -> Image.Image:
    """The picture with the surroundings' colours under the mask, if that is wanted; noise is the latents'."""
    if wish.fill != "blurred":
        return picture
    known = 1 - np.asarray(mask, dtype=np.float32)[..., None] / 255
    # Never quite nothing, so that a mask over everything leaves the picture's own average.
    colours = _smeared(np.asarray(picture, dtype=np.float32), np.maximum(known, 1e-9))
    smeared = Image.fromarray(np.clip(colours + 0.5, 0, 255).astype(np.uint8))
    return Image.composite(smeared, picture, mask)


def _smeared(colours: Floats, known: Floats) -> Floats:
    """Fills what is not known from around it: halved until nothing is missing, then back, smoothly.

    By hand, for neither Pillow nor numpy fills holes; it sees through a hole of any size, unlike one blur.
    """
    if known.min() >= 1 or max(known.shape) == 1:
        return colours
    height, width = known.shape[:2]
    weights = _halved(known)
    coarse = _smeared(_halved(colours * known) / weights, np.minimum(weights * 4, 1))
    return colours * known + _doubled(coarse)[:height, :width] * (1 - known)


def _halved(values: Floats) -> Floats:
    even = np.pad(values, [(0, values.shape[0] % 2), (0, values.shape[1] % 2), (0, 0)], mode="edge")
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def _doubled(values: Floats) -> Floats:
    large = values.repeat(2, axis=0).repeat(2, axis=1)
    edged = np.pad(large, [(1, 1), (1, 1), (0, 0)], mode="edge")
    down = (edged[:-2] + 2 * edged[1:-1] + edged[2:]) / 4
    return (down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]) / 4
