"""How much a step keeps, and what is done about it."""

from __future__ import annotations

import pytest
import torch

from studio.diffusion.training.memory import Room, computing_twice, kept_bytes, room_for
from tests.diffusion.training.learning import School


def test_pictures_go_one_after_the_other_before_anything_is_computed_twice() -> None:
    assert room_for(8, kept=100, free=10_000) == Room(8)
    assert room_for(8, kept=100, free=500) == Room(3)
    assert room_for(8, kept=1000, free=500) == Room(1, twice=True)


def test_less_is_tried_in_the_same_order_until_there_is_none() -> None:
    room, seen = Room(4), []
    while room.shrink():
        seen.append((room.together, room.twice))
    assert seen == [(2, False), (1, False), (1, True)]


def test_what_is_kept_grows_with_the_picture_and_the_weights_are_none_of_it(sd1: School) -> None:
    trainer = sd1.trainer()
    unet = sd1.model.parts["unet"]

    def kept(side: int) -> int:
        noise, text = torch.randn(1, 4, side, side), torch.randn(1, 77, 32)
        return kept_bytes(unet, lambda: unet(noise, 5, text).sample)

    with trainer.on(sd1.model), torch.enable_grad():
        small, large = kept(16), kept(32)
        with computing_twice(unet, True):
            twice = kept(32)
    assert 3.2 < large / small < 4.2
    assert 0 < twice < large / 3


@pytest.mark.parametrize("fails", [False, True])
def test_computing_twice_is_over_afterwards_whatever_happens(sd1: School, fails: bool) -> None:
    unet = sd1.model.parts["unet"]
    try:
        with computing_twice(unet, True):
            assert unet.is_gradient_checkpointing
            if fails:
                raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert not unet.is_gradient_checkpointing
