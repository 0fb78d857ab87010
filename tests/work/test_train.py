"""A LoRA on its way from turn to turn, on a registry of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from studio.diffusion import run
from studio.diffusion.adapters import Adapters
from studio.diffusion.training import files
from studio.diffusion.training.trainer import Trainer
from studio.errors import StudioError
from studio.loras import about_lora, read_lora
from studio.loras.about import picture_bytes
from studio.messages import (
    Answered,
    AnyEvent,
    Cancelled,
    Loading,
    LoraUse,
    ModelSpec,
    Notice,
    Sampled,
    Step,
    TrainingRequest,
    Trouble,
)
from studio.models.devices import Device
from studio.models.registry import Registry
from studio.training import Kept
from studio.work import Bench
from studio.work import train as work
from tests.diffusion.painting import quietly, request, spec
from tests.training.bringing import training


class Asked:
    """A device that trains, and everything it told."""

    def __init__(self, data: Path, checkpoint: Path) -> None:
        self.data, self.checkpoint = data, checkpoint
        self.spec: ModelSpec = spec(checkpoint)
        self.told: list[AnyEvent] = []
        self.unwanted: set[str] = set()
        self.waiting, self.turn_seconds = False, 10.0
        self.restart()

    def restart(self) -> None:
        """A worker that knows nothing of what was before but what lies in the data folder."""
        self.registry = Registry(Device("cpu", torch.float32, 2**40), self.data)

    def wish(self, **changes: object) -> TrainingRequest:
        return training(self.data, self.spec, **changes)

    def turns(self, *requests: TrainingRequest) -> Iterator[None]:
        bench = Bench(
            self.registry,
            self.told.append,
            self.unwanted.__contains__,
            lambda: self.waiting,
            self.turn_seconds,
        )
        return work.train(requests, {"tiny": self.spec}, bench)

    def __call__(self, *requests: TrainingRequest) -> list[AnyEvent]:
        self.told = []
        for _ in self.turns(*requests):
            pass
        return self.told

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    def steps(self, stage: str = "train") -> list[Step]:
        return [event for event in self.of(Step) if event.stage == stage]

    def lora(self) -> Path:
        """The file of the LoRA that was told last."""
        return self.data / "loras" / self.of(Answered)[-1].lora

    def weights(self) -> dict[str, bytes]:
        """Every number of the model, by the names it had when it was loaded."""
        with self.registry.lease(self.spec) as model:
            parts = {name: model.parts[name] for name in ("unet", "text_encoder", "vae")}
            return {
                f"{name}.{key}": tensor.numpy().tobytes()
                for name, part in parts.items()
                for key, tensor in part.state_dict().items()
            }

    def after(self, steps: int) -> Callable[[AnyEvent], None]:
        """Lets go of a training at a step."""

        def hear(event: AnyEvent) -> None:
            self.told.append(event)
            if isinstance(event, Step) and event.stage == "train" and event.step >= steps:
                self.unwanted.add(event.request)

        return hear

    def stopped(self, wanted: TrainingRequest, steps: int) -> None:
        """A training that its person stops after some steps."""
        self.told = []
        bench = Bench(self.registry, self.after(steps), self.unwanted.__contains__)
        for _ in work.train((wanted,), {"tiny": self.spec}, bench):
            pass
        self.unwanted.clear()
        assert isinstance(self.told[-1], Cancelled)


@pytest.fixture(autouse=True)
def every_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "TELL_SECONDS", 0.0)


@pytest.fixture
def asked(tmp_path: Path, tiny_checkpoint: Path) -> Asked:
    return Asked(tmp_path, tiny_checkpoint)


def numbers(path: Path) -> dict[str, bytes]:
    return {name: one.numpy().tobytes() for name, one in load_file(path).items()}


# -- what comes of it -----------------------------------------------------------------------------


def test_it_tells_its_loss_its_time_and_its_samples_and_ends_with_a_file(asked: Asked) -> None:
    told = asked(asked.wish(steps=5, sample_every=2, samples=("zub", "a cat")))
    assert [event.kind for event in told if event.kind != "step"] == ["loading", *["sampled"] * 6, "answered"]
    # Four pictures and their captions, and what is said where there is none.
    assert [(one.step, one.steps) for one in asked.steps("prepare")] == [(n, 9) for n in range(1, 10)]
    steps = asked.steps()
    assert [(one.step, one.steps) for one in steps] == [(n, 5) for n in range(1, 6)]
    assert all(one.loss and one.seconds_left is not None for one in steps) and steps[-1].seconds_left == 0
    assert [(one.step, one.prompt) for one in asked.of(Sampled)] == [
        (2, "zub"), (2, "a cat"), (4, "zub"), (4, "a cat"), (5, "zub"), (5, "a cat"),
    ]  # fmt: skip
    assert told[-1].lora == "zub.safetensors" and told[-1].took > 0  # type: ignore[union-attr]


def test_its_file_is_on_the_shelf_with_picture_trigger_and_settings(asked: Asked) -> None:
    asked(asked.wish(text_encoder=True))
    path = asked.lora()
    lora = read_lora(path)
    about = about_lora(path, lora.about)
    assert (lora.kind, lora.rank, lora.parts) == ("LoRA", 4, ("text_encoder", "unet"))
    assert (about.title, about.triggers) == ("zub", ("zub",))
    assert (lora.about["ss_steps"], lora.about["modelspec.prediction_type"]) == ("6", "epsilon")
    assert picture_bytes(path, about).startswith(b"\x89PNG")
    assert sorted(one.name for one in path.parent.iterdir()) == ["zub.preview.png", "zub.safetensors"]
    assert not Kept(asked.data, "job-1").folder.exists()


def test_a_picture_that_is_painted_with_it_is_another(asked: Asked) -> None:
    asked(asked.wish(steps=8, learning_rate=0.02))
    with asked.registry.lease(asked.spec) as model:
        plain = quietly(model, request(steps=2))
        with Adapters().applied(model, [LoraUse(id="zub")], {"zub": asked.lora()}):
            learned = quietly(model, request(steps=2))
        assert plain.sha256 != learned.sha256
        assert quietly(model, request(steps=2)).data == plain.data


def test_samples_are_of_the_same_noise_and_change_as_it_learns(asked: Asked) -> None:
    asked(asked.wish(steps=6, sample_every=3, learning_rate=0.02))
    first, second = ([one.media.data for one in asked.of(Sampled)][at] for at in (0, 1))
    assert first != second
    asked(asked.wish(steps=6, sample_every=3, learning_rate=0.02))
    assert [one.media.data for one in asked.of(Sampled)] == [first, second]


def test_what_encoders_say_while_they_learn_is_not_kept_for_later(asked: Asked) -> None:
    with asked.registry.lease(asked.spec) as model:
        plain = quietly(model, request(steps=2, prompt="zub, red cat"))
    asked(asked.wish(text_encoder=True, learning_rate=0.05))
    with asked.registry.lease(asked.spec) as model:
        assert quietly(model, request(steps=2, prompt="zub, red cat")).data == plain.data


def test_two_of_one_name_lie_beside_each_other(asked: Asked) -> None:
    asked(asked.wish())
    one = numbers(asked.lora())
    asked(asked.wish(seed=7).model_copy(update={"id": "other-1"}))
    assert asked.lora().name == "zub 2.safetensors"
    assert numbers(asked.data / "loras" / "zub.safetensors") == one != numbers(asked.lora())


# -- turns ----------------------------------------------------------------------------------------


def test_between_two_turns_nothing_is_held_and_the_model_is_what_it_was(asked: Asked) -> None:
    before = asked.weights()
    asked.waiting, asked.turn_seconds = True, 0.0
    wish, turns = asked.wish(steps=4, sample_every=2, text_encoder=True), 0
    for _ in asked.turns(wish):
        turns += 1
        assert not any(held.pinned for held in asked.registry.held())
        assert asked.weights() == before
    # Four pictures, four steps and two samples, each in a turn of its own.
    assert turns == 4 + 4 + 2 and isinstance(asked.told[-1], Answered)


def test_pictures_come_in_between_and_are_what_they_always_are(asked: Asked) -> None:
    with asked.registry.lease(asked.spec) as model:
        plain = quietly(model, request(steps=1)).data
    asked(asked.wish())
    alone = numbers(asked.lora())
    asked.waiting, asked.turn_seconds = True, 0.0
    for _ in asked.turns(asked.wish()):
        with asked.registry.lease(asked.spec) as model:
            assert quietly(model, request(steps=1)).data == plain
    assert numbers(asked.lora()) == alone


def test_a_turn_goes_on_for_as_long_as_nobody_waits(asked: Asked) -> None:
    asked.turn_seconds = 0.0
    assert len(list(asked.turns(asked.wish(steps=4)))) == 1
    asked.waiting, asked.turn_seconds = True, 3600.0
    assert len(list(asked.turns(asked.wish(steps=4)))) == 1


def test_a_model_that_was_taken_out_meanwhile_is_brought_again(asked: Asked) -> None:
    wish = asked.wish(steps=2, sample_every=2, text_encoder=True)
    asked(wish)
    alone = numbers(asked.lora())
    asked.told, asked.waiting, asked.turn_seconds = [], True, 0.0
    for turn, _ in enumerate(asked.turns(wish)):
        if turn % 2:
            asked.registry.unload("tiny")
    assert len(asked.of(Loading)) >= 3 and numbers(asked.lora()) == alone


# -- stopping and going on ------------------------------------------------------------------------


@pytest.mark.parametrize("text_encoder", [False, True])
def test_one_that_was_stopped_goes_on_after_a_restart_to_the_very_same_end(
    asked: Asked, text_encoder: bool
) -> None:
    wish = asked.wish(text_encoder=text_encoder, steps=7)
    asked(wish)
    unbroken, samples = numbers(asked.lora()), [one.media.data for one in asked.of(Sampled)]
    asked.lora().unlink()
    before = asked.weights()
    asked.stopped(wish, steps=3)
    heard = [one.media.data for one in asked.of(Sampled)]
    assert asked.told[-1].step == 3 and asked.weights() == before  # type: ignore[union-attr]
    assert [one.name for one in (asked.data / "loras").iterdir()] == ["zub.preview.png"]
    asked.restart()
    asked(wish)
    assert [one.step for one in asked.steps()] == [4, 5, 6, 7]
    assert numbers(asked.lora()) == unbroken
    assert heard + [one.media.data for one in asked.of(Sampled)] == samples


def test_one_that_nobody_wants_is_let_go_before_its_first_step(asked: Asked) -> None:
    asked.unwanted.add("job-1")
    assert [event.kind for event in asked(asked.wish())] == ["loading", "step", "cancelled"]
    assert not asked.steps()
    assert not Kept(asked.data, "job-1").folder.exists()


def test_what_was_learned_is_written_down_now_and_then(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "KEEP_SECONDS", 0.0)
    wish = asked.wish(steps=6, sample_every=100)
    turns = asked.turns(wish)
    while not asked.steps() or asked.steps()[-1].step < 4:
        next(turns)
    del turns  # the process ended here
    asked.restart()
    asked(wish)
    assert [one.step for one in asked.steps()] == [5, 6]


def test_what_belongs_to_another_training_is_not_gone_on_from(asked: Asked) -> None:
    asked.stopped(asked.wish(), steps=3)
    with pytest.raises(StudioError, match="training_state"):
        asked(asked.wish(learning_rate=0.001))


@pytest.mark.parametrize("spoilt", [lambda data: data[:-9], lambda data: b"", lambda data: b"\x80\x04K\x01."])
def test_what_was_kept_and_cannot_be_read_is_told(asked: Asked, spoilt: Callable[[bytes], bytes]) -> None:
    asked.stopped(asked.wish(), steps=3)
    state = Kept(asked.data, "job-1").state
    state.write_bytes(spoilt(state.read_bytes()))
    with pytest.raises(StudioError, match="training_state"):
        asked(asked.wish())


# -- failures -------------------------------------------------------------------------------------


def test_one_that_fails_leaves_the_model_as_it_was(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    before, real = asked.weights(), Trainer._losses

    def fail(self: Trainer, *given: Any) -> Any:
        if self.step == 2:
            raise ZeroDivisionError
        return real(self, *given)

    monkeypatch.setattr(Trainer, "_losses", fail)
    with pytest.raises(ZeroDivisionError):
        asked(asked.wish(text_encoder=True))
    assert asked.weights() == before
    assert not any(held.pinned for held in asked.registry.held())
    assert not (asked.data / "loras").exists() or not list((asked.data / "loras").iterdir())


def test_where_memory_runs_out_it_does_with_less_and_ends_all_the_same(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, real = [], Trainer._losses

    def short(self: Trainer, group: Any, model: Any) -> Any:
        assert self.room
        seen.append((self.step, self.room.together, self.room.twice))
        if not self.room.twice:
            raise MemoryError
        return real(self, group, model)

    monkeypatch.setattr(Trainer, "_losses", short)
    asked(asked.wish(steps=1))
    assert seen[:3] == [(0, 2, False), (0, 1, False), (0, 1, True)]
    assert isinstance(asked.told[-1], Answered)
    monkeypatch.setattr(Trainer, "_losses", lambda *_: _raise(MemoryError()))
    with pytest.raises(MemoryError):
        asked(asked.wish(steps=1).model_copy(update={"id": "other-1"}))


def _raise(error: Exception) -> None:
    raise error


def test_what_was_learned_before_a_failure_is_gone_on_from(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Trainer._losses

    def fail(self: Trainer, *given: Any) -> Any:
        return _raise(ZeroDivisionError()) if self.step == 4 else real(self, *given)

    # In a context of its own: to undo all would also undo that every step is told.
    with monkeypatch.context() as failing, pytest.raises(ZeroDivisionError):
        failing.setattr(Trainer, "_losses", fail)
        asked(asked.wish(steps=6))
    asked.restart()
    asked(asked.wish(steps=6))
    assert [one.step for one in asked.steps()][-2:] == [5, 6] and asked.steps()[0].step == 5


def test_one_that_learned_nothing_but_noise_keeps_what_it_had_before(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.stopped(asked.wish(steps=6, sample_every=100), 2)
    state = Kept(asked.data, "job-1").state
    before, real = state.read_bytes(), Trainer._losses
    spoil = {4: float("nan")}
    monkeypatch.setattr(
        Trainer, "_losses", lambda self, *given: real(self, *given) * spoil.get(self.step, 1.0)
    )
    with pytest.raises(StudioError, match="training_diverged"):
        asked(asked.wish(steps=6, sample_every=100))
    assert state.read_bytes() == before


# -- samples that cannot be painted ---------------------------------------------------------------

BROKEN = '("a cat", "a dog").blend(0.5, 0.5), in snow'


def notices(asked: Asked) -> list[str]:
    return [one.code for one in asked.of(Notice)]


def test_a_sample_that_cannot_be_painted_is_told_and_costs_nothing_else(asked: Asked) -> None:
    wish = asked.wish(steps=4, sample_every=2, samples=("zub", "a cat"))
    asked(wish)
    whole = numbers(asked.lora())
    # As it stands in records that were made before such prompts were refused.
    told = asked(wish.model_copy(update={"id": "other-1", "samples": (BROKEN, "a cat")}))
    assert isinstance(told[-1], Answered) and numbers(asked.lora()) == whole
    assert notices(asked) == ["sample_lost", "blend_not_whole"] * 2
    assert {one.request for one in asked.of(Notice)} == {"other-1"}
    assert asked.of(Notice)[0].params == {"step": 2, "prompt": BROKEN}
    assert [(one.step, one.prompt) for one in asked.of(Sampled)] == [(2, "a cat"), (4, "a cat")]


def test_one_whose_sample_cannot_be_painted_can_still_end_early(asked: Asked) -> None:
    wish = asked.wish(steps=6, sample_every=100).model_copy(update={"samples": (BROKEN,)})
    asked.stopped(wish, 3)
    told = asked(wish.model_copy(update={"early": True}))
    assert isinstance(told[-1], Answered) and notices(asked) == ["sample_lost", "blend_not_whole"]
    assert read_lora(asked.lora()).about["ss_steps"] == "3"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (
            StudioError("picture_broken", model="Tiny"),
            Trouble(code="picture_broken", params={"model": "Tiny"}),
        ),
        (ZeroDivisionError(), Trouble(code="bug", params={"kind": "ZeroDivisionError"})),
    ],
)
def test_whatever_fails_while_a_sample_is_decoded_is_told_with_its_reason(
    asked: Asked, error: Exception, why: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "decode", lambda *_: _raise(error))
    told = asked(asked.wish(steps=2))
    lost, reason = asked.of(Notice)
    assert isinstance(told[-1], Answered) and lost.code == "sample_lost"
    assert Trouble(code=reason.code, params=reason.params) == why


def test_a_sample_that_has_too_little_memory_is_painted_in_tiles_from_then_on(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles, real = [], run.decode

    def short(vae: Any, latents: Any) -> Any:
        tiles.append(vae.use_tiling)
        return real(vae, latents) if vae.use_tiling else _raise(MemoryError())

    monkeypatch.setattr(run, "decode", short)
    asked(asked.wish(steps=4, sample_every=2))
    assert tiles == [False, True, True] and notices(asked) == ["memory_retry"]
    assert [one.step for one in asked.of(Sampled)] == [2, 4]
    with asked.registry.lease(asked.spec) as model:
        assert not model.parts["vae"].use_tiling


def test_a_sample_that_has_too_little_memory_even_in_tiles_is_told(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "decode", lambda *_: _raise(MemoryError()))
    told = asked(asked.wish(steps=2))
    assert isinstance(told[-1], Answered)
    assert notices(asked) == ["memory_retry", "sample_lost", "memory_short"]


@pytest.mark.parametrize("when", ["in the middle", "at the end"])
def test_a_file_that_cannot_be_written_whole_is_not_there_at_all(
    asked: Asked, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = files.save_file

    def half(tensors: Any, path: Path, about: Any) -> None:
        real(tensors, path, about)
        assert not list(path.parent.glob("*.safetensors"))
        if when == "in the middle":
            path.write_bytes(path.read_bytes()[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "save_file", half)
    with pytest.raises(StudioError, match="disk_unwritable"):
        asked(asked.wish())
    left = [one.name for one in (asked.data / "loras").iterdir()]
    assert left == ["zub.preview.png"]
    monkeypatch.undo()
    asked.restart()
    asked(asked.wish())
    assert asked.lora().name == "zub.safetensors"


def test_a_picture_that_was_taken_away_meanwhile_is_told(asked: Asked) -> None:
    wish = asked.wish()
    (asked.data / "inputs" / f"{wish.pictures[1].picture}.png").unlink()
    with pytest.raises(StudioError, match="input_unknown"):
        asked(wish)


# -- ending early ---------------------------------------------------------------------------------


def test_one_that_ends_early_is_written_as_it_is_with_a_last_sample(asked: Asked) -> None:
    wanted = asked.wish(steps=6, sample_every=100)
    asked.stopped(wanted, 3)
    asked.restart()
    before = asked.weights()
    told = asked(wanted.model_copy(update={"early": True}))
    assert isinstance(told[-1], Answered) and not asked.of(Step)
    assert [one.step for one in asked.of(Sampled)] == [3]
    about = read_lora(asked.lora()).about
    assert (about["ss_steps"], about["ss_max_train_steps"]) == ("3", "6")
    assert picture_bytes(asked.lora(), about_lora(asked.lora(), about))
    assert asked.weights() == before and not Kept(asked.data, wanted.id).folder.exists()


def test_one_that_has_learned_nothing_cannot_end_early(asked: Asked) -> None:
    with pytest.raises(StudioError, match="training_unlearned"):
        asked(asked.wish().model_copy(update={"early": True}))
