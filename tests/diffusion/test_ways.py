"""Every way to start a picture, told by what the pictures show: on the pocket, whose world knows its truth."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pocket.sheet import nearest
from pocket.world import SUBJECTS, Picture, Scene, draw
from pocket.world.sampling import settle
from pocket.world.scene import BACKGROUNDS, COLOURS
from studio.diffusion.canvas import lay_out
from studio.diffusion.run import Means, paint
from studio.diffusion.upscaling import enlarge
from studio.messages import (
    LANCZOS,
    Base,
    GenerationRequest,
    HighResolution,
    Mask,
    Outpaint,
    Start,
    Upscale,
    Variation,
)
from studio.models.registry import Loaded
from tests.diffusion.painting import SILENT, loaded, request

WEIGHTS = Path(__file__).parents[2] / "pocket" / "weights"
pytestmark = pytest.mark.skipif(not (WEIGHTS / "model_index.json").exists(), reason="no weights yet")
SIDE, SEEDS = 256, (1, 2)
DIGEST = "a" * 64


@pytest.fixture(scope="module")
def pocket() -> Loaded:
    return loaded(WEIGHTS)


@cache
def drawn(subject: str, colour: str, background: str) -> Picture:
    """A drawing of the world, with its truth."""
    return draw(settle(subject, colour, background), SIDE)


def asked(prompt: str, **changes: object) -> GenerationRequest:
    plain = {"model": "pocket", "width": SIDE, "height": SIDE, "steps": 8, "negative": "", "guidance": 2.5}
    return request(**(plain | {"prompt": prompt} | changes))


def painted(
    pocket: Loaded,
    wanted: GenerationRequest,
    start: Image.Image | None = None,
    mask: Image.Image | None = None,
) -> Image.Image:
    canvas = lay_out(wanted, start, mask) if start else None
    means = Means(enlarge=lambda one, factor: enlarge(one, factor, None, lambda *_: None, lambda: False))
    return paint(pocket, wanted, "cpu", SILENT, canvas, means)


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float32)


def apart(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(pixels(one) - pixels(other)).mean())


def colour_of(picture: Image.Image, subject: str, background: str) -> str:
    ways = {colour: settle(subject, colour, background) for colour in COLOURS}
    return nearest(np.asarray(picture), ways)


def background_of(picture: Image.Image, subject: str, colour: str) -> str:
    ways: dict[str, Scene] = {one: settle(subject, colour, one) for one in BACKGROUNDS}
    return nearest(np.asarray(picture), ways)


def test_the_more_strength_the_less_is_left_of_the_start(pocket: Loaded) -> None:
    start = drawn("cat", "red", "meadow").image
    far = [
        np.mean([
            apart(start, painted(pocket, asked("a blue boat on the sea", seed=seed,
                  start=Start(picture=DIGEST, strength=strength)), start))
            for seed in SEEDS
        ])
        for strength in (0.0, 0.3, 0.6, 0.9)
    ]  # fmt: skip
    assert far == sorted(far) and far[0] == 0 and far[1] < 0.6 * far[3]


def test_full_strength_shows_what_was_asked_and_little_strength_what_was_there(pocket: Loaded) -> None:
    start = drawn("heart", "red", "meadow").image

    def shown(strength: float) -> str:
        wanted = asked("a red heart under the night sky", start=Start(picture=DIGEST, strength=strength))
        return background_of(painted(pocket, wanted, start), "heart", "red")

    assert shown(0.2) == "meadow" and shown(1.0) == "night sky"


@pytest.mark.parametrize("fill", ["original", "blurred", "noise", "nothing"])
def test_inpainting_changes_the_mask_alone_and_to_what_was_asked(pocket: Loaded, fill: str) -> None:
    truth = drawn("heart", "red", "meadow")
    mask = Image.fromarray(truth.masks[0]).filter(ImageFilter.MaxFilter(7))
    wanted = asked(
        "a blue heart in a meadow",
        start=Start(picture=DIGEST, strength=1.0),
        mask=Mask(picture=DIGEST, feather=4, fill=fill),  # type: ignore[arg-type]
    )
    found = painted(pocket, wanted, truth.image, mask)
    kept = pixels(lay_out(wanted, truth.image, mask).mask) == 0  # type: ignore[arg-type]
    assert kept.mean() > 0.3
    assert (pixels(found)[kept] == pixels(truth.image)[kept]).all()
    assert colour_of(found, "heart", "meadow") == "blue"


def test_a_masked_region_of_a_larger_picture_is_painted_and_the_rest_is_untouched(pocket: Loaded) -> None:
    truth = draw(settle("heart", "red", "meadow"), 2 * SIDE)
    mask = Image.fromarray(truth.masks[0]).filter(ImageFilter.MaxFilter(9))
    wanted = asked(
        "a blue heart in a meadow",
        start=Start(picture=DIGEST, strength=0.9),
        mask=Mask(picture=DIGEST, area="masked", margin=16, feather=4),
    )
    found = painted(pocket, wanted, truth.image, mask)
    outside = pixels(mask.filter(ImageFilter.MaxFilter(25))) == 0
    assert found.size == truth.image.size and outside.mean() > 0.2
    assert (pixels(found)[outside] == pixels(truth.image)[outside]).all()
    inside = pixels(Image.fromarray(truth.masks[0])) == 255
    red, _, blue = pixels(found)[inside].mean(0)
    assert blue > red


def test_outpainting_keeps_the_old_and_goes_on_with_the_scene(pocket: Loaded) -> None:
    start = drawn("cat", "red", "meadow").image
    wanted = asked(
        "a red cat in a meadow", width=SIDE + 64, start=Start(picture=DIGEST, strength=0.9),
        outpaint=Outpaint(left=32, right=32, feather=8),
    )  # fmt: skip
    found = painted(pocket, wanted, start)
    assert found.size == (SIDE + 64, SIDE)
    middle = pixels(found)[:, 32 + 16 : -32 - 16]
    assert (middle == pixels(start)[:, 16:-16]).all()
    grown = pixels(found)[:, :24]
    # Sky above, grass below, as in the drawing it grew from.
    assert grown[:40, :, 2].mean() > grown[-30:, :, 2].mean() + 40
    assert grown[-30:, :, 1].mean() > grown[-30:, :, 2].mean()


@pytest.mark.parametrize("upscaler", ["latent", LANCZOS])
def test_a_second_pass_is_larger_and_shows_the_same(pocket: Loaded, upscaler: str) -> None:
    small = painted(pocket, asked("a red heart in a meadow"))
    twice = HighResolution(factor=2, strength=0.4, steps=6, upscaler=upscaler)
    large = painted(pocket, asked("a red heart in a meadow", stages=(Base(), twice)))
    assert large.size == (2 * SIDE, 2 * SIDE)
    back = large.resize((SIDE, SIDE), Image.Resampling.BOX)
    other = painted(pocket, asked("a blue boat on the sea"))
    assert apart(back, small) < 0.5 * apart(other, small)
    assert colour_of(back, "heart", "meadow") == "red"


def test_an_enlarged_picture_is_the_picture(pocket: Loaded) -> None:
    start = drawn("cat", "red", "meadow").image
    for factor in (1.5, 2.0, 4.0):
        found = enlarge(start, factor, None, lambda *_: None, lambda: False)
        assert found.size == (round(SIDE * factor), round(SIDE * factor))
        assert apart(found.resize(start.size, Image.Resampling.LANCZOS), start) < 2
    assert Upscale().upscaler == LANCZOS


def test_a_little_of_another_seed_keeps_the_composition(pocket: Loaded) -> None:
    prompt = "a red cat in a meadow"
    own = [painted(pocket, asked(prompt, seed=seed)) for seed in SEEDS]
    far = [
        np.mean([
            apart(first, painted(pocket, asked(prompt, seed=seed, variation=Variation(seed=99, weight=weight))))
            for seed, first in zip(SEEDS, own, strict=True)
        ])
        for weight in (0.0, 0.1, 0.4, 1.0)
    ]  # fmt: skip
    assert far == sorted(far) and far[0] == 0 and far[1] < 0.5 * far[3]


def test_a_seamless_picture_meets_itself_at_its_edges(pocket: Loaded) -> None:
    def seam(tiling: str) -> float:
        found = pixels(painted(pocket, asked("a red heart, gradient background", tiling=tiling)))
        inside = np.abs(np.diff(found, axis=0)).mean()
        return float(np.abs(found[0] - found[-1]).mean() / inside)

    assert seam("both") < 0.5 * seam("none")


def test_every_subject_the_measure_knows_is_drawn() -> None:
    # What the tests above rely on: the measure finds the truth in the world's own drawings.
    for subject in list(SUBJECTS)[:4]:
        assert colour_of(drawn(subject, "red", "sea").image, subject, "sea") == "red"
        assert background_of(drawn(subject, "red", "sea").image, subject, "red") == "sea"
