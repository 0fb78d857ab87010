"""A LoRA learns: the loss falls, the model stays what it was, and a pause changes nothing."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
import torch

from studio.diffusion.training.lessons import Lessons
from studio.diffusion.training.memory import Room
from studio.diffusion.training.trainer import Trainer
from studio.errors import StudioError
from studio.inputs import Inputs
from studio.models.modes import FLOAT8, GROUP, OFFLOAD
from studio.training import Look, looks
from tests.diffusion.training.learning import School, numbers


def test_the_loss_falls_and_the_model_is_afterwards_as_before(school: School) -> None:
    before = school.weights()
    trainer = school.trainer(school.asked(steps=25, learning_rate=0.01))
    with trainer.on(school.model):
        first = _mean_loss(trainer, school)
        for _ in range(25):
            trainer.learn(school.model)
        last = _mean_loss(trainer, school)
    assert trainer.over and last < 0.97 * first
    assert school.weights() == before


@torch.no_grad()
def _mean_loss(trainer: Trainer, school: School) -> float:
    """Over the same looks at any time, so that chance has no part in it."""
    seen = [look for step in range(12) for look in looks(step, 4, trainer._settings)]
    groups = trainer._lessons.batches(seen, 8)
    return sum(float(trainer._losses(group, school.model).sum()) for group in groups) / len(seen)


def test_encoders_learn_in_every_layer_where_that_is_asked_for(sd1: School) -> None:
    before, trainer = sd1.weights(), sd1.trainer(sd1.asked(text_encoder=True))
    sd1.learn(trainer, 3)
    assert sd1.weights() == before
    ups = [pair[1] for pair in trainer.adapter.halves["text_encoder"].values()]
    assert len(ups) == 12 and all(float(up.detach().abs().max()) > 0 for up in ups)


def test_going_on_from_a_state_learns_the_very_same(school: School) -> None:
    asked = school.asked(text_encoder=True, steps=4)
    unbroken = school.trainer(asked)
    losses = school.learn(unbroken, 4)
    first, second = school.trainer(asked), school.trainer(asked)
    begun = school.learn(first, 2)
    tensors, words = first.state()
    second.restore(tensors, words)
    assert second.step == 2 and numbers(second) == numbers(first)
    assert begun + school.learn(second, 2) == losses
    assert numbers(second) == numbers(unbroken)


def test_leaving_the_model_in_between_changes_nothing(sd1: School) -> None:
    asked = sd1.asked(steps=6)
    unbroken, broken = sd1.trainer(asked), sd1.trainer(asked)
    sd1.learn(unbroken, 6)
    for _ in range(6):
        sd1.learn(broken, 1)
    assert numbers(broken) == numbers(unbroken)


def test_a_step_that_fails_changes_nothing(sd1: School, monkeypatch: pytest.MonkeyPatch) -> None:
    before, trainer = sd1.weights(), sd1.trainer()
    sd1.learn(trainer, 2)
    learned = numbers(trainer)
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "_denoised", _fails)
        with pytest.raises(MemoryError):
            sd1.learn(trainer, 1)
    assert numbers(trainer) == learned and trainer.step == 2 and sd1.weights() == before
    twin = sd1.trainer()
    assert sd1.learn(twin, 3)[2:] == sd1.learn(trainer, 1)


def _fails(*_: object) -> torch.Tensor:
    raise MemoryError


def test_fewer_at_once_and_computing_twice_learn_the_same(sd1: School) -> None:
    found = []
    for room in (Room(4), Room(1), Room(4, twice=True)):
        trainer = sd1.trainer(sd1.asked(batch=4))
        trainer.room = room
        sd1.learn(trainer, 3)
        found.append({name: matrix.detach().clone() for name, matrix in trainer.adapter.named()})
    whole, single, recomputed = found
    # Sums in another order: of a weight that hardly learns the optimizer makes much, so all of them count together.
    ups = [torch.cat([one[name].flatten() for name in one if name.endswith("up")]) for one in (whole, single)]
    assert (ups[0] - ups[1]).norm() < 0.01 * ups[0].norm(), "they were nothing at first"
    assert all(torch.equal(whole[name], recomputed[name]) for name in whole)


def test_pictures_of_one_shape_are_learned_from_together(sd1: School) -> None:
    trainer = sd1.trainer(sd1.asked(batch=8))
    groups = trainer._lessons.batches(looks(0, 4, trainer._settings), 3)
    sizes = [{trainer._lessons.places[look.picture].size for look in group} for group in groups]
    assert sum(map(len, groups)) == 8 and max(map(len, groups)) <= 3
    assert all(len(one) == 1 for one in sizes) and len({one for group in sizes for one in group}) == 3


def test_learning_that_comes_to_nothing_is_told(sd1: School) -> None:
    trainer = sd1.trainer()
    with torch.no_grad():
        for _, matrix in trainer.adapter.named():
            matrix.fill_(float("nan"))
    with pytest.raises(StudioError, match="training_diverged"):
        sd1.learn(trainer, 1)


def test_the_rate_rises_and_then_falls_to_nothing(sd1: School) -> None:
    trainer = sd1.trainer(sd1.asked(steps=100, learning_rate=0.01))
    rates = []
    for step in range(100):
        trainer.step = step
        rates.append(trainer._rate())
    top = rates.index(max(rates))
    assert 3 <= top <= 6 and max(rates) == pytest.approx(0.01)
    assert rates[: top + 1] == sorted(rates[: top + 1]) and rates[top:] == sorted(rates[top:], reverse=True)
    assert 0 < rates[-1] < 1e-5


@pytest.mark.parametrize("mode", [GROUP, FLOAT8])
def test_a_model_that_does_not_lie_here_whole_is_refused(sd1: School, mode: object) -> None:
    with pytest.raises(StudioError, match="training_mode"):
        Trainer(sd1.asked(), replace(sd1.model, mode=mode), _lessons(sd1))  # type: ignore[arg-type]
    Trainer(sd1.asked(), replace(sd1.model, mode=OFFLOAD), _lessons(sd1))


def _lessons(school: School) -> Lessons:
    return Lessons(school.asked(), school.model, Inputs(school.data))


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [("in_channels", 9, "model_needs_picture"), ("time_cond_proj_dim", 8, "training_distilled")],
)
def test_models_that_a_lora_would_spoil_are_refused(sd1: School, setting: str, value: int, code: str) -> None:
    unet = sd1.model.parts["unet"]
    before = unet.config[setting]
    unet.register_to_config(**{setting: value})
    try:
        with pytest.raises(StudioError, match=code):
            Trainer(sd1.asked(), sd1.model, _lessons(sd1))
    finally:
        unet.register_to_config(**{setting: before})


def test_what_processors_paint_in_they_learn_in(sd1: School) -> None:
    for part in ("unet", "vae", "text_encoder"):
        sd1.model.parts[part].to(torch.bfloat16)
    before = {name: one.clone() for name, one in sd1.model.parts["unet"].state_dict().items()}
    trainer = sd1.trainer(sd1.asked(text_encoder=True))
    assert all(loss > 0 for loss in sd1.learn(trainer, 3))
    assert {matrix.dtype for _, matrix in trainer.adapter.named()} == {torch.float32}
    assert all(torch.equal(one, before[name]) for name, one in sd1.model.parts["unet"].state_dict().items())


def test_a_caption_that_is_left_out_is_nothing_in_xl_and_an_empty_sentence_elsewhere(school: School) -> None:
    trainer = school.trainer()
    same = [look for look in range(4) if trainer._lessons.places[look] == trainer._lessons.places[0]][:1]
    seen = [Look(same[0], 0.5, 1), Look(same[0], 0.5, 1, captioned=False)]
    said = trainer._lessons.batch(seen, school.model, "cpu").said
    assert not torch.equal(said.tokens[0], said.tokens[1])
    assert bool((said.tokens[1] == 0).all()) == (school.model.spec.family == "sdxl")


def test_a_mirrored_look_sees_the_picture_in_a_mirror(sd1: School) -> None:
    trainer = sd1.trainer()
    seen = [Look(0, 0.5, 1), Look(0, 0.5, 1, mirrored=True)]
    one, other = (trainer._lessons.batch([look], sd1.model, "cpu").latents for look in seen)
    assert one.shape == other.shape and not torch.equal(one, other)


def test_preparing_can_be_left_and_taken_up_again(sd1: School, monkeypatch: pytest.MonkeyPatch) -> None:
    lessons, seen = _lessons(sd1), []
    real = lessons._see
    monkeypatch.setattr(lessons, "_see", lambda number, *more: seen.append(number) or real(number, *more))
    with contextlib.closing(lessons.prepare(sd1.model, "cpu")) as preparing:
        next(preparing)
        next(preparing)
    for _ in lessons.prepare(sd1.model, "cpu"):
        pass
    assert seen == [0, 1, 2, 3]
