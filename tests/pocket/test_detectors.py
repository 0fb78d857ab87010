"""The small reader: how it is taught, and that the shipped one reads held-out drawings far better than a guess."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pocket.closeness import depth_rank, edge_f1
from pocket.eyes import load_reader
from pocket.world import draw

torch = pytest.importorskip("torch")
from pocket.train.detectors import (  # noqa: E402
    SETTINGS,
    Reading,
    examine,
    found_share,
    reader_loss,
    ship,
    to_cells,
)
from pocket.train.readings import Readings, has_people, read_chunk, reading, rough  # noqa: E402
from pocket.train.settings import DetectorSettings, Settings  # noqa: E402
from studio.control import small, taken  # noqa: E402
from studio.controls import DETECTORS  # noqa: E402
from studio.models.small_reader import SmallReader  # noqa: E402

FOLDER = Path(__file__).parents[2] / "pocket" / "weights" / "detectors"
SIDE, DRAWINGS, FLOOR = 256, 24, 0.08
MARKS = ("soft edges, F1", "depth, rank correlation", "joints within 5 %", "people counted right")
shipped = pytest.mark.skipif(not (FOLDER / "reader.safetensors").exists(), reason="no reader yet")


@pytest.fixture(scope="module")
def held_out() -> Readings:
    """Drawings that neither training nor its own exam has shown."""
    return Readings(**read_chunk(range(5_000, 5_000 + DRAWINGS), SIDE, "held_out"))


# -- how it is taught -----------------------------------------------------------------------------


def test_the_cells_say_what_the_detector_finds_again() -> None:
    joints = torch.from_numpy(read_chunk(range(12), SIDE, "train")["joints"])
    cells = to_cells(joints, SIDE // 8)
    for k in range(len(joints)):
        seen = [
            {name: (x * 8, y * 8) for name, (x, y) in one.items()}
            for one in small.found(cells.likely[k], cells.away[k])
        ]
        hits, there = found_share(seen, joints[k].numpy(), SIDE)
        assert hits == there
        assert len(seen) == int((~joints[k, :, small.NECK, 0].isnan()).sum())
        assert bool(cells.asked[k].any()) == bool(seen), "distances are asked for beside necks alone"


def test_what_is_right_costs_less_than_what_is_not() -> None:
    some = read_chunk(range(6), 128, "train")
    levels = {name: torch.from_numpy(some[name]).float() / 255 for name in ("edges", "depth")}
    truth = {**levels, "joints": torch.from_numpy(some["joints"]), "moved": torch.zeros(6, dtype=torch.bool)}
    cells = to_cells(truth["joints"], 16)
    right = {name: torch.logit(values, 1e-3) for name, values in levels.items()}
    right |= {"joints": torch.logit(cells.likely, 1e-3), "away": cells.away}
    least = float(reader_loss(right, truth))
    for name in right:
        wrong = right | {name: right[name].flip(0) + 0.1}
        assert float(reader_loss(wrong, truth)) > least + 0.01, name


def test_how_near_a_moved_picture_is_is_not_asked() -> None:
    some = read_chunk(range(2), 128, "train")
    levels = {name: torch.from_numpy(some[name]).float() / 255 for name in ("edges", "depth")}
    truth = {**levels, "joints": torch.from_numpy(some["joints"]), "moved": torch.tensor([True, False])}
    told = SmallReader()(torch.zeros(2, 3, 64, 64))
    before = float(reader_loss(told, truth).detach())
    truth["depth"][0] = 1 - truth["depth"][0]
    assert float(reader_loss(told, truth).detach()) == before
    truth["depth"][1] = 1 - truth["depth"][1]
    assert float(reader_loss(told, truth).detach()) != before


def test_a_run_goes_on_where_it_stopped_and_is_shipped_small(tmp_path: Path) -> None:
    some = Readings(**read_chunk(range(4), 128, "train"))
    settings = replace(
        Settings(), run=tmp_path, weights=tmp_path, detectors=DetectorSettings(minutes=0.01, batch=2)
    )
    first = Reading(settings, some)
    first.run(lambda reader: "")
    again = Reading(settings, some)
    assert again.loop.step == first.loop.step >= 1 and again.loop.budget.share == 1
    reader = again.run(lambda reader: "")
    ship(settings, reader, {"clean": {}})
    file = tmp_path / "detectors" / "reader.safetensors"
    assert file.stat().st_size <= 800_000
    x = torch.rand(1, 3, 64, 64)
    for one, other in zip(reader(x).values(), load_reader(file)(x).values(), strict=True):
        assert torch.equal(one, other)


# -- how the shipped one reads --------------------------------------------------------------------


def canny_f1(picture: Image.Image, meant: Image.Image) -> float:
    """How good hard edges would be as soft ones: what needs no weights."""
    own = {one.name: one.default for one in DETECTORS["canny"].settings}
    return edge_f1(taken("canny", picture, own, {}), meant)


@shipped
@pytest.mark.parametrize("spoil", [False, True], ids=["clean", "rough"])
def test_the_shipped_reader_reads_held_out_drawings_as_well_as_it_says(
    held_out: Readings, spoil: bool
) -> None:
    told = json.loads((FOLDER / "reader.json").read_text())["rough" if spoil else "clean"]
    marks = examine(load_reader(FOLDER / "reader.safetensors"), held_out, DRAWINGS, spoil)
    assert tuple(told) == tuple(marks) == MARKS
    assert {name: marks[name] for name in MARKS if marks[name] < told[name] - FLOOR} == {}


@shipped
def test_the_shipped_reader_is_far_better_than_what_needs_no_weights(held_out: Readings) -> None:
    tools, rng = {"network": load_reader(FOLDER / "reader.safetensors")}, np.random.default_rng(0)
    ramp = Image.linear_gradient("L").resize((SIDE, SIDE))
    edges, plain, near, slope = [], [], [], []
    for pixels, soft, depth in zip(held_out.pixels, held_out.edges, held_out.depth, strict=True):
        picture = Image.fromarray(rough(pixels, rng))
        edges.append(edge_f1(small.edges(picture, SETTINGS, tools), Image.fromarray(soft)))
        plain.append(canny_f1(picture, Image.fromarray(soft)))
        near.append(depth_rank(small.depth(picture, SETTINGS, tools), Image.fromarray(depth)))
        slope.append(depth_rank(ramp, Image.fromarray(depth)))
    assert np.mean(edges) > np.mean(plain) + 0.1
    # Of what the slope of the ground leaves untold, it tells half at least.
    assert 1 - np.mean(near) < 0.5 * (1 - np.mean(slope))


@shipped
def test_the_shipped_reader_follows_people_and_does_not_guess_where_they_mostly_are(
    held_out: Readings,
) -> None:
    tools = {"network": load_reader(FOLDER / "reader.safetensors")}
    usual = np.nanmean(held_out.joints[:, 0], 0) * SIDE
    mean = {name: (float(x), float(y)) for name, (x, y) in zip(small.JOINTS, usual, strict=True)}
    seen, guessed, there = 0, 0, 0
    for pixels, joints in zip(held_out.pixels, held_out.joints, strict=True):
        hits, all = found_share(list(small.figures(Image.fromarray(pixels), SETTINGS, tools)), joints, SIDE)
        seen, there, guessed = seen + hits, there + all, guessed + found_share([mean], joints, SIDE)[0]
    assert there > 150 and seen / there > guessed / there + 0.3


@shipped
def test_nobody_is_seen_where_nobody_is() -> None:
    tools = {"network": load_reader(FOLDER / "reader.safetensors")}
    scenes = [
        scene for scene in (reading(k, "held_out") for k in range(6_000, 6_040)) if not has_people(scene)
    ]
    seen = [bool(small.figures(draw(scene, SIDE).image, SETTINGS, tools)) for scene in scenes[:12]]
    assert sum(seen) <= 1
