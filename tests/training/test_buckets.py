"""Shapes that pictures are learned from in."""

from __future__ import annotations

import pytest
from PIL import Image

from studio.messages import Size
from studio.training import cropped, place, shapes
from tests import samples

SPEC = samples.spec()


@pytest.mark.parametrize(("resolution", "step"), [(512, 64), (1024, 64), (128, 16), (64, 8), (32, 8)])
def test_no_shape_has_more_pixels_than_a_square(resolution: int, step: int) -> None:
    found = shapes(resolution, SPEC)
    assert Size(width=resolution, height=resolution) in found
    for size in found:
        assert size.width * size.height <= resolution**2
        assert size.width % step == size.height % step == 0
        assert max(size.width, size.height) <= 2 * resolution
    assert {(one.height, one.width) for one in found} == {(one.width, one.height) for one in found}


def test_shapes_are_nearly_as_large_as_the_square() -> None:
    assert min(size.width * size.height for size in shapes(512, SPEC)) > 0.8 * 512**2


@pytest.mark.parametrize(
    ("picture", "shape"),
    [
        ((1000, 1000), (512, 512)),
        ((1920, 1080), (640, 384)),
        ((1080, 1920), (384, 640)),
        ((9000, 100), (1024, 256)),
    ],
)
def test_a_picture_gets_the_shape_that_is_nearest_to_its_own(
    picture: tuple[int, int], shape: tuple[int, int]
) -> None:
    found = place(Size(width=picture[0], height=picture[1]), shapes(512, SPEC)).size
    assert (found.width, found.height) == shape


def test_a_picture_is_cut_in_its_middle_and_nothing_is_stretched() -> None:
    picture = Image.new("RGB", (300, 100), "red")
    picture.paste((0, 0, 255), (100, 0, 200, 100))
    where = place(Size(width=300, height=100), (Size(width=64, height=64),))
    seen = cropped(picture, where)
    assert seen.size == (64, 64) and (where.left, where.top) == (64, 0)
    assert seen.getpixel((32, 32)) == (0, 0, 255)
    assert seen.getpixel((3, 5)) == seen.getpixel((60, 60)) == (0, 0, 255)


def test_how_much_of_a_picture_is_seen_is_told() -> None:
    square = (Size(width=64, height=64),)
    assert place(Size(width=640, height=640), square).share == 1
    assert place(Size(width=128, height=64), square).share == pytest.approx(0.5)
