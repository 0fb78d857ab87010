"""Sizes that a model takes: for a picture of any shape, and for one that grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.messages import GenerationDefaults, GenerationLimits, ModelSpec, Outpaint, Size
from studio.sizes import LEAST_AREA, MOST_AREA, grown_size, size_like, takes
from tests import samples

LENGTHS = st.integers(1, 9000)


def model(native: int = 512, smallest: int = 256, largest: int = 1024, multiple: int = 8) -> ModelSpec:
    """A model that was trained on squares."""
    size = Size(width=native, height=native)
    limits = GenerationLimits(smallest=smallest, largest=largest, multiple=multiple, steps=50, guidance=20)
    return samples.spec(
        defaults=GenerationDefaults(size=size, steps=3, guidance=4, sampler="euler"), limits=limits
    )


MODELS = [
    model(),
    model(128, 64, 256),
    model(768, 100, 1000, 64),
    model(1024, 512, 2048, 16),
    model(512, 512, 512),
]


@pytest.mark.parametrize(
    ("brought", "taken"),
    [
        ((512, 512), (512, 512)),
        ((640, 480), (640, 480)),
        ((641, 483), (640, 480)),
        ((4000, 3000), (840, 624)),  # twice the native area and no more
        ((100, 50), (512, 256)),
        ((1, 1), (360, 360)),  # half the native area
        ((4096, 10), (1024, 256)),
        ((10, 4096), (256, 1024)),
    ],
)
def test_a_picture_gets_the_size_nearest_to_its_own_at_which_the_model_is_at_home(
    brought: tuple[int, int], taken: tuple[int, int]
) -> None:
    found = size_like(Size(width=brought[0], height=brought[1]), model())
    assert (found.width, found.height) == taken


@given(width=LENGTHS, height=LENGTHS, spec=st.sampled_from(MODELS))
def test_the_model_takes_what_any_picture_gets(width: int, height: int, spec: ModelSpec) -> None:
    assert takes(size_like(Size(width=width, height=height), spec), spec)


@given(width=st.integers(400, 700), height=st.integers(400, 700))
def test_where_the_model_is_at_home_no_side_moves_further_than_half_a_multiple(
    width: int, height: int
) -> None:
    assert LEAST_AREA * 512**2 <= 400**2 + 1 or width * height >= LEAST_AREA * 512**2
    size = size_like(Size(width=width, height=height), model())
    assert abs(size.width - width) <= 4 and abs(size.height - height) <= 4


@given(side=st.integers(800, 9000), ratio=st.floats(0.5, 2))
def test_a_large_picture_keeps_its_shape(side: int, ratio: float) -> None:
    size = size_like(Size(width=side, height=round(side * ratio)), model())
    assert size.height / size.width == pytest.approx(ratio, rel=0.05)
    assert size.width * size.height <= MOST_AREA * 512**2 * 1.05


def test_a_grown_picture_has_room_for_its_parts_or_is_scaled_as_a_whole() -> None:
    def grown(side: int, **sides: int) -> tuple[int, int]:
        size = grown_size(Size(width=side, height=side), Outpaint(**sides), model())
        return size.width, size.height

    assert grown(501, left=100, top=30) == (608, 536)
    assert grown(900, right=100) == (1000, 904)  # no pixel of the old is lost
    wide = grown(500, right=1000)
    assert wide[0] == 1024 and wide[1] == 344
