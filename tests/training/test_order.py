"""What each step sees."""

from __future__ import annotations

from collections import Counter

import numpy as np

from studio.messages import TrainingSettings
from studio.training import looks

SETTINGS = TrainingSettings(rank=4, steps=100, learning_rate=1e-3, resolution=64, batch=3, seed=5)


def test_a_step_sees_the_same_whenever_it_is_asked() -> None:
    assert [looks(step, 7, SETTINGS) for step in range(20)] == [
        looks(step, 7, SETTINGS) for step in range(20)
    ]
    other = SETTINGS.model_copy(update={"seed": 6})
    assert [looks(step, 7, other) for step in range(20)] != [looks(step, 7, SETTINGS) for step in range(20)]


def test_every_picture_is_seen_as_often_as_any_other_in_another_order_each_time() -> None:
    seen = [look.picture for step in range(7 * 10) for look in looks(step, 7, SETTINGS)]
    assert set(Counter(seen).values()) == {30}
    turns = [tuple(seen[at : at + 7]) for at in range(0, len(seen), 7)]
    assert all(set(turn) == set(range(7)) for turn in turns)
    assert len(set(turns)) > 25


def test_moments_are_spread_evenly_and_noise_is_never_the_same() -> None:
    found = [look for step in range(100) for look in looks(step, 7, SETTINGS)]
    counts, _ = np.histogram([look.moment for look in found], bins=10, range=(0, 1))
    assert counts.min() >= 28 and counts.max() <= 32
    assert len({look.seed for look in found}) == len(found)


def test_each_picture_meets_every_amount_of_noise() -> None:
    found = [look for step in range(700) for look in looks(step, 7, SETTINGS)]
    for picture in range(7):
        moments = [look.moment for look in found if look.picture == picture]
        counts, _ = np.histogram(moments, bins=5, range=(0, 1))
        assert counts.min() > 0.6 * len(moments) / 5


def test_mirrors_and_missing_captions_come_as_often_as_asked() -> None:
    both = SETTINGS.model_copy(update={"mirror": True, "caption_dropout": 0.2})
    found = [look for step in range(400) for look in looks(step, 7, both)]
    assert 0.4 < sum(look.mirrored for look in found) / len(found) < 0.6
    assert 0.15 < sum(not look.captioned for look in found) / len(found) < 0.25
    plain = [look for step in range(400) for look in looks(step, 7, SETTINGS)]
    assert not any(look.mirrored or not look.captioned for look in plain)
