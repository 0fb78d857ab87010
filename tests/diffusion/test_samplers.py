"""Samplers: the names people know, each one running."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.diffusion.run import Watcher, paint
from studio.diffusion.samplers import SAMPLERS
from studio.families import DENOISING_SAMPLERS, FAMILIES
from studio.messages import GenerationRequest
from studio.models.registry import Loaded
from tests.diffusion.painting import loaded, request

NAMES = [sampler.id for sampler in DENOISING_SAMPLERS]


@pytest.fixture(scope="module")
def model(tiny_checkpoint: Path) -> Loaded:
    return loaded(tiny_checkpoint)


def test_every_sampler_a_family_names_is_in_the_table_and_none_else() -> None:
    named = {sampler.id for family in FAMILIES.values() for sampler in family.samplers}
    assert named == set(SAMPLERS)


@pytest.mark.parametrize("name", NAMES)
def test_every_sampler_paints_and_counts_its_steps_to_the_end(model: Loaded, name: str) -> None:
    steps: list[tuple[int, int]] = []
    watcher = Watcher(lambda step, of, _: steps.append((step, of)), lambda: False)
    asked: GenerationRequest = request(sampler=name, steps=4)
    media = paint(model, asked, "cpu", watcher)
    assert len(set(media.data)) > 10
    assert steps[-1][0] == steps[-1][1]
    assert [step for step, _ in steps] == sorted(step for step, _ in steps)


def test_samplers_differ_in_what_they_paint(model: Loaded) -> None:
    silent = Watcher(lambda *_: None, lambda: False)
    pictures = {paint(model, request(sampler=name, steps=4), "cpu", silent).data for name in NAMES}
    assert len(pictures) == len(NAMES)
