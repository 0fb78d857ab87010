"""Detectors without weights: what their maps show, at the picture's size, whatever the picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from studio.control import taken
from studio.controls import DETECTORS
from tests.control.samples import scene

WEIGHTLESS = [id for id, detector in DETECTORS.items() if not detector.weights]
SIZES = [(150, 100), (1, 1), (1, 700), (900, 2), (127, 129)]


def made(detector: str, picture: Image.Image, **settings: float) -> Image.Image:
    own = {one.name: one.default for one in DETECTORS[detector].settings}
    return taken(detector, picture, own | settings, {})


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.int32)


@pytest.mark.parametrize("detector", WEIGHTLESS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_map_has_the_size_of_its_reference(detector: str, size: tuple[int, int]) -> None:
    found = made(detector, scene(*size))
    assert (found.size, found.mode) == (size, "RGB")


@pytest.mark.parametrize("detector", WEIGHTLESS)
def test_the_same_picture_has_the_same_map(detector: str) -> None:
    assert made(detector, scene()).tobytes() == made(detector, scene()).tobytes()


def test_canny_draws_the_outline_and_nothing_inside() -> None:
    edges = pixels(made("canny", scene()))[..., 0]
    assert set(np.unique(edges)) == {0, 255}
    assert edges[15:25, 40:60].max() == 255, "the box's upper side lies at 20"
    assert edges[30:70, 40:60].max() == 0


def test_a_higher_threshold_leaves_fewer_edges() -> None:
    faint = Image.fromarray(np.clip(pixels(scene()) // 4 + 120, 0, 255).astype(np.uint8))
    many, few = (pixels(made("canny", faint, low=low, high=high)) for low, high in ((10, 20), (250, 255)))
    assert many.sum() > few.sum()


def test_canny_keeps_two_levels_on_a_picture_larger_than_it_looks_at() -> None:
    edges = pixels(made("canny", scene(900, 600), resolution=128))
    assert set(np.unique(edges)) == {0, 255}


def test_the_grid_holds_the_mean_of_each_cell() -> None:
    picture = scene(160, 80)
    found = pixels(made("grid", picture, cells=4))
    cell = pixels(picture)[20:40, 60:80].mean(axis=(0, 1))
    assert np.abs(found[20:40, 60:80] - cell).max() <= 1
    assert len(np.unique(found.reshape(-1, 3), axis=0)) <= 4 * 8


def test_the_palette_tells_shares_and_no_places() -> None:
    picture = Image.new("RGB", (100, 10), "white")
    picture.paste((200, 0, 0), (0, 0, 30, 10))
    found = pixels(made("histogram", picture, colours=2))
    red = np.abs(found - [200, 0, 0]).sum(axis=-1) < 12
    assert red[:, :30].all() and not red[:, 30:].any(), "dark comes first, as wide as its share"
    turned = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert made("histogram", turned, colours=2).tobytes() == made("histogram", picture, colours=2).tobytes()


def test_a_drawing_becomes_white_on_black_from_either_paper() -> None:
    drawing = Image.new("RGB", (60, 40), "white")
    drawing.paste("black", (20, 10, 24, 30))
    dark = Image.eval(drawing, lambda level: 255 - level)
    strokes = pixels(made("drawn", drawing))
    assert strokes[20, 22, 0] == 255 and strokes[20, 40, 0] == 0
    assert made("drawn", dark).tobytes() == made("drawn", drawing).tobytes()


def test_plain_line_art_is_bright_where_it_is_darker_than_around() -> None:
    drawing = Image.new("RGB", (200, 150), "white")
    drawing.paste("black", (98, 20, 101, 130))
    lines = pixels(made("line_art_plain", drawing))
    assert lines[75, 99, 0] > 100 > 10 > lines[75, 20, 0]
    blank = made("line_art_plain", Image.new("RGB", (90, 90), "white"))
    assert blank.getextrema() == ((0, 0),) * 3


def test_a_shuffle_moves_the_picture_and_keeps_its_colours_and_the_seed_decides_how() -> None:
    picture = scene(300, 200)
    first, other = made("shuffle", picture, seed=1), made("shuffle", picture, seed=2)
    assert first.tobytes() != other.tobytes() != picture.tobytes()
    low, high = pixels(picture).min(axis=(0, 1)), pixels(picture).max(axis=(0, 1))
    assert (pixels(first) >= low).all() and (pixels(first) <= high).all()


def test_grey_keeps_light_and_drops_colour() -> None:
    found = pixels(made("grey", scene()))
    assert (found[..., 0] == found[..., 1]).all() and (found[..., 1] == found[..., 2]).all()
    assert np.abs(found[..., 0] - pixels(scene().convert("L"))).max() == 0


def test_a_tile_is_the_picture_itself_or_less_of_its_detail() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8))
    assert made("tile", noise).tobytes() == noise.tobytes()
    coarse = pixels(made("tile", noise, smaller=8))
    assert coarse.std() < 0.5 * pixels(noise).std()
    assert abs(coarse.mean() - pixels(noise).mean()) < 4
