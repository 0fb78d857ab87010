"""What the base is helped with while it learns: its scenes, its cells' truth, words that know their translation."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from pocket.data import CELLS, owners
from pocket.train.scenes import anything, first_of, flawed, learned, plain, sort_of
from pocket.world import SUBJECTS, draw, is_held_out, sample
from pocket.world.sampling import LOOKS, settled_company, settled_manner
from pocket.world.scene import DEFECTS, DETAILS, LIGHTS, POSES, STYLES

torch = pytest.importorskip("torch")


def test_nothing_held_out_is_learned() -> None:
    assert not any(is_held_out(learned(k)) for k in range(2_000))


def test_the_scale_is_of_whole_batches() -> None:
    from pocket.train.latents import BATCH, SCALED

    assert SCALED >= 1_000 and SCALED % BATCH == 0


def test_every_sort_of_scene_has_its_share_of_what_is_learned_from_the_first_on() -> None:
    for begin in (0, 40, 5_000):
        sorts = Counter(sort_of(k) for k in range(begin, begin + 40))
        assert sorts == {plain: 8, settled_company: 8, settled_manner: 8, flawed: 4, anything: 12}
    assert {sort_of(k) for k in first_of(9, anything, flawed)} == {anything, flawed}
    assert first_of(4, anything) == [k for k in range(12) if sort_of(k) is anything]


def test_a_settled_subject_has_one_shape_a_look_and_a_place_of_its_own_only_beside_others() -> None:
    settled = [learned(k) for k in range(6_000) if sort_of(k) is not anything]
    shapes = {(thing.subject, thing.seed) for scene in settled for thing in scene.things}
    assert len(shapes) == len(LOOKS) * len(SUBJECTS)
    alone = {
        (t.subject, t.x, t.y, t.size, t.flip) for scene in settled if scene.count == 1 for t in scene.things
    }
    assert len(alone) == len(LOOKS) * len(SUBJECTS)


def test_what_is_settled_comes_in_every_manner() -> None:
    scenes = [learned(k) for k in range(6_000) if sort_of(k) is settled_manner]
    shares = Counter(scene.style for scene in scenes)
    assert set(shares) == set(STYLES) and min(shares.values()) > 0.1 * len(scenes)
    assert {scene.light for scene in scenes} == set(LIGHTS)
    assert {detail for scene in scenes for detail in scene.things[0].details} == set(DETAILS)
    assert {t.pose for scene in scenes for t in scene.things if t.pose} == set(POSES)
    at_their_plainest = [learned(k) for k in range(600) if sort_of(k) in (plain, settled_company)]
    assert all(scene.style == "flat" and not scene.defects for scene in at_their_plainest)
    assert not any(t.details for scene in at_their_plainest for t in scene.things)


def test_a_settled_defect_is_always_one_of_a_few() -> None:
    scenes = [learned(k) for k in first_of(200, flawed)]
    assert {scene.defects for scene in scenes} == {(defect,) for defect in DEFECTS}
    assert len({scene.seed for scene in scenes}) == len(LOOKS)
    assert all(scene.style == "flat" and scene.count == 1 for scene in scenes)


def test_more_than_half_of_the_world_that_is_learned_shows_several_things() -> None:
    scenes = [learned(k) for k in first_of(600, anything)]
    assert 0.52 < np.mean([scene.count > 1 for scene in scenes]) < 0.72
    assert {scene.count for scene in scenes} == {1, 2, 3}


def test_cells_belong_to_the_things_that_cover_them() -> None:
    scene = sample(5, kind="pair", plain=True)
    cells = owners(draw(scene, 128))
    for number, thing in enumerate(scene.things, 1):
        ys, xs = np.nonzero(cells == number)
        middle = (xs.mean() + 0.5) / CELLS, (ys.mean() + 0.5) / CELLS
        assert np.abs(np.subtract(middle, (thing.x, thing.y))).max() < 0.1
    assert (cells == 0).mean() > 0.4


def test_a_layout_names_what_every_cell_shows() -> None:
    from pocket.judge import COLOUR_NAMES, SUBJECT_NAMES
    from pocket.train.guide import read_layout

    scene = sample(7, kind="pair", plain=True)
    cells = owners(draw(scene, 128))
    layout = read_layout([scene], torch.device("cpu"))
    layout.cells[0] = torch.from_numpy(cells)
    subjects, colours = layout.some(torch.tensor([0]))
    for number, thing in enumerate(scene.things, 1):
        mine = torch.from_numpy(cells == number)
        assert set(subjects[0][mine].tolist()) == {SUBJECT_NAMES.index(thing.subject) + 1}
        assert set(colours[0][mine].tolist()) == {COLOUR_NAMES.index(thing.colour) + 1}
    assert set(subjects[0][torch.from_numpy(cells == 0)].tolist()) == {0}


def random_said(count: int, words: int) -> Any:
    """Texts of a few words in the full length, and any layout."""
    from pocket.train.guide import Said

    ids = torch.ones(count, 77, dtype=torch.long)
    ids[:, 0] = 0
    for row in range(count):
        ids[row, 1 : 1 + words] = torch.arange(7 + row, 7 + row + words)
    return Said(ids, torch.randint(0, 24, (count, 16, 16)), torch.randint(0, 11, (count, 16, 16)))


def test_the_guide_teaches_the_networks_themselves() -> None:
    from pocket.models import build_text_encoder, build_unet
    from pocket.train.guide import Guide

    torch.manual_seed(0)
    unet, encoder = build_unet(), build_text_encoder(50, 0, 1)
    guide, said = Guide(unet, encoder), random_said(2, 2)
    words = encoder(input_ids=said.ids).last_hidden_state
    unet(torch.randn(2, 4, 32, 32), torch.tensor([400, 900]), words)
    guide.loss(said).backward()
    taught = {
        name.split(".")[0] for name, p in unet.named_parameters() if p.grad is not None and p.grad.any()
    }
    assert {"conv_in", "down_blocks", "mid_block", "up_blocks"} <= taught
    assert encoder.get_input_embeddings().weight.grad[7].any()
    assert not guide.seen and not guide.looks, "features are let go of once they were read"


def test_every_coarse_cell_is_told_at_a_place_of_its_own_and_nothing_is_asked_of_an_empty_text() -> None:
    from pocket.train.guide import Teller

    torch.manual_seed(0)
    teller, said = Teller(128, 1), random_said(2, 2)
    said.ids[1, 1:] = 1
    words = torch.randn(2, 77, 128, requires_grad=True)
    teller.loss(words, said).backward()
    assert words.grad[0, -16:].any(1).all() and not words.grad[0, :-16].any()
    assert not words.grad[1].any()
    changed = words.detach().clone()
    changed[0, 61 + 6] += 1
    differs = (teller(changed) - teller(words)).abs().sum(1)[0] > 1e-6
    assert differs.nonzero().tolist() == [[1, 2]], "the seventh place is the second row's third cell"


def test_only_what_a_picture_shows_can_be_taken_for_each_other() -> None:
    from pocket.train.guide import KINDS, taken_for_another

    subjects = torch.zeros(1, 16, 16, dtype=torch.long)
    subjects[:, :, :8], subjects[:, :, 8:] = 3, 5
    told = torch.zeros(1, sum(KINDS), 4, 4)
    told[:, 9] = 50.0
    assert taken_for_another(told, subjects) == pytest.approx(np.log(2))
    told[:, 3, :, :2], told[:, 5, :, 2:] = 9.0, 9.0
    assert taken_for_another(told, subjects) < 0.001
    assert taken_for_another(told.flip(-1), subjects) > 8
    assert taken_for_another(told, torch.zeros_like(subjects)) == 0, "an empty picture asks nothing"


def test_a_place_is_to_look_at_the_word_that_tells_its_own_coarse_cell() -> None:
    from pocket.train.guide import looked_away

    side, words = 8, 77
    keys, queries = torch.zeros(1, words, 64), torch.zeros(1, side * side, 64)
    for cell in range(16):
        keys[0, 61 + cell, cell] = 100.0
    for place in range(side * side):
        queries[0, place, place // side // 2 * 4 + place % side // 2] = 10.0
    assert looked_away(queries, keys, 2) < 0.001
    assert looked_away(queries.flip(1), keys, 2) > 50, "upside down"
    assert looked_away(0 * queries, keys, 2) == pytest.approx(np.log(words), abs=1e-3)
    assert looked_away(queries.roll(32, 2), keys, 2) == pytest.approx(np.log(words), abs=1e-3), "another head"


def test_texts_lose_only_places_that_hold_no_word() -> None:
    from pocket.models import build_text_encoder
    from pocket.train.words import places, read

    torch.manual_seed(0)
    encoder, said = build_text_encoder(50, 0, 1).eval(), random_said(2, 3)
    where = places(77)
    with torch.no_grad():
        short, whole = read(encoder, said, where), encoder(input_ids=said.ids).last_hidden_state
    assert torch.allclose(short[:, :44], whole[:, :44], atol=1e-5)
    assert where[0, -16:].tolist() == list(range(61, 77))


def test_words_alone_learn_which_of_two_is_to_the_left() -> None:
    from pocket.models import build_text_encoder
    from pocket.train.guide import Said, build_teller, taken_for_another
    from pocket.train.words import places, read

    torch.manual_seed(0)
    encoder, where = build_text_encoder(50, 0, 1), places(77)
    teller = build_teller(encoder)
    ids = torch.ones(2, 77, dtype=torch.long)
    ids[0, :4], ids[1, :4] = torch.tensor([0, 10, 12, 11]), torch.tensor([0, 10, 13, 11])
    subjects = torch.zeros(2, 16, 16, dtype=torch.long)
    subjects[0, :, :8], subjects[0, :, 8:] = 3, 5
    subjects[1] = subjects[0].flip(-1)
    said = Said(ids, subjects, torch.zeros_like(subjects))
    optimizer = torch.optim.AdamW([*encoder.parameters(), *teller.parameters()], 1e-3)
    for _ in range(400):
        optimizer.zero_grad()
        teller.loss(read(encoder, said, where), said).backward()
        optimizer.step()
    told = teller(read(encoder, said, where))
    assert taken_for_another(told, subjects) < 0.1 < 2 < taken_for_another(told.flip(-1), subjects)
