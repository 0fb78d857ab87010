"""What the base is helped with while it learns: its scenes, its cells' truth, words that know their translation."""

from __future__ import annotations

import numpy as np
import pytest

from pocket.data import CELLS, owners
from pocket.train.scenes import learned, settled
from pocket.world import draw, is_held_out, sample

torch = pytest.importorskip("torch")


def test_nothing_held_out_is_learned_and_the_plainest_scenes_come_first() -> None:
    count = len(settled())
    scenes = [learned(k) for k in (*range(0, count, 40), *range(count, count + 600))]
    assert not any(is_held_out(scene) for scene in scenes)
    assert all(scene.count == 1 and scene.style == "flat" for scene in scenes[: len(range(0, count, 40))])


def test_more_than_half_of_what_is_learned_shows_several_things() -> None:
    scenes = [learned(len(settled()) + k) for k in range(600)]
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
    subjects, colours = read_layout([scene], cells[None]).some(np.array([0]), torch.device("cpu"))
    for number, thing in enumerate(scene.things, 1):
        mine = torch.from_numpy(cells == number)
        assert set(subjects[0][mine].tolist()) == {SUBJECT_NAMES.index(thing.subject) + 1}
        assert set(colours[0][mine].tolist()) == {COLOUR_NAMES.index(thing.colour) + 1}
    assert set(subjects[0][torch.from_numpy(cells == 0)].tolist()) == {0}


def test_the_guide_teaches_the_networks_themselves() -> None:
    from pocket.models import build_text_encoder, build_unet
    from pocket.train.guide import Guide

    torch.manual_seed(0)
    unet, encoder = build_unet(), build_text_encoder(50, 0, 1)
    guide = Guide(unet, encoder)
    ids = torch.tensor([[0, 7, 9, 1, 1], [0, 8, 1, 1, 1]])
    words = encoder(input_ids=ids).last_hidden_state
    unet(torch.randn(2, 4, 32, 32), torch.tensor([400, 900]), words)
    subjects, colours = torch.randint(0, 24, (2, 16, 16)), torch.randint(0, 11, (2, 16, 16))
    guide.loss(subjects, colours, ids).backward()
    taught = {
        name.split(".")[0] for name, p in unet.named_parameters() if p.grad is not None and p.grad.any()
    }
    assert {"conv_in", "down_blocks", "mid_block", "up_blocks"} <= taught
    assert encoder.get_input_embeddings().weight.grad[7].any()
    assert not guide.seen, "features are let go of once they were read"


def test_the_text_is_asked_where_it_has_ended_and_an_empty_one_not_at_all() -> None:
    from pocket.models import build_text_encoder, build_unet
    from pocket.train.guide import Guide

    torch.manual_seed(0)
    guide = Guide(build_unet(), build_text_encoder(50, 0, 1))
    subjects, colours = torch.randint(0, 24, (2, 16, 16)), torch.randint(0, 11, (2, 16, 16))
    ids = torch.tensor([[0, 7, 9, 1, 1], [0, 1, 1, 1, 1]])
    words = torch.randn(2, 5, 128, requires_grad=True)
    guide.text_loss(words, subjects, colours, ids).backward()
    asked = words.grad.abs().sum(-1) > 0
    assert asked.tolist() == [[False, False, False, True, True], [False] * 5]


def test_words_that_mean_the_same_begin_as_the_same() -> None:
    from pocket.models import build_text_encoder
    from pocket.start import start_bilingual
    from pocket.tokens import build_backend

    backend = build_backend()
    pieces = backend.get_vocab()
    encoder = start_bilingual(build_text_encoder(backend.get_vocab_size(), 0, 1), backend)
    table = encoder.get_input_embeddings().weight.detach()
    for same in (("cat", "猫", "kittens"), ("blue", "蓝色"), ("left", "左边"), ("three", "三只")):
        first = table[pieces[same[0]]]
        assert all(torch.equal(table[pieces[word]], first) for word in same), same
    assert not torch.equal(table[pieces["cat"]], table[pieces["dog"]])
    assert not torch.equal(table[pieces["left"]], table[pieces["right"]])
