"""The maps that the control net learns from are those that the studio shows it later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pocket.evaluate import WEIGHTS
from pocket.world import draw, sample
from pocket.world.sampling import settle
from pocket.world.truth import depth, soft_edges

torch = pytest.importorskip("torch")
from pocket.train.references import KINDS, Maps, maps_of  # noqa: E402

SIDE = 256


def stacked(*scenes: object) -> Maps:
    """The maps of some scenes."""
    every = [maps_of(draw(scene, SIDE)) for scene in scenes]  # type: ignore[arg-type]
    return Maps(**{kind: np.stack([maps[kind] for maps in every]) for kind in KINDS})


def test_hard_edges_and_colours_are_those_of_the_studios_detectors() -> None:
    from studio.control import canny, grid

    picture = draw(sample(4, kind="pair", plain=True), SIDE)
    maps = stacked(picture.scene)
    edges = canny.detect(picture.image, {"low": 100, "high": 200, "resolution": 512}, {})
    assert np.array_equal(maps.one("canny", 0), np.asarray(edges))
    cells = np.asarray(grid.detect(picture.image, {"cells": 8}, {}), int)
    assert np.abs(maps.one("colour", 0) - cells).max() <= 1


def test_only_people_have_a_pose() -> None:
    maps = stacked(settle("boy", "red", "plain"), settle("car", "red", "plain"))
    assert "pose" in maps.kinds(0) and "pose" not in maps.kinds(1)
    assert set(maps.kinds(1)) == set(KINDS) - {"pose"}


def test_what_stands_in_front_is_near() -> None:
    picture = draw(settle("apple", "red", "meadow"), SIDE)
    near = depth(picture)
    inside = picture.masks[0] > 0
    assert near[inside].min() > near[~inside].max()


def test_soft_edges_are_brightest_around_the_subject() -> None:
    picture = draw(settle("heart", "red", "plain"), SIDE)
    rim = np.zeros((SIDE, SIDE), bool)
    mask = picture.masks[0] > 0
    rim[1:-1, 1:-1] = mask[1:-1, 1:-1] & ~(
        mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    )
    soft = soft_edges(picture)
    assert soft[rim].mean() > 120 > 30 > soft[~mask].mean()


def test_a_batch_shows_each_picture_one_of_its_maps() -> None:
    maps = stacked(settle("girl", "pink", "snow"), settle("star", "yellow", "night sky"))
    batch = maps.some(np.array([0, 1, 0]), np.random.default_rng(0), torch.device("cpu"))
    assert batch.shape == (3, 3, SIDE, SIDE) and 0 <= float(batch.min()) <= float(batch.max()) <= 1


def test_the_net_is_silent_at_first_and_the_base_does_not_learn(tmp_path: Path) -> None:
    from pocket.train.controls import Followed, build_net
    from pocket.train.settings import Settings
    from pocket.train.unet import build_both

    both = build_both(replace(Settings(), run=tmp_path))
    followed = Followed(both, build_net(both.unet, Path("none")))
    given = torch.randn(2, 4, 32, 32), torch.tensor([500, 500]), torch.ones(2, 77, dtype=torch.long)
    told = followed(*given, torch.rand(2, 3, SIDE, SIDE))
    assert torch.allclose(told, both(*given), atol=1e-5)
    told.square().mean().backward()
    assert all(p.grad is None for p in both.parameters())
    assert any(p.grad is not None and p.grad.any() for p in followed.net.parameters())


def test_an_error_over_a_whole_cell_counts_more_than_one_at_its_edges() -> None:
    from pocket.train.controls import CELLS, at_sizes

    rows, columns = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    edges = (1 - 2 * ((rows + columns) % 2)).float()[None, None]
    assert float(at_sizes(edges, CELLS)) == 1
    assert float(at_sizes(edges.abs(), CELLS)) == sum(CELLS)


def test_what_guidance_makes_of_two_guesses_counts_beside_them() -> None:
    from pocket.painter import GUIDANCE
    from pocket.train.controls import strayed

    target, off = torch.randn(2, 4, 8, 8), torch.ones(2, 4, 8, 8)
    assert float(strayed(target, target, target)) == 0
    balanced = strayed(target + off, target + off * (1 - 1 / GUIDANCE), target)
    driven = strayed(target + off * (1 - 1 / GUIDANCE), target + off, target)
    assert float(driven) > 2 * float(balanced), "both guesses are as far off, and the first picture is right"


def test_where_there_are_no_words_the_net_is_heard_as_quietly_as_in_the_studio() -> None:
    from pocket.fidelity import loudness
    from pocket.train.controls import QUIETER, heard

    assert heard(torch.ones(4)).tolist() == pytest.approx([QUIETER, QUIETER, 1, 1])
    assert loudness().opposite == pytest.approx(QUIETER * loudness().own)


def test_a_written_net_speaks_louder_and_goes_on_learning_as_it_was(tmp_path: Path) -> None:
    from diffusers import ControlNetModel

    from pocket.train.controls import LOUD, build_net, write_net
    from pocket.train.settings import Settings
    from pocket.train.unet import build_both

    torch.manual_seed(0)
    unet = build_both(replace(Settings(), run=tmp_path)).unet
    net = build_net(unet, Path("none"))
    for part in (*net.controlnet_down_blocks, net.controlnet_mid_block):
        torch.nn.init.normal_(part.weight, std=0.02)
    given = (
        torch.randn(1, 4, 32, 32),
        torch.tensor([500]),
        torch.randn(1, 77, unet.config.cross_attention_dim),
    )

    def says(one: object) -> torch.Tensor:
        with torch.no_grad():
            return one(*given, controlnet_cond=torch.rand(1, 3, SIDE, SIDE), return_dict=False)[1]  # type: ignore[operator]

    torch.manual_seed(1)
    before = says(net)
    write_net(net, tmp_path / "control")
    for after, times in (
        (ControlNetModel.from_pretrained(tmp_path / "control"), LOUD),
        (build_net(unet, tmp_path / "control"), 1),
    ):
        torch.manual_seed(1)
        meant = times * before
        assert (says(after.float()) - meant).norm() < 0.02 * meant.norm(), "but for half precision"
    write_net(build_net(unet, tmp_path / "control"), tmp_path / "again")
    assert str(tmp_path) not in (tmp_path / "again" / "config.json").read_text("utf-8")


def test_maps_of_another_run_are_drawn_anew_and_every_second_one_is_seen(tmp_path: Path) -> None:
    from pocket.eyes import open_eyes
    from pocket.models import NATIVE
    from pocket.train.references import open_maps
    from pocket.train.scenes import learned
    from pocket.train.settings import Settings

    eyes, kept = open_eyes(WEIGHTS), Settings(run=tmp_path, weights=WEIGHTS)
    for count in (2, 2, 3):
        rows, maps = open_maps(replace(kept, control=replace(kept.control, pictures=count)))
        assert len(rows) == len(maps) == count and maps.canny.shape[1:] == (NATIVE, NATIVE)
    for number, (row, told) in enumerate(zip(rows, maps.depth, strict=True)):
        drawing = draw(learned(int(row)), NATIVE)
        meant = eyes.map("small_depth", drawing.image).convert("L") if number % 2 else depth(drawing)
        assert np.array_equal(told, np.asarray(meant))


def test_a_pose_is_the_true_one_unless_everybody_is_seen() -> None:
    from pocket.eyes import Eyes
    from pocket.train.references import seen_pose
    from pocket.world.truth import people

    class Sees(Eyes):
        found: tuple[object, ...] = ()

        def figures(self, picture: object) -> tuple[object, ...]:
            return Sees.found

    drawing = draw(settle("boy", "red", "plain"), SIDE)
    (boy,) = people(drawing)
    for Sees.found in ((), (boy, boy)):
        assert seen_pose(drawing, Sees({})) == {}
    Sees.found = (boy,)
    assert seen_pose(drawing, Sees({}))["pose"].any()
