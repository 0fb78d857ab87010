"""Painting over pictures: what is kept stays to the level, and what is painted lands where it was marked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from studio.diffusion.canvas import Canvas, feathered, lay_out
from studio.errors import StudioError
from studio.messages import GenerationLimits, GenerationRequest, Mask, Outpaint, Size, Start
from studio.sizes import grown_size
from tests import samples
from tests.samples import request

DIGEST = "0" * 64
PAINT = (255, 0, 255)


def asked(size: tuple[int, int], fit: str = "crop", **more: Any) -> GenerationRequest:
    start = Start(picture=DIGEST, fit=fit)
    return request(width=size[0], height=size[1], start=start, **more)


def wish(**more: Any) -> Mask:
    return Mask(picture=DIGEST, **more)


def grain(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """A picture in which no two pixels are alike."""
    levels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(levels)


def marked(size: tuple[int, int], box: tuple[int, int, int, int], level: int = 255) -> Image.Image:
    mask = Image.new("L", size)
    mask.paste(level, box)
    return mask


def painted(canvas: Canvas) -> Image.Image:
    """The whole of what there is to paint, in one colour that no picture here has."""
    return Image.new("RGB", canvas.picture.size, PAINT)


def array(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(np.int16)


def far(mask: Image.Image, feather: int) -> np.ndarray:
    """The pixels that are farther from the mask than its feather, one by one."""
    white = np.argwhere(np.asarray(mask) > 0)
    rows, columns = np.indices((mask.height, mask.width))
    distance = np.full((mask.height, mask.width), 10**6)
    for row, column in white:
        distance = np.minimum(distance, np.maximum(abs(rows - row), abs(columns - column)))
    return distance > feather


# -- feather --------------------------------------------------------------------------------------


@pytest.mark.parametrize("feather", [0, 1, 2, 3, 7, 8, 16, 33, 64])
def test_a_feather_is_full_within_and_nothing_beyond(feather: int) -> None:
    mask = marked((240, 220), (90, 80, 130, 120))
    soft = np.asarray(feathered(mask, feather))
    assert (soft[np.asarray(mask) == 255] == 255).all()
    assert (soft[far(marked((240, 220), (90, 80, 130, 120)), feather)] == 0).all()


@settings(max_examples=60, deadline=None)
@given(at=st.tuples(st.integers(0, 29), st.integers(0, 19)), feather=st.integers(0, 40))
def test_around_one_point_a_feather_has_no_gap_at_the_edges_neither(
    at: tuple[int, int], feather: int
) -> None:
    soft = np.asarray(feathered(marked((30, 20), (at[0], at[1], at[0] + 1, at[1] + 1)), feather)).astype(int)
    assert soft[at[1], at[0]] == 255
    for line, middle in ((soft[at[1]], at[0]), (soft[:, at[0]], at[1])):
        assert (np.diff(line[: middle + 1]) >= 0).all() and (np.diff(line[middle:]) <= 0).all()


@pytest.mark.parametrize("feather", [8, 16, 64])
def test_a_feather_runs_out_step_by_step(feather: int) -> None:
    ramp = np.asarray(feathered(marked((300, 40), (0, 0, 100, 40)), feather))[20, 99 : 100 + feather].astype(
        int
    )
    assert (np.diff(ramp) <= 0).all()
    assert np.abs(np.diff(ramp)).max() <= 255 / feather * 5
    assert len(set(ramp)) > feather / 2


def test_no_feather_leaves_a_mask_as_it_is() -> None:
    mask = Image.fromarray(np.random.default_rng(1).integers(0, 256, (20, 30), dtype=np.uint8))
    assert np.array_equal(np.asarray(feathered(mask, 0)), np.asarray(mask))


def test_a_feather_wider_than_the_picture_takes_all_of_it() -> None:
    assert feathered(marked((10, 6), (4, 2, 5, 3)), 64).getextrema()[0] > 0


# -- a start alone --------------------------------------------------------------------------------


def test_a_start_of_the_right_size_is_painted_on_as_it_is() -> None:
    canvas = lay_out(asked((48, 32)), grain((48, 32)), None)
    assert np.array_equal(array(canvas.picture), array(grain((48, 32))))
    assert canvas.mask is None
    assert canvas.finish(painted(canvas)).getpixel((0, 0)) == PAINT


def test_a_start_a_few_pixels_too_large_is_trimmed_and_not_blurred() -> None:
    canvas = lay_out(asked((48, 32)), grain((50, 37)), None)
    assert np.array_equal(array(canvas.picture), array(grain((50, 37)))[2:34, 1:49])


def test_another_shape_is_cropped_to_its_middle_or_stretched() -> None:
    start = Image.new("RGB", (100, 50), "blue")
    start.paste("red", (25, 0, 75, 50))
    cropped = array(lay_out(asked((64, 64)), start, None).picture)
    assert (cropped == (255, 0, 0)).all()
    stretched = lay_out(asked((64, 64), fit="stretch"), start, None).picture
    assert stretched.size == (64, 64)
    assert stretched.getpixel((2, 30)) == (0, 0, 255) and stretched.getpixel((32, 30)) == (255, 0, 0)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    target=st.tuples(st.integers(1, 12), st.integers(1, 12)).map(lambda pair: (pair[0] * 8, pair[1] * 8)),
    fit=st.sampled_from(["crop", "stretch"]),
)
def test_whatever_is_brought_has_the_size_that_is_painted(
    size: tuple[int, int], target: tuple[int, int], fit: str
) -> None:
    canvas = lay_out(asked(target, fit), grain(size), None)
    assert (canvas.picture.size, canvas.picture.mode) == (target, "RGB")


# -- masks ----------------------------------------------------------------------------------------

BOXES = st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(1, 30), st.integers(1, 30)).map(
    lambda box: (box[0], box[1], min(48, box[0] + box[2]), min(32, box[1] + box[3]))
)


@settings(max_examples=60, deadline=None)
@given(
    box=BOXES.filter(lambda box: box[0] < box[2] and box[1] < box[3]),
    feather=st.integers(0, 20),
    area=st.sampled_from(["whole", "masked"]),
    margin=st.integers(0, 40),
    fill=st.sampled_from(["original", "blurred", "noise", "nothing"]),
    target=st.sampled_from([(48, 32), (64, 64), (32, 64), (128, 24)]),
)
def test_what_lies_beyond_the_feather_is_kept_to_the_level(
    box: tuple[int, int, int, int],
    feather: int,
    area: str,
    margin: int,
    fill: str,
    target: tuple[int, int],
) -> None:
    target = (48, 32) if area == "whole" else target
    start, mask = grain((48, 32)), marked((48, 32), box)
    how = wish(feather=feather, area=area, margin=margin, fill=fill)
    canvas = lay_out(asked(target, mask=how), start, mask)
    result = canvas.finish(painted(canvas))
    assert canvas.picture.size == target and canvas.mask is not None and canvas.mask.size == target
    assert result.size == start.size
    kept = far(mask, feather)
    assert (array(result)[kept] == array(start)[kept]).all()
    assert (array(result)[np.asarray(mask) == 255] == PAINT).all()


def test_inverted_what_was_marked_is_kept() -> None:
    start, mask = grain((48, 32)), marked((48, 32), (10, 10, 20, 20))
    canvas = lay_out(asked((48, 32), mask=wish(feather=0, invert=True)), start, mask)
    result = array(canvas.finish(painted(canvas)))
    assert (result[10:20, 10:20] == array(start)[10:20, 10:20]).all()
    assert (result[np.asarray(mask) == 0] == PAINT).all()


def test_a_mask_follows_its_picture_into_another_shape() -> None:
    start = Image.new("RGB", (100, 50), "blue")
    start.paste("red", (40, 20, 60, 30))
    mask = marked((100, 50), (40, 20, 60, 30))
    for fit in ("crop", "stretch"):
        canvas = lay_out(asked((128, 128), fit, mask=wish(feather=0)), start, mask)
        red = array(canvas.picture)[..., 0] > 127
        white = np.asarray(canvas.mask) > 127
        assert (red == white).mean() > 0.98 and white.any()


def test_a_mask_of_another_size_is_brought_to_its_picture() -> None:
    small = lay_out(asked((48, 32), mask=wish(feather=0)), grain((48, 32)), marked((12, 8), (3, 2, 6, 4)))
    assert small.mask is not None
    assert np.asarray(small.mask)[10:14, 14:22].min() == 255 and np.asarray(small.mask)[20:, 30:].max() == 0


@pytest.mark.parametrize("area", ["whole", "masked"])
@pytest.mark.parametrize(
    ("mask", "invert"),
    [
        (Image.new("L", (48, 32)), False),
        (Image.new("L", (48, 32), 255), True),
        (Image.new("L", (48, 32), 9), False),
    ],
    ids=["black", "white, inverted", "what a JPEG leaves"],
)
def test_a_mask_with_nothing_marked_is_said(area: str, mask: Image.Image, invert: bool) -> None:
    with pytest.raises(StudioError) as caught:
        lay_out(asked((48, 32), mask=wish(area=area, invert=invert)), grain((48, 32)), mask)
    assert caught.value.code == "mask_empty"


def test_a_mask_that_is_cropped_away_is_said() -> None:
    with pytest.raises(StudioError) as caught:
        lay_out(asked((32, 32), mask=wish()), grain((128, 32)), marked((128, 32), (0, 0, 8, 32)))
    assert caught.value.code == "mask_empty"


def test_the_faint_grey_that_lossy_formats_leave_is_nobodys_wish() -> None:
    mask = marked((48, 32), (0, 0, 48, 32), 9)
    mask.paste(255, (10, 10, 20, 20))
    canvas = lay_out(asked((48, 32), mask=wish(feather=0)), grain((48, 32)), mask)
    assert canvas.mask is not None and canvas.mask.getbbox() == (10, 10, 20, 20)


def test_a_second_pass_that_paints_larger_is_put_back_larger() -> None:
    start, mask = Image.new("RGB", (48, 32), "blue"), marked((48, 32), (0, 0, 24, 32))
    canvas = lay_out(asked((48, 32), mask=wish(feather=0)), start, mask)
    result = canvas.finish(Image.new("RGB", (96, 64), PAINT))
    assert result.size == (96, 64)
    assert result.getpixel((10, 30)) == PAINT and result.getpixel((90, 30)) == (0, 0, 255)


# -- the masked region ----------------------------------------------------------------------------


def close_up(
    start: Image.Image, box: tuple[int, int, int, int], size: tuple[int, int], margin: int
) -> Canvas:
    """A box of a picture, marked and laid out alone, with sharp edges."""
    wanted = wish(area="masked", feather=0, margin=margin)
    return lay_out(asked(size, mask=wanted), start, marked(start.size, box))


def test_the_masked_region_is_painted_at_the_full_size() -> None:
    start = Image.new("RGB", (400, 300), "blue")
    start.paste("red", (100, 100, 120, 110))
    canvas = close_up(start, (100, 100, 120, 110), (128, 128), margin=6)
    # 20 pixels and a margin of 6 on both sides at four times their size.
    assert np.asarray(canvas.mask)[64, 30:98].min() == 255
    assert np.asarray(canvas.mask)[64, :20].max() == 0
    assert canvas.picture.getpixel((64, 64)) == (255, 0, 0) and canvas.picture.getpixel((4, 4)) == (0, 0, 255)


def test_what_is_painted_of_a_region_lands_where_it_was() -> None:
    start = grain((200, 150))
    canvas = close_up(start, (150, 20, 190, 60), (128, 96), margin=8)
    # A model that paints just what it is given changes nothing but the sharpness of what is marked.
    soft = Image.new("RGB", (200, 150), "blue")
    ImageDraw.Draw(soft).ellipse((155, 25, 185, 55), fill="yellow")
    given_back = close_up(soft, (150, 20, 190, 60), (128, 96), margin=8)
    result = given_back.finish(given_back.picture)
    assert np.abs(array(result) - array(soft)).mean() < 1
    assert canvas.finish(painted(canvas)).size == (200, 150)


@pytest.mark.parametrize("corner", [(0, 0), (180, 0), (0, 130), (180, 130)])
def test_a_region_at_the_edge_stays_within_the_picture(corner: tuple[int, int]) -> None:
    start = grain((200, 150))
    mask = marked((200, 150), (*corner, corner[0] + 20, corner[1] + 20))
    canvas = lay_out(asked((64, 64), mask=wish(area="masked", margin=10)), start, mask)
    assert canvas.box is not None
    left, top, right, bottom = canvas.box
    assert 0 <= left < right <= 200 and 0 <= top < bottom <= 150 and right - left == bottom - top
    kept = far(mask, 8)
    assert (array(canvas.finish(painted(canvas)))[kept] == array(start)[kept]).all()


def test_a_region_that_has_no_room_for_its_shape_is_not_squeezed() -> None:
    start = Image.new("RGB", (300, 40), "blue")
    ImageDraw.Draw(start).ellipse((130, 0, 169, 39), fill="red")
    canvas = close_up(start, (0, 0, 300, 40), (128, 128), margin=0)
    red = np.argwhere(array(canvas.picture)[..., 0] > 127)
    # The disc stays a disc; above and below the picture goes on mirrored.
    width = int(np.ptp(red[:, 1])) + 1
    middle = array(canvas.picture)[56:72, 64, 0]
    assert 15 <= width <= 19 and (middle > 127).all()
    assert canvas.finish(painted(canvas)).size == (300, 40)


# -- what lies under the mask ---------------------------------------------------------------------


def test_blurred_what_was_there_no_longer_shines_through() -> None:
    start = Image.new("RGB", (96, 64), (20, 120, 40))
    start.paste((255, 0, 0), (30, 20, 60, 44))
    canvas = lay_out(
        asked((96, 64), mask=wish(fill="blurred", feather=4)), start, marked((96, 64), (28, 18, 62, 46))
    )
    assert np.abs(array(canvas.picture) - (20, 120, 40)).max() <= 1


def test_blurred_the_colours_around_run_into_each_other() -> None:
    start = Image.new("RGB", (96, 64), "black")
    start.paste("white", (48, 0, 96, 64))
    canvas = lay_out(
        asked((96, 64), mask=wish(fill="blurred", feather=0)), start, marked((96, 64), (20, 0, 76, 64))
    )
    row = array(canvas.picture)[32, :, 0]
    assert row[22] < 60 and row[73] > 195 and 60 < row[48] < 195
    assert np.abs(np.diff(row[20:76])).max() < 40


def test_blurred_with_everything_marked_the_pictures_average_is_left() -> None:
    start = grain((48, 32))
    canvas = lay_out(asked((48, 32), mask=wish(fill="blurred")), start, marked((48, 32), (0, 0, 48, 32)))
    assert np.abs(array(canvas.picture) - array(start).mean((0, 1))).max() <= 2


@pytest.mark.parametrize("fill", ["original", "noise", "nothing"])
def test_other_fills_leave_the_picture_to_the_denoiser(fill: str) -> None:
    start = grain((48, 32))
    canvas = lay_out(asked((48, 32), mask=wish(fill=fill)), start, marked((48, 32), (4, 4, 20, 20)))
    assert np.array_equal(array(canvas.picture), array(start))


# -- outpainting ----------------------------------------------------------------------------------

ROOM = samples.spec(limits=GenerationLimits(smallest=32, largest=128, multiple=8, steps=50, guidance=20))
SIDES = st.tuples(*[st.integers(0, 30)] * 4).filter(any)


@settings(max_examples=60, deadline=None)
@given(size=st.tuples(st.integers(32, 64), st.integers(32, 64)), sides=SIDES, feather=st.integers(0, 12))
def test_growing_keeps_the_old_part_to_the_level_but_for_the_feather(
    size: tuple[int, int], sides: tuple[int, int, int, int], feather: int
) -> None:
    outpaint = Outpaint(**dict(zip(("left", "right", "top", "bottom"), sides, strict=True)), feather=feather)
    grown = grown_size(Size(width=size[0], height=size[1]), outpaint, ROOM)
    start = grain(size)
    canvas = lay_out(asked((grown.width, grown.height), outpaint=outpaint), start, None)
    result = array(canvas.finish(painted(canvas)))
    assert canvas.mask is not None and canvas.picture.size == canvas.mask.size == (grown.width, grown.height)
    x, y = found(result, array(start), feather, sides)
    assert abs(x - sides[0]) < 8 and abs(y - sides[2]) < 8
    outside = np.ones(result.shape[:2], bool)
    outside[y : y + size[1], x : x + size[0]] = False
    assert (result[outside] == PAINT).all()


def found(result: np.ndarray, start: np.ndarray, feather: int, sides: tuple[int, ...]) -> tuple[int, int]:
    """Where the middle of the start, which no feather reaches, lies in the result."""
    height, width = start.shape[:2]
    inner = start[feather : height - feather, feather : width - feather]
    for y in range(max(0, sides[2] - 8), min(result.shape[0] - height, sides[2] + 8) + 1):
        for x in range(max(0, sides[0] - 8), min(result.shape[1] - width, sides[0] + 8) + 1):
            part = result[y + feather : y + height - feather, x + feather : x + width - feather]
            if (part == inner).all():
                return x, y
    raise AssertionError("the start is not in the result")


def test_a_side_that_does_not_grow_has_no_feather() -> None:
    canvas = lay_out(asked((64, 32), outpaint=Outpaint(left=16, feather=4)), grain((48, 32)), None)
    result = array(canvas.finish(painted(canvas)))
    assert (result[:, 20:] == array(grain((48, 32)))[:, 4:]).all()
    assert (result[:, :16] == PAINT).all()


def test_the_new_part_starts_from_the_edges_colours() -> None:
    start = Image.new("RGB", (64, 64), "blue")
    start.paste("yellow", (32, 0, 64, 64))
    canvas = lay_out(asked((128, 64), outpaint=Outpaint(left=32, right=32)), start, None)
    left, right = array(canvas.picture)[:, :24], array(canvas.picture)[:, 104:]
    assert np.abs(left - (0, 0, 255)).max() < 40 and np.abs(right - (255, 255, 0)).max() < 40
    assert np.array_equal(array(canvas.picture)[:, 32:96], array(start))


def test_there_is_no_seam_where_the_new_part_begins() -> None:
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1))
    canvas = lay_out(
        asked((128, 64), outpaint=Outpaint(right=64)), Image.fromarray(np.dstack([ramp] * 3)), None
    )
    row = array(canvas.picture)[32, :, 0]
    assert np.abs(np.diff(row)).max() <= 12


def test_a_picture_too_large_to_grow_is_grown_smaller() -> None:
    start = Image.new("RGB", (400, 200), "red")
    outpaint = Outpaint(right=400, feather=0)
    size = grown_size(Size(width=400, height=200), outpaint, ROOM)
    canvas = lay_out(asked((size.width, size.height), outpaint=outpaint), start, None)
    assert (size.width, size.height) == (128, 32)
    result = array(canvas.finish(painted(canvas)))
    assert (result[:, :62] == (255, 0, 0)).all() and (result[:, 66:] == PAINT).all()


def test_what_is_marked_is_painted_together_with_the_new_part() -> None:
    start, mask = grain((48, 32)), marked((48, 32), (30, 10, 40, 20))
    how = asked((64, 32), outpaint=Outpaint(left=16, feather=0), mask=wish(feather=0))
    canvas = lay_out(how, start, mask)
    result = array(canvas.finish(painted(canvas)))
    new = np.zeros((32, 64), bool)
    new[:, :16] = new[10:20, 46:56] = True
    assert (result[new] == PAINT).all()
    assert (result[~new] == array(canvas.finish(canvas.picture))[~new]).all()
    assert (result[:, 16:][~new[:, 16:]] == array(start)[~new[:, 16:]]).all()


# -- any mask -------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    share=st.floats(0.01, 0.6),
    feather=st.integers(0, 6),
    area=st.sampled_from(["whole", "masked"]),
    invert=st.booleans(),
)
def test_a_soft_mask_of_any_shape_keeps_what_it_does_not_mark(
    seed: int, share: float, feather: int, area: str, invert: bool
) -> None:
    random = np.random.default_rng(seed)
    levels = np.where(random.random((32, 48)) < share / 10, random.integers(16, 256, (32, 48)), 0)
    levels[random.integers(32), random.integers(48)] = 200
    start, mask = grain((48, 32), seed), Image.fromarray(levels.astype(np.uint8))
    how = wish(feather=feather, area=area, invert=invert)
    canvas = lay_out(asked((48, 32), mask=how), start, mask)
    meant = Image.fromarray(255 - levels.astype(np.uint8)) if invert else mask
    kept = far(meant, feather)
    result = array(canvas.finish(painted(canvas)))
    assert (result[kept] == array(start)[kept]).all()
    assert (result[np.asarray(meant) == 255] == PAINT).all()


@pytest.mark.parametrize("area", ["whole", "masked"])
def test_what_is_given_back_unchanged_changes_nothing(area: str) -> None:
    start = grain((48, 32))
    canvas = lay_out(
        asked((48, 32), mask=wish(area=area, margin=64)), start, marked((48, 32), (10, 8, 30, 20))
    )
    assert np.array_equal(array(canvas.finish(canvas.picture)), array(start))
